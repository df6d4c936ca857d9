# SPDX-License-Identifier: BSD-2-Clause
# What the scenarios share.  Sourced first; the working directory is the top of the tree.
set -euo pipefail
. tests/lab/host.sh

NAME=${NAME:-$(basename "$0" .sh)}
WORK=$BUILD/test/system/$NAME.d
LOG=$BUILD/test/system/$NAME.log
rm -rf "$WORK"
mkdir -p "$WORK"

skip()
{
	echo "$*"
	exit 77
}

fail()
{
	echo "fail: $*"
	exit 1
}

# HYPERVISOR=xen XEN_IMAGE=FILE: the same scenario on Debian's Xen, to check the scenario itself.
AUDIT=(--refuse 'audit: ([1-9]|skipped)' --expect 'audit: clean')
LAST_AUDIT=(--expect 'audit: clean')	# what the hypervisor itself says when the machine ends
OTHER=()
ELF=$BUILD/mica.elf
END_OPTION=qemu-exit
if [ "${HYPERVISOR:-mica}" = xen ]; then
	AUDIT=()
	LAST_AUDIT=()
	ELF=${XEN_IMAGE:-$BUILD/lab/xen/xen}
	END_OPTION=spec-ctrl=eager-fpu
	OTHER=(--xen --hypervisor "$ELF")
fi

qemu()
{
	tests/lab/qemu.py --build "$BUILD" --quiet --log "$LOG" "${OTHER[@]}" "$@"
}

# A kernel complains of a CPU that was silent for 20 s; all are when the host stops QEMU for so long.
PATIENCE="watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=300"

# boot TEST "WORDS" [options of qemu.py]: dom0 runs TEST of the image to its good end, the audit
# is clean, and so is the one at the end, and the machine goes off.
boot()
{
	local test=$1 words=$2

	shift 2
	qemu --cmdline "lab=test:$test $words $PATIENCE" --refuse 'LAB-RESULT: fail' "${AUDIT[@]}" \
		--expect "LAB-RESULT: ok $test" "${LAST_AUDIT[@]}" --end off "$@"
}

# guests TEST "WORDS" [options of qemu.py]: the same with the image that has tools and guests.
guests()
{
	local test=$1 words=$2

	shift 2
	[ -e "$BUILD/lab/6.1/initrd-guests" ] || skip "no image with guests: make guest-images"
	boot "$test" "$words" --image initrd-guests --cpus 2 --memory 2048 --dom0-memory 640 "$@"
}

# cannot_boot "REGEX" [options of qemu.py]: the hypervisor stops with one sentence that matches, and
# a clean audit before it.  cannot_boot_early: too early for one, there is no frame table yet.
cannot_boot()
{
	local why=$1

	shift
	cannot_boot_early "$why" "${AUDIT[@]}" "$@"
}

cannot_boot_early()
{
	local why=$1

	shift
	qemu "$@" --expect "mica: cannot boot: .*($why)" --end config --limit 300
	[ "$(grep -c 'mica: cannot boot:' "$LOG")" = 1 ] || fail "more than one sentence"
}

# A file of the lab with some bytes changed: patch FILE OFFSET HEX
patch_bytes()
{
	printf "$(sed 's/../\\x&/g' <<<"$3")" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# archive_disk DIRECTORY FILE: a raw disk that is an archive of it, for dom0 to unpack
archive_disk()
{
	tar -C "$1" --owner 0 --group 0 -cf "$2" .
	truncate -s %1M "$2"
}
