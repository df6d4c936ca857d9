#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A stock guest with its root file system on a raw image: kills, restart, a second user refused.
# seconds: 150
. tests/system/lib.sh
[ -e "$BUILD/lab/storage.img" ] || skip "no disk with storage tools: make guest-images"
cp --sparse=always "$BUILD/lab/storage.img" "$WORK/host.img"
guests blk-root "lab-store=mica BLK_TYPE=raw" --disk "virtio:$WORK/host.img" --limit 2400
# what the guest left is a whole file system, by other eyes than ours
debugfs -R "dump root.img $WORK/root" "$WORK/host.img" 2>/dev/null
e2fsck -fn "$WORK/root" >"$WORK/fsck" 2>&1 || { cat "$WORK/fsck"; fail "the image is damaged"; }
