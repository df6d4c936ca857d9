#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A machine with 4 GiB, so with memory above the hole below 4 GiB.
# seconds: 14
. tests/system/lib.sh
boot boot cpus=2 --cpus 2 --memory 4096 --dom0-memory 3072
