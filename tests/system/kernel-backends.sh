#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Disks and cards of the kernel's own back ends: mica with backend=kernel, Debian's xl with phy:.
# seconds: 130
. tests/system/lib.sh
guests kernel-backends "lab-store=mica" --limit 2400
