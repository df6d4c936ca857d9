/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk's front end in the simulated world.  Each of its slots writes a place of its own on the disk
 * with a pattern that says where and when, and reads it again: what was acknowledged must be there,
 * whatever happened in between.  Direct and indirect requests, barriers, flushes and discards; one to
 * three rings of one to four pages, with or without persistent grants, as the seed has it.
 */
#include <errno.h>
#include <string.h>

#include "sim_disk.h"

#define TRIES	6			/* of a request that fails */

static struct sim_front *front_of(struct front *f)
{
	return (struct sim_front *)f;
}

static uint32_t queue_of(const struct sim_front *f, unsigned slot)
{
	return slot % f->queues;
}

/* --- data --- */

static void fill(const struct sim_front *f, unsigned slot, uint64_t generation)
{
	uint64_t *word = f->slot[slot].data;
	unsigned words = f->slot[slot].pages * 4096 / 8;

	for (unsigned i = 0; i < words; i++)
		word[i] = generation ? (slot + 1) * 0x9e3779b97f4a7c15ull ^ generation << 20 ^ i : 0;
}

static bool holds(const struct sim_front *f, unsigned slot, uint64_t generation)
{
	const uint64_t *word = f->slot[slot].data;
	unsigned words = f->slot[slot].pages * 4096 / 8;

	for (unsigned i = 0; i < words; i++)
		if (word[i] != (generation ? (slot + 1) * 0x9e3779b97f4a7c15ull ^ generation << 20 ^ i : 0))
			return false;
	return true;
}

/* --- requests --- */

static struct blkif_request_segment segment(const struct sim_slot *s, unsigned i)
{
	return (struct blkif_request_segment){ .gref = s->ref[i], .last_sect = 7 };
}

static void build(struct sim_front *f, unsigned slot, struct blkif_request *raw)
{
	struct sim_slot *s = &f->slot[slot];
	uint64_t sector = slot * SIM_SLOT_SECTORS;

	memset(raw, 0, sizeof(*raw));
	raw->operation = s->op;
	raw->id = s->id;
	raw->sector_number = sector;
	if (s->op == BLKIF_OP_DISCARD) {
		struct blkif_request_discard out = { .operation = s->op, .id = s->id,
			.sector_number = sector, .nr_sectors = s->pages * 8 };

		memcpy(raw, &out, sizeof(out));
	} else if (s->op != BLKIF_OP_FLUSH_DISKCACHE && s->pages > BLKIF_MAX_SEGMENTS_PER_REQUEST) {
		struct blkif_request_indirect in = { .operation = BLKIF_OP_INDIRECT,
			.indirect_op = s->op, .nr_segments = (uint16_t)s->pages, .id = s->id,
			.sector_number = sector, .indirect_grefs = { f->list_ref } };
		struct blkif_request_segment *list = f->list;

		for (unsigned i = 0; i < s->pages; i++)
			list[i] = segment(s, i);
		memcpy(raw, &in, sizeof(in));
	} else if (s->op != BLKIF_OP_FLUSH_DISKCACHE) {
		raw->nr_segments = (uint8_t)s->pages;
		for (unsigned i = 0; i < s->pages; i++)
			raw->seg[i] = segment(s, i);
	}
}

static void send(struct sim_front *f, unsigned slot)
{
	struct sim_slot *s = &f->slot[slot];
	struct blkif_request raw;

	s->since_ns = f->front.end.io->ops->now_ns(f->front.end.io);
	if (s->op == BLKIF_OP_READ)
		memset(s->data, 0x5a, s->pages * 4096u);
	else if (s->op == BLKIF_OP_WRITE || s->op == BLKIF_OP_WRITE_BARRIER)
		fill(f, slot, s->wanted);
	build(f, slot, &raw);
	blk_front_put(&f->rings.ring[queue_of(f, slot)], &raw);
}

/* What slot @slot does in its turn @s->turn: what was written is always read next. */
static uint8_t next_op(const struct sim_slot *s, unsigned slot)
{
	if (s->turn % 2)
		return BLKIF_OP_READ;
	if (slot == 6 && s->turn % 4 == 2)
		return BLKIF_OP_DISCARD;
	if (slot == 5 && s->turn % 4 == 2)
		return BLKIF_OP_FLUSH_DISKCACHE;
	/* There is no indirect barrier. */
	return slot == 4 && s->turn % 4 == 2 ? BLKIF_OP_WRITE_BARRIER : BLKIF_OP_WRITE;
}

static void ask(struct sim_front *f, unsigned slot)
{
	struct sim_slot *s = &f->slot[slot];
	uint64_t id;

	if (s->busy || f->asked == f->total || !blk_front_room(&f->rings.ring[queue_of(f, slot)]) ||
	    mica_ids_take(&f->ids, &id))
		return;
	s->id = id;
	s->op = next_op(s, slot);
	s->busy = true;
	s->tries = 0;
	if (s->op == BLKIF_OP_WRITE || s->op == BLKIF_OP_WRITE_BARRIER)
		s->wanted = ++f->generation;
	else if (s->op == BLKIF_OP_DISCARD)
		s->wanted = 0;
	f->asked++;
	send(f, slot);
}

static struct sim_slot *slot_of(struct sim_front *f, uint64_t id)
{
	for (unsigned i = 0; i < SIM_SLOTS; i++)
		if (f->slot[i].busy && f->slot[i].id == id)
			return &f->slot[i];
	return NULL;
}

/* False: no more of this ring. */
static bool answered(struct sim_front *f, const struct blkif_response *rsp)
{
	int64_t known = mica_ids_lookup(&f->ids, rsp->id);
	struct sim_slot *s = slot_of(f, rsp->id);
	unsigned slot = (unsigned)(s - f->slot);

	if (known < 0 || !s) {
		echo_broken(&f->front.end, known == -EEXIST ? "a request is answered twice" :
			    "an answer to nothing");
		return false;
	}
	if (rsp->status) {
		f->failed++;
		if (++s->tries < TRIES && blk_front_room(&f->rings.ring[queue_of(f, slot)])) {
			send(f, slot);
			return true;
		}
		echo_broken(&f->front.end, "the back end keeps failing a request");
		return false;
	}
	if (s->op == BLKIF_OP_READ && !holds(f, slot, s->wanted)) {
		front_wrong(&f->front, "a read brings other data than was written");
		return false;
	}
	mica_ids_return(&f->ids, rsp->id);
	s->busy = false;
	s->turn++;
	f->good++;
	return true;
}

static bool work(struct front *front)
{
	struct sim_front *f = front_of(front);
	struct blkif_response rsp;
	uint32_t queue;
	int rc;

	do {
		while ((rc = blk_fronts_take(&f->rings, &rsp, &queue)) == 1)
			if (!answered(f, &rsp))
				return false;
		if (rc < 0)
			echo_broken(&front->end, "the back end's response index is impossible");
		for (unsigned i = 0; i < SIM_SLOTS && front->end.will == MICA_BUS_UP; i++)
			ask(f, i);
		blk_fronts_push(&f->rings);
	} while (rc >= 0 && blk_fronts_more(&f->rings));
	return f->good == f->total;
}

static uint64_t oldest(const struct front *front)
{
	const struct sim_front *f = (const struct sim_front *)front;
	uint64_t at = 0;

	for (unsigned i = 0; i < SIM_SLOTS; i++)
		if (f->slot[i].busy && (!at || f->slot[i].since_ns < at))
			at = f->slot[i].since_ns;
	return at;
}

static void kick(struct front *front)
{
	struct sim_front *f = front_of(front);

	for (unsigned q = 0; q < f->queues; q++)
		mica_ring_kick(&f->rings.ring[q].end);
}

/* --- connection --- */

static int put_key(struct sim_front *f, uint32_t queue, const char *name, uint32_t pages, uint32_t page,
		   uint32_t value)
{
	char key[MICA_QUEUES_KEY], text[16];

	snprintf(text, sizeof(text), "%u", value);
	return echo_write(&f->front.end, mica_queue_key(key, f->queues, queue, name, pages, page), text);
}

static int write_keys(struct echo_end *e, void *ctx)
{
	struct sim_front *f = ctx;
	int rc = 0;

	for (uint32_t q = 0; q < f->queues && !rc; q++) {
		for (uint32_t i = 0; i < f->ring_pages && !rc; i++)
			rc = put_key(f, q, "ring-ref", f->ring_pages, i, f->ring_ref[q][i]);
		rc = rc ? rc : put_key(f, q, "event-channel", 0, 0, f->port[q]);
	}
	if (!rc && f->queues > 1)
		rc = echo_write(e, "multi-queue-num-queues", f->queues == 2 ? "2" : "3");
	if (!rc && f->ring_pages > 1)
		rc = echo_write(e, "ring-page-order", f->ring_pages == 2 ? "1" : "2");
	if (!rc && f->persistent)
		rc = echo_write(e, "feature-persistent", "1");
	return rc ? rc : echo_write(e, "protocol", "x86_64-abi");
}

static int lend_ring(struct sim_front *f, uint32_t q)
{
	struct mica_io *io = f->front.end.io;
	int rc = io->ops->lend(io, 0, f->ring_pages, true, f->ring_ref[q], &f->ring_page[q]);

	if (!rc)
		rc = io->ops->port_offer(io, 0, &f->port[q]);
	if (rc)
		return rc;
	f->bell[q] = (struct mica_bell){ .ring = front_bell, .ctx = io, .port = f->port[q] };
	blk_front_attach(&f->rings.ring[q], f->ring_page[q], f->ring_pages * 4096u, &f->bell[q]);
	return 0;
}

static int publish(struct front *front, const char **why)
{
	struct sim_front *f = front_of(front);
	struct mica_io *io = front->end.io;
	int rc = 0;

	*why = "no pages, or no event channel";
	blk_fronts_init(&f->rings, f->queues);
	for (uint32_t q = 0; q < f->queues && !rc; q++)
		rc = lend_ring(f, q);
	for (unsigned i = 0; i < SIM_SLOTS && !rc; i++)
		rc = io->ops->lend(io, 0, f->slot[i].pages, true, f->slot[i].ref, &f->slot[i].data);
	if (!rc)
		rc = io->ops->lend(io, 0, 1, false, &f->list_ref, &f->list);
	if (rc)
		return rc;
	*why = "the store refuses the front end's keys";
	return echo_transaction(&front->end, write_keys, f);
}

static void start(struct front *front)
{
	struct sim_front *f = front_of(front);

	for (unsigned i = 0; i < SIM_SLOTS; i++)
		if (f->slot[i].busy)
			send(f, i);
}

static void stop(struct front *front)
{
	struct sim_front *f = front_of(front);
	struct mica_io *io = front->end.io;

	for (uint32_t q = 0; q < f->queues; q++) {
		if (f->port[q])
			io->ops->port_close(io, f->port[q]);
		f->port[q] = 0;
		front_leave(front, &f->ring_page[q], f->ring_pages);
	}
	for (unsigned i = 0; i < SIM_SLOTS; i++)
		front_leave(front, &f->slot[i].data, f->slot[i].pages);
	front_leave(front, &f->list, 1);
}

static const struct front_ops ops = {
	.publish = publish, .start = start, .stop = stop, .work = work, .oldest = oldest, .kick = kick,
};

void sim_front_start(struct sim_front *f, struct mica_io *io, const char *kind, unsigned number,
		     uint64_t total, uint64_t seed)
{
	f->total = total;
	f->queues = 1 + (uint32_t)(seed % 3);
	f->ring_pages = 1u << seed / 3 % 3;
	f->persistent = seed / 2 % 2;
	for (unsigned i = 0; i < SIM_SLOTS; i++)
		f->slot[i].pages = i == SIM_SLOTS - 1 ? 12 : 1 + i % 3;
	mica_ids_init(&f->ids, f->id_slot, SIM_SLOTS);
	front_start(&f->front, io, kind, number, &ops);
}
