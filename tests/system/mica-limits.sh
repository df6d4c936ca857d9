#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# `mica cpu`, `mica memory`, and what every command prints as JSON, JSON lines and CSV.
# seconds: 40
. tests/system/lib.sh
mkdir -p "$WORK/formats"
truncate -s 1M "$WORK/results.img"
guests mica-limits "lab-store=mica" --limit 2400 --disk "virtio:$WORK/results.img"
tar -C "$WORK/formats" -xf "$WORK/results.img"
tests/system/formats.py "$WORK/formats"
