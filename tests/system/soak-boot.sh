#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# by hand: tests/system/soak-boot.sh BUILD [TIMES]
#
# Boots dom0 to user space and down again TIMES times (20), two CPUs, and says how often it went
# well.  The first failure stops it and its console stays in BUILD/test/system/soak-boot.log.
cd "$(dirname "$0")/../.."
BUILD=${1:-${BUILD:-build}}
export BUILD
times=${2:-20}
. tests/system/lib.sh
for i in $(seq 1 "$times"); do
	boot boot cpus=2 --cpus 2 --dom0-memory 512 || fail "run $i of $times"
	echo "run $i of $times: ok"
done
echo "$times out of $times"
