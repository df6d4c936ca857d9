/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hypercall table (abi/mica/hypercalls.def) and what handlers need: restart, privilege, targets.
 *
 * A handler is  long hc_NAME(struct vcpu *self, arguments...)  with up to five uint64_t-sized arguments
 * (gva_t counts as one) in the ABI's order; its result goes to the guest's RAX, sign-extended.
 */
#ifndef CALL_HYPERCALL_H
#define CALL_HYPERCALL_H

#include <mica/errno.h>
#include <mica/hypercall.h>
#include "cpu/log.h"
#include "cpu/softirq.h"
#include "cpu/uaccess.h"
#include "dom/vcpu.h"

typedef long hypercall_fn(struct vcpu *self, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
			  uint64_t a5);

/*
 * The handler stops here and wants to be executed again with these first @n arguments (the others stay
 * as they are).  Returns what the handler must return.  Works inside a multicall too.
 *	return hypercall_again(self, 2, list.a + done * size, n - done);
 */
long hypercall_again(struct vcpu *self, unsigned n, ...);

/* -EPERM unless the caller is a control domain. */
#define require_privilege(self, what) \
	do { if (!(self)->dom->privileged) return refuse(-EPERM, "%s: not a control domain", what); } while (0)

/* entry.S and multicall: the dispatcher. */
long hypercall_dispatch(struct vcpu *self, uint64_t nr, const uint64_t args[5]);


#endif
