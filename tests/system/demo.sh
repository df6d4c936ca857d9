#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What make demo shows.
# seconds: 70
. tests/system/lib.sh
tests/lab/demo.sh "$BUILD" --quiet
