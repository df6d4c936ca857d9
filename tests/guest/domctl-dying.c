/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does a domain that cannot die yet stay listed as dying, and go by itself with the last
 * thing that others hold of it - whatever that is, and whatever it held itself when it died?
 */
#include "domu.h"
#include "guest.h"

static struct domu d;

static volatile struct {
	unsigned long ready, status;
	char pad[4096 - 16];
} report __attribute__((aligned(4096)));
static uint64_t dom0_ref __attribute__((section(".data")));

static void run_and_stop(void (*payload)(void))
{
	domu_build(&d, payload);
	domu_run(&d);
	check_equal(domu_wait_shutdown(&d), SHUTDOWN_poweroff);
}

static void nothing(void)
{
}

static void check_dying(void)
{
	struct xen_domctl_getdomaininfo info;

	check_ok(domu_info(d.id, &info));
	check(info.flags & XEN_DOMINF_dying, "not dying: %x", info.flags);
	check_ok(domctl_simple(XEN_DOMCTL_destroydomain, d.id));	/* again: no change */
	check_equal(domctl_simple(XEN_DOMCTL_unpausedomain, d.id), -EINVAL);
	check_ok(domu_info(d.id, &info));
}

static void check_gone(void)
{
	struct xen_domctl_getdomaininfo info;

	check_equal(domu_info(d.id, &info), -ESRCH);
}

static void mapped_frame(void)
{
	unsigned long magic = 0x1234;
	volatile unsigned long *p;
	long error;

	run_and_stop(nothing);
	p = domu_map(d.id, d.mfn[d.spare], 7, true, NULL);
	must(p ? 0 : -1);
	*p = magic;
	check(!domu_destroy(d.id), "it is gone although a frame is mapped");
	check_dying();
	check_equal(*p, magic);
	check(!domu_map(d.id, d.mfn[d.spare + 1], 8, true, &error), "mapped a frame of a dying domain");
	check_equal(domu_populate(d.id, 1, 1, &(uint64_t){ 0 }), 0);
	domu_unmap(7);
	check_gone();
}

/* Frames of ours that the domain saw do not keep it: shared_info and grant table. */
static void mapped_shared(void)
{
	uint64_t list[2];
	struct xen_mem_acquire_resource a = {
		.type = XENMEM_resource_grant_table, .nr_frames = 2, .frame_list = PTR(list),
	};
	struct xen_domctl_getdomaininfo info;
	volatile uint64_t *shared, *grants;

	run_and_stop(nothing);
	must(domu_info(d.id, &info));
	a.domid = (domid_t)d.id;
	must(hc_memory(XENMEM_acquire_resource, &a));
	shared = domu_map(d.id, info.shared_info_frame, 7, true, NULL);
	grants = domu_map(d.id, list[1], 8, true, NULL);
	must(shared && grants ? 0 : -1);
	check(domu_destroy(d.id), "it is still there");
	grants[3] = shared[100] = 5;			/* still memory of nobody else */
	domu_unmap(7);
	domu_unmap(8);
}

static void grants_page(void)
{
	grant_init(1);
	grant_give(9, mfn_of((void *)&report), 0);
}

static void mapped_grant(void)
{
	struct gnttab_map_grant_ref map = {
		.host_addr = (uint64_t)window(9), .flags = GNTMAP_host_map, .ref = 9,
	};
	struct gnttab_unmap_grant_ref unmap = { .host_addr = map.host_addr };

	run_and_stop(grants_page);
	map.dom = (domid_t)d.id;
	must(hc_gnttab(GNTTABOP_map_grant_ref, &map, 1));
	check_equal(map.status, 0);
	check(!domu_destroy(d.id), "it is gone although a grant is mapped");
	check_dying();
	*(volatile char *)map.host_addr = 1;
	unmap.handle = map.handle;
	must(hc_gnttab(GNTTABOP_unmap_grant_ref, &unmap, 1));
	check_equal(unmap.status, 0);
	check_gone();
}

static void maps_ours(void)
{
	struct gnttab_map_grant_ref map = {
		.host_addr = (uint64_t)window(0), .flags = GNTMAP_host_map, .ref = (uint32_t)dom0_ref,
	};

	must(hc_gnttab(GNTTABOP_map_grant_ref, &map, 1));
	report.status = (unsigned long)(long)map.status;
	report.ready = 1;
}

/* It dies with a page of ours mapped: the grant must be free again. */
static void holds_grant(void)
{
	static char page[4096] __attribute__((aligned(4096)));
	volatile struct grant_entry_v1 *e;
	volatile typeof(report) *r;

	domu_build(&d, maps_ours);
	dom0_ref = 12;
	*(uint64_t *)domu_map_va(&d, &dom0_ref, DOMU_SLOT + 1) = dom0_ref;
	grant_init(1);
	e = grant_v1(12);
	e->frame = (uint32_t)mfn_of(page);
	e->domid = (domid_t)d.id;
	e->flags = GTF_permit_access;
	r = domu_map_va(&d, &report, DOMU_SLOT + 1);
	domu_run(&d);
	domu_wait_shutdown(&d);
	check(r->ready && !r->status, "the map failed: %lx", r->status);
	check(e->flags & GTF_writing, "grant flags %x: not in use", e->flags);
	domu_unmap(DOMU_SLOT + 1);
	check(domu_destroy(d.id), "it is still there");
	check_equal(e->flags, GTF_permit_access);
	e->flags = 0;
}

static void crashes(void)
{
	struct sched_shutdown s = { .reason = SHUTDOWN_crash };

	hc_sched(SCHEDOP_shutdown, &s);
}

static void crashed(void)
{
	domu_build(&d, crashes);
	domu_run(&d);
	check_equal(domu_wait_shutdown(&d), SHUTDOWN_crash);
	check(domu_destroy(d.id), "it is still there");
	domu_build(&d, crashes);			/* destroyed in flight */
	domu_run(&d);
	check(domu_destroy(d.id), "it is still there");
	check_equal(domctl_simple(XEN_DOMCTL_destroydomain, 0), -EINVAL);
}

/* The domain number is 16 bits of an argument; what else is in it must not cost a reference. */
static void names_itself(void)
{
	struct mmuext_op op = { .cmd = MMUEXT_TLB_FLUSH_LOCAL };
	uint64_t self[] = { DOMID_SELF, domu_number() };

	for (unsigned int i = 0; i < 2 * ARRAY_SIZE(self); i++) {
		uint64_t whose = self[i / 2] | (i % 2 ? 1UL << 40 : 0xabc0000);

		hypercall(__HYPERVISOR_mmuext_op, &op, 1, 0, whose);
		hypercall(__HYPERVISOR_mmu_update, &op, 0, 0, whose);
		hypercall(__HYPERVISOR_update_va_mapping_otherdomain, window(7), 0, 0, whose);
	}
}

static void named_itself(void)
{
	domu_build(&d, names_itself);
	domu_run(&d);
	check_equal(domu_wait_shutdown(&d), SHUTDOWN_poweroff);
	check(domu_destroy(d.id), "it is still there");
}

static void all(void)
{
	named_itself();
	mapped_frame();
	mapped_shared();
	mapped_grant();
	holds_grant();
	crashed();
}

void test_main(void)
{
	uint64_t before;

	window(0);
	all();
	before = free_pages();
	all();
	check_equal(free_pages(), before);
}
