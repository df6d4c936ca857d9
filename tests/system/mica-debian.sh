#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# vCPUs, balloon and panics of a stock guest, by `mica`.
# seconds: 60
. tests/system/lib.sh
guests mica-debian "lab-store=mica" --limit 2400
