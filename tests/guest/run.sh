#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Builds and boots the test kernels, one machine each, and says which passed.
#
#   tests/guest/run.sh BUILD_DIR [NAME...]
#
# HYPERVISOR=mica (default): boots BUILD_DIR/mica.elf.  HYPERVISOR=xen: boots XEN_IMAGE (default
# BUILD_DIR/lab/xen/xen, fetched when missing), to check the tests themselves.  JOBS tests run at a time, 120 s each.
# CPU=MODEL: QEMU's, instead of max; Opteron_G4 and _G5 hang in QEMU 7.2 when CR4.OSXSAVE is set (Linux, too).
# MACHINE=bochs: in Bochs instead of QEMU, one at a time; then CPU=MODEL is one of `bochs --help cpu`.
# A test may carry one comment
#   /* guest: smp=2 mem=256 hvopts="..." args="..." expect=crash */
# expect=crash: the hypervisor must stop the domain and live to say so.
# Mica audits its frames on the way to every end of the machine: a test that ends without it fails.
# Log of a test: BUILD_DIR/test/guest/NAME.log (NAME.xen.log, NAME.bochs.log).

set -u
cd "$(dirname "$0")/../.."
[ $# -ge 1 ] || { echo "usage: $0 BUILD_DIR [NAME...]" >&2; exit 2; }
build=$1
shift
hypervisor=${HYPERVISOR:-mica}
machine=${MACHINE:-qemu}
case "$machine $hypervisor" in
"qemu "* | "bochs mica") ;;
*) echo "$0: MACHINE is qemu, or bochs with HYPERVISOR=mica" >&2; exit 2 ;;
esac
jobs=${JOBS:-2}
cpu=${CPU:-max,-smap,-la57}
if [ "$machine" = bochs ]; then
	jobs=1
	cpu=${CPU:-broadwell_ult}
	tests/lab/setup.sh packages bochs || exit 1
fi
limit=${LIMIT:-120}
out=$build/test/guest
mkdir -p "$out"

# value of KEY in the test's guest: comment, or the default
option() {
	local key=$1 default=$2 line value
	line=$(grep -m1 -E '^/\* guest: ' "$source") || { echo "$default"; return; }
	value=$(sed -nE "s/.*[ :]$key=(\"([^\"]*)\"|([^ ]*)).*/\2\3/p" <<<"$line")
	echo "${value:-$default}"
}

run_qemu() {
	local kernel=$1 append=$2
	timeout "$limit" qemu-system-x86_64 -accel tcg -cpu "$cpu" -m "$mem" \
		-smp "$smp" -kernel "$kernel" -initrd "$elf${args:+ $args}" -append "$append" \
		-device isa-debug-exit,iobase=0xf4,iosize=4 -display none -vga none -net none \
		-serial "file:$log" -monitor none -no-reboot </dev/null >"$log.qemu" 2>&1
}

run_bochs() {
	tests/lab/bochs.py --code --quiet --limit "$limit" --log "$log" --hypervisor "$build/mica.elf" \
		--cpu "$cpu" --cpus "$smp" --memory "$mem" --dom0-memory 64 --options "$1" \
		--module "$elf${args:+ $args}" </dev/null >"$log.qemu" 2>&1
}

# sets verdict from $log and the exit status
judge_crash() {
	if [ "$hypervisor" = mica ] && [ "$1" -ne 65 ]; then
		verdict="fail $name: exit status $1, wanted 65 (domain crash)"
	elif grep -q "^RESULT:" "$log"; then
		verdict=$(sed -n 's/^RESULT: //p' "$log" | head -1)
		[ "${verdict%% *}" = pass ] && verdict="fail $name: the domain was not crashed"
	elif grep -qiE 'panic|BUG at|FATAL' "$log"; then
		verdict="fail $name: the hypervisor died"
	elif grep -qiE 'domain_crash|crashed|dom0.*crash|watchdog .*(expired|fired)' "$log"; then
		verdict="pass $name"
	else
		verdict="fail $name: no word about a crash"
	fi
}

# When the machine ended, its last word about the audit must be that it was clean.
judge_audit() {
	local last
	last=$(sed -n '/^mica: dom0 asks for /,$s/^mica: \(audit: .*\)/\1/p' "$log" | tail -n 1)
	[ "$last" = "audit: clean" ] || verdict="fail $name: ${last:-no audit at the end}"
}

judge() {
	local status=$1
	if [ "$status" -eq 97 ]; then
		verdict="fail $name: the hypervisor panicked"
	elif [ "$status" -eq 124 ]; then
		verdict="fail $name: no end within $limit s"
	elif [ "$expect" = crash ]; then
		judge_crash "$status"
	elif [ "$hypervisor" = mica ] && [ "$status" -ne 33 ]; then
		verdict="fail $name: exit status $status, wanted 33 (power off)"
	else
		verdict=$(sed -n 's/^RESULT: //p' "$log" | head -1)
	fi
	[ -n "$verdict" ] || verdict="fail $name: no result"
	verdict=${verdict/#error/fail}
	if [ "$hypervisor" = mica ] && [ "${verdict%% *}" = pass ]; then
		judge_audit
	fi
}

run_one() {
	name=$1
	source=tests/guest/$name.c
	elf=$out/$name.elf
	smp=$(option smp 1) mem=$(option mem 256) hvopts=$(option hvopts "")
	args=${ARGS:-$(option args "")} expect=$(option expect pass)
	log=$out/$name.log
	verdict=
	local common="console=com1 com1=115200,8n1 loglvl=all guest_loglvl=all dom0_mem=64M"
	if [ "$hypervisor" = xen ]; then
		log=$out/$name.xen.log
		run_qemu "$xen_image" "$common $(option xenopts "")"
	elif [ "$machine" = bochs ]; then
		log=$out/$name.bochs.log
		run_bochs "loglvl=all guest_loglvl=all $hvopts"
	else
		run_qemu "$build/mica.elf" "$common qemu-exit $hvopts"
	fi
	local status=$?
	sed -i 's/\r$//; s/^(XEN) \(TEST\|RESULT\)/\1/' "$log" 2>/dev/null
	judge "$status"
	echo "$verdict"
}

names=("$@")
if [ ${#names[@]} -eq 0 ]; then
	for f in tests/guest/*.c; do
		names+=("$(basename "$f" .c)")
	done
fi

make -s -j"$jobs" -f tests/guest/guest.mk OUT="$out" \
	$(printf "$out/%s.elf " "${names[@]}") || exit 1

xen_image=${XEN_IMAGE:-$build/lab/xen/xen}
if [ "$hypervisor" = xen ] && [ ! -e "$xen_image" ]; then
	tests/lab/setup.sh xen "$build/lab/xen" || exit 1
fi

export -f option run_qemu run_bochs judge judge_crash judge_audit run_one
export build hypervisor machine limit cpu out xen_image
results=$out/results.$hypervisor.$machine
printf '%s\n' "${names[@]}" | xargs -P "$jobs" -I{} bash -c 'run_one {}' | tee "$results"
passed=$(grep -c '^pass' "$results")
failed=$(grep -c '^fail' "$results")
skipped=$(grep -c '^skip' "$results")
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ $((passed + skipped)) -eq ${#names[@]} ]
