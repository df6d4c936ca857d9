#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
#   mkstorage.sh LAB NBD     writes LAB/storage.img
#
# An ext4 file system for dom0 with the programs that serve disks of other formats than raw,
# qemu-storage-daemon and mica-blkd-nbd, and all libraries they name, from LAB/storage-tools; and
# two copies of a root file system for guests: /root.img, raw, and /root.qcow2; /empty.qcow2.
set -euo pipefail
lab=$1
nbd=$2
here=$(cd "$(dirname "$0")" && pwd)
tmp=$lab/storage.tmp
debian=$lab/storage-tools/root

# add_libraries FILE...: every shared library they need, and what those need
add_libraries()
{
	local file name found

	for file in "$@"; do
		for name in $(objdump -p "$file" 2>/dev/null | sed -n 's/^ *NEEDED *//p'); do
			[ ! -e "$tmp/lib/$name" ] || continue
			found=$(find "$debian"/lib "$debian"/usr/lib -name "$name" | head -n 1)
			[ -n "$found" ] || {
				echo "mkstorage: $file needs $name, which no package of STORAGE_TOOLS has" >&2
				exit 1
			}
			cp -L "$found" "$tmp/lib/$name"
			add_libraries "$found"
		done
	done
}

# The guest's root: what is in its initrd's busybox, with the same /init.
make_root()
{
	local root=$lab/storage-root.tmp

	rm -rf "$root"
	mkdir -p "$root"/{bin,sbin,dev,etc,proc,sys,run,root,mnt,tmp}
	cp "$(command -v busybox)" "$root/bin/busybox"
	for name in poweroff reboot halt; do
		ln -s ../bin/busybox "$root/sbin/$name"
	done
	install -m 755 "$here/guest/init" "$root/init"
	rm -f "$tmp/root.img"
	truncate -s 64M "$tmp/root.img"
	mke2fs -q -t ext4 -d "$root" "$tmp/root.img"
	rm -rf "$root"
}

qemu_img()
{
	"$debian/usr/bin/qemu-img" "$@" 2>/dev/null ||
		LD_LIBRARY_PATH=$tmp/lib "$debian/usr/bin/qemu-img" "$@"
}

echo "lab: making the disk with storage tools"
rm -rf "$tmp"
mkdir -p "$tmp"/{bin,lib}
cp "$debian/usr/bin/qemu-storage-daemon" "$nbd" "$tmp/bin/"
add_libraries "$tmp"/bin/*
make_root
qemu_img convert -f raw -O qcow2 "$tmp/root.img" "$tmp/root.qcow2"
qemu_img create -q -f qcow2 "$tmp/empty.qcow2" 32M
rm -f "$lab/storage.img.new"
truncate -s 384M "$lab/storage.img.new"
mke2fs -q -t ext4 -d "$tmp" "$lab/storage.img.new"
mv "$lab/storage.img.new" "$lab/storage.img"
rm -rf "$tmp"
