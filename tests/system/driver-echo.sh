#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# docs/examples/echo, which `mica driver new` made: its back end in dom0's user space and kernel,
# its front end in a stock guest's user space and kernel, killed and started again under load.
# seconds: 60
. tests/system/lib.sh

version=$(cat "$BUILD/lab/6.1/version")
headers=/usr/src/linux-headers-$version
[ -e "$headers" ] || tests/lab/setup.sh headers "$version" || true
[ -e "$headers" ] || skip "no $headers to build modules with: apt-get install linux-headers-$version"
echo=$WORK/echo
make -s -C docs/examples/echo OUT="$(realpath "$WORK")/echo" all >"$WORK/make.log" 2>&1 ||
	fail "the example does not build: $(tail -n 5 "$WORK/make.log")"
make -s -C docs/examples/echo OUT="$(realpath "$WORK")/echo" KDIR="$headers" modules \
	>>"$WORK/make.log" 2>&1 ||
	fail "its modules do not build: $(grep -m 3 -E 'error|Error' "$WORK/make.log")"
mkdir "$WORK/files"
cp "$echo"/echo-{backd,frontd} "$echo"/linux/*/*_mod.ko "$WORK/files"
for module in xen-evtchn xen-gntalloc; do
	cp "$BUILD/lab/6.1/root/lib/modules/$version/kernel/drivers/xen/$module.ko" "$WORK/files"
done
archive_disk "$WORK/files" "$WORK/disk.img"
guests driver-echo "lab-store=mica disks=1" --disk "virtio:$WORK/disk.img" --limit 2400
