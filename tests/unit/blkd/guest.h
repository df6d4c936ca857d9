/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest at the rings of one disk, and an engine that the test holds back. */
#ifndef UNIT_BLKD_GUEST_H
#define UNIT_BLKD_GUEST_H

#include "world.h"

#define IMAGE_BYTES	(4u << 20)
#define DATA_REF	128u

static struct blk_front front[4];
static struct blk_rings rings;
static int image;

__attribute__((unused)) static void start(const struct engine_ops *ops, unsigned queues, unsigned pages, bool persistent)
{
	world_start();
	image = temp_image(IMAGE_BYTES);
	rings = rings_at(queues, pages, persistent);
	for (unsigned q = 0; q < queues; q++) {
		void *ring = guest_page(rings.ref[q][0]);

		memset(ring, 0, pages * PAGE);
		blk_front_attach(&front[q], ring, pages * PAGE, NULL);
	}
	disk_begin(ops, image, IMAGE_BYTES);
	assert_int_equal(disk_connect(&disk, &rings, false), 0);
}

__attribute__((unused)) static void stop(void)
{
	disk_finish();
	close(image);
	world_end();
}

__attribute__((unused)) static void put(unsigned q, const struct blkif_request *r)
{
	assert_true(blk_front_put(&front[q], r));
}

__attribute__((unused)) static void ring_bell(unsigned q)
{
	blk_front_push(&front[q]);
	disk_event(&disk, rings.port[q] + 1);
}

__attribute__((unused)) static int status_of(unsigned q, uint64_t *id)
{
	struct blkif_response rsp;

	assert_int_equal(blk_front_take(&front[q], &rsp), 1);
	if (id)
		*id = rsp.id;
	return rsp.status;
}

/* Ask for one thing and have its status. */
__attribute__((unused)) static int ask(const struct blkif_request *r)
{
	uint64_t id;
	int status;

	put(0, r);
	ring_bell(0);
	disk_settle();
	status = status_of(0, &id);
	assert_int_equal(id, r->id);
	return status;
}

__attribute__((unused)) static void fill(uint32_t ref, uint8_t with)
{
	memset(guest_page(ref), with, PAGE);
}

__attribute__((unused)) static void image_has(uint64_t offset, uint8_t byte, unsigned bytes)
{
	uint8_t data[PAGE];

	assert_int_equal(pread(image, data, bytes, (off_t)offset), bytes);
	for (unsigned i = 0; i < bytes; i++)
		assert_int_equal(data[i], byte);
}

__attribute__((unused)) static struct blkif_request indirect_request(uint8_t op, uint64_t id, uint64_t sector, unsigned n,
					     uint32_t list, uint32_t first)
{
	struct blkif_request_indirect in = { .operation = BLKIF_OP_INDIRECT, .indirect_op = op,
		.nr_segments = (uint16_t)n, .id = id, .sector_number = sector,
		.indirect_grefs = { list } };
	struct blkif_request_segment *seg = (void *)guest_page(list);
	struct blkif_request r;

	for (unsigned i = 0; i < n; i++)
		seg[i] = (struct blkif_request_segment){ .gref = first + i, .last_sect = 7 };
	memset(&r, 0, sizeof(r));
	memcpy(&r, &in, sizeof(in));
	return r;
}

/* --- order: an engine that the test holds back --- */

static struct xfer *pending[64];
static unsigned nr_pending;

__attribute__((unused)) static int slow_start(struct engine *e)
{
	nr_pending = 0;
	e->fd = open("/dev/null", O_RDONLY);
	return 0;
}

__attribute__((unused)) static int slow_submit(struct engine *e, struct xfer *x)
{
	pending[nr_pending++] = x;
	return 0;
}

__attribute__((unused)) static void slow_nothing(struct engine *e)
{
}

__attribute__((unused)) static void slow_stop(struct engine *e)
{
	close(e->fd);
}

__attribute__((unused)) static const struct engine_ops slow = {
	.kind = ENGINE_THREADS, .start = slow_start, .submit = slow_submit, .kick = slow_nothing,
	.reap = slow_nothing, .stop = slow_stop,
};

__attribute__((unused)) static void finish(unsigned i, int rc)
{
	struct xfer *x = pending[i];

	pending[i] = pending[--nr_pending];
	x->done(x, rc);
	disk_run(&disk);
}

#endif
