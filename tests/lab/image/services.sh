# SPDX-License-Identifier: BSD-2-Clause
# What dom0 runs for guests with devices: images of their disks, mica-blkd, mica-netd with one
# network behind dom0's first card.  After lab.sh, toolstack.sh and blk.sh; start_toolstack first.

# Where the programs for formats other than raw are: a disk of the host, the one that is read-only.
storage=/storage

# dnsmasq gives up root for these
make_accounts()
{
	echo 'root:x:0:0::/root:/bin/sh
nobody:x:65534:65534::/:/bin/false' >/etc/passwd
	echo 'root:x:0:
nogroup:x:65534:' >/etc/group
}

# An address for dom0 from the lab's QEMU, on the first card there is
connect_dom0()
{
	cat >/run/dhcp-dom0 <<'END'
#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr add "$ip/$mask" dev "$interface"
ip route add default via "$router"
END
	chmod +x /run/dhcp-dom0
	card=$(nics | head -n 1)
	[ -n "$card" ] || die "no network card"
	ip link set lo up
	ip link set "$card" up
	udhcpc -i "$card" -q -n -f -t 20 -T 2 -s /run/dhcp-dom0 >/dev/null 2>&1 ||
		die "$card: no address"
}

mount_storage()
{
	modprobe -q ext4
	for disk in $(disks); do
		[ "$(cat "/sys/block/$disk/ro")" = 1 ] || continue
		mkdir -p $storage
		mount -t ext4 -o ro "/dev/$disk" $storage && return
	done
	die "no disk with storage tools"
}

# In memory: a raw image for web, a qcow2 image for db
make_images()
{
	mkdir -p /srv
	mount -t tmpfs -o size=160m srv /srv
	truncate -s 32M /srv/web.raw
	cp $storage/empty.qcow2 /srv/db.qcow2
}

# unit NAME LOG: what systemd does by the unit that is shipped (dom0-tools/systemd): is this the place,
# then its command, to its end or in the background
unit()
{
	file=/usr/lib/systemd/system/$1.service
	grep -q ^ExecStart=/ "$file" || die "$file has no command"
	sed -n 's/^ExecCondition=//p' "$file" >/run/conditions
	while read -r command; do
		$command </dev/null || die "$1 is not started here: $command"
	done </run/conditions
	mkdir -p /var/lib/$(sed -n 's/^StateDirectory=//p' "$file")
	command=$(sed -n 's/^ExecStart=//p' "$file")
	if grep -q ^Type=oneshot "$file"; then
		$command >>"/var/log/mica/$2" 2>&1 || {
			cat "/var/log/mica/$2"
			die "$1: $command"
		}
	else
		$command >>"/var/log/mica/$2" 2>&1 &
	fi
}

start_services()
{
	make_accounts
	connect_dom0
	mount_storage
	make_images
	(
		export LD_LIBRARY_PATH=$storage/lib
		start_blkd --nbd-program $storage/bin/mica-blkd-nbd \
			--storage $storage/bin/qemu-storage-daemon
	)
	for module in tun nft_chain_nat nft_masq nft_ct; do
		modprobe -q $module
	done
	unit mica-netd netd.log
	# as `mica net create` kept it when dom0 ran before
	mkdir -p /etc/mica/networks
	printf '%s\n' uplink=tap subnet=10.7.0.1/24 nat=1 dhcp=1 >/etc/mica/networks/lan.net
	unit mica-networks networks.log
	wait_for 60 grep -q 'net lan: up, with an uplink' /var/log/mica/netd.log || {
		cat /var/log/mica/netd.log
		die "mica-netd does not serve lan"
	}
	say "services: mica-blkd, mica-netd with network lan"
}

# guest_online SECONDS NAME: until it has an address by DHCP, as it says on its console
guest_online()
{
	guest_said "$1" "$2" "GUEST: $2 has [0-9]"
}

guest_address()
{
	sed -n "s/.*GUEST: $1 has \([0-9.]*\).*/\1/p" "$(guest_log "$1")" | tail -n 1
}

# For an operator: both guests, with their devices connected
start_guests()
{
	start_services
	for guest in web db; do
		mica create "/root/docs/examples/$guest.cfg"
	done
	say "waiting until the guests have addresses"
	for guest in web db; do
		guest_online 300 $guest
	done
}
