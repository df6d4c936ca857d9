#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Debian's xl with a stock Debian guest, over mica-stored and mica-consoled.
# seconds: 120
. tests/system/lib.sh
guests xl-debian "lab-store=mica" --limit 2400
