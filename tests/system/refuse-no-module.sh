#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# No boot module: nothing to start as dom0.
# seconds: 2
. tests/system/lib.sh
cannot_boot 'module|kernel' --no-modules
