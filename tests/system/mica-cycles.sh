#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# 200 domains come and go by `mica`, some creates killed half way: not a frame is lost.
# seconds: 90
. tests/system/lib.sh
guests mica-cycles "lab-store=mica" --limit 3600
grep -a 'domains were created' "$LOG"
