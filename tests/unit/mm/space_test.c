/* unit: @mm tests/unit/mm/pt_world.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A domain's frames one by one: limits, claims, taking and handing over, shared pages; and single
 * page-table writes with the exact answer each must get.
 */
#include "pt_world.h"

static struct scan scan;

static int setup(void **state)
{
	fake_preempt_one_in = 0;
	world_make();
	scan_init(&scan, &space_a);
	return 0;
}

static int teardown(void **state)
{
	world_end(&scan, 1);
	return 0;
}

static int write_entry(struct frame *table, unsigned i, uint64_t val, struct memspace *frames)
{
	struct pt_batch b;
	int rc;

	pt_batch_begin(&b, &space_a, frames, &scan);
	rc = pt_write(&b, slot_of(table, i), pte(val), PT_NORMAL);
	pt_batch_end(&b);
	return rc;
}

static uint64_t names(struct frame *f, uint64_t flags)
{
	return pte_make(frame_mfn(f), flags).v;
}

/* A pinned L4 with one L3, L2, L1 below entry 0 of each. */
static struct frame *l4, *l3, *l2, *l1, *data;
static void make_tree(void)
{
	l4 = a_frames[32];
	l3 = a_frames[24];
	l2 = a_frames[16];
	l1 = a_frames[8];
	data = a_frames[0];
	*entry_at(l1, 0) = names(data, PTE_P | PTE_RW);
	*entry_at(l2, 0) = names(l1, PTE_P | PTE_RW);
	*entry_at(l3, 0) = names(l2, PTE_P | PTE_RW);
	*entry_at(l4, 0) = names(l3, PTE_P | PTE_RW);
	assert_int_equal(pt_pin(&space_a, l4, KIND_L4, &scan), 0);
}

static void limits(void **state)
{
	uint64_t free = heap_free_frames();
	struct frame *f;

	assert_int_equal(space_a.tot_frames, A_FRAMES);
	assert_null(space_alloc(&space_a, 0, 0));		/* max_frames */
	assert_null(space_alloc(&space_b, 0, SPACE_ADDR_BITS(16)));
	f = space_alloc(&space_b, 3, SPACE_ADDR_BITS(31));
	assert_non_null(f);
	assert_int_equal(space_b.tot_frames, B_FRAMES + 8);
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(f[i].owner, space_b.id);
		assert_int_equal(m2p_get(frame_mfn(&f[i])), M2P_INVALID);
		assert_true(space_owns(&space_b, frame_mfn(&f[i])));
		m2p_set(frame_mfn(&f[i]), 77);
	}
	assert_null(space_alloc(&space_b, 10, 0));
	for (unsigned i = 0; i < 8; i++) {
		assert_true(frame_get(&f[i], &space_b));
		assert_int_equal(frame_release_allocation(&f[i]), 0);
		assert_int_equal(frame_release_allocation(&f[i]), -EINVAL);
		assert_int_equal(space_b.tot_frames, B_FRAMES + 8 - i);
		frame_put(&f[i]);
		assert_false(frame_get(&f[i], &space_b));
		assert_int_equal(frame_word(&f[i]).refs, 0);
		assert_int_equal(m2p_get(frame_mfn(&f[i])), M2P_INVALID);
		assert_false(space_owns(&space_b, frame_mfn(&f[i])));
	}
	assert_int_equal(heap_free_frames(), free);
}

static void claims(void **state)
{
	uint64_t free = heap_free_frames();
	struct frame *f;

	space_a.max_frames = 10000;
	assert_int_equal(space_claim(&space_a, free - 3), 0);
	assert_int_equal(space_claimed_total(), free - 3);
	assert_int_equal(space_claim(&space_b, 4), -ENOMEM);
	assert_null(space_alloc(&space_b, 2, 0));		/* would eat the claim */
	f = space_alloc(&space_b, 1, 0);
	assert_non_null(f);
	f = space_alloc(&space_a, 2, 0);			/* out of the claim */
	assert_non_null(f);
	assert_int_equal(space_claimed_total(), free - 7);
	assert_int_equal(space_claim(&space_a, 0), 0);
	assert_int_equal(space_claimed_total(), 0);
	f = space_alloc(&space_b, 2, 0);
	assert_non_null(f);
	space_a.max_frames = space_a.tot_frames;
	assert_true(space_claim(&space_a, 1) != 0);
}

static void steal_and_assign(void **state)
{
	struct frame *f = a_frames[3];

	assert_int_equal(space_steal(&space_b, f), -EBUSY);	/* not its owner's */
	assert_int_equal(frame_take(f, &space_a, KIND_WRITABLE, &scan), 0);
	assert_int_equal(space_steal(&space_a, f), -EBUSY);
	frame_drop(f, KIND_WRITABLE);
	uint32_t before = f->link;

	assert_int_equal(space_steal(&space_a, f), 0);
	assert_int_equal(frame_word(f).refs, 0);
	assert_false(frame_get(f, &space_a));
	assert_int_equal(space_assign(&space_b, f), 0);
	for (unsigned c = 0; c < 2; c++)			/* A can no longer write it */
		assert_false(fake_tlb_may_hold(c, before));
	assert_true(frame_get(f, &space_b));
	frame_put(f);
	assert_int_equal(space_a.tot_frames, A_FRAMES - 1);
	assert_int_equal(space_b.tot_frames, B_FRAMES + 1);
}

/* A page of ours lent to A: writable, never a table, never given away, kept while B still maps it. */
static void shared_page(void **state)
{
	struct frame *f = frame_of(virt_to_mfn(hv_page_alloc()));

	frame_share(f, &space_a);
	assert_int_equal(space_a.tot_frames, A_FRAMES);
	assert_int_equal(frame_take(f, &space_a, KIND_L1, &scan), -EBUSY);
	assert_int_equal(frame_take(f, &space_a, KIND_SEGDESC, &scan), -EBUSY);
	assert_int_equal(space_steal(&space_a, f), -EBUSY);
	assert_true(frame_get(f, &space_a));
	assert_int_equal(frame_release_allocation(f), -EINVAL);
	frame_put(f);
	make_tree();
	assert_int_equal(write_entry(l1, 5, names(f, PTE_P | PTE_RW), &space_a), 0);
	assert_int_equal(frame_word(f).users, 1);
	assert_int_equal(frame_audit(), 0);
	frame_unshare(f);
	assert_int_equal(frame_word(f).refs, 1);
	assert_int_equal(frame_audit(), 0);
	assert_int_equal(write_entry(l1, 5, 0, &space_a), 0);
	assert_int_equal(frame_word(f).refs, 0);
}

static void foreign_and_device_entries(void **state)
{
	struct frame *b = b_frames[0];
	struct pt_batch batch;

	make_tree();
	assert_int_equal(write_entry(l1, 1, names(b, PTE_P), &space_a), -EPERM);
	assert_int_equal(write_entry(l1, 1, names(b, PTE_P), &space_b), 0);
	assert_int_equal(write_entry(l1, 1, names(b, PTE_P | PTE_RW), &space_a), -EPERM);
	assert_int_equal(write_entry(l1, 1, names(b, PTE_P | PTE_A), &space_a), 0);	/* flags only */
	assert_int_equal(write_entry(l1, 1, names(b, PTE_P | PTE_RW), &space_b), 0);
	assert_int_equal(frame_word(b).users, 1);
	assert_int_equal(write_entry(l1, 1, names(b, PTE_P), &space_a), 0);	/* less is fine */
	assert_int_equal(frame_word(b).users, 0);
	assert_int_equal(write_entry(l2, 1, names(a_frames[9], PTE_P), &space_b), -EINVAL);

	space_b.dying = true;
	assert_int_equal(write_entry(l1, 2, names(b, PTE_P), &space_b), -EPERM);
	space_b.dying = false;

	assert_int_equal(write_entry(l1, 2, pte_make(mfn(0xb8), PTE_P | PTE_RW).v, &space_a), 0);
	assert_int_equal(write_entry(l1, 3, pte_make(mfn(IO_DENIED), PTE_P).v, &space_a), -EPERM);
	assert_int_equal(write_entry(l1, 3, pte_make(mfn(IO_RO), PTE_P | PTE_RW).v, &space_a), 0);
	assert_false(*entry_at(l1, 3) & PTE_RW);
	assert_int_equal(write_entry(l1, 3, names(data, PTE_P), NULL), -EPERM);	/* DOMID_IO: no RAM */
	space_a.may_map_io = false;
	assert_int_equal(write_entry(l1, 4, pte_make(mfn(0xb8), PTE_P).v, &space_a), -EPERM);
	assert_int_equal(write_entry(l1, 4, pte_make(mfn(1ul << 30), PTE_P).v, &space_a), -EPERM);
	space_a.may_map_io = true;

	pt_batch_begin(&batch, &space_a, NULL, &scan);
	batch.readonly_foreign = true;
	assert_int_equal(pt_write(&batch, slot_of(l1, 6), pte(names(exported, PTE_P | PTE_RW)), 0), 0);
	assert_int_equal(pt_write(&batch, slot_of(l1, 7), pte(names(data, PTE_P)), 0), -EPERM);
	assert_int_equal(pt_write(&batch, slot_of(l1, 7), pte(names(b, PTE_P)), 0), -EPERM);
	pt_batch_end(&batch);
	assert_false(*entry_at(l1, 6) & PTE_RW);
	assert_int_equal(frame_audit(), 0);
}

static void every_refusal(void **state)
{
	static const uint64_t bad_upper[] = { PTE_PSE, PTE_G, PTE_PWT, PTE_PCD, BIT(51) };
	struct frame *upper[3];

	make_tree();
	upper[0] = l2;
	upper[1] = l3;
	upper[2] = l4;
	for (unsigned t = 0; t < 3; t++) {
		struct frame *child = a_frames[8 * (t + 1) + 1];

		for (unsigned i = 0; i < ARRAY_SIZE(bad_upper); i++)
			assert_int_equal(write_entry(upper[t], 1, names(child, PTE_P) | bad_upper[i],
						     &space_a), -EINVAL);
		assert_int_equal(write_entry(upper[t], 1, names(upper[t], PTE_P), &space_a), -EINVAL);
		assert_int_equal(write_entry(upper[t], 1, bad_upper[0], &space_a), 0);	/* not present */
	}
	for (unsigned i = 256; i <= 271; i++) {
		assert_int_equal(*entry_at(l4, i), pt_hv_slots[i - 256]);
		assert_int_equal(write_entry(l4, i, 0, &space_a), -EINVAL);
		assert_int_equal(write_entry(l4, i, pt_hv_slots[i - 256], &space_a), 0);
	}
	/* A table never writable, something writable never a table. */
	for (unsigned t = 0; t < 3; t++)
		assert_int_equal(write_entry(l1, 1, names(upper[t], PTE_P | PTE_RW), &space_a), -EBUSY);
	assert_int_equal(write_entry(l1, 1, names(l1, PTE_P | PTE_RW), &space_a), -EBUSY);
	assert_int_equal(write_entry(l1, 1, names(l1, PTE_P), &space_a), 0);
	assert_int_equal(write_entry(l2, 1, names(data, PTE_P), &space_a), -EBUSY);
	assert_int_equal(pt_pin(&space_a, data, KIND_L1, &scan), -EBUSY);
	assert_int_equal(pt_pin(&space_a, l4, KIND_L4, &scan), -EINVAL);
	assert_int_equal(pt_pin(&space_a, l3, KIND_L4, &scan), -EBUSY);
	assert_int_equal(pt_pin(&space_b, l3, KIND_L3, &scan), -EINVAL);
	assert_int_equal(pt_unpin(&space_a, l3), -EINVAL);
	assert_int_equal(pt_unpin(&space_b, l4), -EINVAL);
	/* Addresses. */
	struct pt_batch b;

	pt_batch_begin(&b, &space_a, &space_a, &scan);
	assert_int_equal(pt_write(&b, maddr(slot_of(l1, 0).a + 4), pte(0), PT_NORMAL), -EINVAL);
	assert_int_equal(pt_write(&b, maddr(0x1000), pte(0), PT_NORMAL), -EINVAL);
	assert_int_equal(pt_write(&b, maddr(~7ul), pte(0), PT_NORMAL), -EINVAL);
	assert_int_equal(pt_write(&b, slot_of(b_frames[0], 0), pte(0), PT_NORMAL), -EINVAL);
	pt_batch_end(&b);
	assert_int_equal(frame_audit(), 0);
}

static void cache_attributes(void **state)
{
	make_tree();
	space_a.cache_attrs = false;
	assert_int_equal(write_entry(l1, 0, names(data, PTE_P | PTE_RW | PTE_PCD), &space_a), -EINVAL);
	assert_int_equal(write_entry(l1, 1, names(data, PTE_P | PTE_PAT), &space_a), -EINVAL);
	space_a.cache_attrs = true;
	assert_int_equal(write_entry(l1, 0, names(data, PTE_P | PTE_RW | PTE_PCD), &space_a), 0);
	assert_int_equal(write_entry(l1, 1, names(data, PTE_P | PTE_PAT | PTE_G), &space_a), 0);
	assert_int_equal(*entry_at(l1, 1), names(data, PTE_P | PTE_PAT | PTE_US));
}

static void walks(void **state)
{
	mfn_t root;
	maddr_t slot;
	unsigned level;
	pte_t leaf;

	make_tree();
	root = frame_mfn(l4);
	assert_int_equal(pt_find_slot(root, 0x123, &slot), 0);
	assert_int_equal(slot.a, slot_of(l1, 0).a);
	assert_int_equal(pt_find_slot(root, 0x1ff000, &slot), 0);
	assert_int_equal(slot.a, slot_of(l1, 511).a);
	assert_int_equal(pt_find_slot(root, 1ul << 30, &slot), -EINVAL);
	assert_int_equal(pt_find_slot(root, 1ul << 47, &slot), -EINVAL);
	assert_int_equal(pt_find_slot(root, 0xffff800000000000, &slot), -EINVAL);
	assert_int_equal(pt_walk(root, 0, &leaf, &level), 0);
	assert_int_equal(pte_mfn(leaf).n, frame_mfn(data).n);
	assert_int_equal(level, 1);
	assert_int_equal(pt_walk(root, 0x1000, &leaf, &level), -EFAULT);
}

/* A guest's own store: compare-and-exchange on the whole entry. */
static void stores(void **state)
{
	struct pt_batch b;
	uint64_t now;
	pte_t seen;

	make_tree();
	now = *entry_at(l1, 0);
	pt_batch_begin(&b, &space_a, &space_a, &scan);
	assert_int_equal(pt_store(&b, slot_of(l1, 0), pte(now ^ PTE_D), pte(0), true, &seen), -EAGAIN);
	assert_int_equal(seen.v, now);
	assert_int_equal(pt_store(&b, slot_of(l1, 0), pte(now), pte(now & ~PTE_RW), true, &seen), 0);
	assert_int_equal(frame_word(data).users, 0);
	assert_int_equal(pt_store(&b, slot_of(l1, 0), pte(0), pte(0), false, &seen), 0);
	assert_int_equal(seen.v, now & ~PTE_RW);
	assert_int_equal(frame_word(data).refs, 1);
	assert_int_equal(pt_store(&b, slot_of(l2, 0), pte(0), pte(0), false, &seen), -EINVAL);
	pt_batch_end(&b);
}

/* What only a fallen table of a dying space mapped is free with it; what others keep is not. */
static void dying(void **state)
{
	struct frame *twice = a_frames[1], *readonly = a_frames[2], *foreign = a_frames[3];
	uint64_t free = heap_free_frames();
	struct pt_batch b;
	int rc;

	make_tree();
	assert_int_equal(pt_pin(&space_b, b_frames[0], KIND_L1, &scan), 0);
	pt_batch_begin(&b, &space_b, &space_a, &scan);
	assert_int_equal(pt_write(&b, slot_of(b_frames[0], 0), pte(names(foreign, PTE_P | PTE_RW)), PT_NORMAL), 0);
	pt_batch_end(&b);
	assert_int_equal(write_entry(l1, 1, names(twice, PTE_P | PTE_RW), &space_a), 0);
	assert_int_equal(write_entry(l1, 300, names(twice, PTE_P | PTE_RW), &space_a), 0);
	assert_int_equal(write_entry(l1, 301, names(readonly, PTE_P), &space_a), 0);
	assert_int_equal(write_entry(l1, 302, names(foreign, PTE_P | PTE_RW), &space_a), 0);
	space_begin_dying(&space_a);
	assert_int_equal(pt_pin(&space_a, a_frames[9], KIND_L1, &scan), -EINVAL);
	assert_int_equal(pt_unpin(&space_a, l4), 0);
	assert_int_equal(space_a.pins, 0);
	assert_int_equal(frame_word(data).refs, 0);
	assert_int_equal(frame_word(twice).refs, 0);
	assert_false(space_owns(&space_a, frame_mfn(twice)));
	assert_int_equal(frame_word(readonly).refs, 1);
	assert_int_equal(frame_word(foreign).refs, 2);
	assert_int_equal(space_a.tot_frames, A_FRAMES - 2);
	assert_int_equal(heap_free_frames(), free + 2);
	assert_int_equal(frame_audit(), 0);
	do
		rc = space_relinquish(&space_a);
	while (rc == RESTART);
	assert_int_equal(rc, -EBUSY);
	assert_int_equal(space_a.tot_frames, 1);
	assert_int_equal(pt_unpin(&space_b, b_frames[0]), 0);
	assert_int_equal(space_a.tot_frames, 0);
}

int main(void)
{
#define each(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		each(limits), each(claims), each(steal_and_assign), each(shared_page),
		each(foreign_and_device_entries), each(every_refusal), each(cache_attributes),
		each(walks), each(stores), each(dying),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
