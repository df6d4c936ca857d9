#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Debian 12 itself as dom0, from a disk, with its own systemd and initramfs: Mica's units start, survive
# kills of what they run, and find their networks again.  Needs mmdebstrap (apt-get install mmdebstrap)
# and a Debian mirror; the system is made once and kept in BUILD/lab/debian.tar.
# by hand
# seconds: 400
. tests/system/lib.sh
command -v mmdebstrap >/dev/null || skip "no mmdebstrap: apt-get install mmdebstrap"
version=$(basename "$(readlink "$BUILD/lab/6.1/vmlinuz")" | sed 's/^vmlinuz-//')
tar=$BUILD/lab/debian.tar
root=$WORK/root
packages=systemd,systemd-sysv,udev,kmod,iproute2,procps,linux-image-$version
packages+=,libxengnttab1,libxenevtchn1,libxenforeignmemory1
[ -e "$tar" ] || {
	mmdebstrap --variant=minbase --include=$packages bookworm "${tar%.tar}-new.tar"
	mv "${tar%.tar}-new.tar" "$tar"
}
mkdir "$root"
tar -xf "$tar" -C "$root"

# docs/services.md, by hand
install -m 755 "$BUILD"/tools/mica "$root/usr/bin/"
install -m 755 "$BUILD"/tools/mica-{stored,consoled,blkd,netd} "$root/usr/sbin/"
install -m 644 dom0-tools/systemd/mica* dom0-tools/systemd/proc-xen.mount "$root/usr/lib/systemd/system/"
install -m 644 dom0-tools/systemd/modules-load.conf "$root/usr/lib/modules-load.d/mica.conf"
install -m 644 dom0-tools/systemd/sysusers.conf "$root/usr/lib/sysusers.d/mica.conf"
install -m 755 tests/lab/debian/check "$root/root/"
install -m 644 tests/lab/debian/check.service "$root/etc/systemd/system/"
install -D -m 644 tests/lab/guest/tiny.cfg "$BUILD/lab/tiny.elf" -t "$root/guests"
systemctl --root "$root" enable mica.target mica-{stored,consoled,blkd,netd,networks}.service check.service
echo '/dev/vda / ext4 defaults 0 1' >"$root/etc/fstab"
echo dom0 >"$root/etc/hostname"

cp "$root/boot/initrd.img-$version" "$WORK/initrd"
truncate -s 2G "$WORK/disk.img"
mkfs.ext4 -q -d "$root" "$WORK/disk.img"
rm -rf "$root"
qemu --cpus 2 --memory 2048 --dom0-memory 1024 --limit 3600 --disk "virtio:$WORK/disk.img" \
	--module "$BUILD/lab/6.1/vmlinux root=/dev/vda ro console=hvc0 systemd.show_status=0" \
	--module "$WORK/initrd" --refuse 'LAB-RESULT: fail' --expect 'LAB-RESULT: ok debian-dom0' \
	"${LAST_AUDIT[@]}" --end off
rm -rf "$WORK"
