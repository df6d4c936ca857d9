#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
#   mkinitrd.sh LAB DIR      writes DIR/initrd, the dom0 image for the kernel in DIR
#
# A cpio archive for initramfs: static busybox, the lab's own programs from LAB/bin, /init and
# /tests from tests/lab/image, and those of the kernel's modules that the lab's devices need,
# with what they depend on.  Not compressed: an emulated CPU copies faster than it inflates.
set -euo pipefail

MODULES="virtio_pci virtio_blk virtio_net e1000 e1000e ahci sd_mod nvme ext4 loop tun
	xen-privcmd xen-evtchn xen-gntdev xen-gntalloc xenfs xen-blkback xen-netback
	xen-blkfront xen-netfront"

lab=$1
dir=$2
here=$(cd "$(dirname "$0")" && pwd)
version=$(cat "$dir/version")
from=$dir/root
tmp=$dir/initrd.tmp
busybox=$(command -v busybox) || { echo "mkinitrd: no busybox; run make test" >&2; exit 1; }

echo "lab: making the dom0 image for $version"
rm -rf "$tmp"
mkdir -p "$tmp"/{bin,sbin,dev,etc,proc,sys,run,root,mnt,lib/modules/"$version"}
cp "$busybox" "$tmp/bin/busybox"
ln -s ../bin/busybox "$tmp/sbin/modprobe"	# where the kernel looks for it
install -m 755 "$here/image/init" "$tmp/init"
cp -r "$here/image/tests" "$here/image/lab.sh" "$tmp/"
for program in "$lab"/bin/*; do
	[ -x "$program" ] && cp "$program" "$tmp/bin/"
done

# Modules with their dependencies; busybox reads neither xz nor zstd reliably, so unpack those.
for module in $MODULES; do
	modprobe -d "$from" -S "$version" --show-depends "$module" 2>/dev/null |
		sed -n 's/^insmod \([^ ]*\).*/\1/p'
done | sort -u | while read -r file; do
	to=$tmp/lib/modules/$version/kernel/$(basename "$file")
	mkdir -p "$(dirname "$to")"
	case $file in
	*.xz) xz -dc "$file" >"${to%.xz}" ;;
	*.zst) zstd -qdc "$file" >"${to%.zst}" ;;
	*) cp "$file" "$to" ;;
	esac
done
for list in modules.builtin modules.builtin.modinfo modules.order; do
	[ ! -e "$from/lib/modules/$version/$list" ] ||
		cp "$from/lib/modules/$version/$list" "$tmp/lib/modules/$version/"
done
depmod -b "$tmp" "$version"
rm -f "$tmp/lib/modules/$version"/modules.{builtin,order,symbols}* \
	"$tmp/lib/modules/$version"/*.bin

(cd "$tmp" && find . | sort | cpio -o -H newc -R 0:0 --quiet) >"$dir/initrd.new"
mv "$dir/initrd.new" "$dir/initrd"
rm -rf "$tmp"
