/* SPDX-License-Identifier: MIT */
/*
 * Block device ring: the guest's frontend asks, the backend reads and writes a disk.
 * Sectors are always 512 bytes on the ring; data lies in frames granted to the backend.
 * A request slot holds one of three forms, told apart by `operation`.  All of a request
 * is written by the frontend, all of a response by the backend.
 */
#ifndef MICA_ABI_IO_BLKIF_H
#define MICA_ABI_IO_BLKIF_H

#include <mica/types.h>
#include <mica/grant.h>
#include <mica/io/ring.h>

typedef uint16_t blkif_vdev_t;		/* virtual device number, from the store */
typedef uint64_t blkif_sector_t;	/* 512-byte sector */

/* operation; an optional one needs its feature key in the store */
#define BLKIF_OP_READ			0
#define BLKIF_OP_WRITE			1
#define BLKIF_OP_WRITE_BARRIER		2	/* write, ordered; feature-barrier */
#define BLKIF_OP_FLUSH_DISKCACHE	3	/* feature-flush-cache */
#define BLKIF_OP_RESERVED_1		4
#define BLKIF_OP_DISCARD		5	/* feature-discard */
#define BLKIF_OP_INDIRECT		6	/* feature-max-indirect-segments */

#define BLKIF_MAX_SEGMENTS_PER_REQUEST		11
#define BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST	8

struct blkif_request_segment {
	grant_ref_t gref;		/* frame with the data */
	uint8_t first_sect, last_sect;	/* 512-byte units in it, inclusive, 0-7 */
	uint16_t _pad;
};
ABI_SIZE(struct blkif_request_segment, 8);

/* Read, write, barrier, flush. */
struct blkif_request {
	uint8_t operation;		/* BLKIF_OP_* */
	uint8_t nr_segments;
	blkif_vdev_t handle;
	uint32_t _pad;
	uint64_t id;			/* echoed in the response */
	blkif_sector_t sector_number;
	struct blkif_request_segment seg[BLKIF_MAX_SEGMENTS_PER_REQUEST];
};
ABI_SIZE(struct blkif_request, 112);

#define BLKIF_DISCARD_SECURE	(1 << 0)

struct blkif_request_discard {
	uint8_t operation;		/* BLKIF_OP_DISCARD */
	uint8_t flag;			/* BLKIF_DISCARD_* */
	blkif_vdev_t handle;
	uint32_t _pad;
	uint64_t id;
	blkif_sector_t sector_number;
	uint64_t nr_sectors;
};
ABI_SIZE(struct blkif_request_discard, 32);

/* Segments lie in granted frames, 512 to each, as struct blkif_request_segment. */
struct blkif_request_indirect {
	uint8_t operation;		/* BLKIF_OP_INDIRECT */
	uint8_t indirect_op;		/* BLKIF_OP_READ or _WRITE */
	uint16_t nr_segments;
	uint32_t _pad0;
	uint64_t id;
	blkif_sector_t sector_number;
	blkif_vdev_t handle;
	uint16_t _pad1;
	grant_ref_t indirect_grefs[BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST];
	uint32_t _pad2;
};
ABI_SIZE(struct blkif_request_indirect, 64);

/* status */
#define BLKIF_RSP_OKAY		0
#define BLKIF_RSP_ERROR		(-1)
#define BLKIF_RSP_EOPNOTSUPP	(-2)

struct blkif_response {
	uint64_t id;			/* of the request */
	uint8_t operation;		/* of the request */
	uint8_t _pad0;
	int16_t status;			/* BLKIF_RSP_* */
	uint32_t _pad1;
};
ABI_SIZE(struct blkif_response, 16);

union blkif_sring_entry {
	struct blkif_request req;
	struct blkif_response rsp;
};
ABI_SIZE(union blkif_sring_entry, 112);

#define BLKIF_RING_ENTRIES(bytes)	RING_ENTRIES(bytes, 112)

/* Bits of the store key "info". */
#define VDISK_CDROM		0x1
#define VDISK_REMOVABLE		0x2
#define VDISK_READONLY		0x4

#endif /* MICA_ABI_IO_BLKIF_H */
