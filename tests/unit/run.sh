#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Builds and runs every tests/unit/**/*_test.c on the host: tests/unit/run.sh BUILD_DIR [NAME...]
#
# A test's first line names the sources it links, relative to hypervisor/ unless they begin with
# tests/ or dom0-tools/; -lNAME is a library:
#	/* unit: mm/kind.c mm/frame.c */
# @mm stands for all of mm/ that works on fake_ram(): everything but the hypervisor's page tables.
# @stored is all of the store daemon but its main() and its devices; dom0-tools/... names any file.
# @sim is the simulator with the echo pair; -DNAME defines a macro for all the test's sources.
# tests/unit/fake stands for cpu/: its headers shadow the real ones, its functions are weak.
# Runs under address and undefined-behaviour sanitizers; ends in one line of totals.
set -u
cd "$(dirname "$0")/../.." || exit 2
build=${1:?usage: tests/unit/run.sh BUILD_DIR [NAME...]}
shift
mkdir -p "$build/unit"
out=$(cd "$build/unit" && pwd) || exit 2
cc=${CC:-gcc}
case $cc in *clang*) cc=gcc ;; esac
flags="-std=gnu11 -g -O1 -D_GNU_SOURCE -DMICA_DEBUG=1 -DMICA_UNIT=1 -DSCAN_BUDGET=2
	-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
	-fno-strict-aliasing -fno-builtin -pthread
	-Wall -Wextra -Werror -Wno-unused-parameter
	-Itests/unit/fake -Ihypervisor -Iabi -Idom0-tools"

# The fakes once, as an archive, so that a test links what it needs; again when a header changed.
if [ ! -e "$out/libfake.a" ] || [ -n "$(find tests/unit/fake hypervisor abi -newer "$out/libfake.a" \
	\( -name '*.h' -o -path '*/fake/*.c' \) -print -quit)" ]; then
	rm -f "$out/libfake.a"
	for src in tests/unit/fake/*.c; do
		obj=$out/$(basename "$src" .c).o
		# shellcheck disable=SC2086
		$cc $flags -c "$src" -o "$obj" || exit 2
		ar rc "$out/libfake.a" "$obj" || exit 2
	done
fi

passed=0 failed=0 skipped=0
for test in $(find tests/unit -name '*_test.c' | sort); do
	name=$(basename "$test" .c)
	if [ $# -gt 0 ]; then
		case " $* " in *" $name "*) ;; *) continue ;; esac
	fi
	sources=$(sed -n '1s|^/\* unit: \(.*\) \*/.*|\1|p' "$test")
	list=
	for s in $sources; do
		case $s in
		@mm) list="$list $(find hypervisor/mm -name '*.c' ! -name hvmap.c ! -name init.c)" ;;
		@stored) list="$list $(find dom0-tools/stored -name '*.c' ! -name main.c ! -name 'xen*.c')"
			list="$list dom0-tools/lib/confine.c" ;;
		@sim) list="$list $(find dom0-tools/sim -name '*.c' ! -name '*_main.c') -ljansson" ;;
		tests/* | dom0-tools/* | -D* | -l* | -Wa,*) list="$list $s" ;;
		*) list="$list hypervisor/$s" ;;
		esac
	done
	# shellcheck disable=SC2086
	if ! $cc $flags "$test" $list "$out/libfake.a" -lcmocka -llzma -lzstd -lz -llz4 -o "$out/$name" 2>"$out/$name.log"; then
		echo "FAIL $name: does not build"
		sed 's/^/  /' "$out/$name.log" | head -40
		failed=$((failed + 1))
		continue
	fi
	start=$(date +%s)
	timeout "${UNIT_TIMEOUT:-300}" "$out/$name" >"$out/$name.log" 2>&1
	rc=$?
	ok=$(grep -c '^\[       OK \]' "$out/$name.log")
	bad=$(grep -c '^\[  FAILED  \] [a-z_0-9]*$' "$out/$name.log")
	skip=$(grep -c '^\[  SKIPPED \] [a-z_0-9]*$' "$out/$name.log")
	# cmocka lists failed and skipped tests twice: when they end and in the summary.
	bad=$(((bad + 1) / 2)) skip=$(((skip + 1) / 2))
	[ $rc -ne 0 ] && [ $bad -eq 0 ] && bad=1
	passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
	if [ $bad -gt 0 ]; then
		echo "FAIL $name: $ok passed, $bad failed (exit $rc)"
		tail -60 "$out/$name.log" | sed 's/^/  /'
	else
		echo "ok   $name: $ok passed, $(($(date +%s) - start)) s"
	fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
