#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
#   mkiso.sh OUT MICA_ELF VMLINUX INITRD "HYPERVISOR OPTIONS" "DOM0 WORDS"
#
# A CD image with GRUB for BIOS and UEFI that boots the hypervisor by Multiboot 2, GRUB and the
# hypervisor on the first serial line.  GRUB drops nothing of a command line, while Multiboot's
# habit is that the first word is the program's name; hence the word in front of each.
set -euo pipefail
out=$1 elf=$2 vmlinux=$3 initrd=$4 options=$5 words=$6

echo "lab: making $out"
tree=$out.tree
rm -rf "$tree"
mkdir -p "$tree/boot/grub"
cp "$elf" "$tree/boot/mica.elf"
# Read through firmware one sector run at a time: smaller is faster.  GRUB inflates by itself.
gzip -1 -c "$vmlinux" >"$tree/boot/vmlinux.gz"
gzip -1 -c "$initrd" >"$tree/boot/initrd.gz"
cat >"$tree/boot/grub/grub.cfg" <<END
serial --unit=0 --speed=115200
terminal_input serial console
terminal_output serial console
set timeout=0
insmod gzio
menuentry "Mica" {
	multiboot2 /boot/mica.elf mica.elf console=com1,vga com1=115200,8n1 $options
	module2 /boot/vmlinux.gz vmlinux console=hvc0 $words
	module2 /boot/initrd.gz initrd
}
END
grub-mkrescue -o "$out.tmp" "$tree" 2>"$out.log" || {
	cat "$out.log" >&2
	exit 1
}
mv "$out.tmp" "$out"
rm -rf "$tree" "$out.log"
