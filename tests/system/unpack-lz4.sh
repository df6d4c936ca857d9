#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# mica-unpack on a bzImage in lz4: whole, cut anywhere, damaged anywhere.
# seconds: 1
. tests/system/unpack-lib.sh
whole_cut_damaged lz4
