/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hypercalls that say how the guest kernel is entered and left: trap table, callbacks, kernel stack,
 * GDT, segment bases, debug registers, iret.  All act on the calling vCPU (abi-inventory 2).
 */
#include <mica/callback.h>
#include <mica/nmi.h>
#include <mica/regs.h>
#include <mica/vm_assist.h>
#include "call/handlers.h"
#include "call/trap.h"
#include "cpu/asm.h"
#include "cpu/features.h"
#include "cpu/msr.h"
#include "cpu/switch.h"
#include "dom/bounce.h"
#include "dom/segdesc.h"
#include "lib/string.h"

long hc_set_trap_table(struct vcpu *self, gva_t table)
{
	struct trap_info t;

	if (gva_is_null(table)) {
		memset(self->traps, 0, 256 * sizeof(*self->traps));
		return 0;
	}
	for (unsigned i = 0; i < 257; i++) {
		if (copy_from_guest(&t, gva_nth(table, i, sizeof(t)), sizeof(t)))
			return refuse(-EFAULT, "set_trap_table: entry %u at %lx", i, table.a);
		if (!t.address)
			return 0;
		if (!va_canonical(t.address))
			return refuse(-EINVAL, "set_trap_table: vector %u at %lx", t.vector, t.address);
		t.cs |= 3;
		t._pad = 0;
		self->traps[t.vector] = t;
	}
	return refuse(-EINVAL, "set_trap_table: no end within 256 entries");
}

static int set_callback(struct vcpu *v, unsigned type, uint64_t address, bool masks)
{
	struct callback *const where[] = {
		[CALLBACKTYPE_event] = &v->cb_event, [CALLBACKTYPE_failsafe] = &v->cb_failsafe,
		[CALLBACKTYPE_syscall] = &v->cb_syscall, [CALLBACKTYPE_syscall32] = &v->cb_syscall32,
		[CALLBACKTYPE_sysenter] = &v->cb_sysenter,
		[CALLBACKTYPE_sysenter_deprecated] = &v->cb_sysenter,
	};

	if (!va_canonical(address))
		return refuse(-EINVAL, "callback %u at %lx", type, address);
	if (type == CALLBACKTYPE_nmi) {
		v->traps[2].address = address;
		v->traps[2].vector = 2;
	} else if (type < ARRAY_SIZE(where) && where[type]) {
		*where[type] = (struct callback){ address, masks };
	} else {
		return refuse(-ENOSYS, "callback type %u", type);
	}
	vcpu_update_fast(v);
	return 0;
}

long hc_callback_op(struct vcpu *self, uint64_t cmd, gva_t arg)
{
	struct callback_register r = { .flags = 0 };	/* to unregister, the type alone */

	if (cmd > CALLBACKOP_unregister)
		return refuse(-ENOSYS, "callback_op %lu", cmd);
	if (copy_from_guest(&r, arg, cmd == CALLBACKOP_register ? sizeof(r) :
			    sizeof(struct callback_unregister)))
		return refuse(-EFAULT, "callback_op: argument at %lx", arg.a);
	if (cmd == CALLBACKOP_unregister && r.type > CALLBACKTYPE_syscall32)
		return refuse(-ENOSYS, "callback type %u", r.type);
	if (cmd == CALLBACKOP_unregister && r.type != CALLBACKTYPE_nmi)
		return refuse(-EINVAL, "callback %u cannot be unregistered", r.type);
	return set_callback(self, r.type, r.address, r.flags & CALLBACKF_mask_events);
}

long hc_set_callbacks(struct vcpu *self, uint64_t event, uint64_t failsafe, uint64_t syscall)
{
	if (!va_canonical(event) || !va_canonical(failsafe) || !va_canonical(syscall))
		return refuse(-EINVAL, "set_callbacks: %lx %lx %lx", event, failsafe, syscall);
	self->cb_event = (struct callback){ event, true };
	self->cb_failsafe = (struct callback){ failsafe, false };
	self->cb_syscall = (struct callback){ syscall, false };
	vcpu_update_fast(self);
	return 0;
}

long hc_nmi_op(struct vcpu *self, uint64_t cmd, gva_t arg)
{
	struct xennmi_callback cb = { .handler_address = 0 };

	if (cmd > XENNMI_unregister_callback)
		return refuse(-ENOSYS, "nmi_op %lu", cmd);
	if (cmd == XENNMI_register_callback && copy_from_guest(&cb, arg, sizeof(cb)))
		return refuse(-EFAULT, "nmi_op: argument at %lx", arg.a);
	return set_callback(self, CALLBACKTYPE_nmi, cb.handler_address, false);
}

/* Called on every context switch of the guest: keep it short. */
long hc_stack_switch(struct vcpu *self, uint64_t ss, uint64_t sp)
{
	uint64_t aligned_sp = sp & ~15ul;

	self->kernel_ss = (uint16_t)ss | 3;
	self->kernel_sp = sp;
	if (aligned_sp >= HV_END + 64 && self->syscall_entry)
		self->bounce_sp = aligned_sp;
	else
		vcpu_update_fast(self);
	return 0;
}

long hc_fpu_taskswitch(struct vcpu *self, uint64_t set)
{
	self->guest_ts = set;
	fpu_set_ts(set);
	return 0;
}

long hc_set_segment_base(struct vcpu *self, uint64_t which, uint64_t base)
{
	static const uint32_t msr[] = {
		[SEGBASE_FS] = MSR_FS_BASE, [SEGBASE_GS_KERNEL] = MSR_GS_BASE,
		[SEGBASE_GS_USER] = MSR_KERNEL_GS_BASE,	/* inactive while the guest kernel runs */
	};

	if (which == SEGBASE_GS_USER_SEL) {
		swapgs();
		load_gs(selector_rpl3((uint16_t)base));
		swapgs();
		return 0;
	}
	if (!va_canonical(base))
		return refuse(-EINVAL, "set_segment_base: %lx is not canonical", base);
	if (which >= ARRAY_SIZE(msr))
		return refuse(-EINVAL, "set_segment_base: %lu", which);
	wrmsr(msr[table_index(which, ARRAY_SIZE(msr))], base);
	return 0;
}

#define DR7_ENABLES	0xff
#define DR7_GD		BIT(13)
#define DR7_RESERVED	0xdc00ul		/* read as 0, SDM vol. 3, 17.2.4 */

static int check_dr7(struct vcpu *v, uint64_t value)
{
	if (value & DR7_GD)
		return refuse(-EPERM, "debug register 7: general detect");
	for (unsigned i = 0; i < 4; i++) {
		unsigned type = (value >> (16 + 4 * i)) & 3;

		if ((value >> (2 * i) & 3) && type == 2 && !(v->guest_cr4 & CR4_DE))
			return refuse(-EPERM, "debug register 7: I/O breakpoint without CR4.DE");
	}
	return 0;
}

static void install_dr7(struct vcpu *v, uint64_t value)
{
	v->dr7 = (value & ~DR7_RESERVED) | 0x400;
	if (v != current)
		return;
	if (v->dr7 & DR7_ENABLES) {
		write_dr0(v->dr[0]);
		write_dr1(v->dr[1]);
		write_dr2(v->dr[2]);
		write_dr3(v->dr[3]);
	}
	write_dr7(v->dr7);
}

long debugreg_set(struct vcpu *v, uint64_t reg, uint64_t value)
{
	int rc;

	if ((reg == 6 || reg == 7) && value >> 32)
		return refuse(-EINVAL, "debug register %lu: %lx", reg, value);
	switch (reg) {
	case 0 ... 3:
		if (!va_canonical(value) || (value >= HV_START && value < HV_END))
			return refuse(-EPERM, "debug register %lu: %lx is not the guest's", reg, value);
		v->dr[reg] = value;
		if (v->dr7 & DR7_ENABLES)
			install_dr7(v, v->dr7);
		return 0;
	case 6:
		v->dr6 = (value & 0xe00f) | 0xffff0ff0;
		return 0;
	case 7:
		rc = check_dr7(v, value);
		if (!rc)
			install_dr7(v, value);
		return rc;
	default: return refuse(-ENODEV, "debug register %lu", reg);
	}
}

/* 4 and 5 are other names of 6 and 7, unless the guest sets CR4.DE. */
static uint64_t debugreg_number(const struct vcpu *v, uint64_t reg)
{
	return (reg == 4 || reg == 5) && !(v->guest_cr4 & CR4_DE) ? reg + 2 : reg;
}

long hc_set_debugreg(struct vcpu *self, uint64_t reg, uint64_t value)
{
	return debugreg_set(self, debugreg_number(self, reg), value);
}

long hc_get_debugreg(struct vcpu *self, uint64_t reg)
{
	reg = debugreg_number(self, reg);
	if (reg < 4)
		return self->dr[reg];
	if (reg != 6 && reg != 7)
		return refuse(-ENODEV, "debug register %lu", reg);
	return reg == 6 ? self->dr6 : self->dr7;
}

long hc_set_gdt(struct vcpu *self, gva_t frames, uint64_t entries)
{
	unsigned pages = DIV_UP(entries, 512);
	mfn_t list[GDT_GUEST_PAGES];
	long rc;

	if (entries > GDT_GUEST_PAGES * 512)
		return refuse(-EINVAL, "set_gdt: %lu entries", entries);
	if (copy_from_guest(list, frames, pages * sizeof(list[0])))
		return refuse(-EFAULT, "set_gdt: list at %lx", frames.a);
	rc = segdesc_set_gdt(self, list, pages, entries);
	return rc == RESTART ? hypercall_again(self, 0) : rc;
}

long hc_update_descriptor(struct vcpu *self, uint64_t addr, uint64_t desc)
{
	long rc = segdesc_update(self, maddr(addr), desc);

	return rc == RESTART ? hypercall_again(self, 0) : rc;
}

/*
 * The iret hypercall in full (abi-inventory 2.4); entry.S does the common cases itself.  CS and SS get
 * RPL 3; hardware IF is always on, the guest's IF is the upcall mask.  A RIP that is not canonical must
 * not reach SYSRET, and IRET would fault on it: the guest gets that #GP.
 */
void iret_slow(struct vcpu *v)
{
	struct regs *r = guest_regs();
	struct iret_context f;
	bool sysret;

	if (copy_from_guest(&f, gva(r->rsp), sizeof(f))) {
		domain_crash(v, "iret frame at %lx cannot be read", r->rsp);
		return;
	}
	if ((f.cs & 3) == 3 && !v->user_cr3) {
		domain_crash(v, "iret to user mode without a user root table");
		return;
	}
	r->rax = f.rax;
	r->rip = f.rip;
	r->rsp = f.rsp;
	r->cs = (uint16_t)f.cs | 3;
	r->ss = (uint16_t)f.ss | 3;
	if (v->dom->vm_assist & 1u << VMASST_TYPE_architectural_iopl)
		v->iopl = (f.rflags >> 12) & 3;
	r->rflags = (f.rflags & ~(RFLAGS_IOPL | RFLAGS_VM | 0x180000ul) & 0xffffffff) | RFLAGS_IF | 2;
	sysret = f.flags & VGCF_in_syscall;
	r->rcx = sysret ? r->rip : f.rcx;
	r->r11 = sysret ? r->rflags : f.r11;
	sysret = sysret && r->cs == SEL_GUEST_CODE64 && r->ss == SEL_GUEST_DATA;
	r->vector = sysret ? VECTOR_SYSCALL : 0;
	v->info->evtchn_upcall_mask = !(f.rflags & RFLAGS_IF);
	if (v->nmi_masked) {
		v->nmi_masked = false;
		if (v->nmi_waits)
			atomic_or(&v->work, VWORK_NMI);
		v->nmi_waits = false;
		vcpu_update_fast(v);
	}
	if ((f.cs & 3) == 3)
		vcpu_toggle_mode(v);
	if (!va_canonical(r->rip))
		bounce_exception(v, 13, 0);
}

/* As an entry of a multicall, which it ends. */
long hc_iret(struct vcpu *self)
{
	iret_slow(self);
	return guest_regs()->rax;
}
