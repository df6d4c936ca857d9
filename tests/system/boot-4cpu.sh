#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# dom0 on 4 CPU(s), up to user space and down again.
# seconds: 30
# alone
. tests/system/lib.sh
boot boot cpus=4 --cpus 4
