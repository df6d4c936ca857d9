/* unit: dom0-tools/blkd/request.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests: what is let through lies within the disk and within a page, whatever the bytes were.
 */
#include <string.h>

#include "host.h"
#include "blkd/request.h"
#include "blkd/limit.h"

static const struct blk_shape shape = { .bytes = 100 * 4096, .sector_bytes = 512, .discard = true };
static struct blk_request req;
static struct blk_piece piece[BLK_SEGMENTS];

static struct blkif_request rw(uint8_t op, uint64_t sector, unsigned n)
{
	struct blkif_request r = { .operation = op, .nr_segments = (uint8_t)n, .id = 5,
				   .sector_number = sector };

	for (unsigned i = 0; i < n && i < 11; i++)
		r.seg[i] = (struct blkif_request_segment){ .gref = 10 + i, .last_sect = 7 };
	return r;
}

static int parse(const struct blkif_request *r)
{
	return request_parse(r, &shape, &req, piece);
}

static void reads_and_writes(void **state)
{
	struct blkif_request r = rw(BLKIF_OP_READ, 8, 3);

	r.seg[1].first_sect = 2;
	r.seg[1].last_sect = 2;
	assert_int_equal(parse(&r), 0);
	assert_int_equal(req.action, BLK_READ);
	assert_int_equal(req.offset, 4096);
	assert_int_equal(req.bytes, 4096 + 512 + 4096);
	assert_int_equal(req.nr_pieces, 3);
	assert_int_equal(piece[1].ref, 11);
	assert_int_equal(piece[1].offset, 1024);
	assert_int_equal(piece[1].bytes, 512);
	r.operation = BLKIF_OP_WRITE;
	assert_int_equal(parse(&r), 0);
	assert_int_equal(req.action, BLK_WRITE);
	r = rw(BLKIF_OP_FLUSH_DISKCACHE, 0, 0);
	assert_int_equal(parse(&r), 0);
	assert_int_equal(req.action, BLK_FLUSH);
	r = rw(BLKIF_OP_WRITE_BARRIER, 0, 0);
	assert_int_equal(parse(&r), 0);
	assert_int_equal(req.action, BLK_BARRIER);
}

static void every_operation_and_count(void **state)
{
	for (unsigned op = 0; op < 256; op++) {
		for (unsigned n = 0; n < 256; n++) {
			struct blkif_request r = rw((uint8_t)op, 0, n);
			int status = parse(&r);
			bool data = op <= BLKIF_OP_WRITE_BARRIER;
			bool fits = n <= 11 && (n || op == BLKIF_OP_WRITE_BARRIER);

			if (data)
				assert_int_equal(status, fits ? 0 : BLKIF_RSP_ERROR);
			else if (op == BLKIF_OP_FLUSH_DISKCACHE)
				assert_int_equal(status, 0);
			else if (op != BLKIF_OP_DISCARD && op != BLKIF_OP_INDIRECT)
				assert_int_equal(status, BLKIF_RSP_EOPNOTSUPP);
			assert_true(!status == !req.wrong);
		}
	}
}

static void every_segment(void **state)
{
	for (unsigned first = 0; first < 256; first++) {
		for (unsigned last = 0; last < 256; last++) {
			struct blkif_request r = rw(BLKIF_OP_READ, 0, 1);

			r.seg[0].first_sect = (uint8_t)first;
			r.seg[0].last_sect = (uint8_t)last;
			assert_int_equal(parse(&r), first <= last && last < 8 ? 0 : BLKIF_RSP_ERROR);
		}
	}
}

static void the_end_of_the_disk(void **state)
{
	static const uint64_t sectors[] = { 799, 800, 801, 792, 793, UINT64_MAX, UINT64_MAX / 512,
		UINT64_MAX / 512 + 1, 1ull << 55, (1ull << 55) - 1, 1ull << 63 };

	for (size_t i = 0; i < sizeof(sectors) / sizeof(sectors[0]); i++) {
		struct blkif_request r = rw(BLKIF_OP_WRITE, sectors[i], 1);

		assert_int_equal(parse(&r), sectors[i] <= 792 ? 0 : BLKIF_RSP_ERROR);
	}
}

static struct blkif_request discard(uint64_t sector, uint64_t n, uint8_t flag)
{
	struct blkif_request_discard d = { .operation = BLKIF_OP_DISCARD, .flag = flag, .id = 9,
					   .sector_number = sector, .nr_sectors = n };
	struct blkif_request r;

	memset(&r, 0, sizeof(r));
	memcpy(&r, &d, sizeof(d));
	return r;
}

static void discards(void **state)
{
	struct blkif_request r = discard(8, 80, 0);
	struct blk_shape other = shape;

	assert_int_equal(parse(&r), 0);
	assert_int_equal(req.offset, 4096);
	assert_int_equal(req.bytes, 40960);
	r = discard(8, 793, 0);
	assert_int_equal(parse(&r), BLKIF_RSP_ERROR);
	r = discard(8, UINT64_MAX / 512 + 2, 0);		/* 512 times it is 512 */
	assert_int_equal(parse(&r), BLKIF_RSP_ERROR);
	r = discard(UINT64_MAX, 2, 0);
	assert_int_equal(parse(&r), BLKIF_RSP_ERROR);
	r = discard(8, 0, 0);
	assert_int_equal(parse(&r), BLKIF_RSP_ERROR);
	r = discard(8, 8, BLKIF_DISCARD_SECURE);
	assert_int_equal(parse(&r), BLKIF_RSP_EOPNOTSUPP);
	assert_non_null(strstr(req.wrong, "secure discard"));
	r = discard(8, 8, 0);
	other.discard = false;
	assert_int_equal(request_parse(&r, &other, &req, piece), BLKIF_RSP_EOPNOTSUPP);
	other = shape;
	other.read_only = true;
	assert_int_equal(request_parse(&r, &other, &req, piece), BLKIF_RSP_ERROR);
	r = rw(BLKIF_OP_WRITE, 0, 1);
	assert_int_equal(request_parse(&r, &other, &req, piece), BLKIF_RSP_ERROR);
	r = rw(BLKIF_OP_WRITE_BARRIER, 0, 0);
	assert_int_equal(request_parse(&r, &other, &req, piece), BLKIF_RSP_ERROR);
	r = rw(BLKIF_OP_READ, 0, 1);
	assert_int_equal(request_parse(&r, &other, &req, piece), 0);
}

static void sectors_of_4096(void **state)
{
	struct blk_shape big = shape;

	big.sector_bytes = 4096;
	for (unsigned sector = 0; sector < 16; sector++) {
		for (unsigned last = 0; last < 8; last++) {
			struct blkif_request r = rw(BLKIF_OP_READ, sector, 1);

			r.seg[0].last_sect = (uint8_t)last;
			assert_int_equal(request_parse(&r, &big, &req, piece),
					 sector % 8 || last != 7 ? BLKIF_RSP_ERROR : 0);
		}
	}
}

static void indirect(void **state)
{
	struct blkif_request_segment seg[BLK_SEGMENTS];
	struct blkif_request_indirect in = { .operation = BLKIF_OP_INDIRECT, .id = 3,
		.indirect_op = BLKIF_OP_WRITE, .nr_segments = 20, .indirect_grefs = { 77 } };
	struct blkif_request r;

	memset(seg, 0, sizeof(seg));
	for (unsigned op = 0; op < 256; op++) {
		in.indirect_op = (uint8_t)op;
		memcpy(&r, &in, sizeof(in));
		assert_int_equal(parse(&r), op > BLKIF_OP_WRITE ? BLKIF_RSP_EOPNOTSUPP : 0);
	}
	in.indirect_op = BLKIF_OP_WRITE;
	for (unsigned n = 0; n < 0x10000; n++) {
		in.nr_segments = (uint16_t)n;
		memcpy(&r, &in, sizeof(in));
		assert_int_equal(parse(&r), n && n <= BLK_SEGMENTS ? 0 : BLKIF_RSP_ERROR);
		if (!req.wrong)
			assert_int_equal(req.nr_indirect, 1);
	}
	in.nr_segments = 20;
	memcpy(&r, &in, sizeof(in));
	assert_int_equal(parse(&r), 0);
	assert_int_equal(req.indirect[0], 77);
	assert_int_equal(request_pieces(seg, 20, &shape, &req, piece), 0);
	assert_int_equal(req.bytes, 20 * 512);
	seg[19].last_sect = 8;
	assert_int_equal(request_pieces(seg, 20, &shape, &req, piece), BLKIF_RSP_ERROR);
	seg[19].last_sect = 0;
	in.sector_number = 800 - 19;
	memcpy(&r, &in, sizeof(in));
	assert_int_equal(parse(&r), 0);
	assert_int_equal(request_pieces(seg, 20, &shape, &req, piece), BLKIF_RSP_ERROR);
}

/* Any bytes at all: what passes keeps to the disk. */
static void any_bytes(void **state)
{
	unsigned passed = 0;

	for (unsigned i = 0; i < 300000; i++) {
		struct blkif_request r;
		uint8_t *b = (uint8_t *)&r;

		for (size_t k = 0; k < sizeof(r); k++)
			b[k] = (uint8_t)dice(dice(2) ? 256 : 12);
		if (dice(2))
			r.sector_number = dice(900);
		if (parse(&r) || req.nr_indirect)
			continue;
		passed++;
		assert_true(req.offset <= shape.bytes && req.bytes <= shape.bytes - req.offset);
		for (unsigned p = 0; p < req.nr_pieces; p++)
			assert_true(piece[p].bytes && piece[p].offset + piece[p].bytes <= 4096);
	}
	assert_true(passed > 1000);
}

static void limits(void **state)
{
	struct limit l;
	uint64_t now = 1000, passed = 0, wait;

	limit_set(&l, 0, now);
	assert_int_equal(limit_wait_ns(&l, now), 0);
	/* a hundred a second for ten seconds, asked for without pause */
	limit_set(&l, 100, now);
	while (now < 10000000000ull) {
		wait = limit_wait_ns(&l, now);
		if (wait) {
			now += wait;
			continue;
		}
		limit_pay(&l, 1);
		passed++;
	}
	assert_in_range(passed, 1000, 1012);
	/* one that is larger than the bucket passes, and its debt is waited for */
	limit_set(&l, 1000, now);
	assert_int_equal(limit_wait_ns(&l, now), 0);
	limit_pay(&l, 5000);
	wait = limit_wait_ns(&l, now);
	assert_in_range(wait, 4800000000ull, 5000000000ull);
	assert_int_equal(limit_wait_ns(&l, now + wait), 0);
	/* numbers at the edge */
	limit_set(&l, UINT64_MAX, now);
	limit_pay(&l, UINT64_MAX);
	limit_pay(&l, UINT64_MAX);
	assert_int_equal(limit_wait_ns(&l, now + 20000000000ull), 0);
	limit_set(&l, 1, now);
	limit_pay(&l, UINT64_MAX);
	assert_true(limit_wait_ns(&l, UINT64_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_writes), cmocka_unit_test(every_operation_and_count),
		cmocka_unit_test(every_segment), cmocka_unit_test(the_end_of_the_disk),
		cmocka_unit_test(discards), cmocka_unit_test(sectors_of_4096),
		cmocka_unit_test(indirect), cmocka_unit_test(any_bytes), cmocka_unit_test(limits),
	};

	dice_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
