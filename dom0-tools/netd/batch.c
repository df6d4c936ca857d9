/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Batches: the copies of one round, and dom0's memory for frames that have to pass through it.
 * There are two, so that packets which are decided while one is settled can fill the next.
 */
#include <stdlib.h>

#include "netd/net.h"

#define BUFFER_SMALL	2048u
#define BUFFERS_SMALL	1024u
#define BUFFERS_LARGE	96u
#define PIECES_SPARE	1024u
#define DELIVERIES_SPARE 512u

bool batch_room(const struct net *n)
{
	return n->batch->pieces < BATCH_PIECES - PIECES_SPARE &&
		n->batch->deliveries < BATCH_DELIVERIES - DELIVERIES_SPARE &&
		n->batch->pendings < BATCH_DELIVERIES - DELIVERIES_SPARE;
}

struct mica_io_copy *batch_add(struct net *n)
{
	return &n->batch->piece[n->batch->pieces++];
}

void batch_pending(struct net *n, struct packet *p, unsigned first)
{
	n->batch->pending[n->batch->pendings++] = (struct pending){
		.packet = p, .first = first, .pieces = n->batch->pieces - first,
	};
}

struct buffer *buffer_get(struct net *n, unsigned bytes)
{
	struct buffer **list = bytes <= BUFFER_SMALL ? &n->small : &n->large, *b = *list;

	if (!b && bytes <= BUFFER_SMALL)
		b = *(list = &n->large);
	if (!b || bytes > b->room)
		return NULL;
	*list = b->next;
	b->next = NULL;
	return b;
}

void buffer_put(struct net *n, struct buffer *b)
{
	struct buffer **list;

	if (!b)
		return;
	list = b->room == BUFFER_SMALL ? &n->small : &n->large;
	b->next = *list;
	*list = b;
}

static int more_buffers(struct net *n, unsigned count, uint32_t room)
{
	while (count--) {
		struct buffer *b = malloc(sizeof(*b) + room);

		if (!b)
			return -ENOMEM;
		b->room = room;
		buffer_put(n, b);
	}
	return 0;
}

int batch_init(struct net *n)
{
	int rc = more_buffers(n, BUFFERS_SMALL, BUFFER_SMALL);

	n->batch = &n->batches[0];
	return rc ? rc : more_buffers(n, BUFFERS_LARGE, BUFFER_LARGE);
}
