#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
#   demo-guests.sh BUILD [options of qemu.py]
#
# Boots dom0 with Mica's tools and no person; the script of the image (tests/guests) creates two
# stock Debian guests, types on their consoles, pauses, balloons, changes vCPUs, reboots, shuts down
# and destroys.  The last line is `demo: ok`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

build=$1
shift
mkdir -p "$build/demo"
"$here/qemu.py" --build "$build" --image initrd-guests --cpus 2 --memory 2048 --dom0-memory 640 \
	--cmdline "lab=test:guests lab-store=mica" --log "$build/demo/guests.log" \
	--expect 'LAB-RESULT: ok guests' --refuse 'LAB-RESULT: fail' --end off "$@"
echo "demo: ok"
