#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# fork, exec, mmap, mprotect, threads and signals on 4 CPU(s); then the audit.
# seconds: 70
# alone
. tests/system/lib.sh
boot stress "cpus=4 seconds=20" --cpus 4
