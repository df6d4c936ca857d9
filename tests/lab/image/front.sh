# SPDX-License-Identifier: BSD-2-Clause
# The lab's own front ends in guests (front.elf): commands are typed on their consoles.  After
# blk.sh and net.sh.

# front NAME [WORD]...: such a guest, with disks and cards as `mica create` takes them
front()
{
	front=$1
	shift
	must mica create /guests/front.cfg name="$front" "$@"
	front_wait 360 "$front" '^FRONT: up' || front_fails "$front" "$front does not come up"
	xenstore-read "/local/domain/$(xl domid "$front")/console/tty" >"/run/tty.$front"
}

# front_type GUEST TEXT
front_type()
{
	printf '%s\r' "$2" >"$(cat "/run/tty.$1")"
}

# front_wait SECONDS GUEST REGEX: a line of its console.  One process every now and then: the guests
# need the machine more.
front_wait()
{
	front_laps=$(($1 * 3))
	until grep -qaE "$3" "$(guest_log "$2")"; do
		front_laps=$((front_laps - 1))
		[ $front_laps -gt 0 ] || return 1
		sleep 0.33
	done
}

# does SECONDS GUEST COMMAND: type it and wait for its good end
does()
{
	front_step=$((${front_step:-0} + 1))
	front_type "$2" "$front_step $3"
	front_wait "$1" "$2" "^FRONT: $front_step (ok|bad)" ||
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
	mica ring check "$1" || true
	for device in xvda eth0 eth1; do
		mica ring show "$1/$device" || true
	done
	die "$2"
}

# --- a guest that verifies all the time ---

rounds()
{
	grep -ac '^FRONT: round' "$(guest_log "$1")"
}

load_begins()
{
	front_step=$((${front_step:-0} + 1))
	eval "load_step_$1=$front_step"
	front_type "$1" "$front_step load"
	guest_said 60 "$1" '^FRONT: round'
}

load_goes_on()
{
	[ "$(rounds "$1")" -gt "$2" ]
}

# load_ends GUEST: nothing it saw was wrong
load_ends()
{
	does 60 "$1" stop
	eval "load_step=\$load_step_$1"
	grep -qaE "^FRONT: $load_step ok" "$(guest_log "$1")" || front_fails "$1" "$1 was hurt"
	! grep -a '^FRONT: bad' "$(guest_log "$1")" || front_fails "$1" "$1 was hurt"
}

# --- what the operator is told, and what the daemons have ---

# told_lines DAEMON: of its log, about devices; a connection is no event, a hint belongs to one
told_lines()
{
	grep -E 'm(blk|net) [0-9]+/[0-9]+' "/var/log/mica/$1.log" | grep -vE ' queues? of '
}

told_mark()
{
	told_blkd=$(told_lines blkd | wc -l)
	told_netd=$(told_lines netd | wc -l)
}

# told_new: since then
told_new()
{
	told_lines blkd | tail -n +$((told_blkd + 1))
	told_lines netd | tail -n +$((told_netd + 1))
}

# attacks SECONDS: lines "TIMES; COMMAND; REGEX" on standard input: `bad` does all COMMANDs, one after
# the other, and every one well.  For each the operator has been told so many times (1, or 0-1), in
# that order, of the hostile guest and what it did; and `good` goes on.
attacks()
{
	told_mark
	want=
	first=$((front_step + 1))
	while IFS=';' read -r times command regex; do
		echo "$command" | grep -qE "^ (${ATTACKS:-.*})$" || continue
		front_step=$((front_step + 1))
		front_type bad "$front_step$command"
		want="$want([^@]* m(blk|net) $id/[0-9]+ [(]bad[)]: [^@]*(${regex# })[^@]*@){${times%-*},${times#*-}}"
	done
	[ "$front_step" -ge "$first" ] || return 0
	front_wait "$1" bad "^FRONT: $front_step (ok|bad)" || front_fails bad "bad did not end within $1 s"
	! grep -aE '^FRONT: ([0-9]+ )?bad' "$(guest_log bad)" || front_fails bad "bad did not come to its good end"
	rounds_now=$(rounds good)
	told_new >/run/told
	sed 's/^/LAB: told: /' /run/told
	(tr '\n' '@' </run/told; echo) | grep -qE "^$want$" || front_fails bad "the operator was told otherwise"
	wait_for 300 load_goes_on good "$((rounds_now + 1))" || front_fails good "good stands still"
	say "survived: $((front_step - first + 1)) attacks"
}

told_of()
{
	told_new | grep -qE "m(blk|net) $id/[0-9]+ [(]bad[)]: .*$1"
}

# storm COMMAND REGEX: told once of it while it goes on, or not at all without REGEX
storm()
{
	echo "$1" | grep -qE "^(${ATTACKS:-.*})$" || return 0
	told_mark
	rounds_now=$(rounds good)
	front_step=$((front_step + 1))
	front_type bad "$front_step $1"
	[ -z "$2" ] || wait_for 600 told_of "$2" || front_fails bad "$1: nobody was told"
	wait_for 300 load_goes_on good "$((rounds_now + 3))" || front_fails good "$1: good stands still"
	does 300 bad stop
	grep -qaE "^FRONT: $((front_step - 1)) ok" "$(guest_log bad)" || front_fails bad "$1"
	told_new | sed 's/^/LAB: told: /'
	[ "$(told_new | wc -l)" = $((${2:+1} + 0)) ] || front_fails bad "$1: told too often"
	say "survived: $1"
}

# processes_are BLKD NETD: so many of theirs
processes_are()
{
	[ "$(pidof mica-blkd mica-blkd-disk | tr ' ' '\n' | sort -u | wc -l)" = "$1" ] &&
		[ "$(pidof mica-netd | wc -w)" = "$2" ]
}

# host_world: what the daemons and dom0 have now, but memory
host_world()
{
	for name in mica-blkd mica-blkd-disk mica-netd; do
		for pid in $(pidof $name); do
			echo "$name: $(ls "/proc/$pid/fd" | wc -l) descriptors"
		done | sort
	done
	echo "$(lsevtchn 0 | wc -l) ports"
	xenstore-ls -f / | sed 's/ = .*//' | grep -v '/stats$' | sort	# the first ten seconds have none
}

# resident: KiB of the daemons that live as long as their guests
resident()
{
	for pid in $(pidof mica-blkd mica-netd); do
		sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status"
	done | awk '{ n += $1 } END { print n }'
}
