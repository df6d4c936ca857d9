#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
#   size.sh MICA_ELF      what a thin hypervisor weighs, against its limits; status 1 if over
#
# Text and read-only data are the segments that are loaded and either run or are never written.
set -euo pipefail
LIMIT_BYTES=307200
LIMIT_LINES=15000

bytes=$(readelf -lW "$1" | awk '
	function hex(s,   i, n) {
		for (i = 3; i <= length(s); i++)
			n = n * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1
		return n
	}
	$1 == "LOAD" {
		flags = ""
		for (i = 7; i < NF; i++)
			flags = flags $i
		if (flags ~ /E/ || flags !~ /W/)
			sum += hex($5)
	}
	END { print sum + 0 }')
# Lines of code: blank lines and comments do not count, headers are declarations.
lines=$(cat hypervisor/*/*.[cS] | python3 -c '
import re, sys
text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group(0).count("\n"), sys.stdin.read(), flags=re.S)
print(sum(1 for line in text.split("\n") if line.strip()))')
over=0

report()
{
	local word=ok

	[ "$2" -le "$3" ] || { word=OVER; over=1; }
	printf '%-24s %8d of %8d  %s\n' "$1" "$2" "$3" $word
}

report "text + rodata, bytes" "$bytes" $LIMIT_BYTES
report "lines of C and asm" "$lines" $LIMIT_LINES
exit $over
