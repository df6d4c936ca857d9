#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# GRUB from BIOS: Multiboot 2.
# seconds: 22
. tests/system/lib.sh
tests/lab/mkiso.sh "$WORK/mica.iso" "$ELF" "$BUILD/lab/6.1/vmlinux" \
	"$BUILD/lab/6.1/initrd" "dom0_mem=512M $END_OPTION" "lab=test:boot cpus=2"
boot boot "" --cpus 2 --boot bios --iso "$WORK/mica.iso" --refuse '^error: '
rm -rf "$WORK"
