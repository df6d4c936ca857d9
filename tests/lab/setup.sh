#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Set-up of a fresh Debian 12: packages, and the stock kernels the lab boots.
#
#   setup.sh packages build|lab|bochs  install what is missing (needs root only if something is)
#   setup.sh kernel 6.1|6.12|cloud DIR   fetch Debian's kernel package, unpack it into DIR
#   setup.sh headers VERSION       install what modules of kernel VERSION are built with
#   setup.sh xen DIR                 fetch Debian's Xen, the reference the lab compares against
#   setup.sh xen-tools DIR           fetch Debian's Xen tools and their libraries into DIR/root
#   setup.sh storage-tools DIR       the same for qemu-storage-daemon and libnbd
#
# Kernels are never installed: the package file is unpacked with dpkg-deb.  Versions come
# from apt, so the newest point release is what gets tested.  Backports are read through an
# apt configuration of our own under DIR; /etc is not changed.  What is already there is
# kept: delete the directory to fetch again.
set -euo pipefail
export LC_ALL=C		# what apt says is read here

# One at a time: make starts several at once, and no apt-get waits for the lock of its lists.
[ -n "${SETUP_LOCKED:-}" ] || SETUP_LOCKED=1 exec flock -o "$0" "$0" "$@"

BUILD_PACKAGES="gcc binutils libc6-dev liblzma-dev libzstd-dev zlib1g-dev liblz4-dev libxen-dev
	libncurses-dev libjansson-dev liburing-dev libnbd-dev"
LAB_PACKAGES="$BUILD_PACKAGES g++ clang libcmocka-dev qemu-system-x86 qemu-utils busybox-static
	cpio kmod python3 xz-utils zstd lz4 gzip bzip2 e2fsprogs grub-common grub-pc-bin
	grub-efi-amd64-bin xorriso mtools ovmf gdb xenstore-utils"

# For bochs.py, which is by hand: the tests run without.
BOCHS_PACKAGES="bochs bochsbios vgabios"

# What Debian's own tools in dom0 need, down to the C library: dom0's image has no other.
XEN_TOOLS="xen-utils-4.17 xen-utils-common xenstore-utils libxencall1 libxendevicemodel1
	libxenevtchn1 libxenforeignmemory1 libxengnttab1 libxenhypfs1 libxenmisc4.17 libxenstore4
	libxentoolcore1 libxentoollog1 libyajl2 libnl-3-200 libnl-route-3-200 libncurses6
	libncursesw6 libtinfo6 libuuid1 liblzma5 libzstd1 libbz2-1.0 liblzo2-2 liblz4-1 zlib1g
	libfdt1 libgcrypt20 libgpg-error0 libgcc-s1 libc6
	nftables libnftables1 libnftnl11 libmnl0 libjansson4 libgmp10 libedit2 libbsd0 libmd0
	libxtables12 dnsmasq-base libdbus-1-3 libhogweed6 libidn2-0 libnetfilter-conntrack3
	libnettle8 libnfnetlink0 libunistring2 libsystemd0 libcap2
	e2fsprogs libext2fs2 libcom-err2 libblkid1 bash util-linux"

# What disks of other formats than raw need in dom0; they come on a disk, not in its image.
STORAGE_TOOLS="qemu-system-common qemu-utils libnbd0 libxml2 libicu72 libstdc++6 libgnutls30
	liburing2 libaio1 libnuma1 libfuse3-3 libglib2.0-0 libgmp10 libhogweed6 libnettle8 libidn2-0
	libunistring2 libtasn1-6 libp11-kit0 libffi8 libpcre2-8-0 liblzma5 libzstd1 zlib1g
	libxengnttab1 libxenevtchn1 libxentoolcore1 libxentoollog1 libc6 libgcc-s1"

say()
{
	echo "setup: $*"
}

die()
{
	echo "setup: $*" >&2
	exit 1
}

# The packages of the list that dpkg does not know as installed.
missing()
{
	local p
	for p in "$@"; do
		case "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" in
		installed*) ;;
		*) echo "$p" ;;
		esac
	done
}

# apt-get update with the options given.  Others' apt-get is waited for, as on a machine that has just
# booted; apt itself does so for dpkg's lock, but not for that of the lists.
update()
{
	local said tries=60

	until said=$(apt-get -q "$@" update 2>&1 >/dev/null); do
		[[ $said == *"Could not get lock"* ]] && [ $((tries--)) -gt 0 ] || {
			echo "$said" >&2
			return 1
		}
		sleep 5
	done
}

packages()
{
	local list want

	command -v dpkg-query >/dev/null || {
		say "no dpkg here, so nothing is installed; Debian calls what is needed: $*"
		return 0
	}
	list=$(missing "$@")
	[ -n "$list" ] || return 0
	want=$(echo $list)
	[ "$(id -u)" = 0 ] || die "not root, so cannot install: apt-get install $want"
	say "installing $want"
	export DEBIAN_FRONTEND=noninteractive
	update || die "apt-get update failed; is the package mirror reachable?"
	apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends $want >/dev/null ||
		die "apt-get install $want failed"
}

# Options that make apt read only Debian's backports, with its state below $1.
backports_apt()
{
	local dir=$1/apt mirror

	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' 2>/dev/null |
		head -n 1)
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" \
		"${mirror:-http://deb.debian.org/debian/} bookworm-backports main" >"$dir/sources.list"
	APT="-o Dir::Etc::SourceList=$dir/sources.list -o Dir::Etc::SourceParts=-
		-o Dir::State::Lists=$dir/lists -o Dir::Cache=$dir/cache"
}

# Download the package that meta-package $1 depends on (or $1 itself) into directory $2.
# Prints the file's name.
download()
{
	local meta=$1 into=$2 pkg

	rm -rf "$into.new"
	mkdir -p "$into" "$into.new"
	update $APT || die "apt-get update failed for $meta"
	pkg=$(apt-cache $APT depends "$meta" | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' |
		head -n 1)
	[ -n "$pkg" ] || pkg=$meta
	say "downloading $pkg" >&2
	# apt-get leaves the part of a file that it has under the name of the whole
	(cd "$into.new" && apt-get -q $APT -o APT::Sandbox::User=root download "$pkg" >/dev/null) ||
		die "cannot download $pkg"
	mv "$into.new/${pkg}"_*.deb "$into/"
	rmdir "$into.new"
	ls -t "$into/${pkg}"_*.deb | head -n 1
}

# Put the kernel package of flavour $1 into directory $2: vmlinuz and, but for the cloud
# flavour which is only ever refused, its modules under lib/modules/VERSION.
kernel()
{
	local flavour=$1 dir=$2 meta=linux-image-amd64 what="./boot ./lib" deb tmp

	APT=
	[ -e "$dir/vmlinuz" ] && return 0
	mkdir -p "$dir"
	dir=$(realpath "$dir")
	case $flavour in
	6.1) ;;
	6.12) backports_apt "$dir" ;;
	cloud) meta=linux-image-cloud-amd64 what=./boot ;;
	*) die "kernel flavour '$flavour' is not 6.1, 6.12 or cloud" ;;
	esac
	deb=$(ls -t "$dir"/deb/*.deb 2>/dev/null | head -n 1) || true
	[ -n "$deb" ] || deb=$(download $meta "$dir/deb")
	say "unpacking $(basename "$deb")"
	tmp=$dir/root.tmp
	rm -rf "$tmp" "$dir/root"
	mkdir -p "$tmp"
	dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$tmp" $what
	mv "$tmp" "$dir/root"
	basename "$dir"/root/boot/vmlinuz-* | sed 's/^vmlinuz-//' >"$dir/version"
	[ $flavour = cloud ] || depmod -b "$dir/root" "$(cat "$dir/version")"
	ln -sf "root/boot/vmlinuz-$(cat "$dir/version")" "$dir/vmlinuz"
}

xen()
{
	local dir=$1 deb

	APT=
	[ -e "$dir/xen" ] && return 0
	mkdir -p "$dir"
	dir=$(realpath "$dir")
	deb=$(download xen-hypervisor-4.17-amd64 "$dir/deb")
	dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$dir" --wildcards './boot/xen-*.gz'
	gzip -dc "$dir"/boot/xen-*.gz >"$dir/xen.tmp"
	mv "$dir/xen.tmp" "$dir/xen"
}

# tools DIR WHAT PACKAGES: unpack them into DIR/root
tools()
{
	local dir=$1 what=$2 list=$3 deb

	# Fetched again when the list has changed since.
	[ "$(cat "$dir/list" 2>/dev/null)" != "$list" ] || return 0
	mkdir -p "$dir/deb"
	dir=$(realpath "$dir")
	say "downloading Debian's $what"
	update || die "apt-get update failed for the $what"
	(cd "$dir/deb" && apt-get -q -o APT::Sandbox::User=root download $list >/dev/null) ||
		die "cannot download the $what"
	rm -rf "$dir/root.tmp" "$dir/root"
	mkdir -p "$dir/root.tmp"
	for deb in "$dir"/deb/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$dir/root.tmp"
	done
	mv "$dir/root.tmp" "$dir/root"
	echo "$list" >"$dir/list"
}

case "${1:-} ${2:-}" in
"packages build") packages $BUILD_PACKAGES ;;
"packages lab") packages $LAB_PACKAGES ;;
"packages bochs") packages $BOCHS_PACKAGES ;;
"kernel "*) kernel "$2" "${3:?directory}" ;;
"headers "*) packages "linux-headers-$2" ;;
"xen "*) xen "${2:?directory}" ;;
"xen-tools "*) tools "${2:?directory}" "Xen tools" "$XEN_TOOLS" ;;
"storage-tools "*) tools "${2:?directory}" "storage tools" "$STORAGE_TOOLS" ;;
*) die "usage: setup.sh packages build|lab|bochs | kernel 6.1|6.12|cloud DIR |
	headers VERSION | xen DIR | xen-tools DIR |
	storage-tools DIR" ;;
esac
