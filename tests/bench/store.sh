#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
#   tests/bench/store.sh BUILD [SECONDS]
#
# Requests a second that mica-stored answers over its socket, from 1 to 100 clients: send, switch
# to the daemon, journal, reply, switch back.  Both sides share one core.  What the daemon alone
# needs for a request is its CPU time divided by the requests.
set -eu
cd "$(dirname "$0")/../.."
build=${1:?usage: tests/bench/store.sh BUILD [SECONDS]}
seconds=${2:-3}
dir=$(mktemp -d /dev/shm/mica-store-XXXXXX)
trap 'kill "$(cat "$dir/pid")" 2>/dev/null; rm -rf "$dir"' EXIT
mkdir -p "$build/bench"
${CC:-gcc} -O2 -D_GNU_SOURCE -Iabi -Itests/unit/stored tests/bench/store.c -o "$build/bench/store"
taskset -c 0 "$build/tools/mica-stored" --no-hypervisor --state "$dir/state" --socket-dir "$dir" --daemon \
	--pid-file "$dir/pid" --log-file "$dir/log"
ticks()
{
	awk '{ print $14 + $15 }' "/proc/$(cat "$dir/pid")/stat"
}

echo "machine: $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1), Linux $(uname -r), one core"
for clients in 1 3 10 30 100; do
	before=$(ticks)
	line=$(taskset -c 0 "$build/bench/store" "$dir/socket" $clients "$seconds")
	after=$(ticks)
	echo "$line" | awk -v t=$((after - before)) -v s="$seconds" -v hz="$(getconf CLK_TCK)" \
		'{ printf "%s, %.1f us of the daemon each\n", $0, t / hz * 1e6 / ($3 * s) }'
done
