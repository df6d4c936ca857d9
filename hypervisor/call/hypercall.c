/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The dispatch table, built from abi/mica/hypercalls.def, multicall, and the restart of long calls.
 *
 * A restarted call looks to the guest like a SYSCALL about to be executed: RIP points at the
 * instruction again, RAX holds the number, the argument registers say what is left.  Inside a
 * multicall the entry is changed instead and the multicall restarts at that entry.
 */
#include <mica/multicall.h>
#include "call/handlers.h"
#include "call/trap.h"
#include "lib/string.h"

static long hc_absent(struct vcpu *self)
{
	return hypercall_unknown(self, self->hc_nr);
}

/* Calls of the table that Mica answers with one word: none of their consumers needs more. */
#define hc_xsm_op	hc_absent
#define hc_xenoprof_op	hc_absent
#define hc_kexec_op	hc_absent
#define hc_tmem_op	hc_absent
#define hc_argo_op	hc_absent
#define hc_xenpmu_op	hc_absent
#define hc_dm_op	hc_absent
#define hc_hypfs_op	hc_absent
#define hc_mca		hc_absent

#define NR_HYPERCALLS	64

/*
 * The table.  entry.S indexes it with RAX and calls with the vCPU and the guest's five arguments, so a
 * handler's prototype is its argument list.  tour:hypercall/2
 */
#ifdef __clang__
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#else
#pragma GCC diagnostic ignored "-Woverride-init"
#endif
void *const hypercall_table[NR_HYPERCALLS] = {
	[0 ... NR_HYPERCALLS - 1] = (void *)hc_absent,
#define HYPERCALL(nr, name)	[nr] = (void *)hc_##name,
#include <mica/hypercalls.def>
};

/* A number nobody serves: told once per domain and number. */
long hypercall_unknown(struct vcpu *v, uint64_t nr)
{
	if (nr < 64 && !(v->dom->logged_unknown[nr / 32] & 1u << nr % 32)) {
		v->dom->logged_unknown[nr / 32] |= 1u << nr % 32;
		log_guest(LOG_INFO, "d%uv%u: hypercall %lu is not served (caller at %lx)",
			  v->dom->id, v->id, nr, guest_regs()->rip);
	}
	return -ENOSYS;
}

static long dispatch(struct vcpu *self, uint64_t nr, const uint64_t a[5])
{
	if (nr >= NR_HYPERCALLS)
		return hypercall_unknown(self, nr);
	self->hc_nr = nr;
	return ((hypercall_fn *)hypercall_table[nr])(self, a[0], a[1], a[2], a[3], a[4]);
}

long hypercall_again(struct vcpu *self, unsigned n, ...)
{
	struct regs *r = guest_regs();
	uint64_t *const reg[] = { &r->rdi, &r->rsi, &r->rdx, &r->r10, &r->r8 };
	va_list ap;

	va_start(ap, n);
	for (unsigned i = 0; i < n; i++)
		*(self->mc ? &self->mc->args[i] : reg[i]) = va_arg(ap, uint64_t);
	va_end(ap);
	if (self->mc) {
		self->mc_again = true;
		return 0;
	}
	r->rip -= 2;				/* the SYSCALL instruction */
	return self->hc_nr;			/* becomes RAX */
}

/*
 * multicall(list, n): each entry runs and gets its result written.  Stops between entries when
 * preemption is due.
 */
long hc_multicall(struct vcpu *self, gva_t list, uint64_t n)
{
	struct multicall_entry e;
	uint64_t done;

	if (self->mc)
		return refuse(-EINVAL, "multicall inside a multicall");
	for (done = 0; done < n; done++) {
		gva_t at = gva_nth(list, done, sizeof(e));
		struct regs *r = guest_regs();
		uint64_t rip = r->rip, rsp = r->rsp, flags = r->rflags;

		if (done && preempt_due())
			goto again;
		if (copy_from_guest(&e, at, sizeof(e)))
			return refuse(-EFAULT, "multicall: entry %lu at %lx", done, at.a);
		self->mc = &e;
		self->mc_again = false;
		e.result = dispatch(self, e.op, e.args);
		self->mc = NULL;
		self->hc_nr = __HYPERVISOR_multicall;
		if (self->mc_again) {
			/* its arguments say what is left: put them back, come again */
			if (copy_to_guest(at, &e, sizeof(e)))
				return refuse(-EFAULT, "multicall: entry %lu at %lx", done, at.a);
			goto again;
		}
		if (e.op == __HYPERVISOR_iret || r->rip != rip || r->rsp != rsp || r->rflags != flags)
			return r->rax;		/* the guest is somewhere else now: iret ends it */
		if (put_guest_u64(gva_add(at, offsetof(struct multicall_entry, result)), e.result))
			return refuse(-EFAULT, "multicall: result %lu", done);
	}
	return 0;
again:
	return hypercall_again(self, 2, gva_nth(list, done, sizeof(e)).a, n - done);
}
