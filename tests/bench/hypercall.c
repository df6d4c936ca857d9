/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bench guest: how many instructions each primitive of the guest ABI costs.
 *
 * Run under `qemu -icount shift=0,sleep=off`, where the TSC counts executed instructions: results
 * are the same on every machine and in every run.  Each primitive runs ROUNDS times and its minimum
 * is printed as `BENCH name value`, less the cost of reading the TSC twice; batches are per item.
 *
 * Kernel primitives are measured around the call in C.  Trips from user mode are measured in user
 * mode, against entry stubs that do nothing but return (bench_entry_*, below).
 */
#include "domu.h"
#include "guest.h"

#define ROUNDS	12
#define BATCH	128
#define SMALL	32

static uint64_t overhead, last;		/* last: what the last run reported took, all items */
volatile uint8_t *bench_upcall;		/* our vcpu_info, for the event stub */
volatile uint64_t *bench_pending;	/* word of the event's port */

static inline uint64_t tsc(void)
{
	uint32_t lo, hi;

	asm volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

static void report(const char *name, uint64_t best, unsigned int per)
{
	last = best - overhead;
	print("BENCH %s %lu\n", name, last / per);
}

/*
 * BENCH_FULL(name, items per run, before each run, what to measure, after each run)
 * BENCH and BENCH_UNDO leave one of the unmeasured parts out.
 */
#define BENCH_FULL(name, per, prepare, op, undo) do {			\
	uint64_t best = ~0UL, start, spent;				\
	for (unsigned int round = 0; round < ROUNDS; round++) {		\
		prepare;						\
		start = tsc();						\
		op;							\
		spent = tsc() - start;					\
		undo;							\
		best = spent < best ? spent : best;			\
	}								\
	report(name, best, per);					\
} while (0)
#define BENCH(name, per, prepare, op)	BENCH_FULL(name, per, prepare, op, NOTHING)
#define BENCH_UNDO(name, per, op, undo)	BENCH_FULL(name, per, NOTHING, op, undo)
#define NOTHING	do { } while (0)

/*
 * Stubs: exception or callback frame in, iret frame out, nothing else.  The page-fault stub skips
 * the two-byte instruction that faulted; the event stub acknowledges first.
 */
void bench_entry_syscall(void);
void bench_entry_fault(void);
void bench_entry_trap(void);
void bench_entry_event(void);
asm(".pushsection .text\n"
    ".macro leave flags\n"
    "	push $\\flags; push %rcx; push %r11; push %rax; mov $23, %eax; syscall\n"
    ".endm\n"
    "bench_entry_syscall: pop %rcx; pop %r11; leave 0x100\n"
    "bench_entry_fault: pop %rcx; pop %r11; add $8, %rsp; addq $2, (%rsp); leave 0\n"
    "bench_entry_trap: pop %rcx; pop %r11; leave 0\n"
    "bench_entry_event: pop %rcx; pop %r11; push $0; push %rcx; push %r11; push %rax\n"
    "	mov bench_upcall(%rip), %rax; movb $0, (%rax); movq $0, 8(%rax)\n"
    "	mov bench_pending(%rip), %rax; movq $0, (%rax); mov $23, %eax; syscall\n"
    /* user loops: minimum over 12 runs in r14, ud2 at the end */
    ".macro user_loop name, op:vararg\n"
    "\\name: mov $-1, %r14; mov $12, %r15d\n"
    "1:	rdtsc; shl $32, %rdx; or %rax, %rdx; mov %rdx, %r13\n"
    "	\\op\n"
    "	rdtsc; shl $32, %rdx; or %rax, %rdx; sub %r13, %rdx\n"
    "	cmp %r14, %rdx; cmovb %rdx, %r14; dec %r15d; jnz 1b; ud2\n"
    ".endm\n"
    "user_loop bench_user_empty\n"
    "user_loop bench_user_syscall, syscall\n"
    "user_loop bench_user_fault, movb (%rdi), %al\n"
    "user_loop bench_user_int80, int $0x80\n"
    ".popsection");
extern const char bench_user_empty[], bench_user_syscall[], bench_user_fault[], bench_user_int80[];

static uint64_t user_minimum(const char *loop)
{
	struct user_exit e;

	user_run(&e, (unsigned long)loop, user_stack(), 0x1000);
	return e.regs.r14;
}

static void bench_entries(void)
{
	uint64_t empty = user_minimum(bench_user_empty);

	must(hc_callback(CALLBACKTYPE_syscall, 0, (unsigned long)bench_entry_syscall));
	print("BENCH user_syscall_bounce %lu\n", user_minimum(bench_user_syscall) - empty);
	must(hc_callback(CALLBACKTYPE_syscall, 0, (unsigned long)bench_entry_trap));
	print("BENCH user_syscall_bounce_full_iret %lu\n",
	      user_minimum(bench_user_syscall) - empty);
	must(trap_set(14, 0, (unsigned long)bench_entry_fault));
	print("BENCH user_page_fault_bounce %lu\n", user_minimum(bench_user_fault) - empty);
	BENCH("kernel_page_fault_bounce", 1, NOTHING,
	      asm volatile("movb (%0), %%al" : : "D"(0x1000UL) : "rax", "memory"));
	must(trap_set(0x80, 3, (unsigned long)bench_entry_trap));
	print("BENCH user_int80_bounce %lu\n", user_minimum(bench_user_int80) - empty);
	must(trap_set(3, 3, (unsigned long)bench_entry_trap));
	BENCH("kernel_breakpoint_bounce", 1, NOTHING, asm volatile("int3" : : : "memory"));
	trap_install();
}

static void bench_simple(void)
{
	static struct multicall_entry calls[16];
	struct vcpu_runstate_info runstate;

	BENCH("hypercall_enosys", 1, NOTHING, HC_0(63));
	BENCH("hypercall_xen_version", 1, NOTHING, hc_version(XENVER_version, NULL));
	for (int i = 0; i < 16; i++)
		calls[i].op = __HYPERVISOR_xen_version;
	BENCH("multicall_16_xen_version", 16, NOTHING,
	      hypercall(__HYPERVISOR_multicall, calls, 16));
	BENCH("set_segment_base", 1, NOTHING, hc_segment_base(SEGBASE_FS, 0));
	BENCH("fpu_taskswitch", 1, NOTHING, hypercall(__HYPERVISOR_fpu_taskswitch, 0));
	BENCH("sched_yield", 1, NOTHING, hc_sched(SCHEDOP_yield, NULL));
	BENCH("get_runstate", 1, NOTHING, hc_vcpu(VCPUOP_get_runstate_info, 0, &runstate));
	BENCH("set_timer_cancel", 1, NOTHING, hypercall(__HYPERVISOR_set_timer_op, 0));
	BENCH("set_timer_arm", 1, NOTHING, hypercall(__HYPERVISOR_set_timer_op, ~0UL >> 2));
	hypercall(__HYPERVISOR_set_timer_op, 0);
	BENCH("tlb_flush_local", 1, NOTHING, hc_mmuext(MMUEXT_TLB_FLUSH_LOCAL, 0, 0));
	BENCH("invlpg_local", 1, NOTHING, hc_mmuext(MMUEXT_INVLPG_LOCAL, VIRT_BASE, 0));
	BENCH("tlb_flush_all", 1, NOTHING, hc_mmuext(MMUEXT_TLB_FLUSH_ALL, 0, 0));
	BENCH("emulated_rdmsr_fs_base", 1, NOTHING,
	      asm volatile("rdmsr" : : "c"(0xc0000100) : "rax", "rdx"));
	BENCH("emulated_wrmsr_fs_base", 1, NOTHING,
	      asm volatile("wrmsr" : : "c"(0xc0000100), "a"(0), "d"(0)));
	BENCH("emulated_mov_from_cr0", 1, NOTHING, asm volatile("mov %%cr0, %%rax" : : : "rax"));
}

/* iret to the next instruction in kernel mode, as at the end of every kernel-mode exception */
static void bench_iret(void)
{
	BENCH("iret_kernel", 1, NOTHING,
	      asm volatile("mov %%rsp, %%rdx; push $0xe02b; push %%rdx; pushfq; push $0xe030;"
			   "lea 1f(%%rip), %%rax; push %%rax; push $0; push %%rcx; push %%r11;"
			   "push %%rax; mov $23, %%eax; syscall; 1:"
			   : : : "rax", "rdx", "rcx", "r11", "memory", "cc"));
}

static void bench_stack_switch(void)
{
	extern char cpu_stacks[MAX_VCPUS][STACK_SIZE];
	uint64_t sp = (uint64_t)cpu_stacks[0] + TRAP_STACK_OFFSET;

	BENCH("stack_switch", 1, NOTHING, hc_stack_switch(FLAT_KERNEL_SS64, sp));
}

static void bench_descriptor(void)
{
	uint64_t *gdt = page_alloc(), mfn = mfn_of(gdt);

	page_readonly(gdt);
	must(hypercall(__HYPERVISOR_set_gdt, &mfn, 512));
	BENCH("update_descriptor", 1, NOTHING,
	      hc_update_descriptor(mfn * PAGE_SIZE + 12 * 8, 0x00cff3000000ffff));
	must(hypercall(__HYPERVISOR_set_gdt, NULL, 0));
}

static void bench_context_switch(void)
{
	static struct multicall_entry calls[3];
	static struct mmuext_op ops[2];
	extern char cpu_stacks[MAX_VCPUS][STACK_SIZE];
	uint64_t *l4[2] = { root_clone(), root_clone() };
	unsigned int next = 0;

	for (int i = 0; i < 2; i++) {
		must(hc_pin(4, mfn_of(l4[i])));
		ops[i].cmd = i ? MMUEXT_NEW_USER_BASEPTR : MMUEXT_NEW_BASEPTR;
		calls[i].op = __HYPERVISOR_mmuext_op;
		calls[i].args[0] = PTR(&ops[i]);
		calls[i].args[1] = 1;
		calls[i].args[3] = DOMID_SELF;
	}
	calls[2].op = __HYPERVISOR_stack_switch;
	calls[2].args[0] = FLAT_KERNEL_SS64;
	calls[2].args[1] = (uint64_t)cpu_stacks[0] + TRAP_STACK_OFFSET;
	BENCH("new_baseptr", 1, ops[0].arg1.mfn = mfn_of(l4[next ^= 1]),
	      hypercall(__HYPERVISOR_mmuext_op, &ops[0], 1, 0, DOMID_SELF));
	BENCH("context_switch_multicall", 1,
	      next ^= 1; ops[0].arg1.mfn = ops[1].arg1.mfn = mfn_of(l4[next]),
	      hypercall(__HYPERVISOR_multicall, calls, 3));
	must(hc_mmuext(MMUEXT_NEW_BASEPTR, root_mfn(), 0));
	must(user_root(root_mfn()));
}

static struct mmu_update updates[BATCH];

static void fill(uint64_t flags, bool present)
{
	uint64_t l1 = mfn_of(window_l1()) * PAGE_SIZE;

	for (unsigned int i = 0; i < BATCH; i++) {
		updates[i].ptr = l1 + i * 8;
		updates[i].val = present ? make_pte(frame_spare(i), flags) : 0;
	}
}

static void apply(void)
{
	must(hypercall(__HYPERVISOR_mmu_update, updates, BATCH, 0, DOMID_SELF));
}

static void state(uint64_t flags, bool present)
{
	fill(flags, present);
	apply();
}

/* One kind of change: from one state to another, singly and in a batch. */
static void bench_change(const char *single, const char *batch, uint64_t from, bool from_present,
			 uint64_t to, bool to_present)
{
	BENCH(single, 1, state(from, from_present); fill(to, to_present),
	      hypercall(__HYPERVISOR_mmu_update, updates, 1, 0, DOMID_SELF));
	BENCH(batch, BATCH, state(from, from_present); fill(to, to_present),
	      hypercall(__HYPERVISOR_mmu_update, updates, BATCH, 0, DOMID_SELF));
}

static void bench_mmu_update(void)
{
	window(0);
	bench_change("mmu_update_flag", "mmu_update_flag_128", PTE_RW_PAGE, true,
		     PTE_RW_PAGE & ~PTE_A, true);
	bench_change("mmu_update_rw_to_ro", "mmu_update_rw_to_ro_128", PTE_RW_PAGE, true,
		     PTE_RO_PAGE, true);
	bench_change("mmu_update_ro_to_rw", "mmu_update_ro_to_rw_128", PTE_RO_PAGE, true,
		     PTE_RW_PAGE, true);
	bench_change("mmu_update_set", "mmu_update_set_128", 0, false, PTE_RW_PAGE, true);
	bench_change("mmu_update_clear", "mmu_update_clear_128", PTE_RW_PAGE, true, 0, false);
	state(0, false);
}

/* The same words in a page that is no table yet, as Linux does while it builds one. */
static void bench_unpinned(void)
{
	uint64_t *page = page_alloc();

	fill(PTE_RW_PAGE, true);
	for (unsigned int i = 0; i < BATCH; i++)
		updates[i].ptr = mfn_of(page) * PAGE_SIZE + i * 8;
	BENCH("mmu_update_unpinned", 1, NOTHING,
	      hypercall(__HYPERVISOR_mmu_update, updates, 1, 0, DOMID_SELF));
	BENCH("mmu_update_unpinned_128", BATCH, NOTHING,
	      hypercall(__HYPERVISOR_mmu_update, updates, BATCH, 0, DOMID_SELF));
}

static long uvm(uint64_t pte, unsigned long flags)
{
	return hypercall(__HYPERVISOR_update_va_mapping, WINDOW_BASE, pte, flags);
}

static void bench_update_va(void)
{
	static struct multicall_entry calls[SMALL];
	uint64_t rw = make_pte(frame_spare(0), PTE_RW_PAGE);

	must(uvm(rw, 0));
	BENCH("update_va_flag", 1, must(uvm(rw, 0)), uvm(rw & ~PTE_A, 0));
	BENCH("update_va_flag_invlpg", 1, must(uvm(rw, 0)), uvm(rw & ~PTE_A, UVMF_INVLPG));
	BENCH("update_va_clear_invlpg", 1, must(uvm(rw, 0)), uvm(0, UVMF_INVLPG));
	BENCH("update_va_set", 1, must(uvm(0, 0)), uvm(rw, 0));
	for (unsigned int i = 0; i < SMALL; i++) {
		calls[i].op = __HYPERVISOR_update_va_mapping;
		calls[i].args[0] = WINDOW_BASE + i * PAGE_SIZE;
	}
	for (unsigned int i = 0; i < SMALL; i++)
		calls[i].args[1] = make_pte(frame_spare(i), PTE_RW_PAGE & ~PTE_A);
	BENCH("multicall_32_update_va_flag", SMALL, state(PTE_RW_PAGE, true),
	      hypercall(__HYPERVISOR_multicall, calls, SMALL));
	state(0, false);
}

static void bench_trapped(void)
{
	volatile uint64_t *entry = &window_l1()[0];
	uint64_t rw = make_pte(frame_spare(0), PTE_RW_PAGE);
	uint64_t ro = make_pte(frame_spare(0), PTE_RO_PAGE);
	uint64_t old, set = rw;

	must(hc_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables));
	BENCH("trapped_mov", 1, must(uvm(rw, 0)), *entry = ro);
	BENCH("trapped_xchg", 1, must(uvm(rw, 0)); set = ro,
	      asm volatile("xchg %0, %1" : "+r"(set), "+m"(*entry)));
	BENCH("trapped_cmpxchg", 1, must(uvm(rw, 0)); old = *entry,
	      asm volatile("lock cmpxchgq %2, %1" : "+a"(old), "+m"(*entry) : "r"(ro) : "cc"));
	BENCH("trapped_btr", 1, must(uvm(rw, 0)),
	      asm volatile("lock btrq $1, %0" : "+m"(*entry) : : "cc"));
	BENCH("trapped_clear", 1, must(uvm(rw, 0)), *entry = 0);
	must(uvm(0, 0));
}

static void bench_tree(unsigned int leaves, uint64_t flags, const char *pin, const char *unpin)
{
	struct tree t;

	tree_build(&t, leaves, flags);
	BENCH(pin, 1, hc_unpin(t.mfn[4]), hc_pin(4, t.mfn[4]));
	BENCH(unpin, 1, hc_pin(4, t.mfn[4]), hc_unpin(t.mfn[4]));
}

static void bench_pins(void)
{
	bench_tree(0, 0, "pin_empty", "unpin_empty");
	bench_tree(64, PTE_RO_PAGE, "pin_64_ro", "unpin_64_ro");
	bench_tree(512, PTE_RO_PAGE, "pin_512_ro", "unpin_512_ro");
	bench_tree(512, PTE_RW_PAGE, "pin_512_rw", "unpin_512_rw");
}

static void bench_events(void)
{
	long rc = event_bind_ipi(0);
	unsigned int port = (unsigned int)rc;
	struct evtchn_send send = { .port = port };

	must(rc);
	event_disable();
	bench_upcall = &shared_info->vcpu_info[0].evtchn_upcall_pending;
	bench_pending = &shared_info->evtchn_pending[port / 64];
	port_set(shared_info->evtchn_mask, port);
	BENCH("evtchn_send_masked", 1, port_clear(shared_info->evtchn_pending, port),
	      hc_evtchn(EVTCHNOP_send, &send));
	BENCH("evtchn_send_pending", 1, port_set(shared_info->evtchn_pending, port),
	      hc_evtchn(EVTCHNOP_send, &send));
	port_clear(shared_info->evtchn_pending, port);
	port_clear(shared_info->evtchn_mask, port);
	BENCH("evtchn_send_unmasked", 1,
	      port_clear(shared_info->evtchn_pending, port); *bench_upcall = 0,
	      hc_evtchn(EVTCHNOP_send, &send));
	*bench_pending = 0;
	*bench_upcall = 0;
	shared_info->vcpu_info[0].evtchn_pending_sel = 0;
	must(hc_callback(CALLBACKTYPE_event, CALLBACKF_mask_events,
			 (unsigned long)bench_entry_event));
	event_enable();
	BENCH("evtchn_send_self_upcall", 1, NOTHING, hc_evtchn(EVTCHNOP_send, &send));
	BENCH("evtchn_unmask", 1, NOTHING, hc_evtchn(EVTCHNOP_unmask, &send));
	event_disable();
	trap_install();
}

static void take_handles(struct gnttab_unmap_grant_ref *unmap,
			 const struct gnttab_map_grant_ref *map)
{
	for (unsigned int i = 0; i < SMALL; i++)
		unmap[i].handle = map[i].handle;
}

/* References 8.. of @dom; the names of: map, unmap, the same for a batch, both for a batch. */
static void bench_grant_map(unsigned int dom, const char *const name[5])
{
	static struct gnttab_map_grant_ref map[SMALL];
	static struct gnttab_unmap_grant_ref unmap[SMALL];

	for (unsigned int i = 0; i < SMALL; i++) {
		map[i] = (struct gnttab_map_grant_ref){
			.host_addr = WINDOW_BASE + i * PAGE_SIZE, .flags = GNTMAP_host_map,
			.ref = 8 + i, .dom = (domid_t)dom,
		};
		unmap[i].host_addr = map[i].host_addr;
	}
	for (unsigned int n = 1; n <= SMALL; n += SMALL - 1, name += 2) {
		uint64_t to_map;

		BENCH_UNDO(name[0], n, hc_gnttab(GNTTABOP_map_grant_ref, map, n),
			   take_handles(unmap, map); hc_gnttab(GNTTABOP_unmap_grant_ref, unmap, n));
		to_map = last;
		BENCH(name[1], n, hc_gnttab(GNTTABOP_map_grant_ref, map, n);
		      take_handles(unmap, map), hc_gnttab(GNTTABOP_unmap_grant_ref, unmap, n));
		if (n == SMALL)
			print("BENCH %s %lu\n", name[2], (to_map + last) / n);
	}
	check_equal(map[0].status | map[SMALL - 1].status, 0);
	check_equal(unmap[0].status | unmap[SMALL - 1].status, 0);
}

/* From references 8.. of domain @from, to those of @to, or to one frame of our own. */
static void bench_grant_copy(unsigned int from, unsigned int to, unsigned int len,
			     const char *single, const char *batch)
{
	static struct gnttab_copy copy[SMALL];

	for (unsigned int i = 0; i < SMALL; i++) {
		copy[i].source.u.ref = copy[i].dest.u.ref = 8 + i;
		copy[i].source.domid = (domid_t)from;
		copy[i].dest.domid = (domid_t)to;
		copy[i].len = (uint16_t)len;
		copy[i].flags = GNTCOPY_source_gref | GNTCOPY_dest_gref;
		if (to == DOMID_SELF) {
			copy[i].dest.u.gmfn = frame_spare(100);
			copy[i].flags = GNTCOPY_source_gref;
		}
	}
	BENCH(single, 1, NOTHING, hc_gnttab(GNTTABOP_copy, copy, 1));
	BENCH(batch, SMALL, NOTHING, hc_gnttab(GNTTABOP_copy, copy, SMALL));
	check_equal(copy[0].status | copy[SMALL - 1].status, 0);
}

static void bench_grants(void)
{
	grant_init(1);
	for (unsigned int i = 0; i < SMALL; i++)
		grant_give(8 + i, frame_spare(i), 0);
	bench_grant_map(0, (const char *const[]){ "grant_map", "grant_unmap", "grant_map_32",
						  "grant_unmap_32", "grant_map_and_unmap_32" });
	bench_grant_copy(0, DOMID_SELF, 64, "grant_copy_64", "grant_copy_64_32");
	bench_grant_copy(0, DOMID_SELF, 4096, "grant_copy_4096", "grant_copy_4096_32");
}

static long reserve(unsigned int cmd, uint64_t *list, unsigned int n)
{
	struct xen_memory_reservation r = { .extent_start = PTR(list), .nr_extents = n,
					    .domid = DOMID_SELF };

	return hc_memory(cmd, &r);
}

static uint64_t extents[SMALL], pfns[SMALL];

/* Give n frames up, take n frames for the same pfns; `extents` holds what the next call needs. */
static long give(unsigned int n)
{
	return reserve(XENMEM_decrease_reservation, extents, n);
}

static long take(unsigned int n)
{
	return reserve(XENMEM_populate_physmap, extents, n);
}

static void bench_reservation(unsigned int n, const char *give_name, const char *take_name)
{
	for (unsigned int i = 0; i < n; i++) {
		extents[i] = frame_spare(200 + i);
		pfns[i] = pfn_spare(200 + i);
	}
	BENCH_UNDO(give_name, n, give(n), memcpy(extents, pfns, n * 8); take(n));
	BENCH(take_name, n, give(n); memcpy(extents, pfns, n * 8), take(n));
	for (unsigned int i = 0; i < n; i++)
		((uint64_t *)start_info->mfn_list)[pfns[i]] = extents[i];
}

/* ---- domains: made, filled, destroyed, as dom0 does it ---- */

#define DOMU_PAGES	2048
#define DOMU_MANY	20
static uint64_t domu_mfn[DOMU_PAGES];

static unsigned int domu_new(unsigned int pages)
{
	long id = domu_create(1);

	must(id);
	must(domu_max_vcpus((unsigned int)id, 1));
	must(domu_max_mem((unsigned int)id, pages));
	return (unsigned int)id;
}

/* Sleeps, so that the idle loop gets at the memory that is to be cleaned. */
static void scrubbed(void)
{
	uint64_t until = time_now_ns() + 400000000UL;

	(void)event_bind_virq(VIRQ_TIMER, 0);		/* the first time */
	while (time_now_ns() < until) {
		hypercall(__HYPERVISOR_set_timer_op, until);
		hc_sched(SCHEDOP_block, NULL);
		event_disable();
	}
}

/* A table of the domain that maps its first 500 frames, pinned: what destroy has to undo. */
static void map_some(unsigned int id)
{
	struct mmuext_op pin = { .cmd = MMUEXT_PIN_L1_TABLE, .arg1.mfn = domu_mfn[0] };
	uint64_t *t = domu_map(id, domu_mfn[0], DOMU_SLOT, true, NULL);

	for (unsigned int i = 1; t && i < 500; i++)
		t[i] = make_pte(domu_mfn[i], PTE_RW_PAGE);
	domu_unmap(DOMU_SLOT);
	must(hypercall(__HYPERVISOR_mmuext_op, &pin, 1, 0, id));
}

/* A domain that grants us its frames 1.. by references 8.., while it has them mapped itself. */
static unsigned int domu_granting(void)
{
	unsigned int id = domu_new(500);
	uint64_t mfn = 0;
	struct gnttab_setup_table setup = { .dom = (domid_t)id, .nr_frames = 1,
					    .frame_list = PTR(&mfn) };
	volatile struct grant_entry_v1 *entry;

	domu_populate(id, 0, 500, domu_mfn);
	map_some(id);
	must(hc_gnttab(GNTTABOP_setup_table, &setup, 1) | setup.status);
	entry = domu_map(id, mfn, DOMU_SLOT, true, NULL);
	for (unsigned int i = 8; entry && i < 8 + SMALL; i++) {
		entry[i].frame = (uint32_t)domu_mfn[i];
		entry[i].flags = GTF_permit_access;
	}
	domu_unmap(DOMU_SLOT);
	return id;
}

/* What back ends do all day: frames of guests, and from one guest to the other. */
static void bench_foreign_grants(void)
{
	unsigned int a = domu_granting(), b = domu_granting();

	bench_grant_map(a, (const char *const[]){ "backend_map", "backend_unmap", "backend_map_32",
						  "backend_unmap_32", "backend_map_and_unmap_32" });
	bench_grant_copy(a, DOMID_SELF, 64, "backend_copy_64", "backend_copy_64_32");
	bench_grant_copy(a, b, 64, "backend_forward_64", "backend_forward_64_32");
	bench_grant_copy(a, b, 1514, "backend_forward_1514", "backend_forward_1514_32");
	domu_destroy(a);
	domu_destroy(b);
}

static void bench_domains(void)
{
	unsigned int id = domu_new(0), many[DOMU_MANY];
	uint64_t before;

	domu_destroy(id);
	before = free_pages();
	for (unsigned int i = 0; i < DOMU_MANY; i++)
		many[i] = domu_new(0);
	print("BENCH domain_memory_bytes %lu\n", (before - free_pages()) * PAGE_SIZE / DOMU_MANY);
	for (unsigned int i = 0; i < DOMU_MANY; i++)
		domu_destroy(many[i]);
	BENCH_UNDO("domain_create_1_vcpu", 1,
		   id = (unsigned int)domu_create(1); domu_max_vcpus(id, 1), domu_destroy(id));
	BENCH("domain_destroy_empty", 1, id = domu_new(0),
	      domctl_simple(XEN_DOMCTL_destroydomain, id));
	BENCH_UNDO("domain_populate_dirty_page", DOMU_PAGES,
		   id = domu_new(DOMU_PAGES); domu_populate(id, 0, DOMU_PAGES, domu_mfn),
		   domu_destroy(id));
	BENCH_FULL("domain_populate_page", DOMU_PAGES, scrubbed(); id = domu_new(DOMU_PAGES),
		   domu_populate(id, 0, DOMU_PAGES, domu_mfn), domu_destroy(id));
	BENCH("domain_destroy_page", DOMU_PAGES, id = domu_new(DOMU_PAGES);
	      domu_populate(id, 0, DOMU_PAGES, domu_mfn),
	      domctl_simple(XEN_DOMCTL_destroydomain, id));
	BENCH("domain_destroy_page_mapped", 500, id = domu_new(500);
	      domu_populate(id, 0, 500, domu_mfn); map_some(id),
	      domctl_simple(XEN_DOMCTL_destroydomain, id));
}

static void calibrate(void)
{
	uint64_t best = ~0UL, start, t;

	for (int i = 0; i < ROUNDS; i++) {
		start = tsc();
		t = tsc() - start;
		best = t < best ? t : best;
	}
	overhead = best;
	print("BENCH rdtsc_overhead %lu\n", best);
	BENCH("hundred_nops", 1, NOTHING, asm volatile(".rept 100; nop; .endr"));
}

void test_main(void)
{
	event_disable();
	calibrate();
	bench_simple();
	bench_iret();
	bench_stack_switch();
	bench_descriptor();
	bench_entries();
	bench_context_switch();
	bench_mmu_update();
	bench_unpinned();
	bench_update_va();
	bench_trapped();
	bench_pins();
	bench_events();
	bench_grants();
	bench_reservation(1, "decrease_reservation", "populate_physmap");
	bench_reservation(SMALL, "decrease_reservation_32", "populate_physmap_32");
	bench_foreign_grants();
	bench_domains();
	BENCH("clear_page", 1, NOTHING, hc_mmuext(MMUEXT_CLEAR_PAGE, frame_spare(300), 0));
}
