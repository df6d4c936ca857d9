#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# dom0_max_vcpus above the number of CPUs: they share.
# seconds: 20
. tests/system/lib.sh
boot boot cpus=3 --cpus 2 --options dom0_max_vcpus=3
