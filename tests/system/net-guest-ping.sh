#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Two stock guests ping each other through mica-netd.
# seconds: 90
. tests/system/lib.sh
guests net-ping "lab-store=mica" --limit 2400
