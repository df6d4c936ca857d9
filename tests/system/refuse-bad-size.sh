#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A size that does not parse.
# seconds: 2
. tests/system/lib.sh
cannot_boot_early 'dom0_mem' --dom0-memory 0 --options "dom0_mem=12elephants"
