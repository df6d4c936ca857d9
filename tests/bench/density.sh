#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
#   tests/bench/density.sh BUILD [GUESTS [MEMORY_MIB]]
#
# 100 idle guests of 32 MiB beside dom0 on a host of 6 GiB with two CPUs: all must answer on their
# consoles, and dom0 must use less than 10 % of one CPU while nothing happens.  Under -icount, where
# time is instructions (1 ns each), so that the figures do not depend on this machine's load.
# Status 1 if a limit is missed.
set -u
cd "$(dirname "$0")/../.."
build=${1:?usage: tests/bench/density.sh BUILD [GUESTS [MEMORY_MIB]]}
guests=${2:-100}
memory=${3:-32}
log=$build/test/bench/density.log
mkdir -p "$build/test/bench"
tests/lab/qemu.py --build "$build" --quiet --log "$log" --image initrd-guests --cpus 2 \
	--memory 6144 --dom0-memory 640 --limit 1800 \
	--cmdline "lab=test:density lab-store=mica guests=$guests guest-memory=$memory" \
	--refuse 'LAB-RESULT: fail' --expect 'audit: clean' --expect 'LAB-RESULT: ok density' --end off \
	-- -icount shift=0,sleep=off -rtc clock=vm -seed 1 || exit 1
tr -d '\r' <"$log" | sed -n 's/.*BENCH //p' | awk -v guests="$guests" '
	{ printf "%-24s %s\n", $1, $2; v[$1] = $2 }
	END { exit !(v["consoles_reached"] == guests && v["dom0_cpu_percent"] < 10) }' ||
	{ echo "density: a limit is missed" >&2; exit 1; }
