#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
#   tests/bench/create.sh BUILD [GUESTS]
#
# What `mica create` costs dom0 and the hypervisor until the guest's first instruction, beside
# Debian's `xl create` of the same guest in the same boot; then GUESTS (50) guests one after the
# other, the mean of the last five beside the mean of the first five: a single one has what dom0's
# kernel happens to do meanwhile, up to 2 % more or less.  One CPU under -icount: a nanosecond of dom0's
# CPU time is an instruction (tests/bench/create.c).  A limit that is missed is status 1.
#
# PROFILE=1: only the GUESTS, and where the last ten cost more than the first ten, by function; the
# blocks are counted by a plugin of QEMU.
set -eu
cd "$(dirname "$0")/../.."
build=${1:?usage: tests/bench/create.sh BUILD [GUESTS]}
guests=${2:-50}
lab=$build/lab/6.1
out=$build/test/bench
log=$out/create.log
mkdir -p "$out/create.d/bin" "$out/create.d/tests"

[ -e "$lab/initrd-guests" ] || { echo "bench: no image with guests: make guest-images" >&2; exit 1; }
${CC:-gcc} -O2 -Wall -Wextra -Werror -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Idom0-tools -Ihypervisor \
	-Iabi -static tests/bench/create.c "$build/libmica.a" -lxencall -lxenforeignmemory -lxentoolcore \
	-lxentoollog -ldl -o "$out/create.d/bin/create-cost"
# The kernel unpacks archives that follow each other; later files replace earlier ones.
cp "$build"/tools/mica* "$out/create.d/bin/"
{ echo "guests=$guests profile=${PROFILE:-}"; cat tests/bench/create.dom0; } >"$out/create.d/tests/create"
(cd "$out/create.d" && find . | cpio -o -H newc -R 0:0 --quiet) >"$out/create.cpio"
cat "$lab/initrd-guests" "$out/create.cpio" >"$out/create.initrd"
rm -rf "$out/create.d" "$out/create.cpio"
count=()
if [ -n "${PROFILE:-}" ]; then
	rm -f "$out/create.counts" "$out/create.blocks"
	${CC:-gcc} -std=gnu11 -O2 -Wall -Wextra -Werror -Wno-unused-parameter -shared -fPIC \
		tests/bench/count.c -o "$out/count.so"
	count=(-plugin "$out/count.so,out=$out/create.counts,profile=$out/create.blocks")
fi

timeout "${BENCH_TIMEOUT:-1800}" qemu-system-x86_64 -accel tcg -icount shift=0,sleep=off -rtc clock=vm -seed 1 \
	-cpu max,-smap,-la57 -m 3072 -smp 1 -kernel "$build/mica.elf" \
	-initrd "$lab/vmlinux console=hvc0 lab=test:create lab-store=mica,$out/create.initrd" \
	-append "console=com1 com1=115200,8n1 loglvl=all dom0_mem=640M qemu-exit" \
	-device isa-debug-exit,iobase=0xf4,iosize=4 -display none -vga none -net none \
	-serial "file:$log" -monitor none -no-reboot "${count[@]}" </dev/null >"$log.qemu" 2>&1 || true
rm -f "$out/create.initrd"
sed -i 's/\r$//' "$log"
grep -q '^LAB-RESULT: ok' "$log" || { echo "bench: no result, see $log" >&2; exit 1; }
if [ -n "${PROFILE:-}" ]; then
	exec tests/bench/profile.py "$build" "$log" "$out/create.blocks"
fi

sed -n 's/^CREATE //p' "$log" | awk -v guests="$guests" '
function row(what, mica, xl, limit, ratio, word)
{
	ratio = mica / xl
	word = ratio <= limit ? "met" : "missed"
	missed += ratio > limit
	printf "%-34s %12.0f %12.0f %6.3f  %s %s\n", what, mica, xl, ratio, limit, word
}
{ first[$1] = $3; all[$1] = $5; seen++ }
END {
	printf "%-34s %12s %12s %6s  %s\n", "instructions, dom0 and hypervisor", "mica", "xl", "ratio", "limit"
	row("tiny, to first instruction", first["tiny-mica2"], first["tiny-xl2"], 0.25)
	row("tiny, until the command ends", all["tiny-mica2"], all["tiny-xl2"], 0.25)
	printf "%-34s %12.0f %12.0f %6.3f  (unpacks it)\n", "stock kernel, first time", \
		first["stock-mica1"], first["stock-xl1"], first["stock-mica1"] / first["stock-xl1"]
	row("stock kernel, to first instruction", first["stock-mica2"], first["stock-xl1"], 0.25)
	row("stock kernel, until it ends", all["stock-mica2"], all["stock-xl1"], 0.25)
	printf "%-34s %12s %12s\n", "", "guest " guests, "guest 1"
	printf "%-34s %12.0f %12.0f %6.3f  (one pair)\n", "one more guest", first["many-mica" guests], \
		first["many-mica1"], first["many-mica" guests] / first["many-mica1"]
	for (i = 1; i <= 5; i++) {
		last += first["many-mica" guests - 5 + i] / 5
		begin += first["many-mica" i] / 5
	}
	row("the same, mean of five and five", last, begin, 1.05)
	exit missed || seen != guests + 7
}'
