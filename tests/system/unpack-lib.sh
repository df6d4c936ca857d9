# SPDX-License-Identifier: BSD-2-Clause
# What the tests of mica-unpack share: a small kernel and the two ways a run can end.
. tests/system/lib.sh
UNPACK=$BUILD/tools/mica-unpack
SMALL=$(command -v busybox)

# unpacks IMAGE KERNEL: the result is KERNEL, nothing is said, nothing else is left.
unpacks()
{
	"$UNPACK" "$1" "$WORK/out" >"$WORK/said" 2>&1 || fail "$1: $(cat "$WORK/said")"
	[ ! -s "$WORK/said" ] || fail "$1: it said $(cat "$WORK/said")"
	cmp "$2" "$WORK/out" || fail "$1: another kernel came out"
	rm "$WORK/out"
	no_leftovers "$1"
}

# refuses IMAGE REGEX: status 1, one line of three parts that matches, no output.
refuses()
{
	local status=0

	"$UNPACK" "$1" "$WORK/out" >"$WORK/said" 2>&1 || status=$?
	[ $status = 1 ] || fail "$1: status $status"
	[ "$(wc -l <"$WORK/said")" = 1 ] || fail "$1: not one line: $(cat "$WORK/said")"
	grep -qE "^mica-unpack: [^:]*: [^:]*: .*($2)" "$WORK/said" ||
		fail "$1: it said $(cat "$WORK/said")"
	no_leftovers "$1"
}

no_leftovers()
{
	[ -z "$(ls "$WORK" | grep '^out')" ] || fail "$1: it left $(ls "$WORK"/out*)"
}

# Data damaged in the middle.  Only xz, zstd with a checksum and gzip can know for sure; lz4 has
# none, so there another kernel may come out, but never a wrong size and never a crash.
refuses_or_differs()
{
	local status=0

	"$UNPACK" "$1" "$WORK/out" >"$WORK/said" 2>&1 || status=$?
	if [ $status = 0 ]; then
		[ "$(stat -c %s "$WORK/out")" = "$(stat -c %s "$SMALL")" ] || fail "$1: wrong size"
		rm "$WORK/out"
	else
		refuses "$1" 'damaged|unknown|contains|kernel in it'
	fi
	no_leftovers "$1"
}

# whole_cut_damaged FORMAT: a bzImage in it comes out whole, and is refused when cut or damaged anywhere.
whole_cut_damaged()
{
	local image=$WORK/vmlinuz bytes cut at

	tests/lab/mkbzimage.py "$1" "$SMALL" "$image"
	unpacks "$image" "$SMALL"

	bytes=$(($(stat -c %s "$image") - 64))
	for cut in 0 1 511 590 592 2560 2900 $((bytes / 2)) $((bytes - 5)) $((bytes - 1)); do
		head -c $cut "$image" >"$WORK/cut"
		refuses "$WORK/cut" 'short|truncated'
	done
	for at in 2862 2870 2900 $((bytes / 4)) $((bytes / 2)) $((bytes - 200)); do
		cp "$image" "$WORK/bad"
		patch_bytes "$WORK/bad" $at a55a3cc3a55a3cc3
		refuses_or_differs "$WORK/bad"
	done
	cp "$image" "$WORK/bad"
	patch_bytes "$WORK/bad" $((bytes - 4)) ffffffff
	refuses "$WORK/bad" 'damaged'
}
