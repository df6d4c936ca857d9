/* SPDX-License-Identifier: BSD-2-Clause */
/* guest: smp=2 */
/*
 * Break-in: give away frames that the hypervisor keeps using - shared_info, grant table, status
 * array, a registered vcpu_info - by decrease_reservation, exchange and grant transfer, mapped and
 * unmapped, or have them become tables and descriptors.  Nothing may be lost by trying.
 */
#include "guest.h"

#define REF 20

static uint64_t list[1], out[1];
static uint64_t vcpu_info_frame;

static long decrease(uint64_t mfn)
{
	struct xen_memory_reservation r = { .extent_start = PTR(list), .nr_extents = 1,
					    .domid = DOMID_SELF };

	list[0] = mfn;
	return hc_memory(XENMEM_decrease_reservation, &r);
}

static long exchange(uint64_t mfn)
{
	struct xen_memory_exchange x = {
		.in = { .extent_start = PTR(list), .nr_extents = 1, .domid = DOMID_SELF },
		.out = { .extent_start = PTR(out), .nr_extents = 1, .domid = DOMID_SELF },
	};

	list[0] = mfn;
	out[0] = pfn_spare(0);
	return hc_memory(XENMEM_exchange, &x);
}

static long current(void)
{
	struct xen_memory_domain d = { .domid = DOMID_SELF };

	return hc_memory(XENMEM_current_reservation, &d);
}

static void check_grants(const char *what, uint64_t mfn)
{
	struct gnttab_transfer t = { .mfn = mfn, .domid = DOMID_SELF, .ref = REF };
	long rc = hc_gnttab(GNTTABOP_transfer, &t, 1);

	check(rc < 0 || t.status < 0, "%s: transferred", what);
	/* copying out of a page the guest sees anyway is harmless; its table entry must settle */
	grant_give(REF, mfn, GTF_readonly);
	grant_copy_from(REF, 0, mfn_of(page_alloc()), 0, 64);
	check_equal(grant_in_use(REF), 0);
	check(grant_take(REF), "%s: the grant is still in use", what);
}

static void check_kinds(const char *what, uint64_t mfn)
{
	uint64_t frame[1] = { mfn };

	for (unsigned int level = 1; level <= 4; level++)
		check(hc_pin(level, mfn) < 0, "%s: pinned as L%u", what, level);
	check(hc_mmuext(MMUEXT_NEW_USER_BASEPTR, mfn, 0) < 0, "%s: used as a root", what);
	check(hypercall(__HYPERVISOR_set_gdt, frame, 512) < 0, "%s: used as a GDT", what);
}

static void attack(const char *what, uint64_t mfn)
{
	long before = current();

	check(decrease(mfn) <= 0, "%s: given up", what);
	check(exchange(mfn) < 0, "%s: exchanged", what);
	check_grants(what, mfn);
	check_kinds(what, mfn);
	check_equal(current(), before);
}

/* Without any mapping of the guest's the hypervisor's own use must still count. */
static void check_unmapped_shared_info(void)
{
	uint64_t mfn = start_info->shared_info / PAGE_SIZE, then;

	must(hc_map((unsigned long)shared_info, 0));
	check(decrease(mfn) <= 0, "unmapped shared_info: given up");
	check(exchange(mfn) < 0, "unmapped shared_info: exchanged");
	must(hc_map((unsigned long)shared_info, make_pte(mfn, PTE_RW_PAGE)));
	then = time_now_ns();
	for (unsigned int i = 0; i < 50; i++)
		hc_sched(SCHEDOP_yield, NULL);
	check(time_now_ns() > then, "time stands still");
}

/* The guest's own page: it may be given up, but not before the hypervisor has let go of it. */
static void check_vcpu_info(void)
{
	uint64_t *page = page_alloc();
	struct vcpu_register_vcpu_info op = { .mfn = mfn_of(page), .offset = 64 };

	vcpu_info_frame = op.mfn;
	must(hc_vcpu(VCPUOP_register_vcpu_info, 1, &op));
	check(exchange(op.mfn) < 0, "vcpu_info: exchanged");
	check_kinds("vcpu_info", op.mfn);
	page_readonly(page);
	check_kinds("read-only vcpu_info", op.mfn);
	must(hc_map((unsigned long)page, 0));
	check(exchange(op.mfn) < 0, "unmapped vcpu_info: exchanged");
	check_kinds("unmapped vcpu_info", op.mfn);
	must(hc_map((unsigned long)page, make_pte(op.mfn, PTE_RW_PAGE)));
}

void test_main(void)
{
	struct gnttab_get_status_frames get = { .nr_frames = 1, .dom = DOMID_SELF };
	struct gnttab_setup_table setup = { .dom = DOMID_SELF, .nr_frames = 1 };
	uint64_t table = 0, status = 0;

	if (!on_mica())
		test_skip("Xen lets shared pages be given up");
	window(0);
	grant_init(2);
	setup.frame_list = PTR(&table);
	get.frame_list = PTR(&status);
	must(hc_gnttab(GNTTABOP_setup_table, &setup, 1));
	must(hc_gnttab(GNTTABOP_get_status_frames, &get, 1));
	attack("shared_info", start_info->shared_info / PAGE_SIZE);
	attack("grant table", table);
	attack("status array", status);
	check_unmapped_shared_info();
	check_vcpu_info();
}
