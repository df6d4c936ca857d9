#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
#   tests/bench/rings.sh BUILD
#
# The store, wire to wire: guests put requests on their rings and count the answers; half are reads, a
# quarter writes, a quarter listings.  On a machine with one CPU under -icount, where time is
# instructions (1 ns each): the guest, the hypervisor, dom0's kernel and the daemon share it, so a
# request costs 10^9 / (requests a second) instructions of all of them together.  Prints requests a second for
# 1 to 100 connected guests of which some ask, with 1 or 8 requests of each on their way.
set -u
cd "$(dirname "$0")/../.."
build=${1:?usage: tests/bench/rings.sh BUILD}
log=$build/test/bench/rings.log
mkdir -p "$build/test/bench"
tests/lab/qemu.py --build "$build" --quiet --log "$log" --image initrd-guests --cpus 1 \
	--memory 3072 --dom0-memory 640 --limit 1800 --cmdline "lab=test:store-rings lab-store=mica" \
	--refuse 'LAB-RESULT: fail' --expect 'audit: clean' --expect 'LAB-RESULT: ok store-rings' --end off \
	-- -icount shift=0,sleep=off -rtc clock=vm -seed 1 || exit 1
tr -d '\r' <"$log" | awk '
	BEGIN { printf "%10s %8s %8s %14s %22s\n", "connected", "asking", "on way", "requests/s", "instructions each" }
	/STORE / { n++; printf "%10d %8d %8d %14d %22d\n", $2, $3, $4, $5, $5 ? 1e9 / $5 : 0 }
	{ bad += /STORE/ && !$5 }
	END { exit bad || n != 5 }'
