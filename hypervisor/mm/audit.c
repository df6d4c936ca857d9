/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The auditor: every reference recounted, compared with what the frame table says.
 *
 * Frames are counted in windows as large as the heap has memory for; each window walks all tables
 * once.  What is expected of a frame:
 *
 *   refs  = its allocation + read-only and writable mappings + uses as a table, pin included
 *           + the worklist's, while it is being undone + what upper floors report
 *   users = writable mappings, or uses as a table, pin included + what upper floors report
 *
 * Beside the counts it checks what must never be: a writable mapping of something that is not
 * writable, a table that names a frame of another kind, a root without the hypervisor's slots, a
 * frame that its owner's bitmap does not have.
 *
 * No lock: nobody else runs.
 */
#include <mica/errno.h>
#include "cpu/log.h"
#include "lib/string.h"
#include "mm/audit.h"
#include "mm/entry.h"
#include "mm/heap.h"

#define MAX_LOGGED		20
#define MAX_WALKS		8

struct count { uint32_t refs, users; };

struct audit {
	uint64_t first, end;		/* the window of frames counted now */
	struct count *counts;
	long differences;
};

static void (*walks[MAX_WALKS])(struct audit *a);
static unsigned nr_walks;

void audit_register(void (*walk)(struct audit *a))
{
	bug_on(nr_walks == MAX_WALKS);
	walks[nr_walks++] = walk;
}

#define differs(a, ...) \
	({ if ((a)->differences++ < MAX_LOGGED) log_err("audit: " __VA_ARGS__); })

static struct count *count_of(struct audit *a, mfn_t m)
{
	return m.n >= a->first && m.n < a->end ? &a->counts[m.n - a->first] : NULL;
}

void audit_ref(struct audit *a, mfn_t m, unsigned n)
{
	struct count *c = count_of(a, m);

	if (c)
		c->refs += n;
}

void audit_use(struct audit *a, mfn_t m, enum frame_kind kind)
{
	struct count *c = count_of(a, m);
	enum frame_kind is;

	if (!c)
		return;
	c->refs++;
	c->users++;
	is = (enum frame_kind)frame_word(frame_of(m)).kind;
	if (is != kind && !(kind == KIND_WRITABLE && is == KIND_SHARED))
		differs(a, "frame %lx is used as %s, but is %s", m.n, frame_kind_name(kind),
			frame_kind_name(is));
}

/* What one present entry of a table of @level holds. */
static void count_entry(struct audit *a, unsigned level, uint64_t v)
{
	mfn_t m = pte_mfn(pte(v));

	if (level > 1)
		audit_use(a, m, (enum frame_kind)(level - 1));
	else if (!frame_valid(m))
		return;
	else if (v & PTE_RW)
		audit_use(a, m, KIND_WRITABLE);
	else
		audit_ref(a, m, 1);
}

/* What the first @n entries of a table hold. */
static void count_table(struct audit *a, const struct frame *f, unsigned level, unsigned n)
{
	const uint64_t *t = frame_to_virt(f);

	for (unsigned i = 0; i < n; i++)
		if ((t[i] & PTE_P) && !entry_is_hv_slot(level, i))
			count_entry(a, level, t[i]);
}

void audit_scan(struct audit *a, const struct scan *s)
{
	if (s->done && !s->rc)
		audit_use(a, frame_mfn(s->root), (enum frame_kind)s->root_level);
	for (unsigned level = s->level; level && level <= s->root_level; level++) {
		audit_use(a, frame_mfn(s->at[level].table), (enum frame_kind)level);
		count_table(a, s->at[level].table, level, s->at[level].next);
	}
}

/* What the frame's own word says it holds: allocation, pin, and its entries if it is a table. */
static void count_frame(struct audit *a, const struct frame *f)
{
	union frame_word w = frame_word(f);
	unsigned level = kind_is_table(w.kind) ? kind_level(w.kind) : 0;

	if (w.allocated)
		audit_ref(a, frame_mfn(f), 1);
	if (w.pinned)
		audit_use(a, frame_mfn(f), (enum frame_kind)w.kind);
	if (w.busy == BUSY_UNDOING)
		audit_ref(a, frame_mfn(f), 1);
	if (level && w.users && w.busy != BUSY_CHECKING)	/* audit_scan has those */
		count_table(a, f, level, w.busy == BUSY_UNDOING ? w.users : PT_ENTRIES);
}

static void check_root(struct audit *a, const struct frame *f)
{
	const uint64_t *t = frame_to_virt(f);

	for (unsigned i = 0; i <= HV_SLOT_LAST - HV_SLOT_FIRST; i++) {
		if (t[HV_SLOT_FIRST + i] == pt_hv_slots[i])
			continue;
		differs(a, "root %x: slot %u is %lx", frame_nr(f), HV_SLOT_FIRST + i,
			t[HV_SLOT_FIRST + i]);
	}
}

static void compare(struct audit *a, const struct frame *f, const struct count *c)
{
	union frame_word w = frame_word(f);
	unsigned users = w.busy == BUSY_UNDOING ? 0 : w.users;
	struct memspace *m = f->owner < DOMID_FIRST_RESERVED ? space_of(f->owner) : NULL;

	if (!w.refs && c->refs) {
		differs(a, "frame %x is free, but %u refer to it", frame_nr(f), c->refs);
		return;
	}
	if (!w.refs)
		return;
	if (w.refs != c->refs || users != c->users)
		differs(a, "frame %x (%s of domain %u): %u refs, %u users; counted %u and %u",
			frame_nr(f), frame_kind_name(w.kind), f->owner, (unsigned)w.refs, users, c->refs,
			c->users);
	if (w.kind == KIND_L4 && users && !w.busy)
		check_root(a, f);
	if (f->owner < DOMID_FIRST_RESERVED && !m)
		differs(a, "frame %x belongs to domain %u, which is unknown", frame_nr(f), f->owner);
	if (m && w.kind != KIND_SHARED && !space_owns(m, frame_mfn(f)))
		differs(a, "frame %x is missing in domain %u's bitmap", frame_nr(f), f->owner);
}

static void audit_window(struct audit *a)
{
	memset(a->counts, 0, (a->end - a->first) * sizeof(struct count));
	for (uint64_t n = 0; n < max_mfn; n++)
		if (frame_valid(mfn(n)) && frame_word(frame_of(mfn(n))).refs)
			count_frame(a, frame_of(mfn(n)));
	for (unsigned i = 0; i < nr_walks; i++)
		walks[i](a);
	for (uint64_t n = a->first; n < a->end; n++)
		if (frame_valid(mfn(n)))
			compare(a, frame_of(mfn(n)), &a->counts[n - a->first]);
}

long frame_audit(void)
{
	struct audit a = { .first = 0 };
	unsigned order = MIN(heap_order(max_mfn * sizeof(struct count)), 12u);
	uint64_t size;

	while (!(a.counts = hv_pages_alloc(order)))
		if (!order--)
			return -ENOMEM;
	size = (PAGE_SIZE << order) / sizeof(struct count);
	for (; a.first < max_mfn; a.first += size) {
		a.end = MIN(a.first + size, max_mfn);
		audit_window(&a);
	}
	hv_pages_free(a.counts, order);
	if (a.differences)
		log_err("audit: %ld differences", a.differences);
	else
		log_info("audit: clean");
	return a.differences;
}
