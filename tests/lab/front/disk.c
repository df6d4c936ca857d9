/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk: blkif over the ring kit, and the checks an honest front end can make of its back end.
 *
 * A page is lent for one request and taken back when that is answered; a back end that still
 * uses it then is counted (kept), and so are answers to nothing (strange).  With persistent grants
 * all pages are lent as long as the disk is connected, and the back end keeps them mapped.
 */
#include "front.h"
#include "../guest/con.h"
#include "../guest/xs.h"
#include "event.h"
#include "mm.h"
#include "print.h"

#define SECTORS_PER_PAGE	(PAGE_BYTES / 512)

struct disk disks[2];
unsigned nr_disks;

/* --- patterns --- */

static uint64_t mix(uint64_t x)
{
	x ^= x >> 31;
	x *= 0x9e3779b97f4a7c15ull;
	return x ^ x >> 29;
}

void block_fill(void *to, uint64_t seed, uint64_t sector, uint64_t generation)
{
	uint64_t *word = to, base = mix(seed) + mix(sector) * 3 + mix(generation) * 7;

	word[0] = sector;
	word[1] = generation;
	for (unsigned i = 2; i < 64; i++)
		word[i] = mix(base + i);
}

bool block_is(const void *at, uint64_t seed, uint64_t sector, uint64_t generation)
{
	uint64_t want[64];

	block_fill(want, seed, sector, generation);
	return !memcmp(at, want, sizeof(want));
}

/* --- requests --- */

static unsigned page_of(const struct call *c, unsigned i)
{
	return (c->first + i) % DISK_PAGES;
}

static struct blkif_request_segment segment(const struct disk *d, const struct call *c, unsigned i)
{
	return (struct blkif_request_segment){
		.gref = d->ref[page_of(c, i)],
		.first_sect = i ? 0 : c->first_sect,
		.last_sect = i + 1 < c->pages ? SECTORS_PER_PAGE - 1 : c->last_sect,
	};
}

static void build_indirect(struct disk *d, const struct call *c, struct blkif_request *raw)
{
	struct blkif_request_segment *list = (void *)d->list;
	struct blkif_request_indirect in = {
		.operation = BLKIF_OP_INDIRECT, .indirect_op = c->op,
		.nr_segments = (uint16_t)c->pages, .id = raw->id, .sector_number = c->sector,
		.handle = (blkif_vdev_t)d->dev.handle, .indirect_grefs = { d->list_ref },
	};

	for (unsigned i = 0; i < c->pages; i++)
		list[i] = segment(d, c, i);
	if (!d->persistent)
		ref_give(d->list_ref, d->list, GTF_readonly);
	memcpy(raw, &in, sizeof(in));
}

static void build(struct disk *d, const struct call *c, struct blkif_request *raw)
{
	raw->operation = c->op;
	raw->handle = (blkif_vdev_t)d->dev.handle;
	raw->sector_number = c->sector;
	if (c->op == BLKIF_OP_DISCARD) {
		struct blkif_request_discard out = {
			.operation = c->op, .handle = raw->handle, .id = raw->id,
			.sector_number = c->sector, .nr_sectors = c->sectors,
		};

		memcpy(raw, &out, sizeof(out));
		return;
	}
	/* A back end reads the page of a write, and no more. */
	for (unsigned i = 0; i < c->pages && !d->persistent; i++)
		ref_give(d->ref[page_of(c, i)], d->page[page_of(c, i)],
			 c->op == BLKIF_OP_READ ? 0 : GTF_readonly);
	if (c->pages > BLKIF_MAX_SEGMENTS_PER_REQUEST) {
		build_indirect(d, c, raw);
		return;
	}
	raw->nr_segments = (uint8_t)c->pages;
	for (unsigned i = 0; i < c->pages; i++)
		raw->seg[i] = segment(d, c, i);
}

bool disk_send(struct disk *d, struct call *c)
{
	struct blkif_request raw;
	uint64_t id;

	if (!blk_front_room(&d->ring) || mica_ids_take(&d->ids, &id))
		return false;
	memset(&raw, 0, sizeof(raw));
	raw.id = id;
	c->done = false;
	build(d, c, &raw);
	d->call[mica_ids_lookup(&d->ids, id)] = c;
	blk_front_put(&d->ring, &raw);
	return true;
}

static void end_call(struct disk *d, struct call *c)
{
	if (d->persistent)
		return;
	for (unsigned i = 0; i < c->pages; i++)
		d->kept += !ref_take(d->ref[page_of(c, i)]);
	if (c->pages > BLKIF_MAX_SEGMENTS_PER_REQUEST)
		d->kept += !ref_take(d->list_ref);
}

static void disk_pump(struct dev *dev)
{
	struct disk *d = (struct disk *)dev;
	struct blkif_response rsp;

	do {
		while (blk_front_take(&d->ring, &rsp) == 1) {
			int64_t i = mica_ids_return(&d->ids, rsp.id);

			if (i < 0) {
				d->strange++;
				continue;
			}
			d->call[i]->status = rsp.status;
			d->call[i]->done = true;
			end_call(d, d->call[i]);
		}
	} while (!blk_front_dead(&d->ring) && blk_front_more(&d->ring));
}

static bool call_done(void *ctx)
{
	return ((struct call *)ctx)->done;
}

int disk_do(struct disk *d, struct call *c)
{
	if (!disk_send(d, c)) {
		bad("%s: no room for a request", d->dev.dir);
		return 1;
	}
	blk_front_push(&d->ring);
	if (wait_until(call_done, c, LONG_S))
		return c->status;
	bad("%s: no answer to operation %u at sector %lu", d->dev.dir, c->op, c->sector);
	return 1;
}

/* --- the device --- */

/* Before the back end may look: it maps them when it first meets them. */
static void lend_for_good(struct disk *d)
{
	for (unsigned i = 0; i < DISK_PAGES; i++)
		ref_give(d->ref[i], d->page[i], 0);
	ref_give(d->list_ref, d->list, 0);
}

static int disk_publish(struct dev *dev)
{
	struct disk *d = (struct disk *)dev;
	struct mica_bell bell = { .ring = port_ring };
	unsigned most = (unsigned)xs_read_number(dev->back, "max-ring-page-order", 0);
	unsigned order = d->ring_order < most ? d->ring_order : most;
	char key[16];

	for (unsigned i = 0; i < DISK_RING_PAGES; i++)
		if (!ref_take(d->ring_ref[i]))
			return -EAGAIN;
	for (unsigned i = 0; i < DISK_PAGES; i++)
		if (!ref_take(d->ref[i]))
			return -EAGAIN;
	if (!ref_take(d->list_ref))
		return -EAGAIN;
	d->ring_pages = 1u << order;
	d->persistent = d->wants_persistent && xs_read_number(dev->back, "feature-persistent", 0);
	if (d->persistent)
		lend_for_good(d);
	d->port = port_new();
	bell.port = (uint32_t)d->port;
	memset(d->ring_page, 0, DISK_RING_PAGES * PAGE_BYTES);
	blk_front_attach(&d->ring, d->ring_page, d->ring_pages * PAGE_BYTES, &bell);
	mica_ids_init(&d->ids, d->id_slot, DISK_CALLS);
	for (unsigned i = 0; i < d->ring_pages; i++) {
		ref_give(d->ring_ref[i], d->ring_page + i * PAGE_BYTES, 0);
		text_print(key, sizeof(key), order ? "ring-ref%u" : "ring-ref", i);
		xs_write_number(dev->dir, key, d->ring_ref[i]);
	}
	if (order)
		xs_write_number(dev->dir, "ring-page-order", order);
	else
		xs_remove(dev->dir, "ring-page-order");
	xs_write_number(dev->dir, "event-channel", (uint64_t)d->port);
	xs_write(dev->dir, "protocol", "x86_64-abi");
	xs_write(dev->dir, "feature-persistent", d->persistent ? "1" : "0");
	return 0;
}

static int disk_connect(struct dev *dev)
{
	struct disk *d = (struct disk *)dev;

	d->sectors = xs_read_number(dev->back, "sectors", 0);
	d->sector_bytes = (unsigned)xs_read_number(dev->back, "sector-size", 512);
	d->indirect = (unsigned)xs_read_number(dev->back, "feature-max-indirect-segments", 0);
	d->flush = xs_read_number(dev->back, "feature-flush-cache", 0);
	d->barrier = xs_read_number(dev->back, "feature-barrier", 0);
	d->discard = xs_read_number(dev->back, "feature-discard", 0);
	d->readonly = xs_read_number(dev->back, "info", 0) & VDISK_READONLY;
	return d->sectors ? 0 : -ENXIO;
}

static void disk_disconnect(struct dev *dev)
{
	struct disk *d = (struct disk *)dev;

	if (d->port)
		event_close((unsigned)d->port);
	d->port = 0;
	for (unsigned i = 0; i < DISK_RING_PAGES; i++)
		ref_take(d->ring_ref[i]);
}

static const struct dev_kind disk_kind = {
	.class = "vbd", .publish = disk_publish, .connect = disk_connect,
	.disconnect = disk_disconnect, .pump = disk_pump,
};

bool disk_open(unsigned handle, uint32_t seed)
{
	struct disk *d = &disks[nr_disks];

	if (nr_disks == 2 || !dev_open(&d->dev, &disk_kind, handle))
		return false;
	d->ring_page = pages_alloc(DISK_RING_PAGES);
	for (unsigned i = 0; i < DISK_RING_PAGES; i++)
		d->ring_ref[i] = ref_new();
	for (unsigned i = 0; i < DISK_PAGES; i++) {
		d->page[i] = page_alloc();
		d->ref[i] = ref_new();
	}
	d->seed = (uint64_t)handle << 32 | seed;
	d->list = page_alloc();
	d->list_ref = ref_new();
	nr_disks++;
	return true;
}

/* --- checks --- */

/* Block @i of its pages. */
static char *block_of(struct disk *d, const struct call *c, unsigned i)
{
	return d->page[page_of(c, i / SECTORS_PER_PAGE)] + i % SECTORS_PER_PAGE * 512;
}

/* @pages of the pattern, from page @first on. */
static void fill(struct disk *d, const struct call *c, uint64_t generation)
{
	for (unsigned i = 0; i < c->pages * SECTORS_PER_PAGE; i++)
		block_fill(block_of(d, c, i), d->seed, c->sector + i, generation);
}

static bool holds(struct disk *d, const struct call *c, uint64_t generation)
{
	for (unsigned i = 0; i < c->pages * SECTORS_PER_PAGE; i++)
		if (!block_is(block_of(d, c, i), d->seed, c->sector + i, generation))
			return bad("%s: sector %lu is not what was written", d->dev.dir,
				   c->sector + i);
	return true;
}

static bool all_well(struct disk *d, struct call *c, const char *what)
{
	int status = disk_do(d, c);

	return !status ? true : bad("%s: %s of %u pages at %lu: status %d", d->dev.dir, what,
				    c->pages, c->sector, status);
}

static void spoil(struct disk *d, const struct call *c)
{
	for (unsigned i = 0; i < c->pages; i++)
		memset(d->page[page_of(c, i)], 0x5a, PAGE_BYTES);
}

static bool reads(struct disk *d, uint64_t sector, unsigned pages, uint64_t generation)
{
	struct call c = { .op = BLKIF_OP_READ, .sector = sector, .pages = pages,
			  .first = DISK_PAGES / 2, .last_sect = SECTORS_PER_PAGE - 1 };

	spoil(d, &c);
	return all_well(d, &c, "a read") && holds(d, &c, generation);
}

static bool writes(struct disk *d, uint64_t sector, unsigned pages, uint8_t op)
{
	struct call c = { .op = op, .sector = sector, .pages = pages,
			  .last_sect = SECTORS_PER_PAGE - 1 };

	fill(d, &c, ++d->generation);
	return all_well(d, &c, op == BLKIF_OP_WRITE ? "a write" : "a barrier");
}

bool disk_holds(struct disk *d, uint64_t sector, unsigned pages)
{
	return reads(d, sector, pages, d->generation);
}

bool disk_verify(struct disk *d, uint64_t sector, unsigned pages)
{
	return writes(d, sector, pages, BLKIF_OP_WRITE) && reads(d, sector, pages, d->generation);
}

/* Sectors 3 to 5 of a page in the middle of others: nothing beside them changes. */
static bool part_of_page(struct disk *d, uint64_t sector)
{
	struct call c = { .op = BLKIF_OP_WRITE, .sector = sector + 3, .pages = 1,
			  .first_sect = 3, .last_sect = 5 };
	uint64_t before;

	if (!writes(d, sector, 1, BLKIF_OP_WRITE))
		return false;
	before = d->generation++;
	for (unsigned i = 0; i < 3; i++)
		block_fill(d->page[0] + (3 + i) * 512, d->seed, sector + 3 + i, d->generation);
	if (d->sector_bytes > 512) {		/* there is no such part of a sector */
		if (disk_do(d, &c) >= 0)
			return bad("%s: part of a sector is not refused", d->dev.dir);
		return reads(d, sector, 1, before) && ++d->generation;
	}
	if (!all_well(d, &c, "a write of three sectors"))
		return false;
	c = (struct call){ .op = BLKIF_OP_READ, .sector = sector, .pages = 1, .last_sect = 7 };
	spoil(d, &c);
	if (!all_well(d, &c, "a read"))
		return false;
	for (unsigned i = 0; i < 8; i++)
		if (!block_is(d->page[0] + i * 512, d->seed, sector + i,
			      i >= 3 && i <= 5 ? d->generation : before))
			return bad("%s: sector %lu after a write of part of its page", d->dev.dir,
				   sector + i);
	return true;
}

/* Answered in any order, each with its own data. */
static bool many_at_once(struct disk *d, uint64_t sector, uint8_t op, uint64_t generation)
{
	static struct call c[DISK_PAGES / 2];
	unsigned n = DISK_PAGES / 2 < blk_front_room(&d->ring) ? DISK_PAGES / 2 :
		blk_front_room(&d->ring);

	for (unsigned i = 0; i < n; i++) {
		c[i] = (struct call){ .op = op, .sector = sector + i * SECTORS_PER_PAGE, .pages = 1,
				      .first = i, .last_sect = SECTORS_PER_PAGE - 1 };
		if (op == BLKIF_OP_WRITE)
			fill(d, &c[i], generation);
		else
			spoil(d, &c[i]);
		if (!disk_send(d, &c[i]))
			return bad("%s: no room for request %u of %u", d->dev.dir, i, n);
	}
	blk_front_push(&d->ring);
	for (unsigned i = 0; i < n; i++) {
		if (!wait_until(call_done, &c[i], LONG_S))
			return bad("%s: request %u of %u is not answered", d->dev.dir, i, n);
		if (c[i].status)
			return bad("%s: request %u of %u: status %d", d->dev.dir, i, n,
				   c[i].status);
		if (op == BLKIF_OP_READ && !holds(d, &c[i], generation))
			return false;
	}
	return true;
}

/* What a back end must refuse, with an answer, and go on. */
static bool refusals(struct disk *d)
{
	struct call beyond = { .op = BLKIF_OP_READ, .sector = d->sectors, .pages = 1,
			       .last_sect = 7 };
	struct call across = { .op = BLKIF_OP_READ, .sector = d->sectors - 4, .pages = 1,
			       .last_sect = 7 };

	if (disk_do(d, &beyond) >= 0 || disk_do(d, &across) >= 0)
		return bad("%s: sectors beyond the end are not refused", d->dev.dir);
	return true;
}

static bool optional(struct disk *d)
{
	struct call flush = { .op = BLKIF_OP_FLUSH_DISKCACHE };
	struct call discard = { .op = BLKIF_OP_DISCARD, .sector = 1024, .sectors = 128 };

	if (d->indirect >= CALL_PAGES && !disk_verify(d, 512, CALL_PAGES))
		return false;
	if (d->flush && !all_well(d, &flush, "a flush"))
		return false;
	if (d->barrier && (!writes(d, 800, 2, BLKIF_OP_WRITE_BARRIER) ||
			   !reads(d, 800, 2, d->generation)))
		return false;
	return !d->discard || all_well(d, &discard, "a discard");
}

bool disk_clean(const struct disk *d)
{
	if (d->kept || d->strange)
		return bad("%s: %u pages in use after their request, %u answers to nothing",
			   d->dev.dir, d->kept, d->strange);
	return true;
}

/* What was used once is still mapped; nobody else would know that it is taken for that. */
static bool keeps(struct disk *d)
{
	if (!d->persistent || !ref_take(d->ref[0]))
		return true;
	ref_give(d->ref[0], d->page[0], 0);
	return bad("%s: a persistent grant is not kept", d->dev.dir);
}

bool disk_orders(struct disk *d)
{
	unsigned most = (unsigned)xs_read_number(d->dev.back, "max-ring-page-order", 0);

	for (d->ring_order = 1; d->ring_order <= 4; d->ring_order++) {
		uint64_t written = ++d->generation;

		if (!dev_down(&d->dev) || !dev_up(&d->dev))
			return false;
		if (d->ring_pages != 1u << d->ring_order)
			return bad("%s: rings of order %u are not offered, only %u", d->dev.dir,
				   d->ring_order, most);
		/* More than fit in one page, and from its end to its beginning. */
		for (unsigned i = 0; i < 3; i++)
			if (!many_at_once(d, 4096, BLKIF_OP_WRITE, written) ||
			    !many_at_once(d, 4096, BLKIF_OP_READ, written))
				return false;
		say("%s: a ring of %u pages", d->dev.dir, d->ring_pages);
	}
	d->ring_order = 4;
	return disk_clean(d);
}

bool disk_check(struct disk *d)
{
	uint64_t kept, unit;

	if (!dev_up(&d->dev))
		return false;
	unit = d->sector_bytes / 512;
	for (unsigned pages = 1; pages <= BLKIF_MAX_SEGMENTS_PER_REQUEST; pages += 5)
		if (!disk_verify(d, pages * 3 / unit * unit, pages))
			return false;
	if (!disk_verify(d, d->sectors - 8, 1) || !part_of_page(d, 200) || !optional(d) ||
	    !refusals(d))
		return false;
	kept = ++d->generation;
	if (!many_at_once(d, 2048, BLKIF_OP_WRITE, kept) ||
	    !many_at_once(d, 2048, BLKIF_OP_READ, kept) || !keeps(d))
		return false;
	/* Closed and opened again it is the same disk. */
	if (!dev_down(&d->dev) || !dev_up(&d->dev) || !reads(d, 2048, 4, kept))
		return false;
	say("%s: %lu sectors (%u bytes), ring of %u page%s, persistent %u, indirect %u, flush %u, "
	    "barrier %u, discard %u", d->dev.dir, d->sectors, d->sector_bytes, d->ring_pages, d->ring_pages > 1 ? "s" : "", d->persistent, d->indirect,
	    d->flush, d->barrier, d->discard);
	return disk_clean(d);
}
