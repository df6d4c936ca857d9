#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Debian's kernels as guests: 6.1, its cloud flavour, 6.12; one vCPU and eight.
# seconds: 120
. tests/system/lib.sh
mkdir -p "$WORK/kernels"
for flavour in 6.1 cloud 6.12; do
	cp -L "$BUILD/lab/$flavour/vmlinuz" "$WORK/kernels/debian-$flavour"
	cp "$BUILD/lab/$flavour/version" "$WORK/kernels/debian-$flavour.version"
done
archive_disk "$WORK/kernels" "$WORK/kernels.img"
guests guest-kernels "lab-store=mica" --limit 2400 --dom0-memory 832 --disk "virtio:$WORK/kernels.img"
