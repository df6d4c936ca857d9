#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The process of a disk and its supervisor killed with SIGKILL under load: no acknowledged write is
# lost, no request stays unanswered.  KILLS=100 for the long form.
# seconds: 150
. tests/system/lib.sh
truncate -s 256M "$WORK/host.img"
mke2fs -q -t ext4 "$WORK/host.img"
guests blk-kill "lab-store=mica KILLS=${KILLS:-25}" --disk "virtio:$WORK/host.img" --limit 2400
