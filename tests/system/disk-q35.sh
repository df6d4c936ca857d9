#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The other chipset: PCI Express, its configuration window, its AHCI controller.
# seconds: 16
. tests/system/lib.sh
make_raw_disk "$WORK/raw.img"
make_ext4_disk "$WORK/ext4.img"
boot disk disks=2 --cpus 2 --machine q35 --disk "ahci:$WORK/raw.img" --disk "ahci:$WORK/ext4.img"
check_raw_disk "$WORK/raw.img" "$LOG"
check_ext4_disk "$WORK/ext4.img"
rm -rf "$WORK"
