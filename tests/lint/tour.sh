#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
#   tour.sh [SUBJECT]      prints the comments tagged /* tour:SUBJECT/N */ in order
#
# Each stop is the comment and the code after it, up to the first empty line.
set -euo pipefail
cd "$(dirname "$0")/../.."

{ grep -rnoE '/\* tour:[a-z0-9_-]+/[0-9]+' hypervisor abi dom0-tools || true; } |
	sed -E 's|^([^:]*):([0-9]+):/\* tour:([a-z0-9_-]+)/([0-9]+)|\3 \4 \1 \2|' |
	sort -k1,1 -k2,2n |
	while read -r subject number file line; do
		[ -z "${1:-}" ] || [ "$subject" = "$1" ] || continue
		printf '\n=== %s/%s  %s:%s\n\n' "$subject" "$number" "$file" "$line"
		tail -n +"$line" "$file" | awk '
			/\*\// { closed = 1 }
			closed && /^$/ { exit }
			NR > 40 { exit }
			{ print }'
	done
