#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# dom0_mem too small for the kernel.
# seconds: 3
. tests/system/lib.sh
cannot_boot 'dom0_mem|memory|small|would get' --memory 512 --dom0-memory 16
