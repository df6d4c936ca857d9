/* SPDX-License-Identifier: BSD-2-Clause */
/* guest: smp=2 mem=192 args="rounds=12 calls=4000 seed=1" */
/*
 * Break-in: two unprivileged domains with two vCPUs each make hypercalls at random, with arguments that are
 * nearly right - their own tables, frames, ports and grants, each other's, dom0's, the hypervisor's - while dom0
 * pauses, inspects and maps them.  What becomes of them is their affair.  Not a frame may be lost, no count
 * may be wrong, no grant of dom0's may stay in use, and dom0 must go on.
 *
 * More of it, by hand: ARGS="rounds=300 calls=4000 seed=7" LIMIT=3600 tests/guest/run.sh build-debug refused-fuzz
 */
#include "domu.h"
#include "event.h"
#include "grant.h"
#include "guest.h"

#define NR_DOMUS	2
#define NR_ARENA	16		/* pages the calls may do anything to */
#define NR_GIFTS	8		/* grants of dom0, and ports of it for each */
#define NR_OWN		16		/* grants of each for the other */
#define FIRST_SLOT	8		/* of the window, entries to play with */
#define ROUND_NS	8000000000UL
#define SLACK		24		/* pages that the allocators may keep */

/* in .data: the copies know them */
#define SHARED		__attribute__((section(".data")))
static uint64_t seed SHARED;
static unsigned long calls SHARED;
static unsigned int peer SHARED;		/* the other domain's number */
static unsigned int gift_port[NR_GIFTS];	/* dom0 fills them in */
static volatile unsigned long made[MAX_VCPUS];	/* in the domain: calls so far */
/* Those that were let through, by kind; without any of a kind, the arguments are not nearly right. */
enum { TABLES, MAPPINGS, EXTENDED, GRANTS, CHANNELS, NR_KINDS };
static volatile unsigned long went[NR_KINDS];

/* --- random values --- */
static uint64_t state[MAX_VCPUS];
static uint8_t *arena[NR_ARENA];
static bool usable[NR_ARENA];			/* mapped for writing, as far as we know */

/* Looked up before the first call, for some spoil what the library looks things up in. */
static struct {
	uint64_t arena[NR_ARENA], table[5], spare[8];
	unsigned long entries;			/* the window's L1 table */
} known;

static uint64_t random(void)
{
	uint64_t *s = &state[this_vcpu()];

	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s * 0x2545f4914f6cdd1d;
}

static uint64_t below(uint64_t n) { return (random() >> 20) % n; }
static bool one_in(uint64_t n) { return !below(n); }
static uint64_t some_mfn(void)
{
	switch (below(8)) {
	case 0: return random() >> (below(40) + 24);
	case 1: return below(0xc000);				/* of the machine: anybody's */
	case 2: return known.table[1 + below(4)];		/* the window's, in use */
	case 3: return known.table[1];
	case 4: return known.table[4];
	case 5: return known.spare[below(8)];
	default: return known.arena[below(NR_ARENA)];
	}
}

static uint64_t some_va(void)
{
	uint64_t inside = one_in(2) ? 0 : below(PAGE_SIZE);

	switch (below(10)) {
	case 0: return HOLE_START + (random() >> 17) % (HOLE_END - HOLE_START);
	case 1: return NONCANONICAL + below(1UL << 40);
	case 2: return below(1UL << 47);
	case 3: return -below(1 << 20);
	case 4: return (uint64_t)shared_info + inside;
	case 5: return known.entries + inside;
	case 6: return (uint64_t)arena[below(NR_ARENA)] + PAGE_SIZE - below(64);	/* straddles */
	default: return (uint64_t)arena[below(NR_ARENA)] + inside;
	}
}

static uint64_t some_pte(void)
{
	static const uint64_t flags[] = {
		PTE_RW, PTE_US, PTE_PWT, PTE_PCD, PTE_A, PTE_D, PTE_PSE, PTE_G, 1 << 9, PTE_NX, PTE_GUEST_KERNEL,
	};
	uint64_t v = make_pte(some_mfn(), one_in(8) ? 0 : PTE_P);

	for (unsigned int i = below(5); i; i--)
		v |= flags[below(one_in(3) ? ARRAY_SIZE(flags) : 2)];
	return v;
}

static unsigned long some_window(void)
{
	return WINDOW_BASE + (FIRST_SLOT + below(64)) * PAGE_SIZE;
}

/* A slot of a table, most often one whose loss does not end us. */
static uint64_t some_slot(void)
{
	uint64_t t = one_in(6) ? some_mfn() : known.table[1];

	return t << 12 | (FIRST_SLOT + below(64)) * 8 | (one_in(4) ? below(8) : 0);
}

static uint64_t some_domain(void)
{
	const uint64_t ids[] = {
		DOMID_SELF, DOMID_SELF, DOMID_SELF, domu_number(), peer, 0, 0x7ff1, 0x7ff2, 0x7ff4, 0x7fff,
	};

	return one_in(16) ? random() : ids[below(ARRAY_SIZE(ids))];
}

static uint64_t some_number(void)
{
	switch (below(8)) {
	case 0: return random();
	case 1: return 1UL << below(64);
	case 2: return -below(8);
	case 3: return gift_port[below(NR_GIFTS)];
	case 4: return below(1100);
	default: return below(12);
	}
}

static uint64_t some_value(void)
{
	switch (below(8)) {
	case 0: return some_mfn();
	case 1: return some_mfn() << 12 | below(PAGE_SIZE);
	case 2: return some_va();
	case 3: return some_pte();
	case 4: return some_domain();
	default: return some_number();
	}
}

/* A structure: words of 8, 4 and 2 bytes, in the arena or where it cannot be. */
static void *some_structure(void)
{
	unsigned int page = below(NR_ARENA);
	uint8_t *at = arena[page] + below(2) * 256;

	if (one_in(24) || !usable[page])
		return (void *)some_va();
	for (unsigned int i = 0; i < 128; i += 8) {
		uint64_t v = some_value();

		if (one_in(2))
			v = (v & 0xffffffff) | some_value() << 32;
		if (one_in(4))
			v = (v & ~0xffffUL) | some_domain() % 0x10000;
		memcpy(at + i, &v, 8);
	}
	return at;
}

/* --- calls --- */
static void tables(void)
{
	struct mmu_update u[4];
	unsigned int n = 1 + below(ARRAY_SIZE(u));

	for (unsigned int i = 0; i < n; i++)
		u[i] = (struct mmu_update){ .ptr = some_slot(), .val = some_pte() };
	went[TABLES] += !hypercall(__HYPERVISOR_mmu_update, u, n, one_in(4) ? some_va() : 0, some_domain());
}

static void mapping(void)
{
	unsigned long va = one_in(20) ? some_va() : some_window();

	if (one_in(4))
		hypercall(__HYPERVISOR_update_va_mapping_otherdomain, va, some_pte(), below(8), some_domain());
	else
		went[MAPPINGS] += !hypercall(__HYPERVISOR_update_va_mapping, va, some_pte(),
					     one_in(8) ? some_va() : below(8));
}

static void extended(void)
{
	struct mmuext_op op[3];
	unsigned int n = 1 + below(ARRAY_SIZE(op));

	for (unsigned int i = 0; i < n; i++) {
		op[i] = (struct mmuext_op){ .cmd = below(22), .arg1.mfn = some_mfn(), .arg2.src_mfn = some_mfn() };
		if (one_in(3))
			op[i].arg1.linear_addr = some_va();
		if (one_in(3))
			op[i].arg2.vcpumask = some_va();
		if ((op[i].cmd == MMUEXT_NEW_BASEPTR || op[i].cmd == MMUEXT_CLEAR_PAGE) && !one_in(40))
			op[i].cmd = MMUEXT_UNPIN_TABLE;
	}
	went[EXTENDED] += !hypercall(__HYPERVISOR_mmuext_op, op, n, one_in(4) ? some_va() : 0, some_domain());
}

/* --- its own grant table --- */
static volatile struct grant_entry_v1 *own;

static void make_table(void)
{
	uint64_t *list = page_alloc();
	struct gnttab_setup_table setup = { .dom = DOMID_SELF, .nr_frames = 2, .frame_list = PTR(list) };

	if (hc_gnttab(GNTTABOP_setup_table, &setup, 1) || setup.status)
		return;
	own = window(2);
	if (hc_map((unsigned long)own, make_pte(list[0], PTE_RW_PAGE)))
		own = NULL;
}

static void change_grant(void)
{
	volatile struct grant_entry_v1 *e = own ? &own[8 + below(NR_OWN)] : NULL;

	if (!e)
		return;
	e->domid = (domid_t)(one_in(8) ? some_domain() : peer);
	e->frame = (uint32_t)(one_in(4) ? some_mfn() : known.arena[below(NR_ARENA)]);
	e->flags = one_in(8) ? (uint16_t)random() : GTF_permit_access | (one_in(2) ? GTF_readonly : 0);
}

/* FIFO event channels, as a kernel would set them up, and ports of dom0's. */
static void channels(void)
{
	struct evtchn_init_control init = {
		.control_gfn = some_mfn(), .vcpu = below(3), .offset = one_in(4) ? random() : 0,
	};
	struct evtchn_expand_array expand = { .array_gfn = some_mfn() };
	struct evtchn_bind_interdomain bind = { .remote_dom = 0, .remote_port = gift_port[below(NR_GIFTS)] };
	struct evtchn_bind_virq virq = { .virq = below(24), .vcpu = below(2) };
	struct evtchn_send port = { .port = below(24) };

	switch (below(12)) {
	case 0: went[CHANNELS] += !hc_evtchn(EVTCHNOP_init_control, &init); break;
	case 1: went[CHANNELS] += !hc_evtchn(EVTCHNOP_expand_array, &expand); break;
	case 2: went[CHANNELS] += !hc_evtchn(EVTCHNOP_bind_interdomain, &bind); break;
	case 3: went[CHANNELS] += !hc_evtchn(EVTCHNOP_bind_virq, &virq); break;
	case 4: hc_evtchn(EVTCHNOP_unmask, &port); break;
	case 5: hc_evtchn(EVTCHNOP_close, &port); break;
	case 6: case 7: hc_evtchn(EVTCHNOP_send, &port); break;
	default: hc_evtchn(below(15), some_structure());
	}
}

/* Grants of dom0 and of the other, found by both vCPUs, mapped where the entries to play with are. */
static void grants(void)
{
	bool of_dom0 = one_in(2);
	struct gnttab_map_grant_ref map = {
		.host_addr = one_in(4) ? some_slot() : some_window(),
		.flags = one_in(8) ? random() : 2 | below(8) << 1, .ref = 8 + below(of_dom0 ? NR_GIFTS : NR_OWN),
		.dom = (domid_t)(of_dom0 ? 0 : peer),
	};
	struct gnttab_unmap_grant_ref unmap = {
		.host_addr = map.host_addr, .dev_bus_addr = one_in(8) ? random() : 0, .handle = below(24),
	};
	struct gnttab_copy copy = {
		.source = { .u.ref = map.ref, .domid = map.dom, .offset = below(PAGE_SIZE) },
		.dest = { .u.gmfn = some_mfn(), .domid = DOMID_SELF, .offset = below(PAGE_SIZE) },
		.len = below(300), .flags = one_in(8) ? random() : GNTCOPY_source_gref,
	};

	switch (below(8)) {
	case 0:
	case 1: went[GRANTS] += !hc_gnttab(GNTTABOP_map_grant_ref, &map, 1) && !map.status; break;
	case 5:
	case 6: change_grant(); break;
	case 2: hc_gnttab(GNTTABOP_unmap_grant_ref, &unmap, 1); break;
	case 3: hc_gnttab(GNTTABOP_copy, &copy, 1); break;
	case 4: hc_gnttab(below(14), some_structure(), 1 + below(4)); break;
	default: hypercall(__HYPERVISOR_grant_table_op, below(14), some_structure(), some_number());
	}
}

static void scheduling(void)
{
	unsigned int cmd = below(11);
	struct sched_poll poll = { .ports = some_va(), .nr_ports = below(3), .timeout = time_now_ns() + below(100000) };

	if (one_in(4))
		hypercall(__HYPERVISOR_set_timer_op, time_now_ns() + below(1 << 20));
	else if (cmd == SCHEDOP_poll)
		hc_sched(SCHEDOP_poll, &poll);
	else if (cmd != SCHEDOP_block && cmd != SCHEDOP_shutdown && cmd != SCHEDOP_shutdown_code)
		hc_sched(cmd, some_structure());
}

static void vcpus(void)
{
	unsigned int cmd = below(15);

	if ((cmd == VCPUOP_down || cmd == VCPUOP_register_vcpu_info) && !one_in(30))
		cmd = VCPUOP_up;
	hc_vcpu(cmd, one_in(8) ? some_number() : below(3), some_structure());
}

/* Any number, any arguments; those that stop ourselves not often. */
static void anything(void)
{
	static const uint8_t fatal[] = {
		__HYPERVISOR_set_trap_table, __HYPERVISOR_stack_switch, __HYPERVISOR_set_callbacks, __HYPERVISOR_iret,
		__HYPERVISOR_callback_op, __HYPERVISOR_sched_op, __HYPERVISOR_sched_op_compat, __HYPERVISOR_set_gdt,
		__HYPERVISOR_vcpu_op, __HYPERVISOR_multicall,
	};
	unsigned long nr = one_in(16) ? random() : below(64);

	for (unsigned int i = 0; i < ARRAY_SIZE(fatal); i++)
		if (nr == fatal[i] && !one_in(60))
			return;
	hypercall(nr, one_in(2) ? below(40) : some_value(), one_in(2) ? (uint64_t)some_structure() : some_value(),
		  some_value(), some_value(), some_value());
}

static void many(void)
{
	static struct multicall_entry list[MAX_VCPUS][6];
	struct multicall_entry *m = list[this_vcpu()];
	static const uint8_t calls_of[] = {
		__HYPERVISOR_mmu_update, __HYPERVISOR_update_va_mapping, __HYPERVISOR_mmuext_op,
		__HYPERVISOR_grant_table_op, __HYPERVISOR_event_channel_op, __HYPERVISOR_memory_op,
	};

	for (unsigned int i = 0; i < 6; i++) {
		m[i].op = calls_of[below(ARRAY_SIZE(calls_of))];
		for (unsigned int k = 0; k < 6; k++)
			m[i].args[k] = one_in(3) ? (uint64_t)some_structure() : some_value();
		if (m[i].op == __HYPERVISOR_mmuext_op)
			m[i].args[1] = 0;
	}
	hypercall(__HYPERVISOR_multicall, one_in(500) ? (void *)some_va() : m, 6);
}

static void one_call(void)
{
	switch (below(12)) {
	case 0:
	case 1: tables(); break;
	case 2: mapping(); break;
	case 3:
	case 4: extended(); break;
	case 5: grants(); break;
	case 6: channels(); break;
	case 7: hc_memory(below(30), some_structure()); break;
	case 8: scheduling(); break;
	case 9: vcpus(); break;
	case 10: many(); break;
	default: anything();
	}
}

static struct jump restart[MAX_VCPUS];
static unsigned int faults[MAX_VCPUS];
/* A page may be gone, or read-only now, as others use it as a table. */
static void mend(void)
{
	for (unsigned int i = 0; i < NR_ARENA; i++)
		usable[i] = !hypercall(__HYPERVISOR_update_va_mapping, arena[i],
				       make_pte(known.arena[i], PTE_RW_PAGE), UVMF_INVLPG | UVMF_ALL);
}

/* Events and NMIs are let pass; after a fault the next call begins, as long as that may help. */
static bool go_on(struct regs *regs)
{
	unsigned int me = this_vcpu();

	shared_info->vcpu_info[me].evtchn_upcall_pending = 0;
	if (regs->vector == VEC_EVENT || regs->vector == 2)
		return true;
	if (++faults[me] > 1000)
		domu_poweroff();
	jump_back(&restart[me]);
}

static void fuzz(void)
{
	unsigned int me = this_vcpu();

	this_cpu()->hook = go_on;
	state[me] = seed + domu_number() * 2 + me + 1;
	if (jump_save(&restart[me]))
		mend();
	while (made[me] < calls) {
		made[me]++;
		if (one_in(64))
			mend();
		one_call();
	}
}

static void domu_main(void)
{
	known.entries = (unsigned long)window_l1();
	window(2);
	for (unsigned int level = 1; level < 5; level++)
		known.table[level] = pte_maddr((unsigned long)window(0), level) >> 12;
	for (unsigned int i = 0; i < ARRAY_SIZE(known.spare); i++)
		known.spare[i] = frame_spare(i);
	for (unsigned int i = 0; i < NR_ARENA; i++) {
		arena[i] = page_alloc();
		known.arena[i] = mfn_of(arena[i]);
		usable[i] = true;
	}
	make_table();
	smp_start(fuzz);
	fuzz();
	while (made[1] < calls)
		hc_sched(SCHEDOP_yield, NULL);
}

/* --- dom0 --- */
static struct domu domu[NR_DOMUS];
static unsigned int dom0_port[NR_DOMUS][NR_GIFTS];

static void give(unsigned int ref, unsigned int domid, uint64_t mfn, uint16_t flags)
{
	struct grant_entry_v1 *e = grant_v1(ref);

	e->domid = (domid_t)domid;
	e->frame = (uint32_t)mfn;
	__atomic_store_n(&e->flags, (uint16_t)(GTF_permit_access | flags), __ATOMIC_RELEASE);
}

static void make(unsigned int n, void *const page[])
{
	struct domu *d = &domu[n];

	unsigned int *ports;

	d->vcpus = 2;
	domu_build(d, domu_main);
	ports = domu_map_va(d, gift_port, DOMU_SLOT);
	for (unsigned int i = 0; i < NR_GIFTS; i++) {
		struct evtchn_alloc_unbound port = { .dom = DOMID_SELF, .remote_dom = (domid_t)d->id };

		if (i % NR_DOMUS == n)
			give(8 + i, d->id, mfn_of(page[i]), i & 2 ? GTF_readonly : 0);
		must(hc_evtchn(EVTCHNOP_alloc_unbound, &port));
		ports[i] = dom0_port[n][i] = port.port;
	}
	domu_unmap(DOMU_SLOT);
}

static void introduce(unsigned int n)
{
	*(unsigned int *)domu_map_va(&domu[n], &peer, DOMU_SLOT) = domu[!n].id;
	domu_unmap(DOMU_SLOT);
}

/* What a toolstack does to domains that run. */
static void inspect(unsigned int id)
{
	static struct vcpu_guest_context context;
	struct xen_domctl get = {
		.cmd = XEN_DOMCTL_getvcpucontext, .domain = (domid_t)id,
		.u.vcpucontext = { .vcpu = below(2), .ctxt = PTR(&context) },
	};
	struct xen_domctl_getdomaininfo info;
	void *p;

	switch (below(6)) {
	case 0:
		check_ok(domctl_simple(XEN_DOMCTL_pausedomain, id));
		check_ok(domctl_simple(XEN_DOMCTL_unpausedomain, id));
		break;
	case 1:
		domctl(&get);				/* a vCPU may not have been set up */
		break;
	case 2:
		check_ok(domu_info(id, &info));
		break;
	case 3:
		p = domu_map(id, domu[0].id == id ? domu[0].mfn[256 + below(256)] : domu[1].mfn[256 + below(256)],
			     DOMU_SLOT, one_in(2), NULL);
		if (p)
			domu_unmap(DOMU_SLOT);
		break;
	case 4:
		event_send(dom0_port[below(NR_DOMUS)][below(NR_GIFTS)]);
		break;
	default:
		hc_sched(SCHEDOP_yield, NULL);
	}
}

static bool ended(unsigned int id)
{
	struct xen_domctl_getdomaininfo info;

	must(domu_info(id, &info));
	return info.flags & XEN_DOMINF_shutdown;
}

static void wait_gone(unsigned int id)
{
	struct xen_domctl_getdomaininfo info;
	uint64_t end = time_now_ns() + 20000000000UL;

	while (domu_info(id, &info) != -ESRCH)
		if (time_now_ns() > end)
			test_error("domain %u is not gone: %lu frames", id, info.tot_pages);
}

static unsigned long how_many(const struct domu *d)
{
	const volatile unsigned long *m = domu_map_va(d, &made[0], DOMU_SLOT);
	unsigned long n = m[0] + m[1];

	m = domu_map_va(d, &went[0], DOMU_SLOT);
	for (unsigned int i = 0; i < NR_KINDS; i++)
		went[i] += m[i];
	domu_unmap(DOMU_SLOT);
	return n;
}

static unsigned long one_round(void *const page[])
{
	uint64_t end = time_now_ns() + ROUND_NS;
	unsigned long n = 0;

	for (unsigned int i = 0; i < NR_DOMUS; i++)
		make(i, page);
	for (unsigned int i = 0; i < NR_DOMUS; i++)
		introduce(i);
	for (unsigned int i = 0; i < NR_DOMUS; i++)
		domu_run(&domu[i]);
	while (!(ended(domu[0].id) && ended(domu[1].id)) && time_now_ns() < end)
		inspect(domu[below(NR_DOMUS)].id);
	for (unsigned int i = 0; i < NR_DOMUS; i++) {
		n += how_many(&domu[i]);
		must(domctl_simple(XEN_DOMCTL_destroydomain, domu[i].id));
	}
	for (unsigned int i = 0; i < NR_DOMUS; i++)
		wait_gone(domu[i].id);		/* each may have had something of the other mapped */
	for (unsigned int i = 0; i < NR_DOMUS * NR_GIFTS; i++)
		check_ok(event_close(dom0_port[i / NR_GIFTS][i % NR_GIFTS]));
	for (unsigned int i = 0; i < NR_GIFTS; i++)
		check(grant_take(8 + i), "grant %u is in use for ever", 8 + i);
	check_equal(hypercall(__HYPERVISOR_mica_op, MICA_OP_audit, 0), 0);
	return n;
}

/* A domain's number is free before all of its memory is: that is given a while. */
static uint64_t pages_lost(uint64_t before)
{
	uint64_t end = time_now_ns() + ROUND_NS, now;

	do {
		hc_sched(SCHEDOP_yield, NULL);
		now = free_pages();
	} while (now + SLACK < before && time_now_ns() < end);
	return now + SLACK < before ? before - now : 0;
}

static unsigned long word(const char *name)
{
	const char *at = start_info->cmd_line;
	size_t n = strlen(name);
	unsigned long v = 0;

	while (*at && strncmp(at, name, n))
		at++;
	for (at += *at ? n : 0; *at >= '0' && *at <= '9'; at++)
		v = v * 10 + (unsigned long)(*at - '0');
	return v;
}

void test_main(void)
{
	unsigned long rounds = word("rounds="), total = 0;
	uint64_t free = 0, lost;
	void *page[NR_GIFTS];

	calls = word("calls=");
	state[0] = seed = word("seed=");
	check(rounds && calls && seed, "give rounds=, calls= and seed=");
	grant_init(1);
	for (unsigned int i = 0; i < NR_GIFTS; i++)
		page[i] = page_alloc();
	for (unsigned long r = 0; r < rounds; r++, seed += 1000) {
		total += one_round(page);
		if (r == 1)
			free = free_pages();
		lost = r < 2 ? 0 : pages_lost(free);
		check(!lost, "round %lu: %lu pages are lost", r, lost);
	}
	check(total > rounds * 100, "only %lu calls were made", total);
	for (unsigned int i = 0; i < NR_KINDS; i++)
		check(went[i], "not one call of kind %u was let through", i);
	print("  %lu hypercalls; let through: %lu table writes, %lu mappings, %lu pins and flushes, ", total,
	      went[TABLES], went[MAPPINGS], went[EXTENDED]);
	print("%lu grants, %lu channels\n", went[GRANTS], went[CHANNELS]);
}
