#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The same where memory is short.
# seconds: 46
. tests/system/lib.sh
boot stress "cpus=2 seconds=15" --cpus 2 --memory 320 --dom0-memory 192
