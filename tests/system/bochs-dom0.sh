#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Dom0 with 2 CPUs in Bochs, on an Intel CPU that has PCID, INVPCID, FSGSBASE and SMAP: fork, exec, mmap,
# mprotect, threads and signals; then the audit.  CPU=MODEL is another of `bochs --help cpu`.
# by hand
# seconds: 200
. tests/system/lib.sh
command -v bochs-bin >/dev/null || skip "no Bochs: tests/lab/setup.sh packages bochs"
tests/lab/bochs.py --build "$BUILD" --quiet --log "$LOG" --keep "$WORK" ${CPU:+--cpu "$CPU"} --cpus 2 \
	--memory 512 --dom0-memory 256 --cmdline "lab=test:stress cpus=2 seconds=20 $PATIENCE" \
	--refuse 'LAB-RESULT: fail' "${AUDIT[@]}" --expect 'LAB-RESULT: ok stress' "${LAST_AUDIT[@]}" --end off --limit 3600
rm -rf "$WORK"
