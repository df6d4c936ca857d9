/* unit: cpu/tlb.c dom/vcpu.c @mm */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The TLB: CPUs that cache translations by tag, as the SDM allows (vol. 3, 4.10), under random use of what
 * guests and the hypervisor can do with roots, once with PCID and once without.  A guest that flushes must
 * see what its tables say; a frame whose stamp was flushed must be nowhere.
 */
#include "unit.h"
#include "cpu/asm.h"
#include "cpu/desc.h"
#include "cpu/features.h"
#include "cpu/smp.h"
#include "cpu/switch.h"
#include "cpu/tlb.h"
#include "dom/bounce.h"
#include "dom/sched.h"
#include "dom/segdesc.h"
#include "dom/vtime.h"
#include "mm/heap.h"
#include "mm/hvmap.h"

#define NR_CPUS		3
#define NR_DOMS		2
#define NR_VCPUS	3		/* of each domain */
#define NR_PROCESSES	3		/* of each domain, with two roots each */
#define NR_VAS		6
#define NR_TAGS		4
#define IDLE_ROOT	0x7fffff000ul
#define KEEP		BIT(63)
#define ADDRESS		0x000ffffffffff000ul

/* --- the CPUs --- */
static struct {
	uint64_t cr3;
	uint64_t cached[NR_TAGS][NR_VAS];	/* 0 = nothing */
} tlb[NR_CPUS];
static uint64_t kept, dropped;			/* loads of CR3 that left the cache alone, and others */

static unsigned here(void) { return this_cpu()->id; }
static unsigned tag_of(uint64_t cr3) { return cpu.pcid ? (unsigned)(cr3 & 0xfff) : 0; }

static void forget(unsigned c, unsigned tag)
{
	assert_true(tag < NR_TAGS);
	memset(tlb[c].cached[tag], 0, sizeof(tlb[c].cached[tag]));
}

uint64_t read_cr3(void)
{
	return tlb[here()].cr3 & ~KEEP;
}

void write_cr3(uint64_t v)
{
	assert_true(v & ADDRESS);
	assert_true(cpu.pcid || !(v & ~ADDRESS));		/* #GP, or a PCD that nobody wants */
	if (!(v & KEEP))
		forget(here(), tag_of(v));
	*(v & KEEP ? &kept : &dropped) += 1;
	tlb[here()].cr3 = v;
}

/* Test addresses are page numbers 0x400 + i. */
static unsigned index_of(uint64_t va)
{
	return (unsigned)(va >> PAGE_SHIFT) - 0x400;
}

void invlpg(uint64_t va)
{
	tlb[here()].cached[tag_of(tlb[here()].cr3)][index_of(va)] = 0;
}

void invpcid(enum invpcid type, uint64_t tag, uint64_t va)
{
	assert_true(cpu.pcid && tag < NR_TAGS);
	switch (type) {
	case INVPCID_ADDRESS:
		tlb[here()].cached[tag][index_of(va)] = 0;
		break;
	case INVPCID_TAG:
		forget(here(), (unsigned)tag);
		break;
	case INVPCID_ALL:
		for (tag = 0; tag < NR_TAGS; tag++)
			forget(here(), (unsigned)tag);
	}
}

/* An interrupt takes effect at once. */
void smp_kick(cpumask_t mask, enum ipi_bit bit)
{
	unsigned me = here(), c;

	assert_int_equal(bit, IPI_FLUSH);
	for_each_cpu(c, mask)
		if (c != me) {
			fake_run_on(c);
			tlb_flush_local();
		}
	fake_run_on(me);
}

/* --- the rest of the hypervisor, as far as dom/vcpu.c needs it --- */
static jmp_buf switched;

void exit_reset(void) { longjmp(switched, 1); }
void stack_reset_call(void (*fn)(void)) { longjmp(switched, 1); }
void sched_idle_loop(void) { abort(); }
uint64_t hvmap_idle_cr3(void) { return IDLE_ROOT; }
uint64_t features_hv_cr4(void) { return 0; }
bool load_ds(uint16_t s) { return true; }
bool load_es(uint16_t s) { return true; }
bool load_fs(uint16_t s) { return true; }
bool load_gs(uint16_t s) { return true; }
void smp_pass_all(void) { }
void bounce_exception(struct vcpu *v, unsigned vector, uint32_t error_code) { }
void bounce_failsafe(struct vcpu *v) { }
void domain_shutdown(struct domain *d, unsigned reason, uint64_t arg) { }
void domain_vcpu_stopped(struct domain *d) { }
void fpu_get_legacy(const struct fpu *f, void *image) { }
void fpu_set_legacy(struct fpu *f, const void *image) { }
void sched_sleep_sync(struct vcpu *v) { }
void sched_vcpu_fini(struct vcpu *v) { }
void sched_vcpu_init(struct vcpu *v) { }
void sched_wake(struct vcpu *v) { }
void segdesc_drop_gdt(struct vcpu *v) { }
void segdesc_drop_ldt(struct vcpu *v) { }
int segdesc_set_gdt(struct vcpu *v, const mfn_t *frames, unsigned nr, unsigned entries) { return 0; }
int segdesc_set_ldt(struct vcpu *v, uint64_t base, unsigned entries) { return 0; }
void vtime_init_vcpu(struct vcpu *v) { }
void vtime_fini_vcpu(struct vcpu *v) { }
void vtime_push_runstate(struct vcpu *v) { }
void vtime_switch_in(struct vcpu *v) { }

/* --- domains --- */
static struct process {
	struct frame *kernel, *user;
	uint64_t maps[NR_VAS];			/* what the tables of both roots say: a number used once */
} process[NR_DOMS][NR_PROCESSES];
static struct domain dom[NR_DOMS], idle_dom;
static struct vcpu vcpu[NR_DOMS][NR_VCPUS], idle[NR_CPUS];
static struct vcpu_info info;
static uint64_t last_number;

static uint64_t *maps_of(uint64_t cr3)
{
	for (unsigned d = 0; d < NR_DOMS; d++)
		for (unsigned p = 0; p < NR_PROCESSES; p++)
			if ((cr3 & ADDRESS) == mfn_maddr(frame_mfn(process[d][p].kernel)).a ||
			    (cr3 & ADDRESS) == mfn_maddr(frame_mfn(process[d][p].user)).a)
				return process[d][p].maps;
	return NULL;
}

/* The guest, or the CPU on its own account, uses an address. */
static void use(unsigned c, unsigned i)
{
	uint64_t *maps = maps_of(tlb[c].cr3), *cached = &tlb[c].cached[tag_of(tlb[c].cr3)][i];

	if (maps && !*cached)
		*cached = maps[i];
}

static void use_all(unsigned c)
{
	for (unsigned i = 0; i < NR_VAS; i++)
		use(c, i);
}

/* Whatever is loaded, what the CPU has cached for it is what the tables say. */
static void check(void)
{
	for (unsigned c = 0; c < NR_CPUS; c++) {
		const uint64_t *maps = maps_of(tlb[c].cr3), *cached = tlb[c].cached[tag_of(tlb[c].cr3)];

		for (unsigned i = 0; i < NR_VAS; i++)
			if (cached[i])
				assert_true(maps && cached[i] == maps[i]);
	}
}

static void check_nowhere(uint64_t number)
{
	for (unsigned c = 0; c < NR_CPUS; c++)
		for (unsigned tag = 0; tag < NR_TAGS; tag++)
			for (unsigned i = 0; i < NR_VAS; i++)
				assert_true(tlb[c].cached[tag][i] != number);
}

static void switch_to(struct vcpu *next)
{
	struct vcpu *prev = this_cpu()->vcpu;

	if (prev == next)
		return;
	prev->running = false;
	next->running = true;
	if (!setjmp(switched))
		vcpu_switch(prev, next);
	assert_ptr_equal(this_cpu()->vcpu, next);
}

static void schedule_some(void)
{
	struct vcpu *next = &idle[here()];

	if (!unit_one_in(4))
		next = &vcpu[unit_below(NR_DOMS)][unit_below(NR_VCPUS)];
	if (next == this_cpu()->vcpu || !next->running)
		switch_to(next);
}

/* As call/entry.S: the other root is loaded, nothing else. */
static void toggle(struct vcpu *v)
{
	if (unit_one_in(3)) {
		vcpu_toggle_mode(v);
		return;
	}
	v->mode ^= VMODE_KERNEL;
	this_cpu()->guest_cr3 = in_kernel(v) ? v->kernel_cr3 : v->user_cr3;
	write_cr3(this_cpu()->guest_cr3);
}

static unsigned domain_no(const struct vcpu *v)
{
	return (unsigned)(v->dom - dom);
}

static void set_root(struct vcpu *v, bool user)
{
	struct process *p = &process[domain_no(v)][unit_below(NR_PROCESSES)];

	assert_int_equal(vcpu_set_root(v, frame_mfn(user ? p->user : p->kernel), user), 0);
}

/* A guest kernel changes an entry and flushes as its architecture says, on the CPUs that may have it. */
static void remap(struct vcpu *v)
{
	struct process *p = &process[domain_no(v)][unit_below(NR_PROCESSES)];
	unsigned i = (unsigned)unit_below(NR_VAS);
	uint64_t va = (0x400ul + i) << PAGE_SHIFT;
	cpumask_t mask = v->dom->mem.dirty_cpus;

	p->maps[i] = ++last_number;
	if (unit_one_in(2))
		tlb_flush_mask(mask);
	else
		tlb_invlpg_mask(mask, va);
}

/* The same where it runs alone, with what acts on this CPU only. */
static void remap_local(struct vcpu *v)
{
	struct process *p = &process[domain_no(v)][unit_below(NR_PROCESSES)];
	unsigned i = (unsigned)unit_below(NR_VAS);

	if (v->dom->mem.dirty_cpus != BIT(here()))
		return;
	p->maps[i] = ++last_number;
	switch (unit_below(3)) {
	case 0:
		tlb_flush_local();
		break;
	case 1:
		tlb_invlpg_local((0x400ul + i) << PAGE_SHIFT);
		break;
	default:			/* MOV to CR3 with what is there */
		assert_int_equal(vcpu_set_root(v, frame_mfn(v->kernel_root), false), 0);
	}
}

/*
 * A frame leaves its use without any flush by the guest; others toggle and run; then whoever gets the frame
 * asks for the flush.  (The processes use new numbers meanwhile; whatever is old must be gone after it.)
 */
static void frame_leaves(struct vcpu *v)
{
	struct process *p = &process[domain_no(v)][unit_below(NR_PROCESSES)];
	unsigned i = (unsigned)unit_below(NR_VAS), me = here();
	uint64_t old = p->maps[i];
	uint32_t stamp;

	p->maps[i] = ++last_number;
	stamp = tlb_now();
	for (unsigned n = (unsigned)unit_below(4); n--;) {
		fake_run_on((unsigned)unit_below(NR_CPUS));
		if (unit_one_in(3))
			schedule_some();
		else if (!current->is_idle)
			toggle(current);
	}
	fake_run_on(me);
	tlb_flush_since(MASK(NR_CPUS), stamp);
	check_nowhere(old);
}

static void step(struct vcpu *v)
{
	if (v->is_idle || unit_one_in(8)) {
		schedule_some();
		return;
	}
	if (!in_kernel(v) || unit_one_in(3)) {
		toggle(v);
		return;
	}
	switch (unit_below(5)) {
	case 0: set_root(v, false); break;
	case 1: set_root(v, true); break;
	case 2: remap(v); break;
	case 3: remap_local(v); break;
	default: frame_leaves(v);
	}
}

static void make_domain(unsigned d)
{
	dom[d].id = (domid_t)(d + 1);
	assert_int_equal(space_init(&dom[d].mem, dom[d].id, 64), 0);
	fake_space_register(&dom[d].mem);
	for (unsigned p = 0; p < NR_PROCESSES; p++) {
		assert_non_null(process[d][p].kernel = space_alloc(&dom[d].mem, 0, 0));
		assert_non_null(process[d][p].user = space_alloc(&dom[d].mem, 0, 0));
		for (unsigned i = 0; i < NR_VAS; i++)
			process[d][p].maps[i] = ++last_number;
	}
	for (unsigned n = 0; n < NR_VCPUS; n++) {
		struct vcpu *v = &vcpu[d][n];

		*v = (struct vcpu){ .dom = &dom[d], .id = n, .mode = VMODE_KERNEL, .info = &info };
		scan_init(&v->scan, &dom[d].mem);
		set_root(v, false);
		set_root(v, true);
	}
}

static void drop_domain(unsigned d)
{
	for (unsigned n = 0; n < NR_VCPUS; n++) {
		frame_drop(vcpu[d][n].kernel_root, KIND_L4);
		frame_drop(vcpu[d][n].user_root, KIND_L4);
	}
	space_begin_dying(&dom[d].mem);
	while (space_relinquish(&dom[d].mem) == RESTART)
		;
	space_fini(&dom[d].mem);
}

static void run(bool pcid)
{
	static bool made;

	cpu.pcid = pcid;
	if (!made) {
		fake_cpus(NR_CPUS);
		fake_ram(2048, true);
	}
	made = true;
	kept = dropped = 0;
	unit_seed(pcid ? "with PCID" : "without PCID");
	for (unsigned d = 0; d < NR_DOMS; d++)
		make_domain(d);
	for (unsigned c = 0; c < NR_CPUS; c++) {
		idle[c] = (struct vcpu){
			.dom = &idle_dom, .id = c, .is_idle = true, .running = true, .mode = VMODE_KERNEL, .info = &info,
		};
		fake_run_on(c);
		this_cpu()->vcpu = this_cpu()->idle = &idle[c];
		tlb_load_cr3(IDLE_ROOT);
	}
	for (uint64_t n = unit_steps(60000); n--;) {
		fake_run_on((unsigned)unit_below(NR_CPUS));
		step(current);
		check();
		use(here(), (unsigned)unit_below(NR_VAS));
		if (unit_one_in(4))
			use_all((unsigned)unit_below(NR_CPUS));
	}
	for (unsigned c = 0; c < NR_CPUS; c++) {
		fake_run_on(c);
		switch_to(&idle[c]);
	}
	for (unsigned d = 0; d < NR_DOMS; d++)
		drop_domain(d);
	fake_space_forget_all();
}

static void tagged(void **state)
{
	run(true);
	assert_true(kept > dropped);		/* toggles, for the most part, keep what is cached */
}

static void untagged(void **state)
{
	run(false);
	assert_int_equal(kept, 0);
}

/* A system call and its way back: two loads of CR3, nothing forgotten. */
static void system_call_keeps(void **state)
{
	struct vcpu *v = &vcpu[0][0];
	uint64_t before;

	cpu.pcid = true;
	fake_run_on(0);
	this_cpu()->vcpu = this_cpu()->idle = &idle[0];
	make_domain(0);
	switch_to(v);
	toggle(v);
	use_all(0);
	toggle(v);
	use_all(0);
	before = this_cpu()->nr_flushes + dropped;
	toggle(v);
	for (unsigned i = 0; i < NR_VAS; i++)
		assert_true(tlb[0].cached[tag_of(tlb[0].cr3)][i]);
	toggle(v);
	for (unsigned i = 0; i < NR_VAS; i++)
		assert_true(tlb[0].cached[tag_of(tlb[0].cr3)][i]);
	assert_true(this_cpu()->nr_flushes + dropped == before);
	switch_to(&idle[0]);
	drop_domain(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tagged),
		cmocka_unit_test(untagged),
		cmocka_unit_test(system_call_keeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
