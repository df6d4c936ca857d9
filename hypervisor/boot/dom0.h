/* SPDX-License-Identifier: BSD-2-Clause */
/* Building the control domain from the boot modules. */
#ifndef BOOT_DOM0_H
#define BOOT_DOM0_H

#include "lib/util.h"

struct boot_info;

/* Creates dom0 with its memory, page tables and start_info; leaves it runnable.  boot_fail()s with
 * one sentence when the kernel or the options make it impossible. */
void dom0_create(const struct boot_info *bi);

#endif
