#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# dom0 panics: the hypervisor shows its registers and ends the machine.
# seconds: 12
. tests/system/lib.sh
qemu --cpus 2 --cmdline "lab=test:crash" --refuse 'LAB-RESULT' \
	--expect 'Kernel panic - not syncing' "${AUDIT[@]}" --expect '[Rr][Ii][Pp][ =:]' \
	--end dom0-crash
