/* SPDX-License-Identifier: BSD-2-Clause */
/* What broker and domains say to each other: one datagram a message, see proc.h. */
#ifndef MICA_SIM_PROC_WIRE_H
#define MICA_SIM_PROC_WIRE_H

#include <stdint.h>

#define WIRE_DATA	(4096u + 512u)

enum wire_op {
	WIRE_HELLO,		/* a: domid -> rc, with descriptors: memfd, eventfd */
	WIRE_OFFER,		/* a: peer -> b: port */
	WIRE_BIND,		/* a: peer b: remote -> b: port */
	WIRE_CLOSE, WIRE_NOTIFY,	/* b: port; no reply */
	WIRE_LEND,		/* a: peer b: n c: writable -> b: first page, data: refs */
	WIRE_RECLAIM,		/* a: first page b: n */
	WIRE_MAP,		/* a: peer b: n c: writable, data: refs -> d: id, data: pages */
	WIRE_UNMAP,		/* d: id b: n */
	WIRE_COPY,		/* data: struct mica_io_copy and the bytes of our own memory */
	WIRE_READ, WIRE_WRITE, WIRE_REMOVE, WIRE_LIST,	/* data: path, value */
	WIRE_WATCH, WIRE_UNWATCH,	/* data: path, token */
	WIRE_BEGIN, WIRE_END,	/* a: commit */
	WIRE_CHANGED,		/* from the broker, unasked; data: path, token */
	WIRE_ADD, WIRE_DETACH,	/* toolstack; a: front b: back c: number, data: kind */
	WIRE_HOLDS,		/* toolstack; a: domid -> data: struct sim_holds */
	WIRE_STOP,
};

struct wire {
	uint32_t op;
	int32_t rc;
	uint32_t a, b, c, d;
	uint32_t bytes;			/* of data */
	uint32_t _pad;
	uint8_t data[WIRE_DATA];
};

#define WIRE_HEAD	32u

#endif
