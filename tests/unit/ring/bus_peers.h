/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ends of a device for the model of the handshake: ours, which follows the table, and others as
 * far as what they write to their state key goes.  All an actor is, is in its struct.
 */
#ifndef UNIT_RING_BUS_PEERS_H
#define UNIT_RING_BUS_PEERS_H

#include <stdint.h>
#include <mica/bus.h>

enum bus_kind {
	BUS_TABLE,
	BUS_LINUX_BLKFRONT,
	BUS_LINUX_NETFRONT,
	BUS_WINDOWS,
	BUS_MINIOS,
	BUS_LINUX_BLKBACK,
	BUS_LINUX_NETBACK,
};

struct bus_actor {
	uint8_t kind, role, will;
	uint8_t own;		/* what it has written */
	uint8_t view;		/* what it last read of the peer */
	uint8_t script;		/* next step of a walk it has begun; 0: none */
	uint8_t resources;	/* table: rings published, mapped */
	uint8_t looked;		/* has read the peer's state since it last did something */
	uint8_t fault;
};

void bus_look(struct bus_actor *a, const struct bus_actor *peer);

void bus_act(struct bus_actor *a);	/* one decision over what it has seen */
void bus_late(struct bus_actor *a);	/* its timeout is over */
const char *bus_fault(const struct bus_actor *a);	/* null: nothing wrong yet */

#endif
