#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# dom0 reboots: so does the machine.
# seconds: 12
. tests/system/lib.sh
qemu --cpus 2 --cmdline "lab=test:reboot" --expect 'LAB-RESULT: ok reboot' "${AUDIT[@]}" \
	--end reboot
