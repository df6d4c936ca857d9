#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What a random read of 4 KiB from a guest's disk costs, 32 under way, with mica-blkd and with the
# kernel's xen-blkback, in instructions:
#
#   tests/bench/blk.sh BUILD_DIR [BACKENDS [READS]]
#
# BACKENDS: blkd,kernel if not given.  One CPU under -icount; the disk is memory of dom0 (brd).  Every
# instruction is counted where it is executed, by a plugin of QEMU (tests/bench/count.c): hypervisor, and
# kernel and programs of dom0 and of the guest.  PROFILE=FILE has every block with its count.
# RATELIMIT=N: guests that have begun to run are not preempted for N us (mica cpu ratelimit).
# HYPERVISOR=xen XEN_IMAGE=FILE measures the kernel's back end on Debian's Xen.
set -u
cd "$(dirname "$0")/../.."
[ $# -ge 1 ] || { echo "usage: $0 BUILD_DIR [BACKENDS [READS]]" >&2; exit 2; }
build=$1 reads=${3:-20000}
out=$build/test/bench
name=blk.${HYPERVISOR:-mica}
log=$out/$name.log
other=()
backends=${2:-blkd,kernel}
if [ "${HYPERVISOR:-mica}" = xen ]; then
	image=${XEN_IMAGE:-$build/lab/xen/xen}
	[ -e "$image" ] || tests/lab/setup.sh xen "$build/lab/xen" || exit 1
	other=(--xen --hypervisor "$image")
	backends=${2:-kernel}
fi
mkdir -p "$out"
rm -f "$out/$name.counts"
${CC:-gcc} -std=gnu11 -O2 -Wall -Wextra -Werror -Wno-unused-parameter -shared -fPIC tests/bench/count.c \
	-o "$out/count.so" || exit 1
plugin=$out/count.so,out=$out/$name.counts${PROFILE:+,profile=$PROFILE}
tests/lab/qemu.py --build "$build" --quiet --log "$log" --image initrd-guests --cpus 1 \
	--memory 1200 --dom0-memory 640 "${other[@]}" \
	--cmdline "lab=test:blk-bench lab-store=${STORE:-mica} backends=$backends reads=$reads${RATELIMIT:+ ratelimit=$RATELIMIT}" \
	--expect 'LAB-RESULT: ok blk-bench' --refuse 'LAB-RESULT: fail' --end off --limit 3000 \
	-- -icount shift=0,sleep=off -rtc clock=vm -plugin "$plugin" || exit 1
printf '%-8s %10s %7s %7s %7s %7s %8s %8s %8s %8s %8s\n' backend hypervisor entries dom0-k dom0-u \
	dom0+hv guest-k guest-u elapsed to-back to-guest
# A line of counts for each measurement, in order.
sed -n 's/\r$//; s/^LAB: bench \([a-z]*\): told \([0-9]*\) of \([0-9]*\) blkread: \([0-9]*\) requests \([0-9]*\) ns \([0-9]*\) .*/\1 \2 \3 \4 \5 \6/p' "$log" |
	paste -d ' ' - "$out/$name.counts" | awk '
	{
		n = $4
		hv = $8; k = $10; u = $12; gk = $14; gu = $16; entries = $18
		printf "%-8s %10d %7.2f %7d %7d %7d %8d %8d %8d %8.4f %8.4f\n", $1, hv / n, entries / n,
			k / n, u / n, (hv + k + u) / n, gk / n, gu / n, $5 / n, $2 / $3, $6 / n
		lines++
	}
	END { exit !lines }'
echo "(each: for one request; entries into the hypervisor; to-back, to-guest: notifications)"
