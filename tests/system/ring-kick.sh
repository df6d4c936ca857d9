#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A lost notification on Mica: named by `mica ring check`, sent by `mica ring kick`.
# seconds: 25
. tests/system/lib.sh
guests ring-kick "lab-store=mica" --limit 2400
