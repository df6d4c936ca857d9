#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
#   tests/lint/run.sh BUILD
#
# What the house rules promise, proven.  Each check prints its offenders and counts as one test:
#
#   layers-include   a floor of hypervisor/ includes only its own and lower ones
#   layers-call      the same for the symbols its objects use (nm)
#   headers          each header of hypervisor/ compiles alone
#   clang, gcc       every file compiles without a warning under both compilers
#   tools            every file of dom0-tools compiles without a warning under clang too
#   thread-safety    clang's lock analysis over the TAKES/DROPS/NEEDS annotations
#   length           no source file above 600 lines, the Makefile at most 200
#   spdx             the licence line, and the right one, at the top of each file
#   words            no markers of unfinished work
#   scripts          shell and Python scripts parse
set -u
cd "$(dirname "$0")/../.."
build=${1:?usage: tests/lint/run.sh BUILD}
out=$build/test/lint
mkdir -p "$out"
passed=0
failed=0
floors="lib cpu mm dom ipc call boot"
# The flags of the build, less the linker's: see .flags in the Makefile.
flags=$(sed -n 2p "$build/.flags" | sed 's/-MMD//; s/-MP//')

floor_number()
{
	local n=0 floor

	for floor in $floors; do
		[ "$floor" != "$1" ] || { echo $n; return; }
		n=$((n + 1))
	done
	echo "$n"
}

check()
{
	local name=$1

	if "check_${name//-/_}" >"$out/$name" 2>&1 && [ ! -s "$out/$name" ]; then
		echo "pass $name"
		passed=$((passed + 1))
	else
		echo "fail $name"
		head -n 40 "$out/$name" | sed 's/^/    /'
		failed=$((failed + 1))
	fi
}

check_layers_include()
{
	local floor other

	for floor in $floors; do
		grep -HnoE '^#include "[a-z]+/' hypervisor/"$floor"/*.[chS] 2>/dev/null |
			while IFS= read -r hit; do
				other=${hit##*\"}
				other=${other%/}
				[ "$(floor_number "$other")" -le "$(floor_number "$floor")" ] ||
					echo "${hit%%:#*}: $floor/ includes $other/"
			done
	done
}

check_layers_call()
{
	local object floor

	for object in "$build"/hypervisor/*/*.o; do
		floor=$(basename "$(dirname "$object")")
		nm -g "$object" | awk -v o="$(basename "$object")" -v f="$(floor_number "$floor")" '
			NF == 3 { print "D", f, $3, o }
			NF == 2 && $1 == "U" { print "U", f, $2, o }'
	done | sort | awk -v names="$floors" '
		BEGIN { split(names, name, " ") }
		$1 == "D" { floor[$3] = $2 }
		$1 == "U" && ($3 in floor) && floor[$3] > $2 {
			print name[$2 + 1] "/" $4 " uses " $3 " of " name[floor[$3] + 1] "/"
		}'
}

# compile_each COMPILER "MORE FLAGS" FILE...
compile_each()
{
	local cc=$1 more=$2

	shift 2
	printf '%s\n' "$@" | xargs -P 2 -I{} sh -c \
		"$cc $flags $more -fsyntax-only {} 2>&1 || echo '{}: does not compile'"
}

check_headers()
{
	compile_each gcc "-x c" hypervisor/*/*.h
}

check_clang()
{
	compile_each clang "" hypervisor/*/*.c
}

# -O2 warnings of gcc come from the build itself; what is not compiled there, is here.
check_gcc()
{
	compile_each gcc "" hypervisor/*/*.c
}

check_tools()
{
	find dom0-tools -name '*.c' ! -path '*/driver/templates/*' | xargs -P 2 -I{} sh -c \
		"clang -std=gnu11 -O2 -Wall -Wextra -Werror -Wno-unused-parameter -Wstrict-prototypes \
			-Wmissing-prototypes -D_FILE_OFFSET_BITS=64 -D_GNU_SOURCE -Idom0-tools \
			-Ihypervisor -Iabi -fsyntax-only {} 2>&1 || echo '{}: does not compile'"
}

check_thread_safety()
{
	compile_each clang "-DMICA_THREAD_SAFETY -Wthread-safety" hypervisor/*/*.c
}

sources()
{
	find hypervisor abi dom0-tools tests guest-patches .ci \( -name '*.[chS]' -o -name '*.cc' -o \
		-name '*.sh' -o -name '*.py' -o -name '*.def' -o -name '*.mk' -o -path '.ci/*' -o \
		-path 'tests/lab/image/*' \) -type f
	ls Makefile config.mk
}

check_length()
{
	sources | xargs wc -l | awk '$2 != "total" && $1 > 600 { print $2 ": " $1 " lines" }'
	[ "$(wc -l <Makefile)" -le 200 ] || echo "Makefile: $(wc -l <Makefile) lines"
}

check_spdx()
{
	local file want

	for file in $(sources); do
		case $file in
		abi/*) want=MIT ;;
		guest-patches/* | dom0-tools/driver/templates/*_drv.c) want=GPL-2.0 ;;
		dom0-tools/driver/templates/wire.h) want=MIT ;;	# of what is made from them
		*) want=BSD-2-Clause ;;
		esac
		head -n 2 "$file" | grep -q "SPDX-License-Identifier: $want" ||
			echo "$file: no SPDX line for $want"
	done
}

check_words()
{
	grep -nwE 'TODO|FIXME|XXX|HACK' $(sources | grep -v tests/lint/run.sh) /dev/null
	:
}

check_scripts()
{
	local file

	for file in $(sources | grep '\.sh$') .ci/run; do
		bash -n "$file"
	done
	for file in tests/lab/image/init tests/lab/image/lab.sh tests/lab/image/tests/*; do
		sh -n "$file"
	done
	for file in $(sources | grep '\.py$'); do
		python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())' "$file"
	done
}

for name in layers-include layers-call headers gcc clang tools thread-safety length spdx words scripts; do
	check $name
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
