/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests, checked.  Pure: the caller copied what is looked at here, once, so nothing changes
 * under the checks.  Every request is either wholly within the disk or refused.
 */
#include <stddef.h>
#include <string.h>

#include "blkd/request.h"

static int refuse(struct blk_request *req, int status, const char *why)
{
	req->wrong = why;
	return status;
}

static bool within(const struct blk_shape *shape, uint64_t sector, uint64_t bytes)
{
	return sector <= shape->bytes / BLK_SECTOR && bytes <= shape->bytes - sector * BLK_SECTOR;
}

static bool aligned(const struct blk_shape *shape, uint64_t offset, uint64_t bytes)
{
	return !((offset | bytes) & (shape->sector_bytes - 1));
}

int request_pieces(const struct blkif_request_segment *seg, unsigned n,
		   const struct blk_shape *shape, struct blk_request *req,
		   struct blk_piece *pieces)
{
	req->bytes = 0;
	for (unsigned i = 0; i < n; i++) {
		unsigned first = seg[i].first_sect, last = seg[i].last_sect;

		if (first > last || last >= 4096 / BLK_SECTOR)
			return refuse(req, BLKIF_RSP_ERROR, "a segment that is no part of a page");
		pieces[i].ref = seg[i].gref;
		pieces[i].offset = first * BLK_SECTOR;
		pieces[i].bytes = (last - first + 1) * BLK_SECTOR;
		req->bytes += pieces[i].bytes;
	}
	req->nr_pieces = n;
	req->nr_indirect = 0;
	if (!within(shape, req->offset / BLK_SECTOR, req->bytes))
		return refuse(req, BLKIF_RSP_ERROR, "sectors beyond the end of the disk");
	if (!aligned(shape, req->offset, req->bytes))
		return refuse(req, BLKIF_RSP_ERROR, "part of a sector");
	return 0;
}

static int place(const struct blk_shape *shape, struct blk_request *req, uint64_t sector)
{
	if (req->action != BLK_READ && shape->read_only)
		return refuse(req, BLKIF_RSP_ERROR, "a write to a read-only disk");
	if (!within(shape, sector, 0))
		return refuse(req, BLKIF_RSP_ERROR, "sectors beyond the end of the disk");
	req->offset = sector * BLK_SECTOR;
	return 0;
}

static int parse_direct(const struct blkif_request *raw, const struct blk_shape *shape,
			struct blk_request *req, struct blk_piece *pieces)
{
	int rc;

	req->action = raw->operation == BLKIF_OP_READ ? BLK_READ :
		raw->operation == BLKIF_OP_WRITE ? BLK_WRITE : BLK_BARRIER;
	if (raw->nr_segments > BLKIF_MAX_SEGMENTS_PER_REQUEST)
		return refuse(req, BLKIF_RSP_ERROR, "more segments than a request can have");
	if (!raw->nr_segments) {
		/* An empty barrier orders and flushes, and writes nothing anywhere. */
		if (req->action == BLK_BARRIER)
			return shape->read_only ?
				refuse(req, BLKIF_RSP_ERROR, "a write to a read-only disk") : 0;
		return refuse(req, BLKIF_RSP_ERROR, "no segments");
	}
	rc = place(shape, req, raw->sector_number);
	return rc ? rc : request_pieces(raw->seg, raw->nr_segments, shape, req, pieces);
}

static int parse_indirect(const struct blkif_request *raw, const struct blk_shape *shape,
			  struct blk_request *req)
{
	struct blkif_request_indirect in;
	int rc;

	_Static_assert(sizeof(in) <= sizeof(*raw), "one form of the slot");
	memcpy(&in, raw, sizeof(in));
	if (in.indirect_op != BLKIF_OP_READ && in.indirect_op != BLKIF_OP_WRITE)
		return refuse(req, BLKIF_RSP_EOPNOTSUPP, "an indirect request that is neither read nor write");
	req->action = in.indirect_op == BLKIF_OP_READ ? BLK_READ : BLK_WRITE;
	if (!in.nr_segments || in.nr_segments > BLK_SEGMENTS)
		return refuse(req, BLKIF_RSP_ERROR, "more segments than were offered, or none");
	rc = place(shape, req, in.sector_number);
	if (rc)
		return rc;
	req->nr_pieces = in.nr_segments;
	req->nr_indirect = (in.nr_segments + BLK_PAGE_SEGMENTS - 1) / BLK_PAGE_SEGMENTS;
	memcpy(req->indirect, in.indirect_grefs, sizeof(req->indirect));
	return 0;
}

static int parse_discard(const struct blkif_request *raw, const struct blk_shape *shape,
			 struct blk_request *req)
{
	struct blkif_request_discard in;

	_Static_assert(sizeof(in) <= sizeof(*raw), "one form of the slot");
	memcpy(&in, raw, sizeof(in));
	req->action = BLK_DISCARD;
	if (shape->read_only)
		return refuse(req, BLKIF_RSP_ERROR, "a discard on a read-only disk");
	if (!shape->discard)
		return refuse(req, BLKIF_RSP_EOPNOTSUPP, "a discard, which was not offered");
	/* Whoever asks for secrecy must not believe that a hole in a file gives it. */
	if (in.flag & BLKIF_DISCARD_SECURE)
		return refuse(req, BLKIF_RSP_EOPNOTSUPP, "a secure discard, which was not offered:"
			      " freed blocks of an image can be read by who reads the host's disk");
	if (in.nr_sectors > UINT64_MAX / BLK_SECTOR ||
	    !within(shape, in.sector_number, in.nr_sectors * BLK_SECTOR))
		return refuse(req, BLKIF_RSP_ERROR, "sectors beyond the end of the disk");
	req->offset = in.sector_number * BLK_SECTOR;
	req->bytes = in.nr_sectors * BLK_SECTOR;
	if (!aligned(shape, req->offset, req->bytes))
		return refuse(req, BLKIF_RSP_ERROR, "part of a sector");
	return req->bytes ? 0 : refuse(req, BLKIF_RSP_ERROR, "a discard of nothing");
}

int request_parse(const struct blkif_request *raw, const struct blk_shape *shape,
		  struct blk_request *req, struct blk_piece pieces[BLK_SEGMENTS])
{
	memset(req, 0, sizeof(*req));
	/* The three forms have the id at one place. */
	_Static_assert(offsetof(struct blkif_request, id) ==
		       offsetof(struct blkif_request_discard, id), "id");
	_Static_assert(offsetof(struct blkif_request, id) ==
		       offsetof(struct blkif_request_indirect, id), "id");
	req->id = raw->id;
	switch (raw->operation) {
	case BLKIF_OP_READ:
	case BLKIF_OP_WRITE:
	case BLKIF_OP_WRITE_BARRIER:
		return parse_direct(raw, shape, req, pieces);
	case BLKIF_OP_FLUSH_DISKCACHE:
		req->action = BLK_FLUSH;
		return 0;
	case BLKIF_OP_DISCARD:
		return parse_discard(raw, shape, req);
	case BLKIF_OP_INDIRECT:
		return parse_indirect(raw, shape, req);
	default:
		return refuse(req, BLKIF_RSP_EOPNOTSUPP, "an operation that does not exist");
	}
}
