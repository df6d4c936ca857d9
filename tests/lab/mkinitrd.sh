#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
#   mkinitrd.sh LAB DIR              writes DIR/initrd, the dom0 image for the kernel in DIR
#   mkinitrd.sh --guests LAB DIR     writes DIR/initrd-guests: the same with Debian's Xen tools
#                                    from LAB/xen-tools, Mica's from LAB/../tools, and guests
#
# A cpio archive for initramfs: static busybox, the lab's own programs from LAB/bin, /init and
# /tests from tests/lab/image, and those of the kernel's modules that the lab's devices need,
# with what they depend on.  Not compressed: an emulated CPU copies faster than it inflates.
#
# With guests it has more: programs with the shared libraries they name, found by following
# NEEDED entries through the unpacked packages (the host's libraries never get in), and
# /guests: the stock kernel, an initrd that is busybox with guest/init, tiny.elf and front.elf; the
# configurations are docs/examples, below /root.
set -euo pipefail

MODULES="virtio_pci virtio_blk virtio_net e1000 e1000e ahci sd_mod nvme ext4 loop brd tun
	xen-privcmd xen-evtchn xen-gntdev xen-gntalloc xenfs xen-blkback xen-netback
	xen-blkfront xen-netfront nft_chain_nat nft_masq nft_ct bridge"
GUEST_MODULES="xen-blkfront xen-netfront ext4"
GUEST_PROGRAMS="sbin/mke2fs sbin/e2fsck sbin/resize2fs"
XEN_PROGRAMS="usr/lib/xen-4.17/bin/xl usr/lib/xen-4.17/bin/xenstored usr/lib/xen-4.17/bin/xenconsoled
	usr/lib/xen-4.17/bin/xenconsole usr/lib/xen-4.17/bin/xentop usr/lib/xen-4.17/bin/xen-init-dom0
	usr/lib/xen-4.17/bin/lsevtchn usr/lib/xen-4.17/bin/xenperf usr/lib/xen-4.17/bin/xenctx
	usr/lib/xen-4.17/bin/libxl-save-helper
	usr/bin/xenstore usr/bin/xenstore-ls usr/bin/xenstore-list usr/bin/xenstore-read
	usr/bin/xenstore-write usr/bin/xenstore-rm usr/bin/xenstore-exists usr/bin/xenstore-chmod
	usr/bin/xenstore-watch"
NET_PROGRAMS="usr/sbin/nft usr/sbin/dnsmasq"

guests=
[ "$1" != --guests ] || { guests=-guests; shift; }
lab=$1
dir=$2
here=$(cd "$(dirname "$0")" && pwd)
version=$(cat "$dir/version")
from=$dir/root
tmp=$dir/initrd$guests.tmp
busybox=$(command -v busybox) || { echo "mkinitrd: no busybox; run make test" >&2; exit 1; }

# pack DIRECTORY FILE
pack()
{
	(cd "$1" && find . | sort | cpio -o -H newc -R 0:0 --quiet) >"$2.new"
	mv "$2.new" "$2"
	rm -rf "$1"
}

# busybox_root DIRECTORY: what both a guest and dom0 have
busybox_root()
{
	rm -rf "$1"
	mkdir -p "$1"/{bin,sbin,dev,etc,proc,sys,run,root,mnt,tmp}
	cp "$busybox" "$1/bin/busybox"
	ln -s ../bin/busybox "$1/sbin/modprobe"	# where the kernel looks for it
	for name in poweroff reboot halt; do
		ln -s ../bin/busybox "$1/sbin/$name"
	done
}

# add_modules ROOT MODULE...: with their dependencies; busybox reads neither xz nor zstd reliably,
# so unpack those.
add_modules()
{
	local root=$1 module file to list

	shift
	mkdir -p "$root/lib/modules/$version"
	for module in "$@"; do
		modprobe -d "$from" -S "$version" --show-depends "$module" 2>/dev/null |
			sed -n 's/^insmod \([^ ]*\).*/\1/p'
	done | sort -u | while read -r file; do
		to=$root/lib/modules/$version/kernel/$(basename "$file")
		mkdir -p "$(dirname "$to")"
		case $file in
		*.xz) xz -dc "$file" >"${to%.xz}" ;;
		*.zst) zstd -qdc "$file" >"${to%.zst}" ;;
		*) cp "$file" "$to" ;;
		esac
	done
	for list in modules.builtin modules.builtin.modinfo modules.order; do
		[ ! -e "$from/lib/modules/$version/$list" ] ||
			cp "$from/lib/modules/$version/$list" "$root/lib/modules/$version/"
	done
	depmod -b "$root" "$version"
	rm -f "$root/lib/modules/$version"/modules.{builtin,order,symbols}* \
		"$root/lib/modules/$version"/*.bin
}

# add_libraries DIRECTORY FILE...: copy every shared library they need, and what those need.
add_libraries()
{
	local root=$1 file name found

	shift
	for file in "$@"; do
		for name in $(objdump -p "$file" 2>/dev/null | sed -n 's/^ *NEEDED *//p'); do
			[ ! -e "$root/lib/x86_64-linux-gnu/$name" ] || continue
			found=$(find "$debian"/lib "$debian"/usr/lib -name "$name" | head -n 1)
			[ -n "$found" ] || {
				echo "mkinitrd: $file needs $name, which no package of XEN_TOOLS has" >&2
				exit 1
			}
			cp -L "$found" "$root/lib/x86_64-linux-gnu/$name"
			add_libraries "$root" "$found"
		done
	done
}

add_tools()
{
	local program

	debian=$lab/xen-tools/root
	mkdir -p "$tmp"/{lib64,var/lib,var/log,var/lock,usr/bin,etc/xen} \
		"$tmp"/lib/{x86_64-linux-gnu,terminfo/l,terminfo/v} "$tmp/usr/lib/xen-4.17/bin"
	ln -s ../run "$tmp/var/run"
	cp -L "$debian/lib64/ld-linux-x86-64.so.2" "$tmp/lib64/"
	# libxl asks the C library for pthread_cancel, which loads this one by name
	cp -L "$debian/lib/x86_64-linux-gnu/libgcc_s.so.1" "$tmp/lib/x86_64-linux-gnu/"
	for program in $XEN_PROGRAMS; do
		cp "$debian/$program" "$tmp/$program"
		add_libraries "$tmp" "$debian/$program"
	done
	for program in $NET_PROGRAMS; do
		cp "$debian/$program" "$tmp/bin/"
		add_libraries "$tmp" "$debian/$program"
	done
	cp -r "$debian/etc/xen/xl.conf" "$debian/etc/xen/scripts" "$tmp/etc/xen/"
	cp "$debian/bin/bash" "$debian/usr/bin/flock" "$tmp/bin/"	# for those scripts
	add_libraries "$tmp" "$debian/bin/bash"
	for program in l/linux v/vt100; do
		[ ! -e "/lib/terminfo/$program" ] ||
			cp "/lib/terminfo/$program" "$tmp/lib/terminfo/$program"
	done
	for program in "$lab"/../tools/*; do
		[ -x "$program" ] && [ ! -d "$program" ] || continue
		case $program in
		*/mica-blkd-nbd) continue ;;	# in storage.img, with its 60 MB of libraries
		esac
		cp "$program" "$tmp/bin/"
		add_libraries "$tmp" "$program"
	done
	# what an installed dom0 starts them by, and where it looks for them
	mkdir -p "$tmp"/usr/lib/systemd/system "$tmp/usr/sbin"
	cp "$here"/../../dom0-tools/systemd/*.service "$tmp/usr/lib/systemd/system/"
	ln -s ../../bin/mica "$tmp/usr/bin/mica"
	for program in stored consoled blkd netd; do
		ln -s "../../bin/mica-$program" "$tmp/usr/sbin/mica-$program"
	done
}

add_guests()
{
	local root=$tmp.guest

	mkdir -p "$tmp/guests"
	cp -L "$dir/vmlinuz" "$tmp/guests/vmlinuz"
	cp "$lab/tiny.elf" "$lab/front.elf" "$tmp/guests/"
	busybox_root "$root"
	install -m 755 "$here/guest/init" "$root/init"
	add_modules "$root" $GUEST_MODULES
	mkdir -p "$root/lib64" "$root/lib/x86_64-linux-gnu"
	cp -L "$debian/lib64/ld-linux-x86-64.so.2" "$root/lib64/"
	for program in $GUEST_PROGRAMS; do
		cp "$debian/$program" "$root/$program"
		add_libraries "$root" "$debian/$program"
	done
	cp "$lab/bin/blkload" "$root/bin/"
	cp "$lab/bin/netload" "$lab/bin/blkread" "$root/bin/"
	pack "$root" "$tmp/guests/initrd"
	cp "$here"/guest/*.cfg "$tmp/guests/"
	# as in the checkout, so that the README's commands work in dom0 as they stand there
	mkdir -p "$tmp/root/docs/examples"
	cp "$here"/../../docs/examples/*.cfg "$tmp/root/docs/examples/"
}

echo "lab: making the dom0 image for $version${guests:+ with guests}"
busybox_root "$tmp"
install -m 755 "$here/image/init" "$tmp/init"
cp -r "$here/image/tests" "$here"/image/*.sh "$tmp/"
for program in "$lab"/bin/*; do
	[ -x "$program" ] && cp "$program" "$tmp/bin/"
done
add_modules "$tmp" $MODULES
if [ -n "$guests" ]; then
	add_tools
	add_guests
fi
pack "$tmp" "$dir/initrd$guests"
