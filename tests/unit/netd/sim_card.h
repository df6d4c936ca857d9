/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A network card in the simulated world, with its guest behind it: it asks the other guest questions
 * in numbered frames, again after a second without an answer, and answers those of the other.
 */
#ifndef UNIT_NETD_SIM_CARD_H
#define UNIT_NETD_SIM_CARD_H

#include <mica/queues.h>

#include "../sim/pair.h"
#include "netd/net.h"

#define CARD_QUEUES	2u
#define CARD_TX		16u		/* pages of a queue */
#define CARD_RX		32u
#define CARD_WINDOW	4u		/* questions at a time */
#define CARD_FRAME	3000u		/* bytes, at the most */

struct card_queue {
	struct nettx_front tx;
	struct netrx_front rx;
	struct mica_bell tx_bell, rx_bell;
	void *tx_page, *rx_page, *tx_data, *rx_data[2];
	uint32_t tx_ref, rx_ref, tx_grant[CARD_TX], rx_grant[CARD_RX];
	uint32_t tx_port, rx_port;	/* the same when not split */
	bool tx_busy[CARD_TX];
	uint64_t tx_since_ns[CARD_TX];
	unsigned rx_next;
	uint8_t frame[2 * CARD_FRAME];	/* on its way in */
	unsigned bytes;
	bool spoilt;			/* a piece of it was refused */
};

struct card {
	struct front front;		/* first */
	unsigned guest;
	uint32_t queues;
	bool split;			/* two event channels a queue */
	struct card_queue queue[CARD_QUEUES];
	struct { uint64_t number, since_ns; } open[CARD_WINDOW];	/* number 0: free */
	uint64_t total, asked, good, again, answers;
	const struct card *other;
};

void card_start(struct card *c, struct mica_io *io, const char *kind, unsigned number, unsigned guest,
		uint64_t total, uint64_t seed);

#endif
