#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# mica-unpack on a bzImage in zstd: whole, cut anywhere, damaged anywhere.
# seconds: 1
. tests/system/unpack-lib.sh
image=$WORK/vmlinuz
tests/lab/mkbzimage.py zstd "$SMALL" "$image"
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
