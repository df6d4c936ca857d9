/* SPDX-License-Identifier: MIT */
/*
 * multicall(list, count): several hypercalls for the price of one entry.  Each entry is
 * carried out in order and its result written back; the call itself returns 0 unless the
 * list cannot be read.  A multicall inside a multicall is refused; iret ends the list.
 */
#ifndef MICA_ABI_MULTICALL_H
#define MICA_ABI_MULTICALL_H

#include <mica/types.h>

struct multicall_entry {
	uint64_t op;			/* guest: hypercall number */
	uint64_t result;		/* hypervisor: what the call returned (signed) */
	uint64_t args[6];		/* guest: as in rdi, rsi, rdx, r10, r8; the sixth unused */
};
ABI_SIZE(struct multicall_entry, 64);

#endif /* MICA_ABI_MULTICALL_H */
