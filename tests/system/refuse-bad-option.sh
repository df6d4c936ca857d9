#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# An option whose value does not parse.
# seconds: 2
. tests/system/lib.sh
cannot_boot_early 'dom0_max_vcpus' --options "dom0_max_vcpus=many"
