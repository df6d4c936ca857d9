/* unit: @mm tests/unit/mm/pt_world.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random page-table programs against a reference model: the same rules, written as plain recursion
 * over plain arrays, whole operations at once, a failed one rolled back by copying the arrays.  After
 * each operation the two must agree on success or failure and on every count, and the auditor must
 * agree with both.  Preemption strikes at every opportunity, at random, or never.
 */
#include "pt_world.h"
#include "cpu/features.h"
#include "cpu/tlb.h"

struct model_frame { int owner; uint32_t refs, users; int kind; bool pinned, allocated; };

static struct model_frame model[WORLD_FRAMES];
static uint32_t ended[WORLD_FRAMES];	/* clock just before its last use ended */
static bool changed[WORLD_FRAMES];	/* this operation gave it another kind */
static struct scan scan;
static uint64_t restarts;
static uint64_t pinned_at[5][2], written_at[5][2];	/* [level][went through]: is the program worth it? */

/* --- the model ---------------------------------------------------------------------------------- */

static uint64_t read_entry(unsigned n, unsigned i)
{
	return *entry_at(frame_of(mfn(n)), i);
}

static bool hv_slot(int level, unsigned i)
{
	return level == 4 && i >= 256 && i <= 271;
}

static bool is_ram(uint64_t m)
{
	return m < WORLD_FRAMES && m >= 256;
}

static void m_put(unsigned n)
{
	if (--model[n].refs == 0)
		model[n] = (struct model_frame){ .owner = DOMID_INVALID };
}

static void m_drop(unsigned n);

static void m_drop_entry(int level, uint64_t v)
{
	uint64_t m = (v & PTE_ADDR) >> PAGE_SHIFT;

	if (!(v & PTE_P) || (level == 1 && !is_ram(m)))
		return;
	if (level > 1 || (v & PTE_RW))
		m_drop((unsigned)m);
	else
		m_put((unsigned)m);
}

static void m_drop(unsigned n)
{
	int kind = model[n].kind;

	if (--model[n].users == 0) {
		ended[n] = tlb_now();
		if (kind <= 4)
			for (unsigned i = 0; i < 512; i++)
				if (!hv_slot(kind, i))
					m_drop_entry(kind, read_entry(n, i));
	}
	m_put(n);
}

static int m_take(uint64_t n, int owner, int want);

static uint64_t m_forbidden(int level)
{
	if (level == 1)
		return cpu.pte_reserved | (space_a.cache_attrs ? 0 : PTE_CACHE);
	return cpu.pte_reserved | PTE_PSE | PTE_G | PTE_PWT | PTE_PCD;
}

/* @frames: whose frames; -1 only device memory. */
static int m_take_entry(unsigned table, int level, uint64_t v, int frames, bool xen)
{
	uint64_t m = (v & PTE_ADDR) >> PAGE_SHIFT;

	if (v & m_forbidden(level))
		return -EINVAL;
	if (level > 1) {
		if (frames != 0 || xen || !is_ram(m) || m == table)
			return -EINVAL;
		return m_take(m, 0, level - 1);
	}
	if (!is_ram(m))
		return m == IO_DENIED || xen ? -EPERM : 0;
	if (xen) {
		if (m != frame_mfn(exported).n)
			return -EPERM;
		model[m].refs++;
		return 0;
	}
	if (!model[m].refs || model[m].owner != frames)
		return -EPERM;
	if (v & PTE_RW)
		return m_take(m, frames, KIND_WRITABLE);
	model[m].refs++;
	return 0;
}

static int m_check_table(unsigned n, int level)
{
	for (unsigned i = 0; i < 512; i++) {
		uint64_t v = read_entry(n, i);

		if (!(v & PTE_P) || hv_slot(level, i))
			continue;
		if (level == 1 && (v & PTE_RW) && ((v & PTE_ADDR) >> PAGE_SHIFT) == IO_RO)
			v &= ~PTE_RW;
		if (m_take_entry(n, level, v, 0, false))
			return -EINVAL;
	}
	return 0;
}

static int m_take(uint64_t n, int owner, int want)
{
	struct model_frame *f = &model[n], *saved;
	int rc;

	if (!f->refs || f->owner != owner)
		return -EINVAL;
	if (f->users && f->kind != want)
		return -EBUSY;
	if (want == KIND_SEGDESC && !f->users && f->kind != want &&
	    !world_segdesc_ok(frame_to_virt(frame_of(mfn(n)))))
		return -EINVAL;
	f->refs++;
	if (f->users++)
		return 0;
	changed[n] = f->kind != want && f->kind != KIND_NONE;
	if (want > 4) {
		f->kind = want;
		return 0;
	}
	saved = malloc(sizeof(model));
	memcpy(saved, model, sizeof(model));
	f->kind = want;
	rc = m_check_table((unsigned)n, want);
	if (rc) {
		memcpy(model, saved, sizeof(model));
		f->refs--;
		f->users--;
	}
	free(saved);
	return rc;
}

static int m_pin(unsigned n, int level)
{
	int rc = m_take(n, 0, level);

	if (rc)
		return rc;
	if (model[n].pinned) {
		m_drop(n);
		return -EINVAL;
	}
	model[n].pinned = true;
	return 0;
}

static int m_unpin(unsigned n)
{
	if (!model[n].refs || model[n].owner != 0 || !model[n].pinned)
		return -EINVAL;
	model[n].pinned = false;
	m_drop(n);
	return 0;
}

/* *stored is what memory must hold afterwards. */
static int m_write(unsigned n, unsigned i, uint64_t val, int frames, bool xen, bool keep_ad,
		   uint64_t *stored)
{
	struct model_frame *f = &model[n];
	uint64_t old = read_entry(n, i), v = val, mask = PTE_ADDR;
	int level, rc;

	*stored = old;
	if (n < 256 || n >= WORLD_FRAMES || !f->refs || f->owner != 0)
		return -EINVAL;
	if (!f->users || f->kind == KIND_WRITABLE || f->kind == KIND_SHARED) {
		if (!f->users) {
			changed[n] = f->kind != KIND_WRITABLE && f->kind != KIND_NONE;
			f->kind = KIND_WRITABLE;
		}
		*stored = val;
		return 0;
	}
	if (f->kind > 4)
		return -EBUSY;
	level = f->kind;
	if (hv_slot(level, i))
		return val == old ? 0 : -EINVAL;
	if (v & PTE_P) {
		if (v & m_forbidden(level))
			return -EINVAL;
		v = (level == 1 ? v & ~PTE_G : v) | PTE_US;
		if (level == 1)
			mask |= PTE_RW;
		if ((old & PTE_P) && (level == 1) && !((old ^ v) & PTE_ADDR) && (old & PTE_RW) &&
		    !(v & PTE_RW)) {			/* to read-only: always possible */
			uint64_t m = (v & PTE_ADDR) >> PAGE_SHIFT;

			if (is_ram(m)) {
				model[m].refs++;
				m_drop((unsigned)m);
			}
			*stored = v | (keep_ad ? old & (PTE_A | PTE_D) : 0);
			return 0;
		}
		if (!(old & PTE_P) || ((old ^ v) & mask)) {
			uint64_t m = (v & PTE_ADDR) >> PAGE_SHIFT;

			if (level == 1 && (xen ? is_ram(m) : m == IO_RO))
				v &= ~PTE_RW;
			rc = m_take_entry(n, level, v, frames, xen);
			if (rc)
				return rc;
			m_drop_entry(level, old);
		}
		*stored = v | (keep_ad ? old & (PTE_A | PTE_D) : 0);
		return 0;
	}
	m_drop_entry(level, old);
	*stored = v;
	return 0;
}

/* --- the same on the real thing, retried until it is through ------------------------------------- */

#define again(call) \
	({ int rc_; while ((rc_ = (call)) == RESTART) restarts++; rc_; })

static int r_write(unsigned n, unsigned i, uint64_t val, int frames, bool xen, bool keep_ad)
{
	struct pt_batch b;
	int rc;

	do {
		pt_batch_begin(&b, &space_a, frames < 0 ? NULL : frames ? &space_b : &space_a, &scan);
		b.readonly_foreign = xen;
		rc = pt_write(&b, slot_of(frame_of(mfn(n)), i), pte(val), keep_ad ? PT_KEEP_AD : PT_NORMAL);
		pt_batch_end(&b);
		restarts += rc == RESTART;
	} while (rc == RESTART);
	return rc;
}

static void agree(const char *what, int real, int expected)
{
	if (!real != !expected) {
		printf("# %s: %d, model says %d\n", what, real, expected);
		fail();
	}
	while (scan_drain(&space_a) || scan_drain(&space_b))
		;
	for (unsigned n = 256; n < WORLD_FRAMES; n++) {
		union frame_word w = frame_word(frame_of(mfn(n)));
		struct model_frame *f = &model[n];

		if (w.refs == f->refs && w.users == (f->refs ? f->users : 0) && !w.busy &&
		    (!w.users || (int)w.kind == f->kind) && w.pinned == f->pinned)
			continue;
		if (!w.refs && !f->refs)
			continue;
		printf("# %s: frame %u is %u refs %u users %s, model %u refs %u users kind %d\n", what, n,
		       (unsigned)w.refs, (unsigned)w.users, frame_kind_name(w.kind), f->refs, f->users,
		       f->kind);
		fail();
	}
}

/* No CPU may still have a translation from the old use of a frame that got another kind. */
static void nobody_stale(const char *what)
{
	for (unsigned n = 256; n < WORLD_FRAMES; n++) {
		for (unsigned c = 0; c < 2 && changed[n]; c++)
			if (fake_tlb_may_hold(c, ended[n]))
				fail_msg("%s: CPU %u may hold frame %u's old use", what, c, n);
		changed[n] = false;
	}
}

/* --- random programs ----------------------------------------------------------------------------- */

static struct { unsigned n; int kind; } held[24];	/* uses as by grants, roots; kind 0: existence */

static void op_write(void)
{
	unsigned level = 1 + (unsigned)unit_below(4), n, i = world_slot();
	uint64_t val = world_entry(unit_one_in(10) ? 1 + unit_below(4) : level), stored;
	int frames = unit_one_in(8) ? (int)unit_below(3) - 1 : 0;
	bool xen = unit_one_in(20), keep = unit_one_in(4);
	int expect;

	n = (unsigned)frame_mfn(a_frames[world_pick(level)]).n;
	if (unit_one_in(30))
		n = (unsigned)unit_below(WORLD_FRAMES);
	if (frames == 1 && unit_one_in(2))
		val = (val & ~PTE_ADDR) | mfn_maddr(frame_mfn(b_frames[unit_below(B_FRAMES)])).a;
	expect = m_write(n, i, val, frames, xen, keep, &stored);
	int rc = r_write(n, i, val, frames, xen, keep);

	if (n < WORLD_FRAMES && model[n].users && model[n].kind <= 4)
		written_at[model[n].kind][!rc]++;
	nobody_stale("write");
	agree("write", rc, expect);
	if (read_entry(n, i) != stored)
		fail_msg("frame %u entry %u is %lx, should be %lx", n, i, read_entry(n, i), stored);
}

static void op_store(void)
{
	unsigned n = (unsigned)frame_mfn(a_frames[world_pick(1)]).n, i = world_slot();
	uint64_t val = world_entry(1), old = read_entry(n, i), stored = old;
	bool compare = unit_one_in(2), right = !unit_one_in(4);
	struct pt_batch b;
	pte_t seen = pte(0);
	int expect, rc;

	if (!model[n].users || model[n].kind != KIND_L1)
		expect = -EINVAL;
	else if (compare && !right)
		expect = -EAGAIN;
	else
		expect = m_write(n, i, val, 0, false, false, &stored);
	/* A store to a frame that is no L1 table takes it as writable before it refuses. */
	do {
		pt_batch_begin(&b, &space_a, &space_a, &scan);
		rc = pt_store(&b, slot_of(frame_of(mfn(n)), i), pte(right ? old : ~old), pte(val), compare,
			      &seen);
		pt_batch_end(&b);
	} while (rc == RESTART);
	agree("store", rc, expect);
	if (!rc)
		assert_true(seen.v == old);
	assert_true(read_entry(n, i) == stored);
	memset(changed, 0, sizeof(changed));
}

static void op_pin(void)
{
	unsigned level = 1 + (unsigned)unit_below(4);
	unsigned n = (unsigned)frame_mfn(a_frames[world_pick(unit_one_in(8) ? unit_below(5) : level)]).n;
	int expect = m_pin(n, (int)level);
	int rc = again(pt_pin(&space_a, frame_of(mfn(n)), (enum frame_kind)level, &scan));

	pinned_at[level][!rc]++;
	nobody_stale("pin");
	agree("pin", rc, expect);
}

static void op_unpin(void)
{
	unsigned n = (unsigned)frame_mfn(a_frames[unit_below(A_FRAMES)]).n;
	int expect = m_unpin(n);

	agree("unpin", again(pt_unpin(&space_a, frame_of(mfn(n)))), expect);
}

static void op_hold(void)
{
	unsigned i = (unsigned)unit_below(ARRAY_SIZE(held)), n = held[i].n;

	if (n) {
		if (held[i].kind) {
			m_drop(n);
			frame_drop(frame_of(mfn(n)), (enum frame_kind)held[i].kind);
		} else {
			m_put(n);
			frame_put(frame_of(mfn(n)));
		}
		held[i].n = 0;
		agree("drop", 0, 0);
		return;
	}
	int kind = (int)unit_below(7), expect, rc;

	n = (unsigned)frame_mfn(a_frames[unit_below(A_FRAMES)]).n;
	if (!kind) {
		bool yes = model[n].refs && model[n].owner == 0;

		model[n].refs += yes;
		expect = yes ? 0 : -EINVAL;
		rc = frame_get(frame_of(mfn(n)), &space_a) ? 0 : -EINVAL;
	} else {
		expect = m_take(n, 0, kind);
		rc = again(frame_take(frame_of(mfn(n)), &space_a, (enum frame_kind)kind, &scan));
		nobody_stale("take");
	}
	if (!expect) {
		held[i].n = n;
		held[i].kind = kind;
	}
	agree("take", rc, expect);
}

static void model_owns(struct frame *f, int owner)
{
	model[frame_mfn(f).n] = (struct model_frame){ .owner = owner, .refs = 1, .allocated = true };
}

/* The guest gives a frame up; it is replaced when it is really gone. */
static void op_release(void)
{
	unsigned i = (unsigned)unit_below(A_FRAMES), n = (unsigned)frame_mfn(a_frames[i]).n;

	if (model[n].allocated && frame_get(a_frames[i], &space_a)) {
		assert_int_equal(frame_release_allocation(a_frames[i]), 0);
		frame_put(a_frames[i]);
		model[n].allocated = false;
		m_put(n);
	}
	while (scan_drain(&space_a))
		;
	if (!model[n].refs) {
		struct frame *f = space_alloc(&space_a, 0, 0);

		assert_non_null(f);
		for (unsigned k = 0; k < 512; k++)
			assert_int_equal(*entry_at(f, k), 0);
		a_frames[i] = f;
		model_owns(f, 0);
	}
	agree("release", 0, 0);
}

static void audit_held(struct audit *a)
{
	for (unsigned i = 0; i < ARRAY_SIZE(held); i++) {
		if (held[i].n && held[i].kind)
			audit_use(a, mfn(held[i].n), (enum frame_kind)held[i].kind);
		else if (held[i].n)
			audit_ref(a, mfn(held[i].n), 1);
	}
	audit_scan(a, &scan);
}

static void model_init(void)
{
	memset(changed, 0, sizeof(changed));
	for (unsigned n = 0; n < WORLD_FRAMES; n++) {
		struct frame *f = frame_of(mfn(n));
		union frame_word w = frame_word(f);

		model[n] = (struct model_frame){ .owner = f->owner };
		if (n >= 256 && w.refs)
			model[n] = (struct model_frame){ .owner = f->owner, .refs = w.refs,
							 .allocated = true };
	}
}

static void program(uint64_t steps, unsigned preempt_one_in)
{
	world_make();
	model_init();
	scan_init(&scan, &space_a);
	fake_preempt_one_in = preempt_one_in;
	for (uint64_t step = 0; step < steps; step++) {
		switch (unit_below(16)) {
		case 0: case 1: op_pin(); break;
		case 2: op_unpin(); break;
		case 3: case 4: op_hold(); break;
		case 5: op_store(); break;
		case 6: if (unit_one_in(4)) op_release(); break;
		default: op_write(); break;
		}
		if (step % 64 == 0)
			assert_int_equal(frame_audit(), 0);
	}
	fake_preempt_one_in = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(held); i++) {
		if (held[i].n && held[i].kind)
			frame_drop(frame_of(mfn(held[i].n)), (enum frame_kind)held[i].kind);
		else if (held[i].n)
			frame_put(frame_of(mfn(held[i].n)));
		held[i].n = 0;
	}
	world_end(&scan, 1);
}

static void never_preempted(void **state)
{
	for (unsigned i = 0; i < 16; i++)
		program(unit_steps(4000), 0);
}

static void preempted_at_random(void **state)
{
	for (unsigned i = 0; i < 16; i++)
		program(unit_steps(4000), 3);
	printf("# %lu restarts\n", restarts);
	assert_true(restarts > 0);
}

static void always_preempted(void **state)
{
	for (unsigned i = 0; i < 16; i++)
		program(unit_steps(4000), 1);
	printf("# %lu restarts\n", restarts);
}

static void all_paths_walked(void **state)
{
	for (unsigned level = 1; level <= 4; level++) {
		printf("# L%u: %lu pins, %lu refused; %lu writes, %lu refused\n", level,
		       pinned_at[level][1], pinned_at[level][0], written_at[level][1],
		       written_at[level][0]);
		assert_true(pinned_at[level][0] && pinned_at[level][1]);
		assert_true(written_at[level][0] && written_at[level][1]);
	}
}

static int setup(void **state)
{
	unit_seed("page tables");
	audit_register(audit_held);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_preempted),
		cmocka_unit_test(preempted_at_random),
		cmocka_unit_test(always_preempted),
		cmocka_unit_test(all_paths_walked),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
