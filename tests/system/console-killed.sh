#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# mica-consoled killed at random points while guests write: no byte is lost, viewers come back.
# seconds: 60
. tests/system/lib.sh
guests console-killed "lab-store=debian lab-console=mica" --limit 2400
