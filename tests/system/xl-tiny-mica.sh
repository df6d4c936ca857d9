#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Debian's xl with the smallest guest, over mica-stored and mica-consoled.
# seconds: 90
. tests/system/lib.sh
guests xl-tiny "lab-store=mica" --limit 2400
