/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A domain's grant table and its list of mappings; private to ipc/grant*.c.
 *
 * Both halves are one struct per domain with one lock (RANK_GRANT): what it granted (entries,
 * active) and what it mapped (maptrack).  An operation needs the granter's half and the mapper's
 * half, one after the other, never both locks at once.
 */
#ifndef IPC_GRANT_PRIV_H
#define IPC_GRANT_PRIV_H

#include <mica/errno.h>
#include "cpu/lock.h"
#include "cpu/log.h"
#include "ipc/grant.h"
#include "mm/hvmap.h"

#define V1_PER_FRAME		(PAGE_SIZE / sizeof(struct grant_entry_v1))
#define V2_PER_FRAME		(PAGE_SIZE / sizeof(union grant_entry_v2))
#define STATUS_PER_FRAME	(PAGE_SIZE / sizeof(grant_status_t))
#define ACTIVE_PER_PAGE		(PAGE_SIZE / sizeof(struct active))
#define TRACK_PER_PAGE		(PAGE_SIZE / sizeof(struct maptrack))
#define MAX_FRAMES_LIMIT	4096
#define MAX_TRACK_LIMIT		8192

/*
 * Who uses a reference now.  While readers + writers > 0 the frame, the user and the part are
 * fixed, whatever the guest writes into the entry meanwhile.
 */
struct active {
	union {
		uint32_t uses;			/* 0: idle */
		struct { uint16_t readers, writers; };	/* mappings and copies under way */
	};
	uint32_t mfn;
	domid_t user;
	uint16_t off, len;		/* len PAGE_SIZE: all of it; less: copies only */
	uint16_t _pad;
};
_Static_assert(sizeof(struct active) == 16, "struct active");

/* maptrack.word: GNTMAP_* bits 0-4 as mapped, the grant's reference from bit 8 on, and */
#define TRACK_LIVE		0x40	/* in use; without it, next free handle is in .mfn */
#define TRACK_BUSY		0x80	/* somebody is unmapping it */
#define TRACK_REF_SHIFT		8

/*
 *   free --map--> LIVE --unmap--> LIVE|BUSY --flush--> free
 *
 * word is atomic: who sets BUSY by cmpxchg has the entry for himself, and peer and mfn are there
 * before LIVE is.  A live entry holds: a reference on the peer domain, one reader or writer of its
 * grant, and on the frame a reference (read-only) or a writable use.  The page-table entry has its
 * own.
 */
struct maptrack {
	struct domain *peer;
	uint32_t mfn;
	uint32_t word;
};
_Static_assert(sizeof(struct maptrack) == 16, "struct maptrack");

#define NO_HANDLE		(~0u)

struct grant_table {
	struct spinlock lock;		/* RANK_GRANT, guards everything here but live mappings */
	uint8_t version, max_version;	/* 1 or 2 */
	bool dying;
	/* what this domain granted */
	unsigned nr_frames, max_frames;
	uint32_t nr_refs;		/* as many as nr_frames hold */
	unsigned nr_status;
	void **frame;			/* pages shared with the guest, max_frames pointers */
	grant_status_t **status;	/* version 2 only */
	struct active **active;		/* ACTIVE_PER_PAGE references each, made on first use */
	unsigned nr_active;		/* length of that array */
	/* what this domain mapped */
	struct maptrack **track;	/* made on first mapping */
	unsigned nr_track, max_track;	/* pages; the first only grows, read without lock */
	uint32_t free_handle;		/* head of the free list */
};

#define MARKS			(GTF_reading | GTF_writing)

#define ONE_READER		1u	/* active.uses */
#define ONE_WRITER		(1u << 16)

/* grant.c, all with gt->lock held. */
/* nr_frames or the version changed. */
void grant_count_refs(struct grant_table *gt);
/* The entry's {flags, domid} word; @ref is below nr_refs. */
uint32_t *grant_word(struct grant_table *gt, uint32_t ref);
/* The use counts of @ref, made if they are not there; NULL: no memory. */
struct active *active_of(struct grant_table *gt, uint32_t ref);
/* grant_pin, grant_unpin for entries of version 2 or in use by others too, and for refusals. */
int grant_pin_other(struct grant_table *gt, uint32_t ref, domid_t user, bool write,
		    const struct active **out);
void grant_unpin_other(struct grant_table *gt, uint32_t ref, bool write);

/* An entry of version 1 that nobody uses and that allows @user to use it (for writing): marked, as in use.
 * NULL: it is not one of those, or not allowed. */
static always_inline struct grant_entry_v1 *grant_mark_idle(struct grant_table *gt, uint32_t ref,
							    domid_t user, bool write, struct active **a)
{
	const uint32_t asked = ~0xffffu | GTF_type_mask | (write ? GTF_readonly : 0);
	struct active *page = likely(ref < gt->nr_refs) ? gt->active[ref / ACTIVE_PER_PAGE] : NULL;
	struct grant_entry_v1 *e;
	uint32_t *word, now;

	if (unlikely(!page || gt->version != 1))
		return NULL;
	*a = page + ref % ACTIVE_PER_PAGE;
	e = (struct grant_entry_v1 *)gt->frame[ref / V1_PER_FRAME] + ref % V1_PER_FRAME;
	word = (uint32_t *)e;
	now = atomic_read(word);
	if (unlikely((*a)->uses || (now & asked) != ((uint32_t)user << 16 | GTF_permit_access) ||
		     !atomic_cmpxchg(word, &now, now | (write ? MARKS : GTF_reading))))
		return NULL;
	return e;
}

/*
 * Pin: may @user use reference @ref (for writing)?  Marks the entry; *out says which frame, and does
 * not change while the pin lasts.  GNTST_*.  No reference on the frame is taken.
 */
static always_inline int grant_pin(struct grant_table *gt, uint32_t ref, domid_t user, bool write,
				   const struct active **out)
{
	struct active *a;
	const struct grant_entry_v1 *e = grant_mark_idle(gt, ref, user, write, &a);

	if (unlikely(!e))
		return grant_pin_other(gt, ref, user, write, out);
	a->uses = write ? ONE_WRITER : ONE_READER;
	a->user = user;
	a->mfn = read_once(e->frame);
	a->off = 0;
	a->len = PAGE_SIZE;
	*out = a;
	return GNTST_okay;
}

static always_inline void grant_unpin(struct grant_table *gt, uint32_t ref, bool write)
{
	struct active *a = &gt->active[ref / ACTIVE_PER_PAGE][ref % ACTIVE_PER_PAGE];
	struct grant_entry_v1 *e;

	if (unlikely(gt->version != 1 || ref >= gt->nr_refs ||
		     a->uses != (write ? ONE_WRITER : ONE_READER))) {
		grant_unpin_other(gt, ref, write);
		return;
	}
	a->uses = 0;
	e = (struct grant_entry_v1 *)gt->frame[ref / V1_PER_FRAME] + ref % V1_PER_FRAME;
	atomic_and(&e->flags, (uint16_t)~MARKS);
}

/* No lock needed.  Existence, or a writable use, of a frame of @owner's.  0, -EINVAL, -EBUSY,
 * RESTART. */
static always_inline int grant_take_frame(mfn_t m, const struct memspace *owner, bool write,
					  struct scan *s)
{
	if (!frame_valid(m) || owner->dying)
		return refuse(-EINVAL, "grant: frame %lx of d%u", m.n, owner->id);
	if (write)
		return frame_take(frame_of(m), owner, KIND_WRITABLE, s);
	if (frame_get(frame_of(m), owner))
		return 0;
	return refuse(-EINVAL, "grant: frame %lx is not d%u's", m.n, owner->id);
}

static always_inline void grant_drop_frame(mfn_t m, bool write)
{
	if (write)
		frame_drop(frame_of(m), KIND_WRITABLE);
	else
		frame_put(frame_of(m));
}

/* grant_copy.c.  drop: lets go of all that @e, which has a peer, holds: the destination (@write) or the
 * source. */
void copy_end_init(struct copy_end *e);
void copy_end_drop(struct copy_end *e, bool write);

/* grant_map.c.  0 or RESTART. */
int maptrack_teardown(struct domain *d);
void maptrack_destroy(struct grant_table *gt);
struct audit;
void maptrack_audit(struct grant_table *gt, struct audit *a);
unsigned maptrack_count(struct grant_table *gt);

#endif
