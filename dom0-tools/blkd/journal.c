/* SPDX-License-Identifier: BSD-2-Clause */
/* The record of requests in flight; journal.h has the state machine.  One thread writes. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "blkd/journal.h"

void (*journal_step)(const char *step);

static void step(const char *name)
{
	if (journal_step)
		journal_step(name);
}

static void store(uint32_t *to, uint32_t value)
{
	__atomic_store_n(to, value, __ATOMIC_RELEASE);
}

static uint32_t load(const uint32_t *from)
{
	return __atomic_load_n(from, __ATOMIC_ACQUIRE);
}

void journal_begin(struct journal *j, const struct blk_rings *rings, uint32_t entries)
{
	store(&j->connected, 0);
	j->magic = JOURNAL_MAGIC;
	j->version = JOURNAL_VERSION;
	j->flush_lost = 0;
	j->rings = *rings;
	for (unsigned i = 0; i < rings->nr_queues; i++) {
		struct journal_queue *q = &j->queue[i];

		q->req_cons = 0;
		q->entries = entries;
		for (unsigned s = 0; s < entries; s++)
			q->slot[s].state = SLOT_FREE;
	}
	store(&j->connected, 1);
}

bool journal_fits(const struct journal *j, const struct blk_rings *rings, uint32_t entries)
{
	if (j->magic != JOURNAL_MAGIC || j->version != JOURNAL_VERSION || !load(&j->connected))
		return false;
	if (memcmp(&j->rings, rings, sizeof(*rings)))
		return false;
	for (unsigned i = 0; i < rings->nr_queues; i++)
		if (j->queue[i].entries != entries)
			return false;
	return true;
}

void journal_end(struct journal *j)
{
	store(&j->connected, 0);
}

struct journal_slot *journal_take(struct journal_queue *q, uint32_t index,
				  const struct blkif_request *req)
{
	/* Where it would be if all were answered in order; free in nearly every case. */
	for (uint32_t i = 0; i < q->entries; i++) {
		struct journal_slot *slot = &q->slot[(index + i) & (q->entries - 1)];

		if (slot->state != SLOT_FREE)
			continue;
		step("take");
		slot->index = index;
		slot->request = *req;
		step("record");
		store(&slot->state, SLOT_TAKEN);
		step("count");
		store(&q->req_cons, index + 1);
		step("taken");
		return slot;
	}
	return NULL;
}

void journal_answer(struct journal_slot *slot, uint32_t rsp_index, int32_t status)
{
	step("done");
	slot->rsp_index = rsp_index;
	slot->status = status;
	step("status");
	store(&slot->state, SLOT_ANSWERED);
	step("answered");
}

void journal_free(struct journal_slot *slot)
{
	step("free");
	store(&slot->state, SLOT_FREE);
}

enum slot_verdict journal_verdict(const struct journal_queue *q, const struct journal_slot *slot,
				  uint32_t rsp_prod)
{
	switch (load(&slot->state)) {
	case SLOT_TAKEN:
		return (int32_t)(slot->index - q->req_cons) < 0 ? VERDICT_REPLAY : VERDICT_FORGET;
	case SLOT_ANSWERED:
		return (int32_t)(slot->rsp_index - rsp_prod) < 0 ? VERDICT_FORGET : VERDICT_ANSWER;
	default:
		return VERDICT_FORGET;
	}
}

int journal_recover(struct journal_queue *q, uint32_t rsp_prod)
{
	uint32_t open = 0;

	for (uint32_t i = 0; i < q->entries; i++) {
		if (journal_verdict(q, &q->slot[i], rsp_prod) == VERDICT_FORGET)
			store(&q->slot[i].state, SLOT_FREE);
		else
			open++;
	}
	return open == q->req_cons - rsp_prod ? 0 : -EPROTO;
}
