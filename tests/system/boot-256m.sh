#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A machine with 256 MiB.
# seconds: 10
. tests/system/lib.sh
boot boot "" --memory 256 --dom0-memory 160
