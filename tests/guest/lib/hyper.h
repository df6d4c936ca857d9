/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hypercalls: the raw SYSCALL, and one thin wrapper per call that tests use.
 *
 * Wrappers do no checking and return the hypervisor's answer unchanged: a test wants to see
 * exactly that.  Calls with a structure and few users are issued with hypercall() in the test.
 */
#ifndef GUEST_HYPER_H
#define GUEST_HYPER_H
#include "abi.h"

/* Six arguments in, the result out; rcx and r11 are lost to SYSCALL. */
static inline long hypercall6(unsigned long nr, unsigned long a, unsigned long b, unsigned long c,
			      unsigned long d, unsigned long e)
{
	register unsigned long r10 asm("r10") = d;
	register unsigned long r8 asm("r8") = e;
	long ret;

	asm volatile("syscall"
		     : "=a"(ret), "+D"(a), "+S"(b), "+d"(c), "+r"(r10), "+r"(r8)
		     : "0"(nr)
		     : "rcx", "r11", "memory");
	return ret;
}

#define HC_ARG(x)			((unsigned long)(x))
#define HC_0(nr)			hypercall6(nr, 0, 0, 0, 0, 0)
#define HC_1(nr, a)			hypercall6(nr, HC_ARG(a), 0, 0, 0, 0)
#define HC_2(nr, a, b)			hypercall6(nr, HC_ARG(a), HC_ARG(b), 0, 0, 0)
#define HC_3(nr, a, b, c)		hypercall6(nr, HC_ARG(a), HC_ARG(b), HC_ARG(c), 0, 0)
#define HC_4(nr, a, b, c, d)		\
	hypercall6(nr, HC_ARG(a), HC_ARG(b), HC_ARG(c), HC_ARG(d), 0)
#define HC_5(nr, a, b, c, d, e)		\
	hypercall6(nr, HC_ARG(a), HC_ARG(b), HC_ARG(c), HC_ARG(d), HC_ARG(e))
#define HC_PICK(_0, _1, _2, _3, _4, _5, name, ...) name
/* hypercall(nr, args...): zero to five arguments of any scalar or pointer type. */
#define hypercall(...)			\
	HC_PICK(__VA_ARGS__, HC_5, HC_4, HC_3, HC_2, HC_1, HC_0)(__VA_ARGS__)

/* mmu_update of one entry of the caller's own tables and frames. */
static inline long hc_mmu_update(uint64_t ptr, uint64_t val)
{
	struct mmu_update req = { .ptr = ptr, .val = val };

	return hypercall(__HYPERVISOR_mmu_update, &req, 1, 0, DOMID_SELF);
}

static inline long hc_mmu_update_from(uint64_t ptr, uint64_t val, unsigned int domid)
{
	struct mmu_update req = { .ptr = ptr, .val = val };

	return hypercall(__HYPERVISOR_mmu_update, &req, 1, 0, domid);
}

/* update_va_mapping, followed by an invlpg of @va when it worked. */
static inline long hc_map(unsigned long va, uint64_t pte)
{
	return hypercall(__HYPERVISOR_update_va_mapping, va, pte, UVMF_INVLPG | UVMF_LOCAL);
}

static inline long hc_mmuext(unsigned int cmd, uint64_t arg1, uint64_t arg2)
{
	struct mmuext_op op = { .cmd = cmd };

	op.arg1.mfn = arg1;
	op.arg2.src_mfn = arg2;
	return hypercall(__HYPERVISOR_mmuext_op, &op, 1, 0, DOMID_SELF);
}

/* @level 1 to 4 */
static inline long hc_pin(unsigned int level, uint64_t mfn)
{
	return hc_mmuext(MMUEXT_PIN_L1_TABLE + level - 1, mfn, 0);
}

static inline long hc_unpin(uint64_t mfn)
{
	return hc_mmuext(MMUEXT_UNPIN_TABLE, mfn, 0);
}

static inline long hc_memory(unsigned int cmd, void *arg)
{
	return hypercall(__HYPERVISOR_memory_op, cmd, arg);
}

static inline long hc_evtchn(unsigned int cmd, void *arg)
{
	return hypercall(__HYPERVISOR_event_channel_op, cmd, arg);
}

static inline long hc_gnttab(unsigned int cmd, void *arg, unsigned int count)
{
	return hypercall(__HYPERVISOR_grant_table_op, cmd, arg, count);
}

static inline long hc_sched(unsigned int cmd, void *arg)
{
	return hypercall(__HYPERVISOR_sched_op, cmd, arg);
}

static inline long hc_vcpu(unsigned int cmd, unsigned int vcpu, void *arg)
{
	return hypercall(__HYPERVISOR_vcpu_op, cmd, vcpu, arg);
}

static inline long hc_physdev(unsigned int cmd, void *arg)
{
	return hypercall(__HYPERVISOR_physdev_op, cmd, arg);
}

static inline long hc_version(unsigned int cmd, void *arg)
{
	return hypercall(__HYPERVISOR_xen_version, cmd, arg);
}

static inline long hc_stack_switch(unsigned long ss, unsigned long sp)
{
	return hypercall(__HYPERVISOR_stack_switch, ss, sp);
}

static inline long hc_segment_base(unsigned int which, unsigned long base)
{
	return hypercall(__HYPERVISOR_set_segment_base, which, base);
}

static inline long hc_update_descriptor(uint64_t maddr, uint64_t desc)
{
	return hypercall(__HYPERVISOR_update_descriptor, maddr, desc);
}

static inline long hc_vm_assist(unsigned int cmd, unsigned int type)
{
	return hypercall(__HYPERVISOR_vm_assist, cmd, type);
}

/* @type CALLBACKTYPE_*, @flags 0 or CALLBACKF_mask_events */
static inline long hc_callback(unsigned int type, unsigned int flags, unsigned long address)
{
	struct callback_register reg = {
		.type = (uint16_t)type, .flags = (uint16_t)flags, .address = address,
	};

	return hypercall(__HYPERVISOR_callback_op, CALLBACKOP_register, &reg);
}

#endif
