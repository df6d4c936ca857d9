#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What make demo-guests shows.
# seconds: 120
. tests/system/lib.sh
guests guests "lab-store=mica"
