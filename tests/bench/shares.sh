#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
#   tests/bench/shares.sh BUILD
#
# What weights and caps give CPU-bound guests that share one CPU, over one second.  Under -icount, where
# time is instructions (one CPU: with more, QEMU lets them run in turns of milliseconds).  Prints per mille of the CPU, wanted and got, for each guest of each set; status
# 1 if one is off by more than 2 % of the CPU.
set -u
cd "$(dirname "$0")/../.."
build=${1:?usage: tests/bench/shares.sh BUILD}
log=$build/test/bench/shares.log
mkdir -p "$build/test/bench"
tests/lab/qemu.py --build "$build" --quiet --log "$log" --image initrd-guests --cpus 1 \
	--memory 2048 --dom0-memory 640 --limit 900 \
	--cmdline "lab=test:shares lab-store=mica" \
	--refuse 'LAB-RESULT: fail' --expect 'audit: clean' --expect 'LAB-RESULT: ok shares' --end off \
	-- -icount shift=0,sleep=off -rtc clock=vm -seed 1 || exit 1
tr -d '\r' <"$log" | awk '
	BEGIN { printf "%-20s %-10s %8s %8s %8s\n", "weights[/caps]", "guest", "wanted", "got", "off" }
	/SHARE / {
		off = $5 > $4 ? $5 - $4 : $4 - $5
		worst = off > worst ? off : worst
		missed += off > 20
		n++
		printf "%-20s %-10s %8.1f %8.1f %8.1f\n", $2, $3, $4, $5, off
	}
	END { printf "worst: %.1f per mille of the CPU, %d guests\n", worst, n; exit missed || n < 20 }'
