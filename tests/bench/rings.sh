#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
#   tests/bench/rings.sh BUILD [CONNECTED:ASKING:DEPTH...]
#
# The store, wire to wire: guests put requests on their rings and count the answers; half are reads, a
# quarter writes, a quarter listings.  On a machine with one CPU under -icount, where time is
# instructions (1 ns each): the guests, the hypervisor, dom0's kernel and the daemon share it, so a
# request costs 10^9 / (requests a second) instructions of all of them together.  CONNECTED guests
# have rings, ASKING of them ask, each with DEPTH requests on their way.  Prints the requests a second of
# all together, and of the guest that had the fewest and the most.
# Status 1 if fewer than 20,000 a second were answered in any case.
set -u
cd "$(dirname "$0")/../.."
build=${1:?usage: tests/bench/rings.sh BUILD [CONNECTED:ASKING:DEPTH...]}
shift
cases=${*:-1:1:1 10:10:1 100:100:1 100:1:1 1:1:8 10:10:8 100:100:8}
log=$build/test/bench/rings.log
mkdir -p "$build/test/bench"
tests/lab/qemu.py --build "$build" --quiet --log "$log" --image initrd-guests --cpus 1 \
	--memory 6144 --dom0-memory 640 --limit 3000 \
	--cmdline "lab=test:store-rings lab-store=mica lab-rings=${cases// /,}" \
	--refuse 'LAB-RESULT: fail' --expect 'audit: clean' --expect 'LAB-RESULT: ok store-rings' --end off \
	-- -icount shift=0,sleep=off -rtc clock=vm -seed 1 ${RINGS_QEMU:-} || exit 1
tr -d '\r' <"$log" | awk -v want="$(echo "$cases" | wc -w)" '
	BEGIN { printf "%10s %8s %8s %12s %18s %16s %8s\n", "connected", "asking", "on way", "requests/s",
		"instructions each", "least of a guest", "most" }
	/^STORE / { n++; printf "%10d %8d %8d %12d %18d %16d %8d\n", $2, $3, $4, $5, $5 ? 1e9 / $5 : 0, $6, $7 }
	{ missed += /^STORE/ && $5 < 20000 }
	END { if (missed) print "rings: fewer than 20,000 a second"; exit missed || n != want }'
