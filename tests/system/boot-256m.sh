#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A machine with 256 MiB.  A stock kernel as control domain needs most of it: 60 MiB for itself and
# 64 MiB of bounce buffers, so it gets what the hypervisor leaves.
# seconds: 10
. tests/system/lib.sh
boot boot "" --memory 256 --dom0-memory 0
