#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A kernel whose segments reach past the end of the file.
# seconds: 2
. tests/system/lib.sh
head -c 1000000 "$BUILD/lab/6.1/vmlinux" >"$WORK/kernel"
cannot_boot 'segment|truncated|ends|end of|short|past|outside|beyond' --module "$WORK/kernel"
