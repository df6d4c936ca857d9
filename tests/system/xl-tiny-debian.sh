#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Debian's xl with the smallest guest, over Debian's daemons.
# seconds: 90
. tests/system/lib.sh
guests xl-tiny "lab-store=debian" --limit 2400
