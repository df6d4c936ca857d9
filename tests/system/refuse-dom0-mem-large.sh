#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# dom0_mem beyond the machine's memory.
# seconds: 3
. tests/system/lib.sh
cannot_boot 'dom0_mem|memory' --memory 512 --dom0-memory 4096
