/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arbitrary bytes as requests of a disk's ring, and as the descriptions an indirect one points at.
 * What is let through lies within the disk, the pages and the sectors; nothing is written to a disk
 * that is for reading; what is refused has a status and a reason.
 *
 * tests/unit/blkd/blkd_fuzz_test.c runs it for a bounded time; for a long one:
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Idom0-tools -Iabi \
 *	    tests/fuzz/blkd_fuzz.c dom0-tools/blkd/request.c -o blkd_fuzz
 */
#include <string.h>

#include "blkd/request.h"

#define FUZZ_NAME	"blkd_fuzz"
#include "fuzz.h"

static void take(void *to, size_t n)
{
	uint8_t *at = to;

	while (n--)
		*at++ = byte();
}

static void check_pieces(const struct blk_request *req, const struct blk_piece *piece)
{
	uint64_t sum = 0;

	must(req->nr_pieces <= BLK_SEGMENTS, "more pieces than there is room for");
	for (unsigned i = 0; i < req->nr_pieces; i++) {
		must(piece[i].bytes && piece[i].offset + piece[i].bytes <= 4096, "a piece beyond its page");
		must(!((piece[i].offset | piece[i].bytes) % BLK_SECTOR), "a piece of a sector");
		sum += piece[i].bytes;
	}
	must(sum == req->bytes, "the pieces are not the request");
}

static void check(const struct blk_request *req, const struct blk_piece *piece,
		  const struct blk_shape *shape, int rc)
{
	must(rc == 0 || rc == BLKIF_RSP_ERROR || rc == BLKIF_RSP_EOPNOTSUPP, "a status that is none");
	must(!rc == !req->wrong, "refused without a reason, or with one and not refused");
	if (rc)
		return;
	must(req->action == BLK_READ || req->action == BLK_FLUSH || !shape->read_only,
	     "written where only reading is allowed");
	must(req->action != BLK_DISCARD || shape->discard, "a discard that was not offered");
	must(req->bytes <= shape->bytes && req->offset <= shape->bytes - req->bytes, "beyond the disk");
	must(!((req->offset | req->bytes) % shape->sector_bytes), "part of a sector");
	if (req->action != BLK_DISCARD)
		check_pieces(req, piece);
}

/* Most of it as it should be, so that what is not stands alone. */
static void nearly_right(struct blkif_request_segment *seg, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint8_t odd = byte();

		seg[i].first_sect = 0;
		seg[i].last_sect = odd < 250 ? 7 : odd - 245;	/* 5 to 10 */
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct blk_piece *piece = calloc(BLK_SEGMENTS, sizeof(*piece));	/* a step outside is seen */
	struct blkif_request_segment *seg;
	struct blkif_request raw;
	struct blk_request req;
	struct blk_shape shape;
	uint8_t how;
	int rc;

	input_from(data, size);
	how = byte();
	shape = (struct blk_shape){ .bytes = (uint64_t)(1 + word() % 5000) * 4096,
		.sector_bytes = how & 1 ? 4096 : 512, .read_only = how & 2, .discard = how & 4 };
	take(&raw, sizeof(raw));
	if (how & 8)
		raw.operation %= 8;
	if (how & 16)
		raw.sector_number %= 2 * shape.bytes / BLK_SECTOR;
	if (how & 32 && raw.operation == BLKIF_OP_INDIRECT)
		((struct blkif_request_indirect *)(void *)&raw)->nr_segments %= BLK_SEGMENTS + 2;
	if (how & 64 && raw.operation <= BLKIF_OP_WRITE_BARRIER) {
		raw.nr_segments %= BLKIF_MAX_SEGMENTS_PER_REQUEST + 2;
		nearly_right(raw.seg, BLKIF_MAX_SEGMENTS_PER_REQUEST);
	}
	rc = request_parse(&raw, &shape, &req, piece);
	if (!rc && req.nr_indirect) {
		must(req.nr_indirect <= BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST && req.nr_pieces &&
		     req.nr_pieces <= BLK_SEGMENTS, "more descriptions than were offered");
		seg = calloc(req.nr_pieces, sizeof(*seg));
		take(seg, req.nr_pieces * sizeof(*seg));
		if (how & 64)
			nearly_right(seg, req.nr_pieces);
		rc = request_pieces(seg, req.nr_pieces, &shape, &req, piece);
		free(seg);
	}
	check(&req, piece, &shape, rc);
	free(piece);
	return 0;
}
