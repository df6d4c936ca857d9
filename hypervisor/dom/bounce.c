/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bounce frames.  Low to high on the guest kernel's stack:
 *
 *	rcx, r11, [error code], rip, cs | saved upcall mask << 32, rflags, rsp, ss
 *
 * The failsafe frame has ds, es, fs, gs between r11 and rip.  The guest's handler pops rcx and r11
 * first, so these two may be lost on the way back and SYSRET will do (regs.vector = VECTOR_SYSCALL).
 * Stack: the one of stack_switch when the guest was in user mode, else where it is; 16-aligned first.
 */
#include <mica/vm_assist.h>
#include "cpu/log.h"
#include "cpu/switch.h"
#include "cpu/uaccess.h"
#include "dom/bounce.h"

#define VECTORS_WITH_ERROR_CODE	(BIT(8) | BIT(10) | BIT(11) | BIT(12) | BIT(13) | BIT(14) | BIT(17) | BIT(21))
#define FLAGS_CLEARED	(RFLAGS_AC | RFLAGS_VM | RFLAGS_RF | RFLAGS_NT | RFLAGS_TF | RFLAGS_IOPL)
#define X_UD	6
#define X_GP	13
#define X_PF	14

struct frame_words {
	uint64_t w[12];
	unsigned n;
};

static void push(struct frame_words *f, uint64_t word)
{
	f->w[f->n++] = word;
}

static uint64_t visible_rflags(const struct vcpu *v, const struct regs *r, bool masked)
{
	uint64_t flags = r->rflags & ~(RFLAGS_IF | RFLAGS_IOPL);

	if (!masked)
		flags |= RFLAGS_IF;
	if (v->dom->vm_assist & 1u << VMASST_TYPE_architectural_iopl)
		flags |= (uint64_t)v->iopl << 12;
	return flags;
}

/* The tail that every frame shares, then the jump: @f holds what lies below rip. */
static void enter(struct vcpu *v, struct frame_words *f, uint64_t handler, bool masks, bool was_kernel)
{
	struct regs *r = guest_regs();
	bool masked = v->info->evtchn_upcall_mask;
	uint64_t sp = (was_kernel ? r->rsp : v->kernel_sp) & ~15ul;

	push(f, r->rip);
	push(f, (was_kernel ? r->cs & 0xfffc : r->cs & 0xffff) | (uint64_t)masked << 32);
	push(f, visible_rflags(v, r, masked));
	push(f, r->rsp);
	push(f, r->ss & 0xffff);
	sp -= f->n * 8;
	if (copy_to_guest(gva(sp), f->w, f->n * 8)) {
		domain_crash(v, "its kernel stack at %lx cannot take a frame", sp);
		return;
	}
	if (masks)
		v->info->evtchn_upcall_mask = 1;
	r->rip = handler;
	r->cs = SEL_GUEST_CODE64;
	r->rflags = (r->rflags & ~(uint64_t)FLAGS_CLEARED) | RFLAGS_IF;
	r->rsp = sp;
	r->ss = SEL_GUEST_DATA;
	r->vector = VECTOR_SYSCALL;
}

/* Puts the vCPU in kernel mode; says in which it was. */
static bool to_kernel(struct vcpu *v)
{
	bool was = in_kernel(v);

	if (!was)
		vcpu_toggle_mode(v);
	return was;
}

static void bounce(struct vcpu *v, const char *what, uint64_t handler, bool masks, const uint64_t *error)
{
	struct regs *r = guest_regs();
	struct frame_words f = { .n = 0 };
	bool was_kernel;

	if (!handler) {
		domain_crash(v, "no handler for %s", what);
		return;
	}
	was_kernel = to_kernel(v);
	push(&f, r->rcx);
	push(&f, r->r11);
	if (error)
		push(&f, *error);
	enter(v, &f, handler, masks, was_kernel);
}

void bounce_exception(struct vcpu *v, unsigned vector, uint32_t error_code)
{
	static const char *const name[32] = {
		"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "", "#TS", "#NP", "#SS",
		"#GP", "#PF", "", "#MF", "#AC", "#MC", "#XM", "#VE", "#CP",
	};
	const char *what = vector < 32 && name[vector] ? name[vector] : "an interrupt";
	const struct trap_info *t = &v->traps[vector];
	uint64_t error = error_code;
	bool has_error = vector < 32 && VECTORS_WITH_ERROR_CODE >> vector & 1;

	if (!t->address && vector < 32)
		log_guest(LOG_WARN, "d%uv%u: exception %s error %x, no handler", v->dom->id, v->id,
			  what, error_code);
	bounce(v, what, t->address, t->flags & TI_EVENT_MASK, has_error ? &error : NULL);
}

/* SDM vol. 3, 4.7: bits 0 present, 1 write, 2 user, 4 fetch.  Guest kernels see themselves as supervisor. */
void bounce_page_fault(struct vcpu *v, uint64_t cr2, uint32_t error_code)
{
	error_code &= 0x13 | (in_kernel(v) ? 0 : 4);
	v->guest_cr2 = cr2;
	v->info->arch.cr2 = cr2;
	bounce_exception(v, X_PF, error_code);
}

/* The event callback, on the way back to a guest that does not mask events.  tour:hypercall/8 */
void bounce_event(struct vcpu *v)
{
	bounce(v, "events", v->cb_event.address, true, NULL);
}

void bounce_failsafe(struct vcpu *v)
{
	struct regs *r = guest_regs();
	struct frame_words f = { .n = 0 };
	uint16_t ds, es, fs, gs;
	bool was_kernel;

	if (!v->cb_failsafe.address) {
		domain_crash(v, "a segment register or IRET faulted, and there is no failsafe callback");
		return;
	}
	__asm__ volatile("mov %%ds, %0; mov %%es, %1; mov %%fs, %2; mov %%gs, %3"
			 : "=r"(ds), "=r"(es), "=r"(fs), "=r"(gs));
	was_kernel = to_kernel(v);
	push(&f, r->rcx);
	push(&f, r->r11);
	push(&f, ds);
	push(&f, es);
	push(&f, fs);
	push(&f, gs);
	enter(v, &f, v->cb_failsafe.address, v->cb_failsafe.masks_events, was_kernel);
}

/* The guest's handler for SYSCALL, or #UD at it. */
static void bounce_call(struct vcpu *v, const char *what, const struct callback *cb)
{
	if (!cb->address) {
		guest_regs()->rip -= 2;
		bounce_exception(v, X_UD, NO_ERROR_CODE);
		return;
	}
	bounce(v, what, cb->address, cb->masks_events, NULL);
	guest_regs()->rflags &= ~(uint64_t)RFLAGS_DF;
}

void bounce_syscall(struct vcpu *v)
{
	bounce_call(v, "system calls", &v->cb_syscall);
}

void bounce_syscall32(struct vcpu *v)
{
	bounce_call(v, "32-bit system calls", &v->cb_syscall32);
}

void bounce_sysenter(struct vcpu *v)
{
	if (!v->cb_sysenter.address) {
		bounce_exception(v, X_GP, 0);
		return;
	}
	bounce(v, "SYSENTER", v->cb_sysenter.address, v->cb_sysenter.masks_events, NULL);
}
