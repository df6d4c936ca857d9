#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Every attack of the hostile front end; see frontend-hostile.
# by hand
# seconds: 150
. tests/system/lib.sh
guests frontend-hostile "lab-store=mica ATTACKS=.*" --limit 3600
