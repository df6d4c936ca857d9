# SPDX-License-Identifier: BSD-2-Clause
# Disks of guests through mica-blkd.  After lab.sh and toolstack.sh.

start_blkd()
{
	mkdir -p /run/mica /var/log/mica
	mica-blkd --daemon "$@" || die "mica-blkd does not start"
}

# blk_attach GUEST NUMBER NAME IMAGE TYPE MODE [KEY VALUE]...: as `mica disk attach` does it
blk_attach()
{
	id=$(xl domid "$1")
	front=/local/domain/$id/device/vbd/$2
	back=/local/domain/0/backend/mblk/$id/$2
	number=$2
	name=$3
	image=$4
	type=$5
	mode=$6
	shift 6
	xenstore-write "$back" "" "$front" ""
	xenstore-chmod "$back" n0 "r$id"
	xenstore-chmod "$front" "n$id" r0
	while [ $# -gt 1 ]; do
		xenstore-write "$back/$1" "$2"
		shift 2
	done
	xenstore-write "$back/frontend" "$front" "$back/frontend-id" "$id" "$back/online" 1 \
		"$back/mode" "$mode" "$back/type" "$type" "$back/params" "$image" "$back/dev" "$name" \
		"$back/device-type" disk "$back/removable" 0 "$back/discard-enable" 1 \
		"$back/state" 1 \
		"$front/backend" "$back" "$front/backend-id" 0 "$front/virtual-device" "$number" \
		"$front/device-type" disk "$front/state" 1
}

# blk_key GUEST NUMBER KEY
blk_key()
{
	xenstore-read "/local/domain/0/backend/mblk/$(xl domid "$1")/$2/$3"
}

blk_is()
{
	[ "$(blk_key "$1" "$2" state 2>/dev/null)" = "$3" ]
}

# blk_state GUEST NUMBER STATE: wait until the back end is there
blk_state()
{
	wait_for 120 blk_is "$1" "$2" "$3" || {
		cat /var/log/mica/blkd.log
		xenstore-ls -f "/local/domain/0/backend/mblk" || true
		die "disk $2 of $1 is in state $(blk_key "$1" "$2" state), not $3"
	}
}

# blk_detach GUEST NUMBER: close, then take the directories away
blk_detach()
{
	id=$(xl domid "$1")
	xenstore-write "/local/domain/0/backend/mblk/$id/$2/online" 0 \
		"/local/domain/0/backend/mblk/$id/$2/state" 5
	blk_state "$1" "$2" 6
	xenstore-rm "/local/domain/0/backend/mblk/$id/$2"
	xenstore-rm "/local/domain/$id/device/vbd/$2"
}

# What the processes of the disks of $1 wait for, and what lies in its rings: why nothing goes on.
blk_evidence()
{
	tail -n 30 "$(guest_log "$1")"
	cat /var/log/mica/blkd.log
	for pid in $(pidof mica-blkd mica-blkd-disk qemu-storage-daemon); do
		for task in /proc/"$pid"/task/*; do
			echo "$task $(cat "$task/comm") $(cat "$task/wchan" 2>/dev/null): $(cat "$task/syscall" 2>/dev/null)"
			cat "$task/stack" 2>/dev/null || true
		done
		grep -H '^tfd' /proc/"$pid"/fdinfo/* 2>/dev/null || true
		ls -l /proc/"$pid"/fd || true
	done
	mica ring list "$1" || true
	mica ring show "$1/xvda" || true
	for journal in /run/mica/blkd/*.journal; do
		od -A d -t u4 -N 512 "$journal" || true		# the counters, in_flight among them
	done
}

# in_guest SECONDS GUEST COMMAND: run it on its console and wait for its good end.  A line need not
# begin with what a program says: a message of the kernel's from another CPU is written in pieces, and
# what is said meanwhile stands among them.
in_guest()
{
	blk_step=$((${blk_step:-0} + 1))
	say "in $2: $3"
	guest_type "$2" "($3) && echo STEP-\$((0+$blk_step))-well || echo STEP-\$((0+$blk_step))-ill"
	wait_for "$1" grep -qE "STEP-$blk_step-(well|ill)" "$(guest_log "$2")" || {
		blk_evidence "$2"
		die "guest $2 did not end within $1 s: $3"
	}
	if ! grep -q "STEP-$blk_step-well" "$(guest_log "$2")"; then
		tail -n 30 "$(guest_log "$2")"
		cat /var/log/mica/blkd.log
		die "guest $2 failed: $3"
	fi
}
