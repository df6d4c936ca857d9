/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual CPUs: a guest's registers, address spaces, traps, timers and scheduling state.
 *
 * "mode" says whether the guest kernel or a guest process runs: both in ring 3, told apart by this flag
 * only.  Kernel mode uses kernel_root, user mode user_root; the guest's inactive GS base sits in
 * MSR_KERNEL_GS_BASE (SWAPGS toggles; the hypervisor itself never uses GS).
 *
 * Private fields are written by the CPU that runs the vCPU, or while it is stopped (vcpu_pause).
 * Lazily, nothing: switching saves and loads everything (FPU eagerly too).
 */
#ifndef DOM_VCPU_H
#define DOM_VCPU_H

/* Offsets for entry.S, pinned below. */
#define VCPU_mode		0
#define VCPU_work		4
#define VCPU_kernel_cr3		8
#define VCPU_user_cr3		16
#define VCPU_info		24
#define VCPU_syscall_entry	32	/* 0: not fast, ask C */
#define VCPU_bounce_sp		40	/* 16-aligned, checked; 0: ask C */
#define VCPU_hc_nr		48
#define VCPU_syscall_masks	52

#define VMODE_KERNEL		1	/* guest kernel mode */
#define VMODE_SLOW		2	/* state the fast paths do not know: virtual NMI, architectural IOPL */

/* vcpu.work: any bit sends the way back to the guest through C (vcpu_do_work) */
#define VWORK_NMI		1	/* virtual NMI pending */
#define VWORK_CRASH		2	/* domain_crash happened: do not go back to the guest */
#define VWORK_RUNSTATE		4	/* runstate/time areas in guest memory are stale */

#ifndef __ASSEMBLY__
#include <mica/regs.h>
#include <mica/vcpu.h>
#include <mica/shared_info.h>
#include <mica/vm_assist.h>
#include "cpu/fpu.h"
#include "cpu/percpu.h"
#include "cpu/regs.h"
#include "cpu/timer.h"
#include "dom/domain.h"
#include "mm/scan.h"

struct callback { uint64_t address; bool masks_events; };

enum vcpu_run { RUN_RUNNING, RUN_RUNNABLE, RUN_BLOCKED, RUN_OFFLINE };	/* = RUNSTATE_* of the ABI */

struct vcpu {
	/* hot, for entry.S */
	uint32_t mode;
	uint32_t work;			/* atomic: others set bits */
	uint64_t kernel_cr3;		/* tlb_cr3() of kernel_root; 0 = none yet */
	uint64_t user_cr3;		/* 0 = none */
	struct vcpu_info *info;		/* our mapping of it; never NULL */
	uint64_t syscall_entry;		/* fast bounce allowed: where to; else 0 (callback says more) */
	uint64_t bounce_sp;		/* kernel_sp rounded down and checked, or 0 */
	uint32_t hc_nr;			/* hypercall being executed */
	uint32_t syscall_masks;		/* the syscall callback masks events */

	struct domain *dom;
	unsigned id;
	bool initialised;		/* has a context */
	bool is_idle;

	struct regs regs;		/* while not running */
	uint16_t ds, es, fs, gs;	/* while not running */
	uint64_t fs_base, gs_base_active, gs_base_other;	/* while not running */
	struct fpu fpu;
	uint64_t guest_cr4;		/* the bits the guest owns */
	uint64_t guest_cr2;		/* virtual CR2 as MOV sees it */
	uint32_t tsc_aux;		/* TSC_AUX as the guest wrote it: loaded on switch-in */
	bool guest_ts;			/* virtual CR0.TS */
	uint64_t dr[4], dr6, dr7;
	uint8_t iopl;			/* virtual IOPL 0..3 */
	bool nmi_masked;		/* a virtual NMI is being handled */
	bool nmi_waits;			/* another came meanwhile */
	gva_t iobitmap;
	unsigned iobitmap_ports;

	/* address spaces: KIND_L4 frames, each with one use held here */
	struct frame *kernel_root, *user_root;
	struct scan scan;

	/* traps */
	struct trap_info *traps;	/* 256 */
	struct callback cb_event, cb_failsafe, cb_syscall, cb_syscall32, cb_sysenter, cb_nmi;
	uint64_t kernel_sp;
	uint16_t kernel_ss;

	/* descriptor tables: frames of kind SEGDESC, each with one use held here */
	mfn_t gdt[14];
	unsigned gdt_frames, gdt_entries;
	uint64_t ldt_base;
	unsigned ldt_entries;
	struct frame *ldt_page[16];	/* mapped lazily */

	/* shared pages */
	struct vcpu_info *info_own;	/* where it was first: shared_info, or ours for ids from 32 on */
	struct frame *info_frame;	/* registered vcpu_info page (one ref, one writable use), or NULL */
	gva_t runstate_area, time_area;
	struct vcpu_runstate_info runstate;
	bool runstate_stale;		/* the guest copy waits for guest-kernel mode */

	/* multicall in progress: hypercall_again() changes the entry instead of the registers */
	struct multicall_entry *mc;
	bool mc_again;

	/* timers */
	struct timer timer_single, timer_periodic, timer_poll;
	uint64_t period_ns, periodic_next_ns;
	bool polling;			/* blocked in SCHEDOP_poll */

	/* scheduling: dom/sched.c, under the run queue's lock */
	struct list run_link;
	uint16_t cpu;			/* whose queue it is on, or last was */
	bool running;			/* chosen to run on @cpu */
	bool on_cpu;			/* its registers are in that CPU, not yet saved (release-cleared) */
	bool capped;			/* its domain used up its cap: waits for the next period */
	bool queued;
	uint32_t pause_count;		/* atomic; > 0: may not run */
	bool blocked;			/* waits for an event */
	bool offline;			/* VCPUOP_down or not yet up */
	cpumask_t hard_affinity, soft_affinity;
	uint64_t vruntime;		/* weighted */
	uint64_t sched_in_ns;
	int pinned_by;			/* pin_override: previous affinity saved, -1 = none */
	cpumask_t affinity_saved;
	uint32_t virq_port[24];		/* ipc/evtchn.c: per-vCPU VIRQ bindings */
	void *evtchn_fifo;		/* ipc/evtchn.c: control block of this vCPU */
};

_Static_assert(offsetof(struct vcpu, mode) == VCPU_mode, "vcpu.mode");
_Static_assert(offsetof(struct vcpu, work) == VCPU_work, "vcpu.work");
_Static_assert(offsetof(struct vcpu, kernel_cr3) == VCPU_kernel_cr3, "vcpu.kernel_cr3");
_Static_assert(offsetof(struct vcpu, user_cr3) == VCPU_user_cr3, "vcpu.user_cr3");
_Static_assert(offsetof(struct vcpu, info) == VCPU_info, "vcpu.info");
_Static_assert(offsetof(struct vcpu, syscall_entry) == VCPU_syscall_entry, "vcpu.syscall_entry");
_Static_assert(offsetof(struct vcpu, bounce_sp) == VCPU_bounce_sp, "vcpu.bounce_sp");
_Static_assert(offsetof(struct vcpu, hc_nr) == VCPU_hc_nr, "vcpu.hc_nr");
_Static_assert(offsetof(struct vcpu, syscall_masks) == VCPU_syscall_masks, "vcpu.syscall_masks");

static inline bool in_kernel(const struct vcpu *v) { return v->mode & VMODE_KERNEL; }

/* vm_assist types a domain may switch on. */
#define VM_ASSIST_OFFERED \
	(1u << VMASST_TYPE_4gb_segments | 1u << VMASST_TYPE_4gb_segments_notify | \
	 1u << VMASST_TYPE_writable_pagetables | 1u << VMASST_TYPE_pae_extended_cr3 | \
	 1u << VMASST_TYPE_architectural_iopl | 1u << VMASST_TYPE_runstate_update_flag)

/* -ENOMEM, -EINVAL (id), -EEXIST.  The vCPU is offline and has no context.  life_lock is held, or nobody
 * knows the domain yet. */
int vcpu_create(struct domain *d, unsigned id, struct vcpu **out);
void vcpu_destroy(struct vcpu *v);
/* VCPUOP_initialise and domctl setvcpucontext: checks everything, takes roots and descriptor frames.
 * One that has a context already keeps page and descriptor tables: -EOPNOTSUPP when the new one names
 * others.  @v runs nowhere.  0, -EINVAL, -EBUSY, RESTART. */
int vcpu_set_context(struct vcpu *v, const struct vcpu_guest_context *c);
void vcpu_get_context(struct vcpu *v, struct vcpu_guest_context *c);	/* v is stopped */
void vcpu_reset(struct vcpu *v);		/* drops roots, descriptor frames, registered areas */
/* Gives back frames at teardown: 0 or RESTART. */
void vcpu_teardown(struct vcpu *v);

/* MMUEXT_NEW_BASEPTR / NEW_USER_BASEPTR on the current vCPU; m none = no user root. */
int vcpu_set_root(struct vcpu *v, mfn_t m, bool user);
/* Flip between guest kernel and guest user: GS base, CR3, mode.  Current vCPU only. */
void vcpu_toggle_mode(struct vcpu *v);
/* Recomputes syscall_entry, bounce_sp after any of their inputs changed. */
void vcpu_update_fast(struct vcpu *v);
/* Saves @prev, loads @next, leaves through entry.S; called by the scheduler with the stack to be reset. */
void noreturn vcpu_switch(struct vcpu *prev, struct vcpu *next);
/* Slow way back to the guest: everything in v->work.  Called by entry.S in a loop until clean. */
void vcpu_do_work(struct vcpu *v);
/* VCPUOP_register_vcpu_info: see ABI.  */
int vcpu_register_info(struct vcpu *v, mfn_t m, uint32_t offset);
/* CR4 for this vCPU in hardware. */
uint64_t vcpu_hw_cr4(const struct vcpu *v);

/* Stop it from running; returns when it does not.  Counted. */
void vcpu_pause(struct vcpu *v);
void vcpu_pause_nosync(struct vcpu *v);
void vcpu_unpause(struct vcpu *v);

#define for_each_vcpu(d, v) \
	for (unsigned i_##v = 0; i_##v < (d)->max_vcpus; i_##v++) \
		if (((v) = (d)->vcpu[i_##v]) != NULL)
#endif
#endif
