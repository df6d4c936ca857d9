#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Debian's xl with a stock Debian guest, over Debian's daemons.
# seconds: 120
. tests/system/lib.sh
guests xl-debian "lab-store=debian" --limit 2400
