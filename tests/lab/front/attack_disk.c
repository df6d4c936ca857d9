/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a disk's front end must not do: indices, requests, pages, notifications.
 *
 * Requests are put into the ring as they are, and every answer is taken here: each must come, and
 * with the status that says what it was.
 */
#include "attack.h"
#include "../guest/con.h"
#include "event.h"
#include "grant.h"
#include "hyper.h"
#include "mm.h"
#include "print.h"

#define REFUSED		1	/* any status below zero */
#define SERVED		2
#define ANY		3

static struct disk *disk;

struct dev *the_disk(void)
{
	disk = &disks[0];
	return &disk->dev;
}

/* The second one, which is attached for reading. */
static struct dev *the_readonly_disk(void)
{
	disk = &disks[1];
	return &disk->dev;
}

/* --- raw requests and answers --- */

struct wanted {
	unsigned left, how;
	bool wrong;
	int status;
};

static bool answered(void *ctx)
{
	struct wanted *w = ctx;
	struct blkif_response rsp;

	while (w->left && blk_front_take(&disk->ring, &rsp) == 1) {
		w->left--;
		if ((w->how == REFUSED && rsp.status >= 0) || (w->how == SERVED && rsp.status)) {
			w->wrong = true;
			w->status = rsp.status;
		}
	}
	return !w->left;
}

/* Publish what was put and see @n answers of that kind. */
static bool answers(unsigned n, unsigned how, const char *what)
{
	struct wanted w = { n, how, false, 0 };

	blk_front_push(&disk->ring);
	if (!wait_until(answered, &w, LONG_S))
		return bad("%s: %u of %u answers do not come", what, w.left, n);
	return w.wrong ? bad("%s: status %d", what, w.status) : true;
}

static struct blkif_request good_request(uint8_t op, uint64_t sector)
{
	struct blkif_request r = { .operation = op, .nr_segments = 1, .id = 1,
				   .sector_number = sector,
				   .seg[0] = { .gref = disk->ref[0], .last_sect = 7 } };

	ref_give(disk->ref[0], disk->page[0], 0);
	return r;
}

static bool put(const struct blkif_request *r)
{
	return blk_front_put(&disk->ring, r);
}

static struct ring_header *header(void)
{
	return disk->ring.end.shared;
}

/* --- indices --- */

static bool index_to(uint32_t by)
{
	struct blkif_request r = good_request(BLKIF_OP_READ, 0);

	for (unsigned i = 0; i < 3; i++)
		put(&r);
	if (!answers(3, SERVED, "reads before"))
		return false;
	header()->req_prod += by;
	event_send((unsigned)disk->port);
	return true;
}

static bool index_ahead(void)
{
	return index_to(1000);
}

static bool index_behind(void)
{
	return index_to(-2u);
}

/* One more than the ring holds. */
static bool index_by_one(void)
{
	return index_to(disk->ring.end.entries + 1);
}

/* The back end keeps its own indices: what is written over them changes nothing. */
static bool header_garbage(void)
{
	struct blkif_request r = good_request(BLKIF_OP_READ, 0);
	uint32_t before = disk->ring.end.cons;

	for (unsigned i = 0; i < 20; i++) {
		memset(header()->_pad, (int)i, sizeof(header()->_pad));
		header()->req_event = i * 0x1234567;
		header()->rsp_prod = before;
		put(&r);
		event_send((unsigned)disk->port);
		if (!answers(1, SERVED, "a read under garbage"))
			return false;
		before++;
	}
	return true;
}

/* Answers that nobody takes, events that nobody hears. */
static bool never_consumes(void)
{
	struct blkif_request r = good_request(BLKIF_OP_READ, 8);
	uint32_t at = header()->rsp_prod;

	port_set(shared_info->evtchn_mask, (unsigned)disk->port);
	for (unsigned round = 0; round < 4; round++) {
		uint64_t end = time_now_ns() + LONG_S * SECOND;

		for (unsigned i = 0; i < disk->ring.end.entries; i++)
			put(&r);
		blk_front_push(&disk->ring);
		event_send((unsigned)disk->port);
		at += disk->ring.end.entries;
		while (mica_shared_load(&header()->rsp_prod) != at && time_now_ns() < end)
			wait_ms(5);
		if (header()->rsp_prod != at)
			return bad("round %u: %u answers are missing", round,
				   at - header()->rsp_prod);
		disk->ring.end.cons = disk->ring.end.seen = at;	/* unread */
	}
	event_unmask((unsigned)disk->port);
	return true;
}

/* --- requests --- */

static bool segments(void)
{
	static const uint8_t sect[][2] = { { 5, 3 }, { 0, 8 }, { 0, 255 }, { 255, 255 }, { 7, 6 } };
	static const uint8_t many[] = { 0, 12, 128, 255 };
	struct blkif_request r;

	for (unsigned i = 0; i < sizeof(sect) / sizeof(sect[0]); i++) {
		r = good_request(i & 1 ? BLKIF_OP_WRITE : BLKIF_OP_READ, 0);
		r.seg[0].first_sect = sect[i][0];
		r.seg[0].last_sect = sect[i][1];
		put(&r);
	}
	for (unsigned i = 0; i < sizeof(many); i++) {
		r = good_request(BLKIF_OP_WRITE, 0);
		r.nr_segments = many[i];
		put(&r);
	}
	return answers(9, REFUSED, "segments");
}

static bool beyond(void)
{
	const uint64_t at[] = {
		disk->sectors, disk->sectors - 7, ~0ull, ~0ull - 7, 1ull << 55, (1ull << 55) + 8,
		1ull << 63, (1ull << 32) + disk->sectors, ~0ull / 512, ~0ull / 512 + 1,
	};
	struct blkif_request_discard out = { .operation = BLKIF_OP_DISCARD, .id = 2 };
	struct blkif_request r;
	unsigned n = 0;

	for (unsigned i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		r = good_request(i & 1 ? BLKIF_OP_WRITE : BLKIF_OP_READ, at[i]);
		n += put(&r);
		out.sector_number = at[i];
		out.nr_sectors = 8;
		memcpy(&r, &out, sizeof(out));
		n += put(&r);
		out.sector_number = 8;
		out.nr_sectors = i & 1 ? -8ull : at[i];
		memcpy(&r, &out, sizeof(out));
		n += i == 1 ? 0 : put(&r);
	}
	return answers(n, REFUSED, "sectors beyond the disk");
}

static bool operations(void)
{
	static const uint8_t op[] = { BLKIF_OP_RESERVED_1, 7, 8, 128, 255 };
	struct blkif_request_indirect in = { .operation = BLKIF_OP_INDIRECT, .nr_segments = 1 };
	struct blkif_request r;

	for (unsigned i = 0; i < sizeof(op); i++) {
		r = good_request(op[i], 0);
		put(&r);
		in.indirect_op = (uint8_t)(i + BLKIF_OP_WRITE_BARRIER);
		in.indirect_grefs[0] = disk->ref[0];
		memcpy(&r, &in, sizeof(in));
		put(&r);
	}
	return answers(10, REFUSED, "operations that do not exist");
}

static bool indirect(void)
{
	static const uint16_t many[] = { 0, 257, 512, 4096, 65535 };
	struct blkif_request_indirect in = { .operation = BLKIF_OP_INDIRECT };
	struct blkif_request_segment *list = (void *)disk->list;
	struct blkif_request r;
	unsigned n = 0;

	ref_give(disk->list_ref, disk->list, GTF_readonly);
	in.indirect_grefs[0] = disk->list_ref;
	for (unsigned i = 0; i < 5; i++) {
		in.nr_segments = many[i];
		memcpy(&r, &in, sizeof(in));
		n += put(&r);
	}
	/* Descriptions that are nonsense, and a list that is not there. */
	memset(list, 0xff, PAGE_BYTES);
	in.nr_segments = 200;
	memcpy(&r, &in, sizeof(in));
	n += put(&r);
	in.nr_segments = 2;
	in.indirect_grefs[0] = 0xfffffff0;
	memcpy(&r, &in, sizeof(in));
	n += put(&r);
	in.indirect_grefs[0] = 400;		/* never granted */
	memcpy(&r, &in, sizeof(in));
	n += put(&r);
	return answers(n, REFUSED, "indirect requests");
}

/* All must be answered, with the id they had. */
static bool doubled_ids(void)
{
	struct blkif_request r = good_request(BLKIF_OP_READ, 0);

	r.id = 0xdeadbeefdeadbeefull;
	for (unsigned i = 0; i < disk->ring.end.entries; i++)
		put(&r);
	return answers(disk->ring.end.entries, SERVED, "reads of one id");
}

static bool write_readonly(void)
{
	struct blkif_request_discard out = { .operation = BLKIF_OP_DISCARD, .nr_sectors = 8 };
	struct blkif_request r = good_request(BLKIF_OP_WRITE, 0);

	if (!disk->readonly)
		return bad("%s is not read-only", disk->dev.dir);
	memset(disk->page[0], 0xee, PAGE_BYTES);
	put(&r);
	r.operation = BLKIF_OP_WRITE_BARRIER;
	put(&r);
	memcpy(&r, &out, sizeof(out));
	put(&r);
	return answers(3, REFUSED, "writes to a read-only disk");
}

/* --- pages --- */

static bool bad_refs(void)
{
	static const uint32_t ref[] = { 400, 511, 512, 100000, 0x7fffffff, 0xffffffff };
	struct blkif_request r;

	for (unsigned i = 0; i < sizeof(ref) / sizeof(ref[0]); i++) {
		r = good_request(i & 1 ? BLKIF_OP_WRITE : BLKIF_OP_READ, 0);
		r.seg[0].gref = ref[i];
		put(&r);
	}
	return answers(6, REFUSED, "pages that are not granted");
}

/* A page that may only be read is not written, and a grant to somebody else is none. */
static bool readonly_page(void)
{
	struct blkif_request r = good_request(BLKIF_OP_READ, 0);

	memset(disk->page[0], 0x77, PAGE_BYTES);
	ref_give(disk->ref[0], disk->page[0], GTF_readonly);
	put(&r);
	if (!answers(1, REFUSED, "a read into a page that is lent for reading"))
		return false;
	for (unsigned i = 0; i < PAGE_BYTES; i++)
		if (disk->page[0][i] != 0x77)
			return bad("a page lent for reading was written at %u", i);
	grant_v1(disk->ref[0])->domid = 4711;
	put(&r);
	if (!answers(1, REFUSED, "a read into a page lent to another domain"))
		return false;
	return true;
}

static void spoil_grants(unsigned round)
{
	unsigned i = round % 8;

	__atomic_store_n(&grant_v1(disk->ref[i])->flags, round & 8 ? 0 : GTF_permit_access,
			 __ATOMIC_SEQ_CST);
}

static bool race_requests(void (*spoil)(unsigned), const char *what)
{
	bool well = true;

	race_begin(spoil);
	for (unsigned round = 0; round < 40 && well; round++) {
		unsigned n = 0;

		for (; n < disk->ring.end.entries; n++) {
			struct blkif_request r = good_request(n & 1 ? BLKIF_OP_WRITE :
							      BLKIF_OP_READ, 0);

			r.nr_segments = 8;
			for (unsigned i = 0; i < 8; i++) {
				ref_give(disk->ref[i], disk->page[i], 0);
				r.seg[i] = (struct blkif_request_segment){ .gref = disk->ref[i],
									   .last_sect = 7 };
			}
			put(&r);
		}
		well = answers(n, ANY, what);
	}
	race_end();
	return well;
}

static bool revoked(void)
{
	return race_requests(spoil_grants, "requests whose grants go");
}

/* What was checked must be what is done. */
static void spoil_requests(unsigned round)
{
	volatile struct blkif_request *r = (volatile struct blkif_request *)
		(disk->ring_page + RING_HEADER_BYTES + round % disk->ring.end.entries *
		 sizeof(struct blkif_request));

	r->sector_number = round & 32 ? disk->sectors * 2 : 0;
	r->nr_segments = round & 64 ? 255 : 8;
	r->seg[0].last_sect = round & 128 ? 200 : 7;
	r->seg[1].gref = round & 256 ? 0xffff : disk->ref[1];
	r->operation = round & 512 ? BLKIF_OP_WRITE : round & 1024 ? 77 : BLKIF_OP_READ;
}

static bool rewritten(void)
{
	return race_requests(spoil_requests, "requests that change");
}

/* The grants of the rings themselves, taken back by force while they are mapped. */
static bool ring_revoked(void)
{
	struct blkif_request r = good_request(BLKIF_OP_READ, 0);

	for (unsigned i = 0; i < disk->ring_pages; i++)
		__atomic_store_n(&grant_v1(disk->ring_ref[i])->flags, 0, __ATOMIC_SEQ_CST);
	put(&r);
	return answers(1, SERVED, "a read through a ring that was taken back");
}

/* --- notifications --- */

/* Until somebody types.  Many at once are one to the back end: let it have each. */
static bool storm(void)
{
	while (!con_typed()) {
		event_send((unsigned)disk->port);
		hc_sched(SCHEDOP_yield, NULL);
	}
	return true;
}

/* Never ends: for a domain that is destroyed in the middle. */
static bool flood(void)
{
	for (;;) {
		struct blkif_request r = good_request(BLKIF_OP_WRITE, 0);

		while (put(&r))
			;
		if (!answers(1, SERVED, "a flood of writes"))
			return false;
	}
}

const struct attack disk_attacks[] = {
	{ "disk-index-ahead", the_disk, index_ahead, CUT_OFF },
	{ "disk-index-behind", the_disk, index_behind, CUT_OFF },
	{ "disk-index-by-one", the_disk, index_by_one, CUT_OFF },
	{ "disk-header", the_disk, header_garbage, SERVED_ON },
	{ "disk-never-consumes", the_disk, never_consumes, SERVED_ON },
	{ "disk-segments", the_disk, segments, SERVED_ON },
	{ "disk-beyond", the_disk, beyond, SERVED_ON },
	{ "disk-operations", the_disk, operations, SERVED_ON },
	{ "disk-indirect", the_disk, indirect, SERVED_ON },
	{ "disk-doubled-ids", the_disk, doubled_ids, SERVED_ON },
	{ "disk-write-readonly", the_readonly_disk, write_readonly, SERVED_ON },
	{ "disk-bad-refs", the_disk, bad_refs, SERVED_ON },
	{ "disk-readonly-page", the_disk, readonly_page, SERVED_ON },
	{ "disk-revoked", the_disk, revoked, SERVED_ON },
	{ "disk-rewritten", the_disk, rewritten, SERVED_ON },
	{ "disk-ring-revoked", the_disk, ring_revoked, SERVED_ON },
	{ "disk-storm", the_disk, storm, SERVED_ON },
	{ "disk-flood", the_disk, flood, SERVED_ON },
	{ NULL, NULL, NULL, SERVED_ON },
};
