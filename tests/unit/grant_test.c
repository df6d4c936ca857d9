/* unit: ipc/grant.c ipc/grant_map.c ipc/grant_copy.c call/hc_grant.c mm/frame.c mm/kind.c mm/buddy.c mm/kmalloc.c mm/space.c mm/scan.c mm/undo.c mm/entry.c mm/pt.c mm/pt_pin.c mm/pt_foreign.c mm/audit.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Grant tables, fact by fact: what each operation does and what it refuses. */
#include "grant_world.h"

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

static struct gnttab_unmap_grant_ref second;

static void unmap_again(void)
{
	at_flush = NULL;
	assert_int_equal(hc_grant_table_op(&world_vcpu[2][1], GNTTABOP_unmap_grant_ref,
					   gva((uint64_t)&second), 1), 1000);
	assert_int_equal(second.status, 77);
}

/* Another vCPU unmaps the handle that one is just unmapping: it comes back when that is decided. */
static void unmap_of_a_busy_handle_waits(void **state)
{
	uint32_t h;

	begin();
	grant_it(8, 2, page[0], GTF_permit_access);
	assert_int_equal(do_map1(8, 1, GNTMAP_host_map, &h), GNTST_okay);
	second = (struct gnttab_unmap_grant_ref){ .host_addr = VA0 + PAGE_SIZE, .handle = h,
						  .status = 77 };
	at_flush = unmap_again;
	assert_int_equal(do_unmap1(h, VA0 + PAGE_SIZE, 0), GNTST_okay);
	assert_int_equal(second.status, 77);
	assert_int_equal(do_unmap1(h, VA0 + PAGE_SIZE, 0), GNTST_bad_handle);
	end();
}

/* More than one table's worth of places, handles and elements, some of them wrong, in one call. */
static void long_lists(void **state)
{
	struct gnttab_map_grant_ref m[100];
	struct gnttab_unmap_grant_ref u[100];
	uint64_t before;

	begin();
	for (unsigned i = 0; i < PAGES; i++)
		grant_it(8 + i, 2, page[i], GTF_permit_access);
	for (unsigned i = 0; i < 100; i++) {
		m[i] = map_op(8 + i % PAGES, i % SLOTS, GNTMAP_host_map);
		if (i % 10 == 9)
			m[i].ref = 30;				/* not granted */
		if (i % 10 == 8)
			m[i].dom = 7;				/* no such domain */
		if (i % 10 == 7)
			m[i].host_addr = 0x5000;		/* no table for it */
		if (i >= SLOTS)
			m[i].flags = GNTMAP_device_map;
	}
	assert_int_equal(call(mv, GNTTABOP_map_grant_ref, m, 100), 0);
	before = fake_flushes;
	for (unsigned i = 0; i < 100; i++) {
		int16_t want = i % 10 == 9 ? GNTST_general_error : i % 10 == 8 ? GNTST_bad_domain :
			       i % 10 == 7 && i < SLOTS ? GNTST_general_error : GNTST_okay;

		assert_int_equal(m[i].status, want);
		u[i] = (struct gnttab_unmap_grant_ref){
			.host_addr = i < SLOTS ? m[i].host_addr : 0,
			.dev_bus_addr = i < SLOTS ? 0 : m[i].dev_bus_addr,
			.handle = want ? 99999 : m[i].handle,
		};
	}
	assert_int_equal(maptrack_count(mapper->grant), 100 - 23);
	assert_int_equal(frame_audit(), 0);
	assert_int_equal(call(mv, GNTTABOP_unmap_grant_ref, u, 100), 0);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(u[i].status, m[i].status ? GNTST_bad_handle : GNTST_okay);
	assert_int_equal(fake_flushes, before + 1);
	assert_int_equal(maptrack_count(mapper->grant), 0);
	for (unsigned ref = 8; ref < 8 + PAGES; ref++)
		assert_int_equal(marks_of(ref), 0);
	assert_int_equal(granter->refs, 1);
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

/* Pieces of many grants in one call, to a frame of our own and from grant to grant. */
static void many_small_copies(void **state)
{
	struct gnttab_copy c[80];

	begin();
	for (unsigned i = 0; i < PAGES; i++) {
		grant_it(8 + i, 2, page[i], i < 4 ? GTF_permit_access | GTF_readonly : GTF_permit_access);
		memset(page_va[i], (int)(0x10 + i), PAGE_SIZE);
	}
	for (unsigned i = 0; i < 80; i++) {
		c[i] = (struct gnttab_copy){
			.source = { .u.ref = 8 + i % 4, .domid = 1, .offset = (uint16_t)i },
			.dest = { .domid = 2, .offset = (uint16_t)(i * 40) },
			.len = 40, .flags = GNTCOPY_source_gref,
		};
		c[i].dest.u.gmfn = own[0].n;
		if (i >= 40) {
			c[i].dest.u.ref = 12 + i % 2;
			c[i].dest.domid = 1;
			c[i].flags |= GNTCOPY_dest_gref;
		}
		if (i == 17)
			c[i].source.u.ref = 40;			/* granted to nobody */
		if (i == 18)
			c[i].source.offset = 4090;
		if (i == 57)
			c[i].dest.u.ref = 9;			/* read-only */
	}
	assert_int_equal(call(mv, GNTTABOP_copy, c, 80), 0);
	for (unsigned i = 0; i < 80; i++) {
		uint8_t *to = i < 40 ? own_va[0] : page_va[4 + i % 2];
		uint8_t was = i < 40 ? 0 : (uint8_t)(0x14 + i % 2), now = (uint8_t)(0x10 + i % 4);

		if (i == 17 || i == 57)
			assert_int_equal(c[i].status, GNTST_general_error);
		else
			assert_int_equal(c[i].status, i == 18 ? GNTST_bad_copy_arg : GNTST_okay);
		assert_int_equal(to[i * 40], c[i].status ? was : now);
		assert_int_equal(to[i * 40 + 39], c[i].status ? was : now);
	}
	for (unsigned ref = 8; ref < 8 + PAGES; ref++)
		assert_int_equal(marks_of(ref), 0);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(map_shows_everywhere),
		cmocka_unit_test(map_refusals),
		cmocka_unit_test(handles_run_out),
		cmocka_unit_test(unmap_must_match),
		cmocka_unit_test(overwritten_entry),
		cmocka_unit_test(one_flush_before_letting_go),
		cmocka_unit_test(unmap_of_a_busy_handle_waits),
		cmocka_unit_test(long_lists),
		cmocka_unit_test(replace_moves_the_entry),
		cmocka_unit_test(version_two),
		cmocka_unit_test(copies),
		cmocka_unit_test(many_small_copies),
		cmocka_unit_test(sub_page_copies),
		cmocka_unit_test(calls_check_their_arguments),
		cmocka_unit_test(granter_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
