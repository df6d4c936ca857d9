/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the supervisor and a disk's process say to each other: one struct in one packet, over a
 * pair of sockets.  The supervisor has the store and opens images; the process has the guest's
 * memory and the image.  Neither has the other's.
 *
 *	supervisor -> process     CONFIG, then CONNECT DISCONNECT LIMITS RESIZE
 *	process -> supervisor     READY, then DONE for each CONNECT and DISCONNECT; FAULT, NOTE
 *
 * The supervisor does not trust the process: texts are cleaned, numbers bounded.
 */
#ifndef MICA_BLKD_PROTO_H
#define MICA_BLKD_PROTO_H

#include <stdbool.h>
#include <stdint.h>
#include <mica/types.h>

#include "blkd/engine.h"
#include "blkd/journal.h"
#include "blkd/request.h"

/* Descriptors of a disk's process. */
#define FD_CONTROL	3
#define FD_IMAGE	4		/* or the connected socket of an NBD server */
#define FD_JOURNAL	5
#define FD_ALIVE	6		/* a pipe; see engine.h */

#define DISK_UID	65534		/* of its processes; they own no file */
#define EMPTY_DIR	"/run/mica/empty"	/* their root directory */

enum blkd_message_type {
	MSG_CONFIG = 1, MSG_CONNECT, MSG_DISCONNECT, MSG_LIMITS, MSG_RESIZE,
	MSG_READY, MSG_DONE, MSG_FAULT, MSG_NOTE,
};

struct blkd_config {
	domid_t domid;
	uint8_t engine;			/* enum engine_kind wished for */
	bool durable;			/* every write is on the medium when answered */
	bool block_device, no_sandbox;
	bool broken;			/* there is no image: answer all with errors */
	struct blk_shape shape;
	uint64_t ops_limit, bytes_limit;
};

struct blkd_message {
	uint32_t type;
	int32_t rc;			/* DONE; READY: the engine in use */
	union {
		struct blkd_config config;
		struct {
			struct blk_rings rings;
			bool resume;
		} connect;
		struct { uint64_t ops, bytes; } limits;
		uint64_t bytes;		/* RESIZE */
		struct {
			uint64_t bytes;	/* what the NBD server has; 0: not one */
			bool can_discard;
		} ready;
		char text[256];		/* FAULT, NOTE */
	};
};

/* The program's other life: `mica-blkd --disk-process`, with the descriptors above.  @engines:
 * those this program has, in the order they are tried; NULL ends. */
int process_main(const struct engine_ops *const *engines);

#endif
