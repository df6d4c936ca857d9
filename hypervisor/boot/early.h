/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine before it has its own page tables and descriptors: boot/head.S's tables are in
 * use. */
#ifndef BOOT_EARLY_H
#define BOOT_EARLY_H

#include "lib/util.h"

/* A boot_at_fn (boot/boot_info.h): all of machine memory; above 4 GiB through a window of 2 MiB. */
const void *early_at(uint64_t phys, size_t len);
/* head.S: goes on with @fn, which must not return, on the stack that ends at @top. */
void noreturn boot_switch_stack(void (*fn)(void), uint64_t top);
/* From head.S: the loader's magic and the machine address of its information. */
void noreturn boot_main(uint32_t magic, uint32_t mbi);

#endif
