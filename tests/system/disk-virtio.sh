#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Raw and file system data through a disk on virtio.
# seconds: 14
. tests/system/lib.sh
make_raw_disk "$WORK/raw.img"
make_ext4_disk "$WORK/ext4.img"
boot disk disks=2 --cpus 2 --disk "virtio:$WORK/raw.img" --disk "virtio:$WORK/ext4.img"
check_raw_disk "$WORK/raw.img" "$LOG"
check_ext4_disk "$WORK/ext4.img"
rm -rf "$WORK"
