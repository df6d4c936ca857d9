#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Address and pings through a virtio card.
# seconds: 15
. tests/system/lib.sh
boot net nics=1 --nic virtio
