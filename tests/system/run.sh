#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
#   tests/system/run.sh BUILD [NAME...]
#
# Runs the scenarios of this directory, each a file NAME.sh, at most two at a time, the quick
# ones first.  A scenario ends with status 0 (pass), 77 (skip, with the reason as its last line)
# or anything else (fail).  Its console and messages are in BUILD/test/system/NAME.log and
# NAME.out.  A scenario may carry the line `# seconds: N`, by which they are ordered.  One with
# `# by hand` is only run when named, one with `# alone` gets both cores of a small host.
# JOBS=1 runs one at a time.
set -u
cd "$(dirname "$0")/../.."
[ $# -ge 1 ] || { echo "usage: $0 BUILD [NAME...]" >&2; exit 2; }
export BUILD=$1
shift
results=$BUILD/test/system
mkdir -p "$results"
rm -f "$results"/*.result

all()
{
	local file

	for file in $(grep -L '^# by hand' tests/system/*.sh); do
		case $(basename "$file") in
		run.sh | lib.sh | unpack-lib.sh) ;;
		*) echo "$(sed -n 's/^# seconds: //p' "$file" | head -n 1) $(basename "$file" .sh)" ;;
		esac
	done | sort -n | sed 's/.* //'
}

run_one()
{
	local name=$1 started=$SECONDS status word

	NAME=$name bash "tests/system/$name.sh" >"$results/$name.out" 2>&1 </dev/null
	status=$?
	case $status in
	0) word=pass ;;
	77) word=skip ;;
	*) word=fail ;;
	esac
	echo $word >"$results/$name.result"
	{
		echo "$word $name ($((SECONDS - started)) s)"
		case $word in
		skip) tail -n 1 "$results/$name.out" | sed 's/^/    /' ;;
		fail) tail -n 45 "$results/$name.out" | sed 's/^/    /' ;;
		esac
	} >"$results/$name.report"
	cat "$results/$name.report"
}

[ $# -gt 0 ] || set -- $(all)
for name in "$@"; do
	limit=${JOBS:-2}
	! grep -q '^# alone' "tests/system/$name.sh" || limit=1
	while [ "$(jobs -rp | wc -l)" -ge "$limit" ]; do
		wait -n
	done
	if [ "$limit" = 1 ]; then
		run_one "$name"
	else
		run_one "$name" &
	fi
done
wait

# What failed is said once more at the end, where a reader of a long log looks first.
for name in "$@"; do
	! grep -qx fail "$results/$name.result" 2>/dev/null || {
		echo "failed: $name"
		tail -n 8 "$results/$name.out" | cut -c1-200 | sed 's/^/    /'
	}
done
passed=$(cat "$results"/*.result | grep -c pass)
skipped=$(cat "$results"/*.result | grep -c skip)
failed=$(($# - passed - skipped))
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
