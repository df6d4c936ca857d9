#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# No dom0_mem: dom0 gets what the hypervisor leaves.
# seconds: 13
. tests/system/lib.sh
boot boot cpus=2 --cpus 2 --memory 1024 --dom0-memory 0
