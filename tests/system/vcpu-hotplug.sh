#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# CPUs of dom0 go down and come up again under load.
# seconds: 60
# alone
. tests/system/lib.sh
boot vcpu cpus=4 --cpus 4
