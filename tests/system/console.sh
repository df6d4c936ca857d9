#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Typing reaches dom0's shell; Ctrl-a three times reaches the hypervisor, and back.
# seconds: 15
. tests/system/lib.sh
qemu --cpus 2 --cmdline "lab=shell" \
	--say '/root # ' 'echo he""llo $((6*7))\r' --say 'hello 42$' '\x01\x01\x01' \
	--say "input goes to the hypervisor" 'h' --say "key 'h'" '\x01\x01\x01' \
	--say 'input goes to dom0' '\rpoweroff -f\r' \
	--expect 'hello 42$' --expect 'input goes to the hypervisor' --expect 'input goes to dom0' \
	"${AUDIT[@]}" --end off
