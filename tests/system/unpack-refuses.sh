#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# mica-unpack on files that are no bzImage, and on names that cannot be read or written.
# seconds: 1
. tests/system/unpack-lib.sh
tests/lab/mkbzimage.py xz "$SMALL" "$WORK/good"

refuses "$SMALL" 'ELF file already'
refuses tests/system/unpack-refuses.sh 'HdrS'
refuses "$WORK/none" 'No such file'
refuses "$WORK" 'directory'
refuses /dev/null 'short'
refuses /dev/zero 'above 256 MiB'
for method in bzip2 lzma; do
	tests/lab/mkbzimage.py $method "$SMALL" "$WORK/other"
	refuses "$WORK/other" "$method"
done
tests/lab/mkbzimage.py none "$SMALL" "$WORK/other"
refuses "$WORK/other" 'compression is unknown'
tests/lab/mkbzimage.py xz tests/system/unpack-refuses.sh "$WORK/other"
refuses "$WORK/other" 'not an ELF'

cp "$SMALL" "$WORK/kernel32"
patch_bytes "$WORK/kernel32" 4 01
tests/lab/mkbzimage.py gzip "$WORK/kernel32" "$WORK/other"
refuses "$WORK/other" '64-bit'
cp "$WORK/good" "$WORK/old"
patch_bytes "$WORK/old" 518 0702
refuses "$WORK/old" '2.08'
cp "$WORK/good" "$WORK/far"
patch_bytes "$WORK/far" 584 f0ffffff
refuses "$WORK/far" 'truncated'

# An older output survives a failure; a name that cannot be written is told.
echo old >"$WORK/keep"
! "$UNPACK" "$WORK/old" "$WORK/keep" 2>/dev/null || fail "old protocol accepted"
[ "$(cat "$WORK/keep")" = old ] || fail "the older output is gone"
! "$UNPACK" "$WORK/good" "$WORK/none/out" 2>"$WORK/said" || fail "wrote into no directory"
grep -q 'cannot create: No such file' "$WORK/said" || fail "$(cat "$WORK/said")"
! "$UNPACK" "$WORK/good" /dev/full/x 2>"$WORK/said" || fail "wrote below a device"

"$UNPACK" -h | grep -q '^usage:' || fail "-h"
"$UNPACK" -V | grep -q '^mica-unpack [0-9]' || fail "-V"
for words in "" "one" "a b c" "-x a b"; do
	status=0
	"$UNPACK" $words 2>/dev/null || status=$?
	[ $status = 2 ] || fail "'$words': status $status"
done
