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
	uint32_t mfn;
	domid_t user;
	uint16_t readers, writers;	/* mappings and copies under way */
	uint16_t off, len;		/* len PAGE_SIZE: all of it; less: copies only */
	uint16_t _pad;
};
_Static_assert(sizeof(struct active) == 16, "struct active");

/* maptrack.flags: GNTMAP_* bits 0-4 as mapped, and */
#define TRACK_LIVE		0x40	/* in use; without it, next free handle is in .mfn */
#define TRACK_BUSY		0x80	/* somebody is mapping or unmapping it */

/*
 *   free --map--> LIVE|BUSY --> LIVE --unmap--> LIVE|BUSY --flush--> free
 * A live entry holds: a reference on the peer domain, one reader or writer of its grant, and on the
 * frame a reference (read-only) or a writable use.  The page-table entry has its own.
 */
struct maptrack {
	struct domain *peer;
	uint32_t mfn;
	uint32_t ref : 24, flags : 8;
};
_Static_assert(sizeof(struct maptrack) == 16, "struct maptrack");

#define NO_HANDLE		(~0u)

struct grant_table {
	struct spinlock lock;		/* RANK_GRANT, guards everything here */
	uint8_t version, max_version;	/* 1 or 2 */
	bool dying;
	/* what this domain granted */
	unsigned nr_frames, max_frames;
	unsigned nr_status;
	void **frame;			/* pages shared with the guest, max_frames pointers */
	grant_status_t **status;	/* version 2 only */
	struct active **active;		/* ACTIVE_PER_PAGE references each, made on first use */
	unsigned nr_active;		/* length of that array */
	/* what this domain mapped */
	struct maptrack **track;	/* made on first mapping */
	unsigned nr_track, max_track;	/* pages */
	uint32_t free_handle;		/* head of the free list */
};

/* What an accepted pin gives. */
struct grant_hold {
	mfn_t m;
	uint16_t off, len;
};

#define MARKS			(GTF_reading | GTF_writing)

static inline bool active_idle(const struct active *a)
{
	return !a->readers && !a->writers;
}

/* grant.c, all with gt->lock held. */
unsigned grant_nr_refs(const struct grant_table *gt);
/* The entry's {flags, domid} word; @ref is below grant_nr_refs. */
uint32_t *grant_word(struct grant_table *gt, uint32_t ref);
/* The use counts of @ref, made if they are not there; NULL: no memory. */
struct active *active_of(struct grant_table *gt, uint32_t ref);
/* Pin: may @user use reference @ref (for writing), and which frame is it?
 * Marks the entry.  GNTST_*.  No reference on the frame is taken. */
int16_t grant_pin(struct grant_table *gt, uint32_t ref, domid_t user, bool write, bool whole,
		  struct grant_hold *out);
void grant_unpin(struct grant_table *gt, uint32_t ref, bool write);

/* grant.c, no lock needed.  Existence, or a writable use, of a frame of @owner's.  0, -EINVAL,
 * -EBUSY, RESTART. */
int grant_take_frame(mfn_t m, const struct memspace *owner, bool write, struct scan *s);
void grant_drop_frame(mfn_t m, bool write);

/* grant_map.c.  0 or RESTART. */
int maptrack_teardown(struct domain *d);
void maptrack_destroy(struct grant_table *gt);
struct audit;
void maptrack_audit(struct grant_table *gt, struct audit *a);
unsigned maptrack_count(struct grant_table *gt);

#endif
