#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Disks and cards of the kernel's own back ends: mica with backend=kernel, Debian's xl with phy:.
# Time is instructions: libxl gives its scripts 40 s, however slow the host is.
# seconds: 250
. tests/system/lib.sh
guests kernel-backends "lab-store=mica" --limit 2400 --cpus 1 -- -icount shift=0,sleep=off -rtc clock=vm
