#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# dom0_max_vcpus below the number of CPUs.
# seconds: 11
. tests/system/lib.sh
boot boot cpus=1 --cpus 2 --options dom0_max_vcpus=1
