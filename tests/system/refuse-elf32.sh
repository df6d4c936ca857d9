#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A 32-bit ELF file.
# seconds: 2
. tests/system/lib.sh
head -c 1000000 "$BUILD/lab/6.1/vmlinux" >"$WORK/kernel"
patch_bytes "$WORK/kernel" 4 01
cannot_boot '64' --module "$WORK/kernel"
