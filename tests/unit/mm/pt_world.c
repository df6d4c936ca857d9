/* SPDX-License-Identifier: BSD-2-Clause */
/* See pt_world.h. */
#include "pt_world.h"

struct memspace space_a, space_b;
struct frame *a_frames[A_FRAMES], *b_frames[B_FRAMES];
struct frame *exported;
uint64_t world_free;

static enum io_verdict io_check(mfn_t m)
{
	return m.n == IO_DENIED ? IO_DENY : m.n == IO_RO ? IO_READONLY : IO_ALLOW;
}

bool world_segdesc_ok(uint64_t *page)
{
	return !(page[SEGDESC_SLOT] & 1);
}

void world_make(void)
{
	static bool made;

	if (!made) {
		fake_cpus(2);
		fake_ram(WORLD_FRAMES, true);
		pt_io_check = io_check;
		segdesc_check = world_segdesc_ok;
		exported = frame_of(virt_to_mfn(hv_page_alloc()));
		exported->flags |= FRAME_EXPORTED;
		kfree(kmalloc(8));	/* the pages kmalloc keeps for itself */
		made = true;
	}
	space_init(&space_a, 0, A_FRAMES);
	space_init(&space_b, 1, 1000);
	world_free = heap_free_frames();
	space_a.may_map_io = true;
	space_a.cache_attrs = unit_one_in(2);
	fake_space_register(&space_a);
	fake_space_register(&space_b);
	for (unsigned i = 0; i < A_FRAMES; i++)
		assert_non_null(a_frames[i] = space_alloc(&space_a, 0, 0));
	for (unsigned i = 0; i < B_FRAMES; i++)
		assert_non_null(b_frames[i] = space_alloc(&space_b, 0, 0));
}

void world_end(struct scan *scans, unsigned n)
{
	int rc;

	assert_int_equal(frame_audit(), 0);
	for (unsigned i = 0; i < n; i++)
		scan_abort(&scans[i]);
	space_a.dying = space_b.dying = true;
	/* Each may map frames of the other: whoever is asked again gets further. */
	for (unsigned round = 0; space_a.tot_frames || space_b.tot_frames; round++) {
		assert_true(round < 100000);
		do
			rc = space_relinquish(&space_a);
		while (rc == RESTART);
		do
			rc = space_relinquish(&space_b);
		while (rc == RESTART);
	}
	assert_int_equal(frame_audit(), 0);
	space_fini(&space_a);
	space_fini(&space_b);
	fake_space_forget_all();
	fake_lock_check_none();
	assert_true(heap_free_frames() >= world_free);
}

unsigned world_pick(unsigned level)
{
	return level * 8 + (unsigned)unit_below(8);
}

unsigned world_slot(void)
{
	static const uint16_t slots[] = { 0, 1, 7, 8, 9, 255, 256, 263, 271, 272, 503, 511 };

	return unit_one_in(20) ? (unsigned)unit_below(512) : slots[unit_below(ARRAY_SIZE(slots))];
}

static uint64_t evil_target(void)
{
	switch (unit_below(9)) {
	case 0: return unit_below(256);			/* device memory */
	case 1: return IO_DENIED;
	case 2: return IO_RO;
	case 3: return WORLD_FRAMES + unit_below(100);	/* beyond RAM */
	case 4: return unit_below(WORLD_FRAMES);	/* whatever that is */
	case 5: return frame_mfn(exported).n;
	case 6: return (PTE_ADDR >> PAGE_SHIFT) - 1;	/* reserved address bits */
	case 7: return frame_mfn(b_frames[unit_below(B_FRAMES)]).n;
	default: return frame_mfn(a_frames[unit_below(A_FRAMES)]).n;
	}
}

uint64_t world_entry(unsigned level)
{
	static const uint64_t evil_flags[] = {
		PTE_PSE, PTE_G, PTE_PWT, PTE_PCD, BIT(51), BIT(47), PTE_NX, PTE_AVAIL_HIGH, PTE_AVAIL,
	};
	uint64_t v, m;

	if (unit_one_in(5))
		return unit_one_in(2) ? 0 : unit_random() & ~PTE_P;
	m = unit_one_in(6) ? evil_target()
			   : frame_mfn(a_frames[world_pick(level > 1 ? level - 1 : 0)]).n;
	if (level == 1 && unit_one_in(4))		/* a view of some table */
		m = frame_mfn(a_frames[unit_below(A_FRAMES)]).n;
	v = m << PAGE_SHIFT | PTE_P | (unit_one_in(2) ? PTE_US : 0) | (unit_one_in(3) ? PTE_A : 0) |
	    (unit_one_in(3) ? PTE_D : 0);
	if (level > 1 ? !unit_one_in(4) : unit_one_in(2))
		v |= PTE_RW;
	if (unit_one_in(12))
		v |= evil_flags[unit_below(ARRAY_SIZE(evil_flags))];
	return v;
}
