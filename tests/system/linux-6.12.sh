#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The kernel of Debian's backports as dom0.
# seconds: 20
. tests/system/lib.sh
boot boot cpus=2 --kernel 6.12 --cpus 2
