# SPDX-License-Identifier: BSD-2-Clause
# Networks of the lab: mica-netd, network devices of guests written into the store as the toolstack
# does it, and what guests say about their addresses.

# net NAME [KEY VALUE]...: make a network
net()
{
	network=$1
	shift
	xenstore-write "/mica/net/$network/name" "$network"
	while [ $# -ge 2 ]; do
		xenstore-write "/mica/net/$network/$1" "$2"
		shift 2
	done
}

start_netd()
{
	mkdir -p /var/lib/mica/capture
	mica-netd "$@" 2>>/var/log/mica/netd.log &
	netd_pid=$!
}

netd_said()
{
	wait_for "$1" grep -qE "$2" /var/log/mica/netd.log || {
		tail -n 20 /var/log/mica/netd.log
		die "mica-netd did not say '$2' within $1 s"
	}
}

# The process that serves network NAME
worker_of()
{
	for process in $(pidof mica-netd); do
		tr '\0' ' ' <"/proc/$process/cmdline" 2>/dev/null | grep -q "^mica-netd --network $1 " || continue
		echo "$process"
		break
	done
}

# nic GUEST HANDLE NETWORK MAC [KEY VALUE]...: give it a network device
nic()
{
	nic_at mnet "$@"
}

# nic_at KIND ...: the same for a back end of that kind
nic_at()
{
	kind=$1
	shift
	id=$(xl domid "$1")
	back=/local/domain/0/backend/$kind/$id/$2
	front=/local/domain/$id/device/vif/$2
	guest=$1 handle=$2 network=$3 mac=$4
	shift 4
	set -- frontend "$front" frontend-id "$id" handle "$handle" mac "$mac" network "$network" \
		online 1 state 1 "$@"
	key=$back/
	for word in "$@"; do
		shift
		set -- "$@" "$key$word"
		[ -n "$key" ] && key= || key=$back/
	done
	# One transaction: the kernel's back end looks once, and wants to find the front end.
	mica pause "$guest"
	xenstore-write "$@" "$front/backend" "$back" "$front/backend-id" 0 "$front/handle" "$handle" \
		"$front/mac" "$mac" "$front/state" 1
	xenstore-chmod -r "$back" n0 "r$id"
	xenstore-chmod -r "$front" "n$id" r0
	mica resume "$guest"
}

# nic_kernel GUEST HANDLE BRIDGE MAC: one served by dom0's kernel and a Linux bridge
nic_kernel()
{
	bridge=$3 vif=vif$(xl domid "$1").$2
	nic_at vif "$1" "$2" "$3" "$4" script none bridge "$3"
	wait_for 60 test -e "/sys/class/net/$vif" || {
		dmesg | tail -n 5
		xenstore-ls /local/domain/0/backend/vif
		net_fails "the kernel makes no $vif"
	}
	brctl addif "$bridge" "$vif"
	ip link set "$vif" up
	xenstore-write "/local/domain/0/backend/vif/$id/$2/hotplug-status" connected
}

# nic_set GUEST HANDLE KEY VALUE: change it while it runs
nic_set()
{
	xenstore-write "/local/domain/0/backend/mnet/$(xl domid "$1")/$2/$3" "$4"
}

# nic_count GUEST HANDLE NAME: one of its counters
nic_count()
{
	xenstore-read "/local/domain/0/backend/mnet/$(xl domid "$1")/$2/stats" |
		sed -n "s/.*\"$3\":\([0-9]*\).*/\1/p"
}

# guest_does GUEST SECONDS COMMAND: run it there; fails when it does.  Its status is echoed in two
# parts, so that the echo of what is typed does not look like it.
guest_does()
{
	step=$((${step:-0} + 1))
	guest_type "$1" "$3; echo st\"\"ep $step=\$?"
	guest_said "$2" "$1" "step $step=[0-9]+"
	grep -qE "step $step=0" "$(guest_log "$1")" || {
		tail -n 12 "$(guest_log "$1")"
		return 1
	}
}

# guest_up GUEST DEVICE ADDRESS/BITS
guest_up()
{
	guest_does "$1" 180 "until ip link show $2 >/dev/null 2>&1; do sleep 0.2; done" &&
		guest_does "$1" 180 "ip link set $2 up && ip addr add $3 dev $2" || net_fails "$1 has no $2"
}

# silent GUEST ADDRESS: no answer from there
silent()
{
	guest_does "$1" 180 "! ping -c 2 -W 2 $2 >/dev/null" || net_fails "$1 reaches $2"
}

# guest_sum GUEST SECONDS FILE: its SHA-256
guest_sum()
{
	step=$((step + 1))
	guest_type "$1" "sha256sum $3 | cut -c1-64 | sed 's/^/s''um $step=/'"
	guest_said "$2" "$1" "sum $step=[0-9a-f]{64}" >&2
	sed -n "s/.*sum $step=\([0-9a-f]\{64\}\).*/\1/p" "$(guest_log "$1")" | head -n 1
}

# listens GUEST PORT: wait until a program there does; 0A is the state
listens()
{
	guest_does "$1" 120 "until cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -q ':$(printf %04X "$2") [0-9A-F]*:0000 0A'; do sleep 0.2; done" ||
		net_fails "$1 does not listen"
}

# bulk FROM TO ADDRESS MIB [COMMAND]: so much random data, checked; COMMAND runs meanwhile
bulk()
{
	guest_does "$1" 300 "dd if=/dev/urandom of=/sent bs=1M count=$4 2>/dev/null" || net_fails "dd"
	sent=$(guest_sum "$1" 120 /sent)
	# not the console as input: a background job that reads from there is stopped
	guest_does "$2" 120 "[ -p /quiet ] || mkfifo /quiet; rm -f /done /got" || net_fails "listen"
	guest_does "$2" 120 "(nc -l -p 5001 <>/quiet >/got; echo >/done) & true" || net_fails "listen"
	listens "$2" 5001
	guest_does "$1" 120 "nc $3 5001 </sent & true" || net_fails "nc"
	started=$(date +%s)
	[ -z "${5:-}" ] || $5
	guest_does "$2" 900 "until [ -e /done ]; do sleep 0.2; done" || net_fails "no end of the copy"
	got=$(guest_sum "$2" 120 /got)
	say "bulk: $4 MiB from $1 to $2 in $(($(date +%s) - started)) s"
	equal "the checksum" "$got" "$sent"
	[ ${#got} = 64 ] || net_fails "no checksum"
}

# pings GUEST ADDRESS [OPTION...]
pings()
{
	who=$1
	shift
	guest_does "$who" 180 "ping -c 3 -W 5 $*"
}

# net_fails WHY: what the daemon and the store say about it, and the end
net_fails()
{
	cat /var/log/mica/netd.log
	xenstore-ls /local/domain/0/backend/mnet
	xenstore-ls /local/domain/0/error 2>/dev/null
	for guest in $(xenstore-list /local/domain); do
		xenstore-ls "/local/domain/$guest/device" 2>/dev/null
	done
	die "$1"
}

two_guests()
{
	for guest in left right; do
		must mica create /root/docs/examples/debian.cfg name=$guest memory=192 maxmem=192 $* \
			"extra=\"console=hvc0 guest=$guest\""
	done
	for guest in left right; do
		guest_said 600 $guest "GUEST: up $guest"
	done
}
