#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The life of domains by `mica`: every verb, exact outputs and exit statuses, crashes, bad manners.
# seconds: 60
. tests/system/lib.sh
guests mica-life "lab-store=mica" --limit 2400
