/* SPDX-License-Identifier: MIT */
/*
 * The ring two domains share: one granted page (or 2^n of them), a 64-byte header and
 * then slots, each big enough for a request or the response that replaces it.
 *
 * Indexes run freely and wrap at 2^32; slot i is entry i & (entries - 1).  The frontend
 * writes requests and then req_prod, the backend writes responses and then rsp_prod.
 * The consumer writes *_event: "send me an event when prod reaches this".  A producer
 * whose step from old to new prod passes the other side's event must notify:
 *     (uint32_t)(new - event) < (uint32_t)(new - old)
 * A slot is the other side's to change at any time: copy it once, then look at it.
 */
#ifndef MICA_ABI_IO_RING_H
#define MICA_ABI_IO_RING_H

#include <mica/types.h>

typedef uint32_t RING_IDX;

#define RING_HEADER_BYTES	64

struct ring_header {
	RING_IDX req_prod;		/* frontend: requests written */
	RING_IDX req_event;		/* backend: wake me at this request */
	RING_IDX rsp_prod;		/* backend: responses written */
	RING_IDX rsp_event;		/* frontend: wake me at this response */
	uint8_t pvt[4];			/* zero */
	uint8_t _pad[44];
};
ABI_SIZE(struct ring_header, RING_HEADER_BYTES);

/* Initial header: everything 0, but both events 1. */
#define RING_FIRST_EVENT	1

/* Largest power of two not above x (x > 0, 32 bits); usable in constant expressions. */
#define RING_POW2_FLOOR_2(x)	((x) & 2 ? 2u : 1u)
#define RING_POW2_FLOOR_4(x)	((x) & 12 ? RING_POW2_FLOOR_2((x) >> 2) << 2 : RING_POW2_FLOOR_2(x))
#define RING_POW2_FLOOR_8(x)	\
	((x) & 240 ? RING_POW2_FLOOR_4((x) >> 4) << 4 : RING_POW2_FLOOR_4(x))
#define RING_POW2_FLOOR_16(x)	\
	((x) & 0xff00 ? RING_POW2_FLOOR_8((x) >> 8) << 8 : RING_POW2_FLOOR_8(x))
#define RING_POW2_FLOOR(x)	\
	((x) & 0xffff0000 ? RING_POW2_FLOOR_16((x) >> 16) << 16 : RING_POW2_FLOOR_16(x))

/* Slots of slot_bytes each that fit behind the header in ring_bytes. */
#define RING_ENTRIES(ring_bytes, slot_bytes)	\
	RING_POW2_FLOOR((uint32_t)(((ring_bytes) - RING_HEADER_BYTES) / (slot_bytes)))

#endif /* MICA_ABI_IO_RING_H */
