#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A guest behind mica-netd's TAP uplink: DHCP, NAT to QEMU's gateway, data to and from dom0.
# seconds: 120
. tests/system/lib.sh
guests net-uplink "lab-store=mica" --limit 2400 --nic virtio --cpus 1 -- -icount shift=0,sleep=off -rtc clock=vm
