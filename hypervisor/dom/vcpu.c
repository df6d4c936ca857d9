/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vCPU's life, its two address spaces, and switching from one to another.
 *
 * kernel_root and user_root are KIND_L4 frames; the vCPU holds one use of each.  A root that is loaded
 * in CR3 is always one of the current vCPU's two, so a table in use is never undone.  Who replaces a
 * root loads the new one before it drops the old.
 *
 * The fast paths of entry.S read mode, kernel_cr3, user_cr3, syscall_entry and bounce_sp: whoever changes
 * what these depend on calls vcpu_update_fast().
 */
#include <mica/errno.h>
#include <mica/vm_assist.h>
#include "cpu/asm.h"
#include "cpu/desc.h"
#include "cpu/features.h"
#include "cpu/log.h"
#include "cpu/msr.h"
#include "cpu/smp.h"
#include "cpu/softirq.h"
#include "cpu/switch.h"
#include "cpu/tlb.h"
#include "cpu/uaccess.h"
#include "dom/bounce.h"
#include "dom/sched.h"
#include "dom/segdesc.h"
#include "dom/vcpu.h"
#include "dom/vtime.h"
#include "lib/bug.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/hvmap.h"
#include "mm/pt.h"

int vcpu_create(struct domain *d, unsigned id, struct vcpu **out)
{
	struct vcpu *v;
	void *area;

	if (id >= d->max_vcpus)
		return refuse(-EINVAL, "vCPU %u of %u", id, d->max_vcpus);
	if (d->vcpu[id])
		return refuse(-EEXIST, "vCPU %u", id);
	v = kmalloc(sizeof(*v));
	if (!v)
		return -ENOMEM;
	v->traps = kmalloc(256 * sizeof(*v->traps));
	area = kmalloc(fpu_area_bytes());
	if (!v->traps || !area)
		goto free;
	v->dom = d;
	v->id = id;
	v->offline = true;
	v->pinned_by = -1;
	v->mode = VMODE_KERNEL;
	v->dr6 = 0xffff0ff0;
	v->dr7 = 0x400;
	v->info_own = id < XEN_LEGACY_MAX_VCPUS ? &d->shared->vcpu_info[id] : kmalloc(sizeof(*v->info));
	v->info = v->info_own;
	if (!v->info)
		goto free;
	v->info->evtchn_upcall_mask = 1;
	fpu_init(&v->fpu, area);
	scan_init(&v->scan, &v->dom->mem);
	sched_vcpu_init(v);
	v->pause_count += d->shutting_down;
	vtime_init_vcpu(v);
	atomic_release(&d->vcpu[id], v);
	*out = v;
	return 0;
free:
	kfree(area);
	kfree(v->traps);
	kfree(v);
	return -ENOMEM;
}

void vcpu_destroy(struct vcpu *v)
{
	vtime_fini_vcpu(v);
	sched_vcpu_fini(v);
	if (v->id >= XEN_LEGACY_MAX_VCPUS)
		kfree(v->info_own);
	v->dom->vcpu[v->id] = NULL;
	kfree(v->fpu.area);
	kfree(v->traps);
	kfree(v);
}

uint64_t vcpu_hw_cr4(const struct vcpu *v)
{
	return features_hv_cr4() | (v->guest_cr4 & (CR4_TSD | CR4_DE | CR4_FSGSBASE));
}

void vcpu_update_fast(struct vcpu *v)
{
	uint64_t sp = v->kernel_sp & ~15ul;
	bool sp_ok = sp >= HV_END && va_canonical(sp) && guest_range_ok(gva(sp - 64), 64);
	bool ok = v->cb_syscall.address && sp_ok && v->kernel_cr3;

	v->bounce_sp = sp_ok ? sp : 0;
	v->syscall_masks = v->cb_syscall.masks_events;
	v->syscall_entry = ok ? v->cb_syscall.address : 0;
	if (v->nmi_masked || v->runstate_stale ||
	    (v->dom->vm_assist & 1u << VMASST_TYPE_architectural_iopl))
		v->mode |= VMODE_SLOW;
	else
		v->mode &= ~VMODE_SLOW;
}

static uint64_t active_cr3(const struct vcpu *v)
{
	return in_kernel(v) ? v->kernel_cr3 : v->user_cr3;
}

void vcpu_toggle_mode(struct vcpu *v)
{
	swapgs();
	v->mode ^= VMODE_KERNEL;
	this_cpu()->guest_cr3 = active_cr3(v);
	write_cr3(active_cr3(v));			/* as entry.S does: no flush that anybody counts on */
	if (in_kernel(v) && v->runstate_stale) {
		v->runstate_stale = false;
		atomic_or(&v->work, VWORK_RUNSTATE);
	}
	vcpu_update_fast(v);
}

/* Puts a root (one use is handed over) in place of the old one, which is given up. */
static void install_root(struct vcpu *v, struct frame *f, bool user)
{
	struct frame **slot = user ? &v->user_root : &v->kernel_root, *old = *slot;
	uint64_t cr3 = f ? tlb_cr3(mfn_maddr(frame_mfn(f)).a, user) : 0;

	*slot = f;
	*(user ? &v->user_cr3 : &v->kernel_cr3) = cr3;
	if (v == current && cr3)
		user == in_kernel(v) ? tlb_drop_tag(cr3) : tlb_load_cr3(cr3);
	if (old)
		frame_drop(old, KIND_L4);
	vcpu_update_fast(v);
}

int vcpu_set_root(struct vcpu *v, mfn_t m, bool user)
{
	struct frame *f = frame_of(m);
	int rc;

	if (user && !m.n) {
		install_root(v, NULL, true);
		return 0;
	}
	if (!frame_valid(m))
		return refuse(-EINVAL, "root frame %lx is not RAM", m.n);
	if (f == (user ? v->user_root : v->kernel_root)) {
		if (v == current)
			tlb_flush_local();	/* as MOV to CR3 would */
		return 0;
	}
	rc = frame_take(f, &v->dom->mem, KIND_L4, &v->scan);
	if (!rc)
		install_root(v, f, user);
	return rc;
}

static void save_segments(struct vcpu *v)
{
	__asm__ volatile("mov %%ds, %0; mov %%es, %1; mov %%fs, %2; mov %%gs, %3"
			 : "=r"(v->ds), "=r"(v->es), "=r"(v->fs), "=r"(v->gs));
	v->fs_base = rdmsr(MSR_FS_BASE);
	v->gs_base_active = rdmsr(MSR_GS_BASE);
	v->gs_base_other = rdmsr(MSR_KERNEL_GS_BASE);
}

/* Selectors first: loading one changes the base.  One that faults leaves NUL, and the guest is told. */
static bool load_segments(const struct vcpu *v)
{
	bool ok = true;

	ok = load_ds(v->ds) && ok;
	ok = load_es(v->es) && ok;
	ok = load_fs(v->fs) && ok;
	ok = load_gs(v->gs) && ok;

	wrmsr(MSR_FS_BASE, v->fs_base);
	wrmsr(MSR_GS_BASE, v->gs_base_active);
	wrmsr(MSR_KERNEL_GS_BASE, v->gs_base_other);
	return ok;
}

static void load_debug(const struct vcpu *v)
{
	if (!(v->dr7 & 0xff))
		return;
	write_dr0(v->dr[0]);
	write_dr1(v->dr[1]);
	write_dr2(v->dr[2]);
	write_dr3(v->dr[3]);
	write_dr7(v->dr7);
}

static void load_ldt(struct vcpu *v)
{
	desc_set_guest_ldt(v->ldt_entries);
	for (unsigned i = 0; v->ldt_entries && i < ARRAY_SIZE(v->ldt_page); i++)
		if (v->ldt_page[i])
			desc_map_ldt_page(i, frame_mfn(v->ldt_page[i]));
}

static void save(struct vcpu *v)
{
	v->regs = *guest_regs();
	save_segments(v);
	fpu_save(&v->fpu);
	if (v->dr7 & 0xff)
		write_dr7(0x400);
	vtime_push_runstate(v);			/* it says "runnable" or "blocked" already */
	atomic_and(&v->dom->mem.dirty_cpus, ~BIT(cpu_id()));
}

/* Nothing of @v is in this CPU any more.  A full barrier: of two CPUs that let go of a domain's last two
 * vCPUs at once, one must see both at rest. */
static void let_go(struct vcpu *v)
{
	(void)atomic_xchg(&v->on_cpu, false);
	if (unlikely(read_once(v->dom->shutting_down)))
		domain_vcpu_stopped(v->dom);
}

static bool load(struct vcpu *v, struct vcpu *prev)
{
	struct percpu *pc = this_cpu();
	uint64_t cr4 = vcpu_hw_cr4(v);

	if (pc->cr4 != cr4) {
		write_cr4(cr4);
		pc->cr4 = cr4;
	}
	desc_set_guest_gdt(v->gdt, v->gdt_frames);
	load_ldt(v);
	atomic_or(&v->dom->mem.dirty_cpus, BIT(pc->id));
	tlb_load_cr3(active_cr3(v));
	let_go(prev);
	if (cpu.rdtscp)
		wrmsr(MSR_TSC_AUX, v->tsc_aux);
	fpu_load(&v->fpu);
	fpu_set_ts(v->guest_ts);
	load_debug(v);
	*guest_regs() = v->regs;
	return load_segments(v);
}

void vcpu_switch(struct vcpu *prev, struct vcpu *next)
{
	struct percpu *pc = this_cpu();

	pc->nr_switches++;
	if (!prev->is_idle)
		save(prev);
	pc->vcpu = next;
	if (next->is_idle) {
		tlb_load_cr3(hvmap_idle_cr3());
		let_go(prev);
		stack_reset_call(sched_idle_loop);
	}
	if (atomic_acquire(&next->on_cpu)) {
		/* Its last CPU is still saving it.  That CPU may wait for @prev the same way, so let go of
		 * prev first, and of its tables; it may run there by the time we go on. */
		tlb_load_cr3(hvmap_idle_cr3());
		let_go(prev);
		prev = pc->idle;
		while (atomic_acquire(&next->on_cpu))
			cpu_relax_poll();
	}
	next->on_cpu = true;
	if (!load(next, prev))
		bounce_failsafe(next);
	vtime_switch_in(next);
	vtime_push_runstate(next);
	exit_reset();
}

void vcpu_do_work(struct vcpu *v)
{
	uint32_t work = atomic_and(&v->work, VWORK_CRASH);

	if (work & VWORK_CRASH) {
		if (!atomic_read(&v->pause_count))	/* somebody resumed it all the same */
			domain_shutdown(v->dom, SHUTDOWN_crash, 0);
		softirq_raise(SOFTIRQ_SCHED);	/* it is paused: this CPU goes elsewhere */
		return;
	}
	if (work & VWORK_RUNSTATE)
		vtime_push_runstate(v);
	if (!(work & VWORK_NMI) || !v->traps[2].address)
		return;
	if (v->nmi_masked) {
		v->nmi_waits = true;		/* iret asks again */
		return;
	}
	v->nmi_masked = true;
	vcpu_update_fast(v);
	bounce_exception(v, 2, NO_ERROR_CODE);
}

int vcpu_register_info(struct vcpu *v, mfn_t m, uint32_t offset)
{
	struct vcpu_info *old = v->info, *new;
	struct frame *f;
	int rc;

	if (v->info_frame)
		return refuse(-EINVAL, "vCPU %u: vcpu_info is registered already", v->id);
	if (offset > PAGE_SIZE - sizeof(struct vcpu_info) || (offset & 7))
		return refuse(-ENXIO, "vcpu_info at offset %x", offset);
	if (v != current && !v->offline)
		return refuse(-EINVAL, "vCPU %u is up", v->id);
	if (!frame_valid(m))
		return refuse(-EINVAL, "vcpu_info in frame %lx", m.n);
	f = frame_of(m);
	rc = frame_take(f, &v->dom->mem, KIND_WRITABLE, &current->scan);
	if (rc)
		return rc;
	new = (struct vcpu_info *)((char *)frame_to_virt(f) + offset);
	*new = *old;
	new->evtchn_upcall_mask = old->evtchn_upcall_mask;
	v->info_frame = f;
	atomic_release(&v->info, new);
	new->evtchn_pending_sel = ~0ul;		/* whatever came meanwhile is looked at */
	new->evtchn_upcall_pending = 1;
	return 0;
}

/* Forgets the guest's memory: roots, descriptor tables, registered areas. */
void vcpu_reset(struct vcpu *v)
{
	segdesc_drop_gdt(v);
	segdesc_drop_ldt(v);
	v->runstate_area = v->time_area = gva(0);
	v->iobitmap = gva(0);
	v->iobitmap_ports = 0;
	atomic_and(&v->work, ~(uint32_t)VWORK_CRASH);
	if (v->info_frame) {
		struct frame *f = v->info_frame;

		atomic_release(&v->info, v->info_own);
		v->info_frame = NULL;
		smp_pass_all();			/* who sends an event may be about to write to it */
		frame_drop(f, KIND_WRITABLE);
	}
	if (v->user_root)
		install_root(v, NULL, true);
	if (v->kernel_root && v != current)
		install_root(v, NULL, false);
	v->initialised = false;
}

void vcpu_teardown(struct vcpu *v)
{
	scan_abort(&v->scan);
	vcpu_reset(v);
	vtime_fini_vcpu(v);
}

static void sanitize_regs(struct regs *r, const struct cpu_user_regs *u)
{
	memcpy(r, u, offsetof(struct cpu_user_regs, error_code));
	r->error_code = 0;
	r->vector = 0;				/* leave by IRET: rcx and r11 count */
	r->rip = u->rip;
	r->rsp = u->rsp;
	r->cs = selector_rpl3(u->cs);
	r->ss = selector_rpl3(u->ss);
	r->rflags = (u->rflags & 0x244dd5) | RFLAGS_IF | 2;	/* SDM vol. 1, 3.4.3 */
}

static bool context_ok(const struct vcpu_guest_context *c)
{
	return va_canonical(c->event_callback_eip) && va_canonical(c->failsafe_callback_eip) &&
	       va_canonical(c->syscall_callback_eip) && va_canonical(c->fs_base) &&
	       va_canonical(c->user_regs.rip) && va_canonical(c->user_regs.rsp) &&
	       va_canonical(c->kernel_sp) && va_canonical(c->ldt_base) &&
	       va_canonical(c->gs_base_kernel) && va_canonical(c->gs_base_user) &&
	       c->gdt_ents <= 14 * 512 && c->ldt_ents <= 8192 &&
	       ((c->flags & VGCF_in_kernel) || c->ctrlreg[1] >> PAGE_SHIFT);
}

/* A vCPU that has its tables keeps them: does the context name the same? */
static bool same_tables(const struct vcpu *v, const struct vcpu_guest_context *c)
{
	for (unsigned i = 0; i < v->gdt_frames; i++)
		if (c->gdt_frames[i] != v->gdt[i].n)
			return false;
	return (c->ctrlreg[3] & PAGE_MASK) == (v->kernel_cr3 & PTE_ADDR) &&
	       (c->ctrlreg[1] & PAGE_MASK) == (v->user_cr3 & PTE_ADDR) &&
	       c->gdt_ents == v->gdt_entries && c->ldt_ents == v->ldt_entries &&
	       (!c->ldt_ents || c->ldt_base == v->ldt_base);
}

static int context_tables(struct vcpu *v, const struct vcpu_guest_context *c)
{
	mfn_t gdt[14];
	unsigned pages = DIV_UP(c->gdt_ents, 512);
	int rc = vcpu_set_root(v, mfn(c->ctrlreg[3] >> PAGE_SHIFT), false);

	for (unsigned i = 0; i < pages; i++)
		gdt[i] = mfn(c->gdt_frames[i]);
	if (!rc)
		rc = vcpu_set_root(v, mfn(c->ctrlreg[1] >> PAGE_SHIFT), true);
	if (!rc)
		rc = segdesc_set_gdt(v, gdt, pages, c->gdt_ents);
	return rc ? rc : segdesc_set_ldt(v, c->ldt_base, c->ldt_ents);
}

int vcpu_set_context(struct vcpu *v, const struct vcpu_guest_context *c)
{
	int rc;

	if (!context_ok(c))
		return refuse(-EINVAL, "vCPU %u: context has a bad address, count or mode", v->id);
	for (unsigned i = 0; i < 256; i++)
		if (!va_canonical(c->trap_ctxt[i].address))
			return refuse(-EINVAL, "vCPU %u: trap %u at %lx", v->id, i, c->trap_ctxt[i].address);
	if (v->initialised && !same_tables(v, c))
		return refuse(-EOPNOTSUPP, "vCPU %u: page or descriptor tables differ", v->id);
	rc = v->initialised ? 0 : context_tables(v, c);
	if (rc) {
		if (rc != RESTART)
			vcpu_reset(v);
		return rc;
	}
	for (unsigned i = 0; i < 256; i++) {
		v->traps[i] = c->trap_ctxt[i];
		v->traps[i].cs |= 3;
	}
	sanitize_regs(&v->regs, &c->user_regs);
	v->ds = selector_rpl3(c->user_regs.ds);
	v->es = selector_rpl3(c->user_regs.es);
	v->fs = selector_rpl3(c->user_regs.fs);
	v->gs = selector_rpl3(c->user_regs.gs);
	v->fs_base = c->fs_base;
	v->gs_base_active = c->flags & VGCF_in_kernel ? c->gs_base_kernel : c->gs_base_user;
	v->gs_base_other = c->flags & VGCF_in_kernel ? c->gs_base_user : c->gs_base_kernel;
	v->kernel_ss = c->kernel_ss | 3;
	v->kernel_sp = c->kernel_sp;
	v->iopl = (c->user_regs.rflags >> 12) & 3;
	v->cb_event = (struct callback){ c->event_callback_eip, true };
	v->cb_failsafe = (struct callback){ c->failsafe_callback_eip, c->flags & VGCF_failsafe_disables_events };
	v->cb_syscall = (struct callback){ c->syscall_callback_eip, c->flags & VGCF_syscall_disables_events };
	v->cb_syscall32 = v->cb_sysenter = (struct callback){ 0, false };
	if (c->flags & VGCF_I387_VALID)
		fpu_set_legacy(&v->fpu, &c->fpu_ctxt);
	v->mode = c->flags & VGCF_in_kernel ? VMODE_KERNEL : 0;
	if (!v->id)
		v->dom->vm_assist = c->vm_assist & VM_ASSIST_OFFERED;
	v->initialised = true;
	vcpu_update_fast(v);
	return 0;
}

void vcpu_get_context(struct vcpu *v, struct vcpu_guest_context *c)
{
	bool user = !in_kernel(v);

	memset(c, 0, sizeof(*c));
	memcpy(&c->user_regs, &v->regs, sizeof(v->regs));
	c->user_regs.error_code = c->user_regs.entry_vector = 0;
	c->user_regs.saved_upcall_mask = v->info->evtchn_upcall_mask;
	c->user_regs.ds = v->ds;
	c->user_regs.es = v->es;
	c->user_regs.fs = v->fs;
	c->user_regs.gs = v->gs;
	c->user_regs.rflags |= (uint64_t)v->iopl << 12;
	fpu_get_legacy(&v->fpu, &c->fpu_ctxt);
	c->flags = VGCF_I387_VALID | (user ? 0 : VGCF_in_kernel) | (v->offline ? 0 : VGCF_online) |
		   (v->cb_failsafe.masks_events ? VGCF_failsafe_disables_events : 0) |
		   (v->cb_syscall.masks_events ? VGCF_syscall_disables_events : 0);
	memcpy(c->trap_ctxt, v->traps, sizeof(c->trap_ctxt));
	c->ldt_base = v->ldt_base;
	c->ldt_ents = v->ldt_entries;
	for (unsigned i = 0; i < v->gdt_frames; i++)
		c->gdt_frames[i] = v->gdt[i].n;
	c->gdt_ents = v->gdt_entries;
	c->kernel_ss = v->kernel_ss;
	c->kernel_sp = v->kernel_sp;
	c->ctrlreg[0] = 0x80050033 | (v->guest_ts ? CR0_TS : 0);
	c->ctrlreg[1] = v->user_cr3 & PTE_ADDR;
	c->ctrlreg[2] = v->guest_cr2;
	c->ctrlreg[3] = v->kernel_cr3 & PTE_ADDR;
	c->ctrlreg[4] = v->guest_cr4;
	memcpy(c->debugreg, v->dr, sizeof(v->dr));
	c->debugreg[6] = v->dr6;
	c->debugreg[7] = v->dr7;
	c->event_callback_eip = v->cb_event.address;
	c->failsafe_callback_eip = v->cb_failsafe.address;
	c->syscall_callback_eip = v->cb_syscall.address;
	c->vm_assist = v->dom->vm_assist;
	c->fs_base = v->fs_base;
	c->gs_base_kernel = user ? v->gs_base_other : v->gs_base_active;
	c->gs_base_user = user ? v->gs_base_active : v->gs_base_other;
}

void vcpu_pause_nosync(struct vcpu *v)
{
	atomic_add(&v->pause_count, 1);
	if (v == current)
		softirq_raise(SOFTIRQ_SCHED);
	else if (read_once(v->running))
		softirq_raise_on(read_once(v->cpu), SOFTIRQ_SCHED);
}

void vcpu_pause(struct vcpu *v)
{
	vcpu_pause_nosync(v);
	if (v != current)
		sched_sleep_sync(v);
}

void vcpu_unpause(struct vcpu *v)
{
	if (atomic_sub(&v->pause_count, 1) == 1)
		sched_wake(v);
}
