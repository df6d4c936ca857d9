#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Front ends of our own, over the ring kit: conformance with Mica's back ends and the kernel's.
# Processes of Mica's back ends suspended, and killed so, under load.
# seconds: 40
. tests/system/lib.sh
guests frontend-own "lab-store=mica" --limit 2400
