#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# mica-netd's worker is killed three times under load between two stock guests; checksums agree.  The store
# stopped meanwhile costs nobody a frame or the worker its connection.
# seconds: 150
. tests/system/lib.sh
guests net-killed "lab-store=mica" --limit 2400 --cpus 1 -- -icount shift=0,sleep=off -rtc clock=vm
