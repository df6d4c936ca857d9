/* SPDX-License-Identifier: MIT */
/*
 * Ids for requests under way.  An id is the number of a slot and, above it, how often that
 * slot has been used: a response that names a request twice, or one that was answered long
 * ago, or none at all, is told apart from a good one without believing a bit of it.
 *
 *	free --take()--> busy --give_back()--> free, generation + 1
 *
 * Slots are the caller's, one per request that can be open.  One thread at a time.
 */
#ifndef MICA_IDS_H
#define MICA_IDS_H

#include <stdint.h>
#include <mica/errno.h>

#define MICA_ID_BUSY	0xffffffffu	/* mica_id_slot.next of a slot in use */
#define MICA_ID_LAST	0xfffffffeu	/* end of the free list */
#define MICA_ID_GENERATIONS	0x7fffffffu	/* bit 63 of an id is the protocol's to use */

struct mica_id_slot {
	uint32_t generation;	/* of the id in use, or of the next; 1 to MICA_ID_GENERATIONS */
	uint32_t next;		/* free slot after this one, MICA_ID_* */
};

struct mica_ids {
	struct mica_id_slot *slots;
	uint32_t count;
	uint32_t free;		/* first free slot or MICA_ID_LAST */
	uint32_t busy;		/* how many are in use */
	uint32_t _pad;
};

/* @count slots, below MICA_ID_LAST. */
static inline void mica_ids_init(struct mica_ids *ids, struct mica_id_slot *slots, uint32_t count)
{
	ids->slots = slots;
	ids->count = count;
	ids->free = count ? 0 : MICA_ID_LAST;
	ids->busy = 0;
	ids->_pad = 0;
	for (uint32_t i = 0; i < count; i++) {
		slots[i].generation = 1;
		slots[i].next = i + 1 < count ? i + 1 : MICA_ID_LAST;
	}
}

/* A new id, never 0.  -> 0, -EBUSY: all are in use. */
static inline int mica_ids_take(struct mica_ids *ids, uint64_t *id)
{
	uint32_t i = ids->free;

	if (i == MICA_ID_LAST)
		return -EBUSY;
	ids->free = ids->slots[i].next;
	ids->slots[i].next = MICA_ID_BUSY;
	ids->busy++;
	*id = (uint64_t)ids->slots[i].generation << 32 | i;
	return 0;
}

/*
 * The slot of an id the peer sent, an index for the caller's own array.
 * -ENOENT: no id of ours; -EEXIST: one that was given back before (doubled or stale).
 */
static inline int64_t mica_ids_lookup(const struct mica_ids *ids, uint64_t id)
{
	uint32_t i = (uint32_t)id, generation = (uint32_t)(id >> 32);

	if (i >= ids->count || generation == 0 || generation > ids->slots[i].generation)
		return -ENOENT;
	if (generation < ids->slots[i].generation)
		return -EEXIST;
	return ids->slots[i].next == MICA_ID_BUSY ? (int64_t)i : -ENOENT;
}

/* lookup() and free.  Generations begin anew after 2^31 - 1 uses of one slot. */
static inline int64_t mica_ids_return(struct mica_ids *ids, uint64_t id)
{
	int64_t i = mica_ids_lookup(ids, id);

	if (i < 0)
		return i;
	ids->busy--;
	if (ids->slots[i].generation++ == MICA_ID_GENERATIONS)
		ids->slots[i].generation = 1;
	ids->slots[i].next = ids->free;
	ids->free = (uint32_t)i;
	return i;
}

#endif /* MICA_IDS_H */
