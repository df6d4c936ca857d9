#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A bzImage straight from the distribution: the sentence names mica-unpack.
# seconds: 2
. tests/system/lib.sh
cannot_boot 'mica-unpack|bzImage|ELF' --module "$BUILD/lab/6.1/vmlinuz console=hvc0"
