/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest memory through guest pointers.  The address must be canonical and outside the hypervisor's
 * slots over its whole length; a fault on the way is caught (exception table) and becomes -EFAULT.
 * Valid only while the guest's page tables are loaded.  SMAP is lifted for exactly the copy.
 */
#ifndef CPU_UACCESS_H
#define CPU_UACCESS_H

#include "cpu/types.h"

/* All return 0 or -EFAULT.  A failed copy may have moved a part of the data. */
int must_check copy_from_guest(void *dst, gva_t src, size_t bytes);
int must_check copy_to_guest(gva_t dst, const void *src, size_t bytes);
int must_check clear_guest(gva_t dst, size_t bytes);
/* Would [p, p + bytes) be accepted?  (Says nothing about it being mapped.) */
bool guest_range_ok(gva_t p, uint64_t bytes);
/* Natural-size single accesses, one instruction each: never torn. */
int must_check get_guest_u64(uint64_t *dst, gva_t src);
int must_check put_guest_u64(gva_t dst, uint64_t v);

/*
 * Exception table: pairs {faulting instruction, where to go on}, relative to themselves, built by
 * EX_TABLE (cpu/extable.h).  trap.c asks this for a fault taken in ring 0; 0 = not ours.
 */
uint64_t uaccess_fixup(uint64_t rip);

#endif
