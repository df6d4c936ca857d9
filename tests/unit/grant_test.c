/* unit: ipc/grant.c ipc/grant_map.c ipc/grant_copy.c call/hc_grant.c mm/frame.c mm/kind.c mm/buddy.c mm/kmalloc.c mm/space.c mm/scan.c mm/undo.c mm/entry.c mm/pt.c mm/pt_pin.c mm/pt_foreign.c mm/audit.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Grant tables over the real mm/: each refusal, and random programs in which domain 1 grants,
 * domain 2 maps, unmaps, replaces and copies through its real page tables.  After steps, what the
 * model says is compared with entries, marks and page tables, and frame_audit() recounts every
 * reference.
 */
#include "ipc_world.h"
#include "call/handlers.h"
#include "../../hypervisor/ipc/grant_table.c"

static const struct domain_config cfg = { .max_vcpus = WORLD_VCPUS,
					  .max_maptrack = 1,
					  .max_grant_frames = 4 };

#define SLOTS		32
#define VA0		0x10000000ul
#define PAGES		6
#define REFS		12

static struct domain *const granter = &world[1], *const mapper = &world[2];
static struct vcpu *const gv = &world_vcpu[1][0], *const mv = &world_vcpu[2][0];
static mfn_t l1;
static uint64_t *l1_va;
static mfn_t page[PAGES], own[2];
static uint8_t *page_va[PAGES], *own_va[2];

/* ---- what hypercall.c and cpu/ would do ---- */
static unsigned agains;
static uint64_t again_arg[3];

long hypercall_again(struct vcpu *self, unsigned n, ...)
{
	va_list ap;

	va_start(ap, n);
	for (unsigned i = 0; i < n; i++)
		again_arg[i] = va_arg(ap, uint64_t);
	va_end(ap);
	agains++;
	return 1000;
}

static void (*at_flush)(void);

void tlb_flush_mask(cpumask_t mask)
{
	fake_flushes++;
	if (at_flush)
		at_flush();
}

/* The whole call, started again as often as it asks. */
static long call(struct vcpu *v, unsigned cmd, void *ops, unsigned count)
{
	long rc = hc_grant_table_op(v, cmd, gva((uint64_t)ops), count);

	while (rc == 1000)
		rc = hc_grant_table_op(v, again_arg[0], gva(again_arg[1]), again_arg[2]);
	return rc;
}

/* ---- the scene ---- */

static struct grant_entry_v1 *v1(unsigned ref)
{
	return &((struct grant_entry_v1 *)mfn_to_virt(grant_frame(granter, 0)))[ref];
}

static union grant_entry_v2 *v2(unsigned ref)
{
	return &((union grant_entry_v2 *)mfn_to_virt(grant_frame(granter, 0)))[ref];
}

static void grant_it(unsigned ref, domid_t to, mfn_t m, uint16_t flags)
{
	if (grant_version(granter) == 1) {
		v1(ref)->domid = to;
		v1(ref)->frame = (uint32_t)m.n;
		v1(ref)->flags = flags;
	} else {
		v2(ref)->full_page.hdr.domid = to;
		v2(ref)->full_page.frame = m.n;
		v2(ref)->full_page.hdr.flags = flags;
	}
}

static uint16_t marks_of(unsigned ref)
{
	if (grant_version(granter) == 1)
		return v1(ref)->flags & MARKS;
	return ((uint16_t *)mfn_to_virt(grant_status_frame(granter, 0)))[ref];
}

static void audit_root(struct audit *a)
{
	if (mv->kernel_root)
		audit_use(a, frame_mfn(mv->kernel_root), KIND_L4);
}

/* L4 -> L3 -> L2 -> one L1 that maps VA0..; all checked and in use. */
static void make_tables(void)
{
	mfn_t table[5];
	uint64_t *va[5];
	struct frame *root;

	for (unsigned level = 4; level >= 1; level--)
		table[level] = world_page(mapper, (void **)&va[level]);
	for (unsigned level = 4; level >= 2; level--)
		va[level][pt_index(VA0, level)] =
			pte_make(table[level - 1], PTE_P | PTE_RW | PTE_US).v;
	root = frame_of(table[4]);
	while (frame_take(root, &mapper->mem, KIND_L4, &mv->scan) == RESTART)
		;
	mv->kernel_root = root;
	l1 = table[1];
	l1_va = va[1];
}

static void begin(void)
{
	static bool registered;

	world_make(&grant_service, &cfg);
	if (!registered)
		audit_register(audit_root);
	registered = true;
	mapper->mem.dirty_cpus = 1;
	make_tables();
	for (unsigned i = 0; i < PAGES; i++)
		page[i] = world_page(granter, (void **)&page_va[i]);
	for (unsigned i = 0; i < 2; i++)
		own[i] = world_page(mapper, (void **)&own_va[i]);
	assert_int_equal(grant_setup(granter, 1), GNTST_okay);
}

static void end(void)
{
	assert_int_equal(frame_audit(), 0);
	frame_drop(mv->kernel_root, KIND_L4);
	mv->kernel_root = NULL;
	while (scan_drain(&mapper->mem) == RESTART)
		;
	world_end(&grant_service);
}

static uint64_t pte_address(unsigned slot)
{
	return mfn_maddr(l1).a + slot * 8;
}

static struct gnttab_map_grant_ref map_op(unsigned ref, unsigned slot, uint32_t flags)
{
	return (struct gnttab_map_grant_ref){
		.host_addr =
			flags & GNTMAP_contains_pte ? pte_address(slot) : VA0 + slot * PAGE_SIZE,
		.flags = flags,
		.ref = ref,
		.dom = 1,
	};
}

static int16_t do_map1(unsigned ref, unsigned slot, uint32_t flags, uint32_t *handle)
{
	struct gnttab_map_grant_ref op = map_op(ref, slot, flags);

	assert_int_equal(call(mv, GNTTABOP_map_grant_ref, &op, 1), 0);
	*handle = op.handle;
	return op.status;
}

static int16_t do_unmap1(uint32_t handle, uint64_t host_addr, uint64_t dev)
{
	struct gnttab_unmap_grant_ref op = { .host_addr = host_addr,
					     .dev_bus_addr = dev,
					     .handle = handle };

	assert_int_equal(call(mv, GNTTABOP_unmap_grant_ref, &op, 1), 0);
	return op.status;
}

/* ---- single facts ---- */

static void map_shows_everywhere(void **state)
{
	struct gnttab_map_grant_ref op;
	uint32_t h;

	begin();
	grant_it(8, 2, page[0], GTF_permit_access);
	op = map_op(8, 3, GNTMAP_host_map | 5u << GNTMAP_guest_avail0);
	assert_int_equal(call(mv, GNTTABOP_map_grant_ref, &op, 1), 0);
	assert_int_equal(op.status, GNTST_okay);
	assert_int_equal(op.dev_bus_addr, mfn_maddr(page[0]).a);
	assert_int_equal(marks_of(8), MARKS);
	assert_int_equal(l1_va[3] & (PTE_ADDR | PTE_P | PTE_RW | PTE_AVAIL),
			 mfn_maddr(page[0]).a | PTE_P | PTE_RW | 5ul << 9);
	assert_int_equal(frame_of(page[0])->word.users, 2);
	assert_int_equal(do_map1(8, 4, GNTMAP_host_map | GNTMAP_readonly | GNTMAP_contains_pte, &h),
			 GNTST_okay);
	assert_int_equal(l1_va[4] & PTE_RW, 0);
	assert_int_equal(do_unmap1(op.handle, VA0 + 3 * PAGE_SIZE, 0), GNTST_okay);
	assert_int_equal(marks_of(8), GTF_reading);
	assert_int_equal(do_unmap1(op.handle, VA0 + 3 * PAGE_SIZE, 0), GNTST_bad_handle);
	assert_int_equal(do_unmap1(h, pte_address(4), 0), GNTST_okay);
	assert_int_equal(marks_of(8), 0);
	assert_int_equal(l1_va[3] | l1_va[4], 0);
	assert_int_equal(frame_of(page[0])->word.refs, 1);
	end();
}

static void map_refusals(void **state)
{
	struct gnttab_map_grant_ref op;
	uint32_t h;

	begin();
	grant_it(8, 2, page[0], GTF_permit_access | GTF_readonly);
	grant_it(9, 0, page[0], GTF_permit_access);
	grant_it(10, 2, own[0], GTF_permit_access);
	grant_it(11, 2, l1, GTF_permit_access);
	assert_int_equal(do_map1(8, 0, 0, &h), GNTST_bad_gntref);
	assert_int_equal(do_map1(9999, 0, GNTMAP_host_map, &h), GNTST_bad_gntref);
	assert_int_equal(do_map1(8, 0, GNTMAP_host_map, &h), GNTST_general_error);
	assert_int_equal(do_map1(9, 0, GNTMAP_host_map, &h), GNTST_general_error);
	assert_int_equal(do_map1(10, 0, GNTMAP_host_map, &h), GNTST_general_error);
	assert_int_equal(do_map1(11, 0, GNTMAP_host_map, &h), GNTST_general_error);
	op = map_op(8, 0, GNTMAP_host_map | GNTMAP_readonly);
	for (unsigned i = 0; i < 5; i++) {
		static const uint64_t bad[] = { 0x5000, 1ul << 47, HV_START, ~0xffful, 0x20000000 };

		op.host_addr = bad[i];
		assert_int_equal(call(mv, GNTTABOP_map_grant_ref, &op, 1), 0);
		assert_int_equal(op.status, GNTST_general_error);
	}
	op.flags |= GNTMAP_contains_pte;
	for (unsigned i = 0; i < 5; i++) {
		const uint64_t bad[] = { pte_address(0) + 4, mfn_maddr(own[0]).a,
					 mfn_maddr(page[1]).a, ~0ul << 3,
					 frame_mfn(mv->kernel_root).n << 12 };

		op.host_addr = bad[i];
		assert_int_equal(call(mv, GNTTABOP_map_grant_ref, &op, 1), 0);
		assert_int_equal(op.status, GNTST_general_error);
	}
	op = map_op(8, 0, GNTMAP_host_map | GNTMAP_readonly);
	op.dom = 7;
	assert_int_equal(call(mv, GNTTABOP_map_grant_ref, &op, 1), 0);
	assert_int_equal(op.status, GNTST_bad_domain);
	granter->mem.dying = true;
	assert_int_equal(do_map1(8, 0, GNTMAP_host_map | GNTMAP_readonly, &h), GNTST_bad_domain);
	granter->mem.dying = false;
	for (unsigned ref = 8; ref < 12; ref++)
		assert_int_equal(marks_of(ref), 0);
	assert_int_equal(maptrack_count(mapper->grant), 0);
	end();
}

static void handles_run_out(void **state)
{
	struct gnttab_map_grant_ref op;
	uint32_t h;

	begin();
	grant_it(8, 2, page[0], GTF_permit_access);
	for (unsigned i = 0; i < TRACK_PER_PAGE; i++)
		assert_int_equal(do_map1(8, 0, GNTMAP_device_map, &h), GNTST_okay);
	op = map_op(8, 0, GNTMAP_device_map);
	assert_int_equal(call(mv, GNTTABOP_map_grant_ref, &op, 1), 0);
	assert_int_equal(op.status, GNTST_no_space);
	assert_int_equal(frame_of(page[0])->word.users, TRACK_PER_PAGE);
	end();
}

static void unmap_must_match(void **state)
{
	uint32_t h, h2;

	begin();
	grant_it(8, 2, page[0], GTF_permit_access);
	grant_it(9, 2, page[1], GTF_permit_access);
	assert_int_equal(do_map1(8, 1, GNTMAP_host_map | GNTMAP_device_map, &h), GNTST_okay);
	assert_int_equal(do_map1(9, 2, GNTMAP_host_map, &h2), GNTST_okay);
	assert_int_equal(do_unmap1(99999, VA0, 0), GNTST_bad_handle);
	assert_int_equal(do_unmap1(h, VA0 + 2 * PAGE_SIZE, 0),
			 GNTST_general_error); /* another page */
	assert_int_equal(do_unmap1(h, VA0 + 5 * PAGE_SIZE, 0),
			 GNTST_general_error); /* nothing there */
	assert_int_equal(do_unmap1(h, 0x8000, 0), GNTST_general_error);
	assert_int_equal(do_unmap1(h, VA0 + PAGE_SIZE, 0x1000), GNTST_general_error);
	assert_int_equal(marks_of(8), MARKS);
	assert_int_equal(do_unmap1(h, 0, 0), GNTST_okay);			/* no part of it */
	assert_int_equal(do_unmap1(h, VA0 + PAGE_SIZE, 0), GNTST_okay);
	assert_int_equal(marks_of(8), MARKS); /* a device still has it */
	assert_int_equal(do_unmap1(h, 0, mfn_maddr(page[0]).a), GNTST_okay);
	assert_int_equal(marks_of(8), 0);
	l1_va[2] |= PTE_A | PTE_D | PTE_AVAIL;
	assert_int_equal(do_unmap1(h2, VA0 + 2 * PAGE_SIZE, 0), GNTST_okay);
	end();
}

/* The guest may lose the entry in other ways; the grant stays in use until the domain dies. */
static void overwritten_entry(void **state)
{
	struct pt_batch b;
	uint32_t h;

	begin();
	grant_it(8, 2, page[0], GTF_permit_access);
	assert_int_equal(do_map1(8, 1, GNTMAP_host_map, &h), GNTST_okay);
	pt_batch_begin(&b, &mapper->mem, &mapper->mem, &mv->scan);
	assert_int_equal(pt_write(&b, maddr(pte_address(1)), pte(0), PT_NORMAL), 0);
	pt_batch_end(&b);
	assert_int_equal(do_unmap1(h, VA0 + PAGE_SIZE, 0), GNTST_general_error);
	assert_int_equal(marks_of(8), MARKS);
	assert_int_equal(frame_audit(), 0);
	while (grant_service.teardown(mapper) == RESTART)
		;
	assert_int_equal(marks_of(8), 0);
	end();
}

static void still_marked(void)
{
	assert_int_equal(marks_of(8), MARKS);
	assert_true(frame_of(page[0])->word.users > 0);
}

static void one_flush_before_letting_go(void **state)
{
	struct gnttab_map_grant_ref m[20];
	struct gnttab_unmap_grant_ref u[20];
	uint64_t before;

	begin();
	grant_it(8, 2, page[0], GTF_permit_access);
	for (unsigned i = 0; i < 20; i++)
		m[i] = map_op(8, i, GNTMAP_host_map);
	before = fake_flushes;
	assert_int_equal(call(mv, GNTTABOP_map_grant_ref, m, 20), 0);
	assert_int_equal(fake_flushes, before);
	for (unsigned i = 0; i < 20; i++)
		u[i] = (struct gnttab_unmap_grant_ref){ .host_addr = m[i].host_addr,
							.handle = m[i].handle };
	at_flush = still_marked;
	assert_int_equal(call(mv, GNTTABOP_unmap_grant_ref, u, 20), 0);
	at_flush = NULL;
	assert_int_equal(fake_flushes, before + 1);
	assert_int_equal(marks_of(8), 0);
	assert_int_equal(frame_of(page[0])->word.users, 0);
	end();
}

static void replace_moves_the_entry(void **state)
{
	struct gnttab_unmap_and_replace op;
	struct pt_batch b;
	uint32_t h;

	begin();
	grant_it(8, 2, page[0], GTF_permit_access);
	assert_int_equal(do_map1(8, 1, GNTMAP_host_map, &h), GNTST_okay);
	pt_batch_begin(&b, &mapper->mem, &mapper->mem, &mv->scan);
	assert_int_equal(
		pt_write(&b, maddr(pte_address(2)), pte_make(own[0], PTE_P | PTE_RW), PT_NORMAL),
		0);
	pt_batch_end(&b);
	op = (struct gnttab_unmap_and_replace){ .host_addr = VA0 + 5 * PAGE_SIZE,
						.new_addr = VA0 + 2 * PAGE_SIZE, .handle = h };
	assert_int_equal(call(mv, GNTTABOP_unmap_and_replace, &op, 1), 0);
	assert_int_equal(op.status, GNTST_general_error);
	assert_int_equal(pte_mfn(pte(l1_va[2])).n, own[0].n);
	op.host_addr = VA0 + PAGE_SIZE;
	op.new_addr = op.host_addr;
	assert_int_equal(call(mv, GNTTABOP_unmap_and_replace, &op, 1), 0);
	assert_int_equal(op.status, GNTST_general_error);
	op.new_addr = VA0 + 2 * PAGE_SIZE;
	assert_int_equal(call(mv, GNTTABOP_unmap_and_replace, &op, 1), 0);
	assert_int_equal(op.status, GNTST_okay);
	assert_int_equal(pte_mfn(pte(l1_va[1])).n, own[0].n);
	assert_int_equal(l1_va[2], 0);
	assert_int_equal(marks_of(8), 0);
	end();
}

static void version_two(void **state)
{
	struct gnttab_set_version ver = { .version = 3 };
	struct gnttab_get_status_frames st = { .nr_frames = 1, .dom = DOMID_SELF };
	uint64_t list[2] = { 0 };
	uint32_t h, h2;

	begin();
	assert_int_equal(call(gv, GNTTABOP_set_version, &ver, 1), -EINVAL);
	assert_int_equal(ver.version, 1);
	grant_it(1, 2, page[3], GTF_permit_access);
	assert_int_equal(do_map1(1, 0, GNTMAP_host_map | GNTMAP_readonly, &h), GNTST_okay);
	grant_it(20, 2, page[0], GTF_permit_access);
	assert_int_equal(do_map1(20, 1, GNTMAP_host_map, &h2), GNTST_okay);
	ver.version = 2;
	assert_int_equal(call(gv, GNTTABOP_set_version, &ver, 1), -EBUSY);
	assert_int_equal(do_unmap1(h2, VA0 + PAGE_SIZE, 0), GNTST_okay);
	ver.version = 2;
	assert_int_equal(call(gv, GNTTABOP_set_version, &ver, 1), 0);
	assert_int_equal(v2(1)->full_page.frame, page[3].n);
	assert_int_equal(v2(1)->full_page.hdr.flags, GTF_permit_access);
	assert_int_equal(v2(20)->hdr.flags, 0);
	assert_int_equal(marks_of(1), GTF_reading);
	st.frame_list = (uint64_t)list;
	assert_int_equal(call(gv, GNTTABOP_get_status_frames, &st, 1), 0);
	assert_int_equal(st.status, GNTST_okay);
	assert_int_equal(list[0], grant_status_frame(granter, 0).n);
	st.nr_frames = 2;
	assert_int_equal(call(gv, GNTTABOP_get_status_frames, &st, 1), 0);
	assert_int_equal(st.status, GNTST_general_error);
	assert_int_equal(do_unmap1(h, VA0, 0), GNTST_okay);
	assert_int_equal(marks_of(1), 0);
	grant_it(30, 2, page[0], GTF_transitive);
	assert_int_equal(do_map1(30, 0, GNTMAP_host_map, &h), GNTST_general_error);
	v2(2)->full_page.hdr.flags = GTF_permit_access;
	v2(2)->full_page.frame = BIT(32);
	ver.version = 1;
	assert_int_equal(call(gv, GNTTABOP_set_version, &ver, 1), -ERANGE);
	assert_int_equal(ver.version, 2);
	v2(2)->full_page.hdr.flags = 0;
	ver.version = 1;
	assert_int_equal(call(gv, GNTTABOP_set_version, &ver, 1), 0);
	assert_int_equal(v1(1)->frame, page[3].n);
	assert_int_equal(grant_nr_status_frames(granter), 0);
	end();
}

static int16_t copy1(struct gnttab_copy op)
{
	assert_int_equal(call(mv, GNTTABOP_copy, &op, 1), 0);
	return op.status;
}

static void copies(void **state)
{
	struct gnttab_copy c = {
		.source = { .u.ref = 8, .domid = 1, .offset = 100 },
		.dest = { .domid = 2, .offset = 7 },
		.len = 50, .flags = GNTCOPY_source_gref,
	}, bad;

	begin();
	c.dest.u.gmfn = own[0].n;
	memset(page_va[0], 0x5a, PAGE_SIZE);
	grant_it(8, 2, page[0], GTF_permit_access | GTF_readonly);
	assert_int_equal(copy1(c), GNTST_okay);
	assert_int_equal(own_va[0][6], 0);
	assert_int_equal(own_va[0][7], 0x5a);
	assert_int_equal(own_va[0][56], 0x5a);
	assert_int_equal(own_va[0][57], 0);
	assert_int_equal(marks_of(8), 0);
	bad = c;
	bad.dest.offset = 4090;
	assert_int_equal(copy1(bad), GNTST_bad_copy_arg);
	bad = c;
	bad.len = 4096;
	assert_int_equal(copy1(bad), GNTST_bad_copy_arg);
	bad = c;
	bad.dest.u.gmfn = l1.n;				/* a live page table */
	assert_int_equal(copy1(bad), GNTST_bad_page);
	bad.dest.u.gmfn = page[1].n;			/* somebody else's */
	assert_int_equal(copy1(bad), GNTST_bad_page);
	bad.dest.u.gmfn = ~0ul;
	assert_int_equal(copy1(bad), GNTST_bad_page);
	bad = c;
	bad.flags = 0;					/* foreign frames by number: never */
	assert_int_equal(copy1(bad), GNTST_permission_denied);
	bad = c;
	bad.source.domid = 9;
	assert_int_equal(copy1(bad), GNTST_bad_domain);
	bad = c;
	bad.flags = GNTCOPY_dest_gref;			/* into a read-only grant */
	bad.source = c.dest;
	bad.dest = c.source;
	assert_int_equal(copy1(bad), GNTST_general_error);
	grant_it(8, 2, page[0], GTF_permit_access);
	own_va[0][7] = 0x77;
	assert_int_equal(copy1(bad), GNTST_okay);
	assert_int_equal(page_va[0][100], 0x77);
	end();
}

static void sub_page_copies(void **state)
{
	struct gnttab_set_version ver = { .version = 2 };
	struct gnttab_copy c = {
		.source = { .u.ref = 40, .domid = 1, .offset = 512 },
		.dest = { .domid = 2 }, /* domain_get knows DOMID_SELF only in the hypervisor */
		.len = 256,
		.flags = GNTCOPY_source_gref,
	};
	uint32_t h;

	begin();
	assert_int_equal(call(gv, GNTTABOP_set_version, &ver, 1), 0);
	v2(40)->sub_page.page_off = 512;
	v2(40)->sub_page.length = 256;
	grant_it(40, 2, page[2], GTF_permit_access | GTF_sub_page);
	c.dest.u.gmfn = own[1].n;
	assert_int_equal(copy1(c), GNTST_okay);
	c.source.offset = 511;
	assert_int_equal(copy1(c), GNTST_general_error);
	c.source.offset = 513;
	assert_int_equal(copy1(c), GNTST_general_error);
	assert_int_equal(do_map1(40, 0, GNTMAP_host_map, &h), GNTST_general_error);
	v2(40)->sub_page.length = 4000;
	assert_int_equal(copy1(c), GNTST_general_error);
	assert_int_equal(marks_of(40), 0);
	end();
}

static void calls_check_their_arguments(void **state)
{
	struct gnttab_setup_table s = { .dom = 1, .nr_frames = 2 };
	struct gnttab_query_size q = { .dom = 1 };
	struct gnttab_swap_grant_ref w = { .ref_a = 9, .ref_b = 10 };
	struct gnttab_cache_flush f = { .offset = 4000, .length = 200, .op = 1 };
	uint64_t list[4] = { 0 };
	uint32_t h;

	begin();
	s.frame_list = (uint64_t)list;
	assert_int_equal(call(gv, GNTTABOP_setup_table, &s, 2), -EINVAL);
	assert_int_equal(call(gv, GNTTABOP_setup_table, (void *)8, 1), -EFAULT);
	assert_int_equal(call(gv, GNTTABOP_map_grant_ref, (void *)BIT(47), 1), -EFAULT);
	assert_int_equal(call(gv, GNTTABOP_map_grant_ref, &s, 0x80000000), -EINVAL);
	assert_int_equal(call(gv, 99, &s, 1), -ENOSYS);
	assert_int_equal(call(gv, GNTTABOP_dump_table, &s, 1), -ENOSYS);
	assert_int_equal(call(gv, GNTTABOP_transfer, &s, 1), -EOPNOTSUPP);
	assert_int_equal(call(mv, GNTTABOP_setup_table, &s, 1), 0);
	assert_int_equal(s.status, GNTST_permission_denied);
	assert_int_equal(call(gv, GNTTABOP_setup_table, &s, 1), 0);
	assert_int_equal(s.status, GNTST_okay);
	assert_int_equal(list[1], grant_frame(granter, 1).n);
	s.nr_frames = 5;
	assert_int_equal(call(gv, GNTTABOP_setup_table, &s, 1), 0);
	assert_int_equal(s.status, GNTST_general_error);
	assert_int_equal(call(gv, GNTTABOP_query_size, &q, 1), 0);
	assert_int_equal(q.nr_frames, 2);
	assert_int_equal(q.max_nr_frames, 4);
	grant_it(9, 2, page[0], GTF_permit_access);
	grant_it(10, 0, page[1], GTF_readonly);
	assert_int_equal(call(gv, GNTTABOP_swap_grant_ref, &w, 1), 0);
	assert_int_equal(w.status, GNTST_okay);
	assert_int_equal(v1(10)->frame, page[0].n);
	assert_int_equal(v1(9)->domid, 0);
	assert_int_equal(do_map1(10, 0, GNTMAP_host_map, &h), GNTST_okay);
	assert_int_equal(call(gv, GNTTABOP_swap_grant_ref, &w, 1), 0);
	assert_int_equal(w.status, GNTST_eagain);
	w.ref_b = 99999;
	assert_int_equal(call(gv, GNTTABOP_swap_grant_ref, &w, 1), 0);
	assert_int_equal(w.status, GNTST_bad_gntref);
	assert_int_equal(call(gv, GNTTABOP_cache_flush, &f, 1), -EINVAL);
	f.offset = 0;
	assert_int_equal(call(gv, GNTTABOP_cache_flush, &f, 1), -EINVAL); /* frame 0 is no RAM */
	f.a.dev_bus_addr = mfn_maddr(own[0]).a;
	assert_int_equal(call(gv, GNTTABOP_cache_flush, &f, 1), -EPERM);
	f.a.dev_bus_addr = mfn_maddr(page[0]).a;
	assert_int_equal(call(gv, GNTTABOP_cache_flush, &f, 1), 0);
	end();
}

/* The granter dies first: the mapper keeps the frame, and nothing is written to pages that are
 * gone. */
static void granter_dies(void **state)
{
	uint32_t h;

	begin();
	grant_it(8, 2, page[0], GTF_permit_access);
	assert_int_equal(do_map1(8, 0, GNTMAP_host_map, &h), GNTST_okay);
	granter->mem.dying = true;
	assert_int_equal(grant_service.teardown(granter), 0);
	page_va[0][0] = 1;
	assert_int_equal(frame_of(page[0])->word.users, 2);
	assert_int_equal(granter->refs, 2);
	assert_int_equal(do_unmap1(h, VA0, 0), GNTST_okay);
	assert_int_equal(granter->refs, 1);
	end();
}

/* ---- random programs ---- */

static struct { bool live; unsigned ref, slot; uint32_t flags; mfn_t m; } held[TRACK_PER_PAGE];
static uint64_t slot_pte[SLOTS];	/* model of the L1 table: address and RW */

static unsigned uses(unsigned ref, bool writing)
{
	unsigned n = 0;

	for (unsigned h = 0; h < ARRAY_SIZE(held); h++)
		n += held[h].live && held[h].ref == ref &&
		     (!writing || !(held[h].flags & GNTMAP_readonly));
	return n;
}

static void step_grant(void)
{
	static const uint16_t flags[] = {
		GTF_permit_access,   GTF_permit_access, GTF_permit_access | GTF_readonly, 0,
		GTF_accept_transfer,
	};
	unsigned ref = 8 + (unsigned)unit_below(REFS);

	if (uses(ref, false))
		return; /* a guest that keeps to the rules; hostile ones are below */
	grant_it(ref, unit_one_in(8) ? 0 : 2, unit_one_in(10) ? own[0] : page[unit_below(PAGES)],
		 flags[unit_below(ARRAY_SIZE(flags))]);
}

static bool entry_allows(unsigned ref, bool write, mfn_t *m)
{
	uint16_t flags = grant_version(granter) == 1 ? v1(ref)->flags : v2(ref)->hdr.flags;
	domid_t to = grant_version(granter) == 1 ? v1(ref)->domid : v2(ref)->hdr.domid;

	*m = mfn(grant_version(granter) == 1 ? v1(ref)->frame : v2(ref)->full_page.frame);
	return (flags & GTF_type_mask) == GTF_permit_access && to == 2 &&
	       !(write && (flags & GTF_readonly)) && m->n != own[0].n;
}

static void step_map(void)
{
	unsigned ref = 8 + (unsigned)unit_below(REFS), slot = (unsigned)unit_below(SLOTS);
	uint32_t flags = (uint32_t)unit_below(32), h;
	bool ok = flags & (GNTMAP_host_map | GNTMAP_device_map);
	int16_t status;
	mfn_t m;

	ok &= entry_allows(ref, !(flags & GNTMAP_readonly), &m) &&
	      maptrack_count(mapper->grant) < TRACK_PER_PAGE;
	status = do_map1(ref, slot, flags, &h);
	assert_int_equal(!status, ok);
	if (status)
		return;
	assert_false(held[h].live);
	held[h].live = true;
	held[h].ref = ref;
	held[h].slot = slot;
	held[h].flags = flags;
	held[h].m = m;
	if (flags & GNTMAP_host_map)
		slot_pte[slot] = mfn_maddr(m).a | PTE_P | (flags & GNTMAP_readonly ? 0 : PTE_RW);
}

static void step_unmap(void)
{
	unsigned h = (unsigned)unit_below(48), slot;
	uint64_t host = 0, dev = 0, want;
	uint32_t gone = 0;
	bool ok = held[h].live;

	slot = unit_one_in(6) ? (unsigned)unit_below(SLOTS) : held[h].slot;
	if (!unit_one_in(4))
		host = held[h].flags & GNTMAP_contains_pte ? pte_address(slot)
							   : VA0 + slot * PAGE_SIZE;
	if (!unit_one_in(3))
		dev = unit_one_in(6) ? 0x1000 : mfn_maddr(held[h].m).a;
	want = mfn_maddr(held[h].m).a | PTE_P | (held[h].flags & GNTMAP_readonly ? 0 : PTE_RW);
	if (dev && (held[h].flags & GNTMAP_device_map)) {
		gone |= GNTMAP_device_map;
		ok &= dev >> 12 == held[h].m.n;
	}
	if (host && (held[h].flags & GNTMAP_host_map)) {
		gone |= GNTMAP_host_map;
		ok &= slot_pte[slot] == want;
	}
	assert_int_equal(!do_unmap1(h, host, dev), ok);
	if (!ok)
		return;
	if (gone & GNTMAP_host_map)
		slot_pte[slot] = 0;
	held[h].flags &= ~gone;
	held[h].live = held[h].flags & (GNTMAP_host_map | GNTMAP_device_map);
}

static void step_replace(void)
{
	unsigned h = (unsigned)unit_below(48), slot = held[h].slot,
		 from = (unsigned)unit_below(SLOTS);
	struct gnttab_unmap_and_replace op = {
		.host_addr = VA0 + slot * PAGE_SIZE,
		.new_addr = VA0 + from * PAGE_SIZE,
		.handle = h,
	};
	uint64_t want =
		mfn_maddr(held[h].m).a | PTE_P | (held[h].flags & GNTMAP_readonly ? 0 : PTE_RW);
	bool ok = held[h].live && (held[h].flags & GNTMAP_host_map) &&
		  !(held[h].flags & GNTMAP_contains_pte) && slot != from && slot_pte[slot] == want;

	assert_int_equal(call(mv, GNTTABOP_unmap_and_replace, &op, 1), 0);
	assert_int_equal(!op.status, ok);
	if (!ok)
		return;
	slot_pte[slot] = slot_pte[from];
	slot_pte[from] = 0;
	held[h].flags &= ~GNTMAP_host_map;
	held[h].live = held[h].flags & GNTMAP_device_map;
}

static void step_write_entry(void)
{
	unsigned slot = (unsigned)unit_below(SLOTS);
	pte_t e = unit_one_in(2) ? pte(0) : pte_make(own[1], PTE_P | PTE_RW);
	struct pt_batch b;
	int rc;

	do {
		pt_batch_begin(&b, &mapper->mem, &mapper->mem, &mv->scan);
		rc = pt_write(&b, maddr(pte_address(slot)), e, PT_NORMAL);
		pt_batch_end(&b);
	} while (rc == RESTART);
	assert_int_equal(rc, 0);
	slot_pte[slot] = e.v;
}

static void step_copy(void)
{
	unsigned ref = 8 + (unsigned)unit_below(REFS), n = 1 + (unsigned)unit_below(3);
	bool out = unit_one_in(2);
	struct gnttab_copy c[3];
	mfn_t m;

	for (unsigned i = 0; i < n; i++) {
		struct gnttab_copy_ptr r = { .u.ref = ref,
					     .domid = 1,
					     .offset = (uint16_t)unit_below(2048) };
		struct gnttab_copy_ptr f = { .u.gmfn = own[0].n, .domid = 2 };

		c[i] = (struct gnttab_copy){ .source = out ? f : r,
					     .dest = out ? r : f,
					     .len = (uint16_t)unit_below(2048),
					     .flags = out ? GNTCOPY_dest_gref
							  : GNTCOPY_source_gref };
	}
	assert_int_equal(call(mv, GNTTABOP_copy, c, n), 0);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(!c[i].status, entry_allows(ref, out, &m));
}

static void step_version(void)
{
	uint32_t to = 3 - grant_version(granter);
	unsigned in_use = 0;
	int rc;

	for (unsigned ref = 8; ref < 8 + REFS; ref++)
		in_use += uses(ref, false);
	rc = grant_set_version(granter, to);
	assert_int_equal(rc, in_use ? -EBUSY : 0);
}

static void check_model(void)
{
	for (unsigned ref = 8; ref < 8 + REFS; ref++)
		assert_int_equal(marks_of(ref), uses(ref, true)	   ? MARKS
						: uses(ref, false) ? GTF_reading
								   : 0);
	for (unsigned i = 0; i < SLOTS; i++)
		assert_int_equal(l1_va[i] & (PTE_ADDR | PTE_P | PTE_RW), slot_pte[i]);
	assert_int_equal(frame_audit(), 0);
}

static void random_programs(void **state)
{
	static void (*const step[])(void) = {
		step_grant,	  step_grant, step_map,	    step_map,	step_map,
		step_unmap,	  step_unmap, step_unmap,   step_unmap, step_replace,
		step_write_entry, step_copy,  step_version,
	};
	uint64_t steps = unit_steps(40000);

	unit_seed("grant");
	memset(held, 0, sizeof(held));
	memset(slot_pte, 0, sizeof(slot_pte));
	begin();
	fake_preempt_one_in = 5;
	for (uint64_t i = 0; i < steps; i++) {
		step[unit_below(ARRAY_SIZE(step))]();
		if (unit_one_in(64)) {
			fake_preempt_one_in = 0;
			check_model();
			fake_preempt_one_in = 5;
		}
	}
	fake_preempt_one_in = 0;
	end();
}

/* Entries full of noise: any status will do, as long as every reference is accounted for. */
static void hostile_entries(void **state)
{
	uint64_t steps = unit_steps(30000);
	uint32_t h[8] = { 0 };

	begin();
	for (uint64_t i = 0; i < steps; i++) {
		unsigned ref = (unsigned)unit_below(20), n = (unsigned)unit_below(8);
		uint8_t *raw = mfn_to_virt(grant_frame(granter, 0));

		raw[unit_below(320)] = (uint8_t)unit_random();
		if (unit_one_in(2))
			grant_it(ref, 2, page[unit_below(PAGES)], GTF_permit_access);
		do_map1(ref, (unsigned)unit_below(SLOTS), (uint32_t)unit_below(32), &h[n]);
		do_unmap1(h[unit_below(8)], VA0 + unit_below(SLOTS) * PAGE_SIZE, 0);
		grant_swap(granter, ref, (unsigned)unit_below(20));
		if (unit_one_in(100))
			grant_set_version(granter, 1 + (uint32_t)unit_below(2));
		if (unit_one_in(200))
			assert_int_equal(frame_audit(), 0);
	}
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(map_shows_everywhere),
		cmocka_unit_test(map_refusals),
		cmocka_unit_test(handles_run_out),
		cmocka_unit_test(unmap_must_match),
		cmocka_unit_test(overwritten_entry),
		cmocka_unit_test(one_flush_before_letting_go),
		cmocka_unit_test(replace_moves_the_entry),
		cmocka_unit_test(version_two),
		cmocka_unit_test(copies),
		cmocka_unit_test(sub_page_copies),
		cmocka_unit_test(calls_check_their_arguments),
		cmocka_unit_test(granter_dies),
		cmocka_unit_test(random_programs),
		cmocka_unit_test(hostile_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
