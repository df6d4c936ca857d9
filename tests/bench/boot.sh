#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What Mica costs to start and to keep, on a 512 MiB host with Debian's stock kernel as dom0:
#
#   tests/bench/boot.sh BUILD_DIR
#
# Boots under -icount, where the TSC counts instructions, until dom0's user space runs, and reads the
# two lines that boot/start.c prints.  Over a limit is status 1.
set -u
cd "$(dirname "$0")/../.."
[ $# -ge 1 ] || { echo "usage: $0 BUILD_DIR" >&2; exit 2; }
build=$1
out=$build/test/bench
log=$out/boot.log
lab=$build/lab/6.1
mkdir -p "$out"
timeout 300 qemu-system-x86_64 -accel tcg -icount shift=0,sleep=off -rtc clock=vm -seed 1 \
	-cpu max,-smap,-la57 -m 512 -smp 1 -kernel "$build/mica.elf" \
	-initrd "$lab/vmlinux console=hvc0 lab=test:boot,$lab/initrd" \
	-append "console=com1 com1=115200,8n1 loglvl=all qemu-exit" \
	-device isa-debug-exit,iobase=0xf4,iosize=4 -display none -vga none -net none \
	-serial "file:$log" -monitor none -no-reboot </dev/null >"$log.qemu" 2>&1
sed -i 's/\r$//' "$log"
grep -q '^LAB-RESULT: ok' "$log" || { echo "bench: dom0 did not come up, see $log" >&2; exit 1; }
kept=$(sed -n 's/^mica: memory: Mica keeps \([0-9]*\) KiB.*/\1/p' "$log")
start=$(sed -n 's/^mica: start-up took \([0-9]*\) TSC cycles.*/\1/p' "$log")
over=0

# report WHAT VALUE LIMIT XEN
report()
{
	local word=met

	[ "$2" -le "$3" ] || { word=missed; over=1; }
	printf '%-32s %9d %9d %6s  %d %s\n' "$1" "$2" "$4" "$(awk "BEGIN { printf \"%.2f\", $2 / $4 }")" "$3" $word
}

report memory_beside_dom0_kib "${kept:?}" 4608 9216
report start_to_dom0_instructions "${start:?}" 58000000 233000000
exit $over
