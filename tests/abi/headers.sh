#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Does each header of abi/ stand alone?  Compiles every one by itself, twice over (include
# guards), as freestanding C11, as C++17, with gcc and with clang; -Wpadded refuses padding
# that is not written out.  Then the headers meant for assembly, errno.h next to the C
# library's own, and the rules a compiler does not know: no bit-fields and no #if inside
# a structure.  Prints a line per failure and a closing count.
#
# usage: headers.sh ABI_DIR
set -u

abi=$1
passed=0
failed=0
skipped=0
warnings="-Wall -Wextra -pedantic -Werror -Wpadded"
c11="-std=c11 -x c -ffreestanding $warnings"
cxx17="-std=c++17 -x c++ $warnings"

# check NAME COMMAND...: run the command on our standard input; one test.
check()
{
	name=$1
	shift
	if output=$("$@" 2>&1); then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAIL headers $name"
		echo "$output" | head -n 5
	fi
}

# compile NAME COMPILER FLAGS SOURCE
compile()
{
	if ! command -v "$2" >/dev/null; then
		skipped=$((skipped + 1))
		return
	fi
	source=$4
	# shellcheck disable=SC2086
	check "$1, $2" "$2" $3 -I"$abi" -fsyntax-only - <<EOF
$source
EOF
}

# A C file may not be empty, so each has one declaration.
alone()
{
	printf '#include <%s>\n#include <%s>\nextern int not_empty;\n' "$1" "$1"
}

rules()
{
	awk '
	{ sub(/\/\*.*/, "") }
	/^(struct|union) .*\{/		{ inside = 1 }
	inside && /^#/			{ print FILENAME ":" FNR ": # in a structure"; bad = 1 }
	inside && /[a-z_0-9] *: *[0-9]+;/	{ print FILENAME ":" FNR ": bit-field"; bad = 1 }
	/^\}/				{ inside = 0 }
	END				{ exit bad }' "$1"
}

for path in $(cd "$abi" && find mica -name '*.h' | LC_ALL=C sort); do
	for compiler in gcc clang; do
		compile "$path as C11" $compiler "$c11" "$(alone "$path")"
	done
	for compiler in g++ clang++; do
		compile "$path as C++17" $compiler "$cxx17" "$(alone "$path")"
	done
	check "$path rules" rules "$abi/$path"
	everything="${everything-}#include <$path>
"
done

for compiler in gcc clang; do
	compile "all together" $compiler "$c11" "${everything}"
	compile "errno.h after the C library's" $compiler "-std=c11 -x c $warnings" \
		"#include <errno.h>
#include <mica/errno.h>
int last_error = ERESTART;"
	compile "errno.h before the C library's" $compiler "-std=c11 -x c $warnings" \
		"#include <mica/errno.h>
#include <errno.h>
int last_error = ERESTART;"
done

for header in types errno hypercall elfnote features version regs mmu shared_info start_info \
	    cpuid console vm_assist mica_op; do
	for compiler in gcc clang; do
		command -v $compiler >/dev/null || { skipped=$((skipped + 1)); continue; }
		check "$header.h for assembly, $compiler" $compiler -x assembler-with-cpp -Werror \
			-I"$abi" -c -o /dev/null - <<EOF
#include <mica/$header.h>
EOF
	done
done

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
