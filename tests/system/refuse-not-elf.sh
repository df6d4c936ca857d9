#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The first module is a text file.
# seconds: 2
. tests/system/lib.sh
head -c 100000 Makefile >"$WORK/kernel"
cannot_boot 'ELF' --module "$WORK/kernel"
