#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
#   run-all.sh BUILD SUITE...      runs tests/SUITE/run.sh BUILD for each, adds up the totals
#
# Every suite ends its output with `N passed, N failed, N skipped`.  One that does not, that ran
# nothing, or that exits non-zero without naming a failure, counts as a failure of its own: a
# test that could not run is not a pass.  The last line is the sum; status 0 if nothing failed.
set -u
cd "$(dirname "$0")/.."
unset MAKEFLAGS MFLAGS MAKELEVEL

build=$1
shift
closing='^([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$'
total_passed=0
total_failed=0
total_skipped=0
mkdir -p "$build/test"

run_suite()
{
	local suite=$1 log=$build/test/$1.log started=$SECONDS status last

	echo "== $suite"
	bash "tests/$suite/run.sh" "$build" 2>&1 </dev/null | tee "$log" | grep -vE --line-buffered "$closing"
	status=${PIPESTATUS[0]}
	last=$(grep -E "$closing" "$log" | tail -n 1)
	if ! [[ $last =~ $closing ]]; then
		echo "error: $suite ended without its totals (status $status)"
		total_failed=$((total_failed + 1))
		return
	fi
	echo "== $suite: $last ($((SECONDS - started)) s)"
	total_passed=$((total_passed + BASH_REMATCH[1]))
	total_failed=$((total_failed + BASH_REMATCH[2]))
	total_skipped=$((total_skipped + BASH_REMATCH[3]))
	if [ $((BASH_REMATCH[1] + BASH_REMATCH[2] + BASH_REMATCH[3])) = 0 ]; then
		echo "error: $suite ran no test"
		total_failed=$((total_failed + 1))
	elif [ "$status" != 0 ] && [ "${BASH_REMATCH[2]}" = 0 ]; then
		echo "error: $suite ended with status $status"
		total_failed=$((total_failed + 1))
	fi
}

for suite in "$@"; do
	run_suite "$suite"
done
[ "$total_failed" = 0 ] || for suite in "$@"; do
	grep -E '^(fail|FAIL|failed:|error:) ?' "$build/test/$suite.log" | cut -c1-160 | sed "s/^/$suite: /" | tail -n 6
done
echo "$total_passed passed, $total_failed failed, $total_skipped skipped"
[ "$total_failed" = 0 ]
