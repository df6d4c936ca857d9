#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Instruction counts of the guest ABI's primitives, exact and repeatable.
#
#   tests/bench/run.sh BUILD_DIR [mica|xen]
#
# Boots tests/bench/hypercall.c as dom0 under -icount and prints one line per primitive beside what
# Debian's Xen 4.17 needs (tests/bench/xen-4.17.txt, made by this script with `xen`).  Limits are
# marked met or missed; a missed one, or a failed run, is status 1.

set -u
cd "$(dirname "$0")/../.."
[ $# -ge 1 ] || { echo "usage: $0 BUILD_DIR [mica|xen]" >&2; exit 2; }
build=$1
hypervisor=${2:-mica}
out=$build/test/bench
log=$out/hypercall.$hypervisor.log
elf=$build/test/guest/hypercall.elf
reference=tests/bench/xen-4.17.txt
mkdir -p "$out"

make -s -f tests/guest/guest.mk OUT="$build/test/guest" "$elf" || exit 1
append="console=com1 com1=115200,8n1 loglvl=all dom0_mem=64M"
if [ "$hypervisor" = xen ]; then
	kernel=${XEN_IMAGE:-$build/lab/xen/xen}
	[ -e "$kernel" ] || tests/lab/setup.sh xen "$build/lab/xen" || exit 1
else
	kernel=$build/mica.elf
	append="$append qemu-exit"
fi

timeout 300 qemu-system-x86_64 -accel tcg -icount shift=0,sleep=off -rtc clock=vm -seed 1 \
	-cpu max,-smap,-la57 -m 256 -smp 1 -kernel "$kernel" -initrd "$elf" -append "$append" \
	-device isa-debug-exit,iobase=0xf4,iosize=4 -display none -vga none -net none \
	-serial "file:$log" -monitor none -no-reboot </dev/null >"$log.qemu" 2>&1
sed -i 's/\r$//' "$log"
grep -q '^RESULT: pass' "$log" || { echo "bench: no result, see $log" >&2; exit 1; }
sed -n 's/^BENCH //p' "$log" >"$out/$hypervisor.txt"
[ "$hypervisor" = mica ] || { cat "$out/xen.txt"; exit 0; }

awk '
BEGIN {
	limit["hypercall_xen_version"] = 110
	limit["user_syscall_bounce"] = 260
	limit["domain_memory_bytes"] = 24576
	limit["domain_create_1_vcpu"] = 12000
	limit["domain_populate_page"] = 350
	limit["domain_destroy_page"] = 60
	limit["domain_destroy_page_mapped"] = 60
	limit["backend_map_and_unmap_32"] = 500
	limit["grant_copy_64_32"] = 260
	limit["backend_copy_64_32"] = 260
	printf "%-32s %9s %9s %6s  %s\n", "primitive (instructions)", "mica", "xen", "ratio", "limit"
}
NR == FNR { if ($1 != "#") xen[$1] = $2; next }
{
	ratio = xen[$1] ? sprintf("%.2f", $2 / xen[$1]) : "-"
	mark = ""
	if ($1 in limit) {
		met = $2 <= limit[$1]
		mark = limit[$1] (met ? " met" : " missed")
		missed += !met
		seen++
	}
	printf "%-32s %9d %9s %6s  %s\n", $1, $2, ($1 in xen) ? xen[$1] : "-", ratio, mark
}
END { exit missed || seen != 10 }
' "$reference" "$out/mica.txt"
