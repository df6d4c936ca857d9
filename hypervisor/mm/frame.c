/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Existence and use of frames: taking and dropping references on the frame's word.  tour:mm/4
 *
 * Owns the word of every frame that is not free.  Lock-free: each change is one atomic operation on
 * the word; the states are drawn in mm/kind.c.  What a table's entries hold is mm/scan.c's business,
 * whose frames they are mm/space.c's, and where a frame goes when nobody needs it mm/buddy.c's.
 *
 * A frame that changes its kind is made busy first, then every CPU that may still hold a translation
 * from the old kind is flushed, and only then the new kind is there for all.
 */
#include <mica/errno.h>
#include "cpu/log.h"
#include "cpu/smp.h"
#include "cpu/softirq.h"
#include "mm/frame_priv.h"
#include "mm/heap.h"
#include "mm/hvmap.h"
#include "mm/scan.h"
#include "mm/space.h"

uint64_t max_mfn;
struct frame *frame_table_end;
bool (*segdesc_check)(uint64_t *page);

void frame_set_max(uint64_t mfns)
{
	max_mfn = mfns;
	frame_table_end = &frame_table[mfns];
}

const char *frame_kind_name(enum frame_kind kind)
{
	static const char *const names[] = {
		[KIND_NONE] = "unused", [KIND_L1] = "L1 table", [KIND_L2] = "L2 table",
		[KIND_L3] = "L3 table", [KIND_L4] = "L4 table", [KIND_SEGDESC] = "descriptors",
		[KIND_WRITABLE] = "writable", [KIND_SHARED] = "shared",
	};

	return (unsigned)kind < ARRAY_SIZE(names) ? names[kind] : "?";
}

void frame_gone(struct frame *f, uint64_t was)
{
	union frame_word w = { .raw = was };

	debug_bug_on(w.busy || w.pinned);
	if (w.kind == KIND_SHARED || f->owner == DOMID_XEN) {
		f->flags |= FRAME_DIRTY;
		heap_free(f, 0);
	} else {
		space_frame_gone(f);
	}
}

bool frame_get(struct frame *f, const struct memspace *owner)
{
	return frame_get_fast(f, owner->id);
}

void frame_put(struct frame *f)
{
	frame_put_fast(f);
}

static int release_allocation(struct frame *f, bool shared)
{
	union frame_word now = frame_word(f), next;

	do {
		if ((now.kind == KIND_SHARED) != shared)
			return refuse(-EINVAL, "frame %x is not the domain's to give up", frame_nr(f));
		if (!now.allocated)
			return refuse(-EINVAL, "frame %x was given up before", frame_nr(f));
		next = now;
		next.allocated = 0;
		next.refs--;
	} while (!atomic_cmpxchg(&f->word.raw, &now.raw, next.raw));
	if (!next.refs)
		frame_gone(f, now.raw);
	return 0;
}

int frame_release_allocation(struct frame *f)
{
	return release_allocation(f, false);
}

/* Makes a busy frame usable. */
static void settle(struct frame *f)
{
	atomic_and(&f->word.raw, ~WORD_BUSY);
}

/* A frame we just took (busy) turned out not to be @owner's: as if we had never asked. */
static int take_back(struct frame *f, union frame_word now, union frame_word next)
{
	union frame_word back;

	do {
		back = next;
		back.users--;
		back.refs--;
		if (next.busy) {
			back.busy = BUSY_NO;
			back.kind = now.kind;	/* its stamp still counts */
		}
	} while (!atomic_cmpxchg(&f->word.raw, &next.raw, back.raw));
	if (!back.refs)
		frame_gone(f, next.raw);
	return -EINVAL;
}

/* The frame is busy: do what we can about it.  0 ask again, RESTART give up for now. */
static int help(struct frame *f, union frame_word now, struct scan *s)
{
	struct memspace *m;

	if (now.busy == BUSY_CHECKING && kind_is_table(now.kind))
		return scan_busy(s) ? scan_continue(s) : RESTART;	/* maybe a check of our own */
	if (now.busy == BUSY_CHECKING) {	/* another CPU flushes or stamps: that takes no time */
		cpu_relax_poll();
		return 0;
	}
	m = space_of(frame_owner(f));
	if (m && scan_drain(m))
		return RESTART;
	cpu_relax_poll();			/* another CPU has it off the list and works on it */
	return 0;
}

/*
 * The frame is in use as something else, perhaps only by a table of a fallen tree that another CPU took
 * off the worklist and has not undone yet.  A guest that has unpinned a tree may use its frames at
 * once.  0 ask again (nothing is being undone any more, or it was worth waiting), RESTART, -EBUSY.
 */
static int wait_for_fallen(struct frame *f, union frame_word now)
{
	struct memspace *m = space_of(frame_owner(f));

	if (!m || !scan_undoing(m))
		return frame_word(f).raw == now.raw ? -EBUSY : 0;
	if (scan_drain(m) || preempt_due())
		return RESTART;
	cpu_relax_poll();
	return 0;
}

int frame_ask(struct frame *f, const struct memspace *owner, enum frame_kind want, struct scan *s,
	      const struct memspace *home)
{
	union frame_word now = frame_word(f), next;
	enum verdict verdict;
	int rc;

	for (;;) {
		if (!now.refs || frame_owner(f) != owner->id)
			return refuse(-EINVAL, "frame %x is not domain %u's", frame_nr(f), owner->id);
		verdict = kind_ask(now, want, &next);
		if (verdict == REFUSE) {
			rc = owner == home ? wait_for_fallen(f, now) : -EBUSY;
			now = frame_word(f);
			if (!rc)
				continue;
			return rc == RESTART ? rc : refuse(-EBUSY, "frame %x is wanted as %s, but %u use it as %s",
				      frame_nr(f), frame_kind_name(want), (unsigned)now.users,
				      frame_kind_name(now.kind));
		}
		if (verdict == WAIT) {
			if (help(f, now, s))
				return RESTART;
			now = frame_word(f);
			continue;
		}
		if (atomic_cmpxchg(&f->word.raw, &now.raw, next.raw))
			break;
	}
	if (unlikely(frame_owner(f) != owner->id))
		return take_back(f, now, next);
	if (verdict == GRANT)
		return 0;
	if (now.kind != want && now.kind != KIND_NONE)
		tlb_flush_since(cpus_online, f->link);
	if (kind_is_table(want))
		return 1;
	if (want == KIND_SEGDESC && !segdesc_check(frame_to_virt(f))) {
		take_back(f, now, next);
		return refuse(-EINVAL, "frame %x holds a descriptor that is not allowed", frame_nr(f));
	}
	settle(f);
	return 0;
}

int frame_take(struct frame *f, const struct memspace *owner, enum frame_kind want, struct scan *s)
{
	int rc;

	if (want == KIND_WRITABLE && frame_write_fast(f, owner->id))
		return 0;
	if (kind_is_table(want)) {
		bug_on(!s);
		if (scan_busy(s) && scan_continue(s))
			return RESTART;
		if (s->done && s->space == owner && scan_consume(s, f, kind_level(want), &rc))
			return rc;
	}
	rc = frame_ask(f, owner, want, s, s ? s->home : NULL);
	return rc == 1 ? scan_check(s, f, kind_level(want), owner) : rc;
}

void frame_drop(struct frame *f, enum frame_kind kind)
{
	union frame_word now, next;
	bool last;

	if (!kind_is_table(kind)) {
		frame_drop_writable(f);
		return;
	}
	now = frame_word(f);
	do {
		debug_bug_on(now.kind != kind || !now.users || now.busy);
		last = kind_drop(now, &next);
	} while (!atomic_cmpxchg(&f->word.raw, &now.raw, next.raw));
	if (last)
		scan_queue(f);
}

bool frame_unpin(struct frame *f, struct memspace *owner)
{
	uint64_t was = atomic_and(&f->word.raw, ~WORD_PINNED);

	if (was & WORD_PINNED) {
		atomic_sub(&owner->pins, 1);
		frame_drop(f, (enum frame_kind)((was & WORD_KIND) >> WORD_KIND_SHIFT));
	}
	return was & WORD_PINNED;
}

bool frame_end_last_use(struct frame *f, uint64_t now, uint64_t less)
{
	if (!atomic_cmpxchg(&f->word.raw, &now, now | WORD_CHECKING))
		return false;
	f->link = tlb_now();
	now = atomic_sub(&f->word.raw, less + WORD_CHECKING) - WORD_CHECKING;
	if ((now & WORD_REFS) == (less & WORD_REFS))
		frame_gone(f, now);
	return true;
}

void frame_share(struct frame *f, const struct memspace *owner)
{
	union frame_word w = { .refs = 1, .allocated = 1, .kind = KIND_SHARED };

	debug_bug_on(f->owner != DOMID_XEN || frame_word(f).refs != 1);
	atomic_set(&f->word.raw, 0);
	f->owner = owner->id;
	atomic_release(&f->word.raw, w.raw);
}

void frame_unshare(struct frame *f)
{
	debug_bug_on(frame_word(f).kind != KIND_SHARED);
	write_once(f->owner, (domid_t)DOMID_XEN);
	bug_on(release_allocation(f, true));
}
