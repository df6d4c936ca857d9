#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The abi suite: every header alone (headers.sh), every size, offset and constant against
# Debian's libxen-dev (ours.c, theirs.c, main.c), and no name left out (complete.py).
# What needs libxen-dev is skipped, not passed, where that is not installed.
#
# usage: run.sh BUILD_DIR		environment: CC
set -u

here=$(cd "$(dirname "$0")" && pwd)
abi=$here/../../abi
build=$1/test/abi
cc=${CC:-gcc}
passed=0
failed=0
skipped=0
mkdir -p "$build" || exit 1

# part NAME COMMAND...: show what it prints but its last line, which we add up.
part()
{
	name=$1
	shift
	"$@" >"$build/$name.log" 2>&1
	status=$?
	last=$(tail -n 1 "$build/$name.log")
	if ! echo "$last" | grep -Eqx '[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped'; then
		cat "$build/$name.log"
		echo "FAIL $name ended without a count, status $status"
		failed=$((failed + 1))
		return
	fi
	sed '$d' "$build/$name.log"
	echo "$name: $last"
	# shellcheck disable=SC2046
	set -- $(echo "$last" | tr -cd '0-9 ')
	passed=$((passed + $1))
	failed=$((failed + $2))
	skipped=$((skipped + $3))
	if [ "$status" -ne 0 ] && [ "$2" -eq 0 ]; then
		echo "FAIL $name exited with status $status"
		failed=$((failed + 1))
	fi
}

facts()
{
	if [ ! -e /usr/include/xen/domctl.h ]; then
		echo "libxen-dev is not installed: nothing to compare with"
		echo "0 passed, 0 failed, 1 skipped"
		return
	fi
	"$cc" -std=gnu11 -Wall -Wextra -Werror -I"$abi" -o "$build/facts" \
		"$here/main.c" "$here/ours.c" "$here/theirs.c" && "$build/facts"
}

part headers "$here/headers.sh" "$abi"
part facts facts
part complete python3 -B "$here/complete.py" "$abi/mica" "$here/facts" "$here/ours-only.list"

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
