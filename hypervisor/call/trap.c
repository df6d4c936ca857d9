/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exceptions, sorted: a guest's own go to who can help (page-table stores, privileged instructions)
 * or back to the guest kernel as a bounce frame; ours go through the exception table or are a bug.
 *
 * Everything here runs with interrupts off on the CPU's main stack, except trap_ist (NMI, #DF, #MC) and
 * trap_debug_in_hypervisor, which run on stacks of their own and must not schedule.
 */
#include "call/handlers.h"
#include "call/trap.h"
#include "cpu/asm.h"
#include "cpu/desc.h"
#include "cpu/irq.h"
#include "cpu/log.h"
#include "cpu/panic.h"
#include "cpu/softirq.h"
#include "cpu/watchdog.h"
#include "dom/bounce.h"
#include "dom/event.h"
#include "dom/segdesc.h"
#include "lib/bug.h"
#include "lib/string.h"

enum { X_DE, X_DB, X_NMI, X_BP, X_OF, X_BR, X_UD, X_NM, X_DF, X_CSO, X_TS, X_NP, X_SS, X_GP, X_PF,
       X_MF = 16, X_AC, X_MC, X_XM, X_VE, X_CP };

/* INT @n, RIP is past it: the guest's gate @n, if it has one that this mode may use. */
static always_inline void bounce_interrupt(struct vcpu *v, struct regs *r, uint8_t n)
{
	if (v->traps[n].address && (v->traps[n].flags & TI_DPL_MASK) >= (in_kernel(v) ? 1u : 3u)) {
		bounce_exception(v, n, NO_ERROR_CODE);
	} else {
		r->rip -= 2;
		bounce_exception(v, X_GP, n << 3 | 2);
	}
}

/*
 * INT n arrives as #GP with the IDT bit set in the error code (SDM vol. 3, 6.13), since our gates have
 * DPL 0.  The vector is read from the instruction, not from the error code, which QEMU 7.2 gets wrong.
 */
static bool software_interrupt(struct vcpu *v, struct regs *r)
{
	uint8_t insn[2];

	if (!(r->error_code & 2) || copy_from_guest(insn, gva(r->rip), 2) || insn[0] != 0xcd)
		return false;
	r->rip += 2;
	bounce_interrupt(v, r, insn[1]);
	return true;
}

/* entry.S: an exception while the guest ran.  Returns to ret_to_guest. */
void trap_from_guest(struct regs *r)
{
	struct vcpu *v = current;
	uint64_t cr2;

	switch (r->vector) {
	case X_PF:
		cr2 = read_cr2();
		if (!pagefault_handle(v, r, cr2))
			bounce_page_fault(v, cr2, r->error_code);
		break;
	case X_GP:
		if (!software_interrupt(v, r) && (r->error_code || !emulate_privileged(v, r)))
			bounce_exception(v, X_GP, r->error_code);
		break;
	case X_UD:
		if (!emulate_forced_cpuid(v, r))
			bounce_exception(v, X_UD, NO_ERROR_CODE);
		break;
	case X_NM:
		clts();
		v->guest_ts = false;
		bounce_exception(v, X_NM, NO_ERROR_CODE);
		break;
	case X_DB:
		v->dr6 = (v->dr6 & ~0xful) | (read_dr6() & 0xe00f) | 0xffff0ff0;
		write_dr6(0xffff0ff0);
		bounce_exception(v, X_DB, NO_ERROR_CODE);
		break;
	case VECTOR_GUEST_INT80:
		bounce_interrupt(v, r, 0x80);
		break;
	default:
		bounce_exception(v, r->vector, r->error_code);
	}
}

/*
 * IRET to the guest faulted: its selectors or RIP are bad.  The five words of the IRET frame are still
 * at the top of the stack, the guest's other registers are those of the fault.  Rebuild its struct regs
 * and let the guest have the exception, as if its own IRET had raised it.  @cr2 is the guest's address.
 */
static void noreturn iret_fault(const struct regs *r, uint64_t cr2)
{
	struct regs saved = *r, *g = guest_regs();

	saved.rip = g->rip;
	saved.cs = g->cs;
	saved.rflags = g->rflags;
	saved.rsp = g->rsp;
	saved.ss = g->ss;
	*g = saved;				/* overlaps *r */
	if (saved.vector == X_PF)
		bounce_page_fault(current, cr2, saved.error_code);
	else
		bounce_exception(current, saved.vector, saved.error_code);
	exit_reset();
}

extern const char ret_iretq[], fast_iretq[];

/* entry.S: an exception in ring 0. */
void trap_from_hypervisor(struct regs *r)
{
	uint64_t fix, cr2 = read_cr2();
	uint32_t ldt_offset;

	/* A selector of the guest's LDT was loaded on its behalf: the page may just not be there yet. */
	if (r->vector == X_PF && desc_in_ldt_window(cr2, &ldt_offset)) {
		if (segdesc_ldt_fault(current, ldt_offset))
			return;
		cr2 = current->ldt_base + ldt_offset;
	}
	if (r->rip == (uint64_t)ret_iretq || r->rip == (uint64_t)fast_iretq)
		iret_fault(r, cr2);
	fix = uaccess_fixup(r->rip);
	if (fix && r->vector != X_UD && r->vector != X_DE) {
		r->rip = fix;
		return;
	}
	panic_regs(r, "exception %u in the hypervisor, error code %x, cr2 %lx", r->vector,
		   r->error_code, cr2);
}

/* entry.S: #DB in ring 0: a guest's breakpoint on memory we touch for it, or its MOV SS / SYSENTER
 * single-step trick.  Nothing of ours; the stepping must stop. */
void trap_debug_in_hypervisor(struct regs *r)
{
	write_dr6(0xffff0ff0);
	r->rflags &= ~RFLAGS_TF;
}

/* entry.S: NMI, #DF, #MC on their own stacks. */
void trap_ist(struct regs *r)
{
	if (r->vector != X_NMI)
		panic_regs(r, r->vector == X_DF ? "double fault" : "machine check");
	watchdog_nmi(r);
}

/* entry.S: something is due before the guest may go on; called until nothing is. */
void exit_work(void)
{
	struct vcpu *v;

	if (this_cpu()->softirq_pending)
		softirq_run();			/* may switch, and not come back here */
	v = current;
	if (atomic_read(&v->work)) {
		vcpu_do_work(v);
	} else if (event_deliverable(v)) {
		/* At its upcall already: another vCPU clears the mask as often as we set it.  One frame
		 * is enough, and others must not have to wait until it tires of that. */
		if (in_kernel(v) && guest_regs()->rip == v->cb_event.address) {
			v->info->evtchn_upcall_mask = 1;
			(void)preempt_due();
			return;
		}
		bounce_event(v);
	}
}
