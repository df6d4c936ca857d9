#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# mica-unpack on a bzImage in zstd: whole, cut anywhere, damaged anywhere.
# seconds: 1
. tests/system/unpack-lib.sh
whole_cut_damaged zstd
