#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# mica-unpack on Debian's own kernels.
# seconds: 2
. tests/system/unpack-lib.sh
for kernel in 6.1 6.12 cloud; do
	"$UNPACK" "$BUILD/lab/$kernel/vmlinuz" "$WORK/out"
	[ "$(head -c 5 "$WORK/out" | od -An -tx1 | tr -d ' ')" = 7f454c4602 ] || fail "$kernel: no ELF"
	readelf -n "$WORK/out" | grep -q Xen || fail "$kernel: no Xen notes"
done
