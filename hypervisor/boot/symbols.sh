#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Turns `nm -n mica.elf` into the symbol table that the panic backtrace reads:
#
#   struct { uint32_t off, name; } mica_symbols[];   sorted; off = address - IMAGE_BASE,
#                                                    name = offset into the names
#   uint32_t mica_nr_symbols;
#   const char mica_symbol_names[];                  NUL terminated, one after the other
#
# Only functions are listed, not the marks of the linker script.  Every symbol of the image lies within 4 GiB of IMAGE_BASE
# (0xffff808000000000), so the low eight digits of an address are its offset.  The build links,
# runs this and links again until nothing moves; see Makefile.
exec awk '
BEGIN {
	print "\t.section .rodata.symbols,\"a\""
	print "\t.globl mica_symbols, mica_nr_symbols, mica_symbol_names"
	print "\t.hidden mica_symbols, mica_nr_symbols, mica_symbol_names"
	print "\t.balign 8\nmica_symbols:"
}
($2 == "T" || $2 == "t") && $1 ~ /^ffff8080/ && $3 !~ /^image_/ {
	printf "\t.long 0x%s, %d\n", substr($1, 9), at
	name[n++] = $3
	at += length($3) + 1
}
END {
	printf "mica_nr_symbols:\n\t.long %d, 0\n", n
	print "mica_symbol_names:"
	for (i = 0; i < n; i++)
		printf "\t.asciz \"%s\"\n", name[i]
	print "\t.byte 0"
	print "\t.section .note.GNU-stack,\"\",@progbits"
}'
