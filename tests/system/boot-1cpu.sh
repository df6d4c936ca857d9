#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# dom0 on 1 CPU(s), up to user space and down again.
# seconds: 11
. tests/system/lib.sh
boot boot cpus=1 --cpus 1
