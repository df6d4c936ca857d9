#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Guests that cannot be created, or die at once: one error each, and everything as before.
# seconds: 80
. tests/system/lib.sh
tiny=$BUILD/lab/tiny.elf
bad=$WORK/bad
mkdir -p "$bad"

# spoil NAME OFFSET HEX: a copy of the smallest guest with other bytes
spoil()
{
	cp "$tiny" "$bad/$1"
	patch_bytes "$bad/$1" "$2" "$3"
}
: >"$bad/empty"
head -c 20000 "$tiny" >"$bad/short.elf"
head -c 3000000 "$BUILD/lab/6.1/vmlinuz" >"$bad/short.bz"
cp -L "$BUILD/lab/6.1/vmlinuz" "$bad/torn.bz"
dd if=/dev/zero of="$bad/torn.bz" bs=1000 seek=3000 count=4 conv=notrunc status=none
spoil elf32 4 01
spoil arm 18 b700
spoil phoff 32 ffffffff
LC_ALL=C sed 's/Xen\x00/Nex\x00/g' "$tiny" >"$bad/notes"
# file offset of the first instruction: that of the first segment, which begins with it
entry=$(($(readelf -lW "$tiny" | awk '$1 == "LOAD" { print $2; exit }')))
spoil entry-ud2 "$entry" 0f0b
spoil entry-hlt "$entry" f4
spoil entry-cr3 "$entry" 0f22d8
spoil entry-loop "$entry" ebfe
archive_disk "$bad" "$WORK/bad.img"
guests mica-bad "lab-store=mica" --limit 2400 --disk "virtio:$WORK/bad.img"
