#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What a packet between two stock guests costs, with mica-netd and with the kernel's xen-netback and
# a bridge, in instructions:
#
#   tests/bench/net.sh BUILD_DIR [BACKENDS [MIB]]
#
# turn: a datagram there and back; udp64: 64 bytes, of which each 64th has to come back; tcp: 1 KiB of
# a stream.  What the guests use to start the program is not counted.
# BACKENDS: netd,kernel if not given; netdN polls N microseconds.  One CPU under -icount, where a
# nanosecond of any clock is one instruction: of a saturated machine the elapsed time is what
# everybody used; less what the guests used, it is dom0's and the hypervisor's.
# CPU=MODEL chooses another processor: on the usual one guests copy and clear memory with `rep movsb`
# and `rep stosb`, and each byte of that counts as an instruction.
# RATELIMIT=N: guests that have begun to run are not preempted for N us (mica cpu ratelimit).
# HYPERVISOR=xen XEN_IMAGE=FILE measures the kernel's back end on Debian's Xen.
set -u
cd "$(dirname "$0")/../.."
[ $# -ge 1 ] || { echo "usage: $0 BUILD_DIR [BACKENDS [MIB]]" >&2; exit 2; }
build=$1
out=$build/test/bench
mkdir -p "$out"
log=$out/net.log
other=()
if [ "${HYPERVISOR:-mica}" = xen ]; then
	xen=${XEN_IMAGE:-$build/lab/xen/xen}
	[ -e "$xen" ] || tests/lab/setup.sh xen "$build/lab/xen" || exit 1
	other=(--xen --hypervisor "$xen")
fi
tests/lab/qemu.py --build "$build" --quiet --log "$log" --image initrd-guests --cpus 1 \
	--memory 1600 --dom0-memory 640 "${other[@]}" \
	--cmdline "lab=test:net-bench lab-store=mica backends=${2:-netd,kernel} mib=${3:-32}${RATELIMIT:+ ratelimit=$RATELIMIT}" \
	--expect 'LAB-RESULT: ok net-bench' --refuse 'LAB-RESULT: fail' --end off --limit 3000 \
	-- -icount shift=0,sleep=off -rtc clock=vm -cpu "${CPU:-max,-smap,-la57,-erms,-fsrm}" || exit 1
printf '%-8s %-8s %12s %14s %14s\n' backend what items each_all each_dom0_hv
sed -n 's/\r$//; s/^LAB: bench \([a-z0-9]*\) \([a-z0-9]*\): items \([0-9]*\) elapsed_ns \([0-9]*\) guests_ns \([0-9]*\).*/\1 \2 \3 \4 \5/p' "$log" |
	while read -r backend what items elapsed guests; do
		[ "$items" -gt 0 ] || continue
		per=$items
		[ "$what" != tcp ] || per=$((items / 1024))
		printf '%-8s %-8s %12d %14d %14d\n' "$backend" "$what" "$items" \
			$((elapsed / per)) $(((elapsed - guests) / per))
	done
echo "(each: a datagram, a turn there and back, or 1 KiB of the stream)"
sed -n 's/^LAB: \(bench [a-z0-9]* udp64-received: .*\)/\1/p' "$log"
