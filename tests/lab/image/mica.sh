# SPDX-License-Identifier: BSD-2-Clause
# What tests of `mica` share, after lab.sh and toolstack.sh: exit statuses, exact outputs, and
# "everything as before".

# field DOMAIN COLUMN: of mica list (CSV lines end in CRLF)
field()
{
	mica list --format csv --no-header --columns "$2" "$1" | tr -d '\r'
}

# gives STATUS COMMAND...: shown; it must end so.  What it wrote is in /run/out and /run/err.
gives()
{
	want=$1
	shift
	printf "LAB: $ %.120s (%d)\n" "$*" "$want"
	got=0
	"$@" >/run/out 2>/run/err </dev/null || got=$?
	[ "$got" = "$want" ] || {
		cat /run/out /run/err
		die "status $got, not $want, from: $*"
	}
}

# says LINE: what ran last wrote exactly that to standard output
says()
{
	equal "the output" "$(tr -d '\r' </run/out)" "$1"
}

# complains REGEX: ... has such a line on standard error
complains()
{
	grep -qE -- "$1" /run/err || {
		cat /run/out /run/err
		die "it did not complain of '$1'"
	}
}

# What must be as it was when all guests are gone again: domains, store, files, processes.
world()
{
	mica list --format csv --columns name,id,state,vcpus,memory_kib
	mica info --format csv --columns claimed_kib,domains
	xenstore-ls -f -p / | grep -v 'stats = '
	ls /run/mica/domains 2>/dev/null || true
	pidof mica || true
}

free_kib()
{
	mica info --format csv --no-header --columns free_kib | tr -d '\r'
}

# remember_world N: from now on world_is_same() must hold.  N small guests at once come and go before:
# the first ones leave a page of each size in the hypervisor's allocator, and grow dom0's event
# channel and grant mapping tables, which never shrink.
remember_world()
{
	for n in $(seq 1 "$1"); do
		mica create /guests/tiny.cfg name=warm$n vcpus=2 >/dev/null 2>&1 || die "no guest warm$n"
	done
	for n in $(seq 1 "$1"); do
		guest_said 60 warm$n '^GUEST: up'
		mica destroy -y warm$n || die "warm$n stays"
	done
	wait_for 60 sh -c '! pidof mica' || die "a monitor stays"
	world >/run/world.before
	free_before=$(free_kib)
}

same_world()
{
	world >/run/world.after
	lost=$((free_before - $(free_kib)))
	cmp -s /run/world.before /run/world.after && [ "$lost" -le "$1" ] && [ "$lost" -ge "-$1" ]
}

# world_is_same WHAT [KIB]: nothing is left of it, and but for so much the same memory is free
world_is_same()
{
	wait_for 60 same_world "${2:-0}" || {
		diff /run/world.before /run/world.after || true
		die "not as before: $1; $((free_before - $(free_kib))) KiB less free"
	}
	say "as before: $1; $lost KiB less free, at most ${2:-0}"
}
