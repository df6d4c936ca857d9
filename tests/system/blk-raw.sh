#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A stock guest's ext4 on a raw image through mica-blkd: tree, checksums, discard, resize, detach; and
# one with sectors of 4 KiB.
# seconds: 120
. tests/system/lib.sh
truncate -s 512M "$WORK/host.img"
mke2fs -q -t ext4 "$WORK/host.img"
guests blk-raw "lab-store=mica" --disk "virtio:$WORK/host.img" --limit 2400
