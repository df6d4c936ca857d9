/* unit: ipc/grant.c ipc/grant_map.c ipc/grant_copy.c call/hc_grant.c mm/frame.c mm/kind.c mm/buddy.c mm/kmalloc.c mm/space.c mm/scan.c mm/undo.c mm/entry.c mm/pt.c mm/pt_pin.c mm/pt_foreign.c mm/audit.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random programs in which domain 1 grants, domain 2 maps, unmaps, replaces and copies.  After steps,
 * what the model says is compared with entries, marks and page tables, and frame_audit() recounts
 * every reference.
 */
#include "grant_world.h"

#define REFS		12

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
	unsigned ref[6], n = 1 + (unsigned)unit_below(6);
	bool out = unit_one_in(2);
	struct gnttab_copy c[6];
	mfn_t m;

	for (unsigned i = 0; i < n; i++) {
		struct gnttab_copy_ptr f = { .u.gmfn = own[0].n, .domid = 2 }, r = f;

		ref[i] = i && unit_one_in(2) ? ref[i - 1] : 8 + (unsigned)unit_below(REFS);
		r = (struct gnttab_copy_ptr){ .u.ref = ref[i], .domid = 1,
					      .offset = (uint16_t)unit_below(2048) };
		c[i] = (struct gnttab_copy){ .source = out ? f : r,
					     .dest = out ? r : f,
					     .len = (uint16_t)unit_below(unit_one_in(2) ? 256 : 2048),
					     .flags = out ? GNTCOPY_dest_gref
							  : GNTCOPY_source_gref };
	}
	assert_int_equal(call(mv, GNTTABOP_copy, c, n), 0);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(!c[i].status, entry_allows(ref[i], out, &m));
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
	struct gnttab_swap_grant_ref swap;
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
		swap = (struct gnttab_swap_grant_ref){ .ref_a = ref,
						       .ref_b = (unsigned)unit_below(20) };
		call(gv, GNTTABOP_swap_grant_ref, &swap, 1);
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
		cmocka_unit_test(random_programs),
		cmocka_unit_test(hostile_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
