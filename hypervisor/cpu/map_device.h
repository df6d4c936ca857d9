/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Device registers appear in our address space through this hook: mm/hvmap.c (one floor up) fills it
 * in at boot.  Uncached, supervisor, writable.  NULL when address space or memory ran out.
 */
#ifndef CPU_MAP_DEVICE_H
#define CPU_MAP_DEVICE_H

#include "cpu/types.h"

extern void *(*map_device)(uint64_t phys, size_t bytes);	/* defined in cpu/apic.c */

#endif
