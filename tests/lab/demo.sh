#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
#   demo.sh BUILD [options of qemu.py]
#
# Boots dom0 with two CPUs, a virtio disk, an e1000 and a virtio network card and no person:
# shows the interrupts, moves data to and from the disk, pings through both cards, takes a CPU
# down and up, powers off.  Then compares the checksums that dom0 printed with the disk as it
# stands here.  The last line is `demo: ok`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/host.sh"

build=$1
shift
work=$build/demo
mkdir -p "$work"
make_raw_disk "$work/disk.img"
"$here/qemu.py" --build "$build" --cpus 2 --disk "virtio:$work/disk.img" --nic e1000 --nic virtio \
	--cmdline "lab=demo cpus=2 disks=1 nics=2" --log "$work/console.log" \
	--expect 'LAB-RESULT: ok demo' --refuse 'LAB-RESULT: fail' \
	--expect 'audit: clean' --refuse 'audit: ([1-9]|skipped)' --end off "$@"
check_raw_disk "$work/disk.img" "$work/console.log"
echo "demo: ok"
