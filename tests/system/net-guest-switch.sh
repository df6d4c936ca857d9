#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Two stock guests on mica-netd's switch: checksums, VLANs, isolation, anti-spoofing, detach.
# seconds: 150
. tests/system/lib.sh
guests net-switch "lab-store=mica" --limit 2400 --cpus 1 -- -icount shift=0,sleep=off -rtc clock=vm
