# SPDX-License-Identifier: BSD-2-Clause
# The lab's own front ends in guests (front.elf): commands are typed on their consoles.  After
# blk.sh and net.sh.

# front NAME [WORD]...: such a guest, with disks and cards as `mica create` takes them
front()
{
	front=$1
	shift
	must mica create /guests/front.cfg name="$front" "$@"
	guest_said 60 "$front" '^FRONT: up'
}

# does SECONDS GUEST COMMAND: type it and wait for its good end
does()
{
	front_step=$((${front_step:-0} + 1))
	guest_type "$2" "$front_step $3"
	wait_for "$1" grep -qaE "^FRONT: $front_step (ok|bad)" "$(guest_log "$2")" ||
		front_fails "$2" "$2 did not end within $1 s: $3"
	grep -qaE "^FRONT: $front_step ok" "$(guest_log "$2")" || front_fails "$2" "$2: $3"
}

# front_fails GUEST WHY
front_fails()
{
	tail -n 20 "$(guest_log "$1")"
	tail -n 20 /var/log/mica/blkd.log
	tail -n 20 /var/log/mica/netd.log
	xenstore-ls /local/domain/0/backend
	xenstore-ls "/local/domain/$(xl domid "$1")/device"
	die "$2"
}
