#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# dom0's daemons by their units of dom0-tools/systemd, and the networks that are kept (demo starts two of
# them so, too).
# by hand
. tests/system/lib.sh
guests units "" --limit 2400
