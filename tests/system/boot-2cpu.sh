#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# dom0 on 2 CPU(s), up to user space and down again.
# seconds: 12
. tests/system/lib.sh
boot boot cpus=2 --cpus 2
