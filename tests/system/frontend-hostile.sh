#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A hostile front end against mica-blkd and mica-netd, beside an honest one that loses nothing: one
# attack of each kind.  frontend-hostile-all makes all of them; ATTACKS=REGEX: only those.
# seconds: 90
. tests/system/lib.sh
few='disk-(index-ahead|beyond|indirect|readonly-page|rewritten)'
few="attack.($few|card-(rx-index|endless-chain|vlan|rx-readonly|rewritten)|control-(index-ahead|sizes|bad-refs|overflow))|key.0.ring-ref.511"
guests frontend-hostile "lab-store=mica ATTACKS=${ATTACKS:-$few|key.2.event-channel.%foreign}" --limit 2400
