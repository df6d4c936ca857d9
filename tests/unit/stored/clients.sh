#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
#   clients.sh MICA-STORED DIR
#
# Debian's xenstore-* clients against the daemon, as an operator would use them, with a restart in
# between.  Prints what differs; status 0 if nothing does.
set -u
stored=$1
dir=$2/clients
mkdir -p "$dir"
export XENSTORED_RUNDIR=$dir XENSTORED_PATH=$dir/socket
bad=0

begin()
{
	"$stored" --no-hypervisor --state "$dir/state" --socket-dir "$dir" --daemon \
		--pid-file "$dir/pid" --log-file "$dir/log" || { echo "does not start"; exit 1; }
}

# finish SIGNAL: the daemon ends by it, and lets go of its locks
finish()
{
	local pid

	pid=$(cat "$dir/pid")
	kill "$1" "$pid"
	while grep -qs '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$pid/status"; do
		sleep 0.05
	done
}

# want STATUS "OUTPUT" COMMAND...
want()
{
	local status=$1 output=$2 got rc

	shift 2
	got=$("$@" 2>&1)
	rc=$?
	[ "$rc" = "$status" ] && [ "$got" = "$output" ] && return
	echo "clients.sh: $*: status $rc, wanted $status"
	diff <(echo "$output") <(echo "$got")
	bad=1
}

begin
want 0 "" xenstore-write /vm/a hello /vm/b/c "two words" /vm/empty ""
want 0 "hello" xenstore-read /vm/a
want 0 $'hello\ntwo words' xenstore-read /vm/a /vm/b/c
want 1 "xenstore-read: couldn't read path /vm/none" xenstore-read /vm/none
want 0 $'a\nb\nempty' xenstore-list /vm
want 0 $'/vm/b = ""\n/vm/b/c = "two words"' bash -c 'xenstore-ls -f /vm | grep /b'
want 0 "" xenstore-exists /vm/a
want 1 "" xenstore-exists /vm/none
want 0 "" xenstore-chmod /vm/a n0 r5 b7
want 0 'a = "hello"   (n0,r5,b7)' bash -c 'xenstore-ls -p /vm | grep ^a | sed "s/ [ .]*(/   (/"'
want 0 "" xenstore-chmod -r /vm/b b3
want 0 'c = "two words"   (b3)' bash -c 'xenstore-ls -p /vm/b | sed "s/ [ .]*(/   (/"'
want 0 "" xenstore-rm /vm/b
want 1 "" xenstore-exists /vm/b/c
want 0 "" xenstore-write -s /vm/x 1
want 0 "1" xenstore-read -s /vm/x

# A list that does not fit into one reply, and a removal that leaves nothing.
for i in $(seq 1 300); do
	echo "/long/a-rather-long-name-of-a-node-$i" "$i"
done | xargs xenstore-write
want 0 300 bash -c 'xenstore-list /long | sort -u | wc -l'

# Watches, through a client that stays connected.
timeout 240 xenstore-watch -n 4 /vm/watched >"$dir/events" &
watcher=$!
for _ in $(seq 2000); do
	[ -s "$dir/events" ] && break
	sleep 0.05
done
xenstore-write /vm/watched/deep 1
xenstore-write /vm/other 1
xenstore-chmod /vm/watched/deep n0
xenstore-rm /vm/watched
wait $watcher
want 0 $'/vm/watched\n/vm/watched/deep\n/vm/watched/deep\n/vm/watched' cat "$dir/events"

xenstore-ls -fp >"$dir/before"
finish -KILL
begin
want 0 "$(cat "$dir/before")" xenstore-ls -fp
finish -TERM
begin
want 0 "$(cat "$dir/before")" xenstore-ls -fp
want 0 "" xenstore-rm /long
want 1 "" xenstore-exists /long
grep -q '^NoNewPrivs:.1' "/proc/$(cat "$dir/pid")/status" || { echo "not in its sandbox"; bad=1; }
want 1 "mica-stored: another mica-stored uses this state directory" "$stored" --no-hypervisor \
	--state "$dir/state" --socket-dir "$dir/elsewhere"
finish -TERM
exit $bad
