#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Debian's cloud kernel is built without support for being dom0.
# seconds: 3
. tests/system/lib.sh
cannot_boot 'dom0' --module "$BUILD/lab/cloud/vmlinux console=hvc0" \
	--module "$BUILD/lab/6.1/initrd"
