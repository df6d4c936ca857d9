#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
#   demo.sh BUILD [options of qemu.py]
#
# Boots dom0 with two CPUs, a virtio disk, an e1000 and a virtio network card and no person:
# shows the interrupts, moves data to and from the disk, pings through both cards, takes a CPU
# down and up; then `mica` creates two stock Debian guests with a disk and a network card each, types
# on their consoles, checks disks and network (image/devices.sh) while their daemons are killed, pauses,
# balloons, changes vCPUs, reboots, shuts down and destroys.  At the end the checksums that dom0
# printed are compared with the disk as it stands here.  The last line is `demo: ok`.
# GUESTS=0 leaves the guests out.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/host.sh"

build=$1
shift
work=$build/demo
mkdir -p "$work"
image=initrd-guests disks=2
storage=(--disk "virtio-ro:$build/lab/storage.img")
[ "${GUESTS:-2}" != 0 ] || image=initrd disks=1 storage=()
# a kernel complains of a CPU that was silent for 20 s; all are when the host stops QEMU for so long
patience="watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=300"
make_raw_disk "$work/disk.img"
"$here/qemu.py" --build "$build" --image $image --cpus 2 --memory 2048 --dom0-memory 640 \
	--disk "virtio:$work/disk.img" "${storage[@]}" --nic e1000 --nic virtio \
	--limit 2400 --log "$work/console.log" \
	--cmdline "lab=demo cpus=2 disks=$disks nics=2 lab-store=mica $patience" \
	--expect 'LAB-RESULT: ok demo' --refuse 'LAB-RESULT: fail' \
	--expect 'audit: clean' --refuse 'audit: ([1-9]|skipped)' --end off "$@"
check_raw_disk "$work/disk.img" "$work/console.log"
echo "demo: ok"
