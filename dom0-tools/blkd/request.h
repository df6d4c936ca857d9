/* SPDX-License-Identifier: BSD-2-Clause */
/* A request of the ring, checked and turned into bytes of the image and pieces of granted pages. */
#ifndef MICA_BLKD_REQUEST_H
#define MICA_BLKD_REQUEST_H

#include <stdbool.h>
#include <stdint.h>
#include <mica/io/blkif.h>

#define BLK_SEGMENTS		256u	/* feature-max-indirect-segments */
#define BLK_PAGE_SEGMENTS	512u	/* descriptions in one indirect page */
#define BLK_SECTOR		512u	/* of the ring, whatever the disk's */

/* What of the disk a request is checked against. */
struct blk_shape {
	uint64_t bytes;
	uint32_t sector_bytes;		/* 512 or 4096: every request is a multiple */
	bool read_only, discard;
};

struct blk_piece {
	uint32_t ref, offset, bytes;	/* within one page */
};

enum blk_action { BLK_READ, BLK_WRITE, BLK_FLUSH, BLK_BARRIER, BLK_DISCARD };

struct blk_request {
	uint64_t id;
	enum blk_action action;
	uint64_t offset, bytes;		/* of the image */
	unsigned nr_pieces;
	unsigned nr_indirect;		/* pages of descriptions still to be read */
	uint32_t indirect[BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST];
	const char *wrong;		/* why it is refused, in words */
};

/*
 * Look at @raw.  0: *req says what to do; with nr_indirect the pieces are missing yet, and
 * request_pieces() has to follow with what the guest's pages say.  Otherwise the status to answer
 * with, BLKIF_RSP_ERROR or _EOPNOTSUPP, and req->wrong.
 */
int request_parse(const struct blkif_request *raw, const struct blk_shape *shape,
		  struct blk_request *req, struct blk_piece pieces[BLK_SEGMENTS]);
/* The @n descriptions of an indirect request, copied from the guest.  As request_parse(). */
int request_pieces(const struct blkif_request_segment *seg, unsigned n,
		   const struct blk_shape *shape, struct blk_request *req,
		   struct blk_piece *pieces);

#endif
