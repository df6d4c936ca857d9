#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The same with the kernel of Debian's backports.
# seconds: 45
. tests/system/lib.sh
boot stress "cpus=2 seconds=20" --kernel 6.12 --cpus 2
