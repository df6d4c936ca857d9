#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A 64-bit program without the notes of a paravirtualized kernel.
# seconds: 2
. tests/system/lib.sh
cannot_boot 'note' --module "$(command -v busybox)"
