#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# fork, exec, mmap, mprotect, threads and signals on 1 CPU(s); then the audit.
# seconds: 41
. tests/system/lib.sh
boot stress "cpus=1 seconds=20" --cpus 1
