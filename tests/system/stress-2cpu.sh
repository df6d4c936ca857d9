#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# fork, exec, mmap, mprotect, threads and signals on 2 CPU(s); then the audit.
# seconds: 42
. tests/system/lib.sh
boot stress "cpus=2 seconds=20" --cpus 2
