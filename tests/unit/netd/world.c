/* SPDX-License-Identifier: BSD-2-Clause */
/* The world of world.h. */
#include "world.h"

struct guest guests[GUESTS];
struct net *net;
uint64_t world_ns;
int world_maps;
unsigned world_watches, world_pieces, world_reads;
bool world_whole;
void (*world_meddle)(void);
void (*world_writes)(void);
struct back world_back;
static struct mica_io world_io;

#define OWN_PAGES	24u	/* enough for some queues: others have their heads in memory */

static uint8_t own_pages[OWN_PAGES][4096];	/* lent by dom0 to itself */
static unsigned own_used;

struct guest *world_guest(domid_t domid)
{
	assert_true(domid >= 1 && domid <= GUESTS);
	return &guests[domid - 1];
}

/* --- io.h --- */

static void *side(const struct mica_io_side *s, uint32_t bytes)
{
	struct guest *g;

	if (!s->by_ref)
		return s->mem;
	if (!s->domid) {
		assert_true(bytes && s->offset + bytes <= 4096 && s->ref < OWN_PAGES);
		return own_pages[s->ref] + s->offset;
	}
	g = world_guest(s->domid);
	/* The daemon's promise to the hypervisor: a piece never crosses a granted page. */
	assert_true(bytes && s->offset + bytes <= 4096);
	return s->ref < REFS && g->granted[s->ref] ? g->pages[s->ref] + s->offset : NULL;
}

static int world_copy(struct mica_io *io, struct mica_io_copy *pieces, unsigned n)
{
	int rc = 0;

	if (world_meddle)
		world_meddle();
	for (unsigned i = 0; i < n; i++) {
		void *from = side(&pieces[i].from, pieces[i].bytes);
		void *to = side(&pieces[i].to, pieces[i].bytes);

		world_pieces++;
		pieces[i].status = from && to ? 0 : -EFAULT;
		if (!pieces[i].status)
			memmove(to, from, pieces[i].bytes);
		else if (!rc)
			rc = -EFAULT;
	}
	return rc;
}

static int world_map(struct mica_io *io, domid_t peer, const uint32_t *refs, unsigned n,
		     bool writable, void **where)
{
	struct guest *g = world_guest(peer);

	if (refs[0] >= REFS || !g->granted[refs[0]])
		return -EFAULT;
	if (writable && g->readonly[refs[0]])
		return -EACCES;
	*where = g->pages[refs[0]];
	world_maps++;
	return 0;
}

static void world_unmap(struct mica_io *io, void *where, unsigned n)
{
	world_maps--;
}

static int world_watch(struct mica_io *io, const char *path, const char *token)
{
	world_watches++;
	return 0;
}

static int world_unwatch(struct mica_io *io, const char *path, const char *token)
{
	assert_true(world_watches);
	world_watches--;
	return 0;
}

static void world_notify(struct mica_io *io, uint32_t port)
{
	guests[port >> 8].bells++;
}

static uint64_t world_now(struct mica_io *io)
{
	return world_ns;
}

static int world_lend(struct mica_io *io, domid_t peer, unsigned n, bool writable, uint32_t *refs,
		      void **where)
{
	assert_int_equal(peer, 0);
	if (own_used + n > OWN_PAGES)	/* then the daemon has to do without */
		return -ENOSPC;
	for (unsigned i = 0; i < n; i++)
		refs[i] = own_used + i;
	*where = own_pages[own_used];
	own_used += n;
	return 0;
}

static int world_reclaim(struct mica_io *io, void *where, unsigned n)
{
	return 0;
}

static domid_t world_self(struct mica_io *io)
{
	return 0;
}

/* "/DOMID/KEY" */
static int world_remove(struct mica_io *io, const char *path)
{
	char *key;
	struct guest *g = world_guest((domid_t)strtoul(path + 1, &key, 10));

	assert_int_equal(*key++, '/');
	for (unsigned i = 0; i < g->n_keys; i++) {
		if (strcmp(g->keys[i].key, key))
			continue;
		g->keys[i] = g->keys[--g->n_keys];
		return 0;
	}
	return -ENOENT;
}

static const struct mica_io_ops world_ops = {
	.lend = world_lend, .reclaim = world_reclaim, .self = world_self,
	.copy = world_copy, .map = world_map, .unmap = world_unmap, .port_notify = world_notify,
	.now_ns = world_now, .watch = world_watch, .unwatch = world_unwatch,
	.remove = world_remove,
};

/* --- guests --- */

void guest_set(struct guest *g, const char *key, const char *value)
{
	unsigned i = 0;

	while (i < g->n_keys && strcmp(g->keys[i].key, key))
		i++;
	assert_true(i < KEYS);
	snprintf(g->keys[i].key, sizeof(g->keys[i].key), "%s", key);
	snprintf(g->keys[i].value, sizeof(g->keys[i].value), "%s", value);
	if (i == g->n_keys)
		g->n_keys++;
}

static void set_number(struct guest *g, const char *prefix, const char *key, unsigned value)
{
	char name[64], text[16];

	snprintf(name, sizeof(name), "%s%s", prefix, key);
	snprintf(text, sizeof(text), "%u", value);
	guest_set(g, name, text);
}

/* References: rings first, then 256 for each queue's tx, then 256 for its rx. */
static uint32_t tx_ref(unsigned q, unsigned id)
{
	return RING_REFS + q * 500 + id % 200;
}

static uint32_t rx_ref(unsigned q, unsigned id)
{
	return RING_REFS + q * 500 + 200 + id % 256;
}

static void lend(struct guest *g, unsigned q)
{
	struct guest_queue *queue = &g->queue[q];

	if (g->lends && g->lends != (int)q + 1)
		return;
	while (!g->deaf && netrx_front_room(&queue->rx)) {
		struct netif_rx_request r = { .id = (uint16_t)queue->rx.end.prod };

		r.gref = rx_ref(q, r.id % 256);
		g->granted[r.gref] = true;
		assert_true(netrx_front_put(&queue->rx, &r));
	}
	netrx_front_push(&queue->rx);
}

static void make_rings(unsigned n, unsigned q, const char *prefix)
{
	struct guest *g = &guests[n];

	nettx_front_attach(&g->queue[q].tx, g->pages[q * 2], 4096, NULL);
	netrx_front_attach(&g->queue[q].rx, g->pages[q * 2 + 1], 4096, NULL);
	g->granted[q * 2] = g->granted[q * 2 + 1] = true;
	set_number(g, prefix, "tx-ring-ref", q * 2);
	set_number(g, prefix, "rx-ring-ref", q * 2 + 1);
	set_number(g, prefix, "event-channel-tx", n << 8 | (q * 2 + 1));
	set_number(g, prefix, "event-channel-rx", n << 8 | (q * 2 + 2));
	lend(g, q);
}

void guest_connect(unsigned n, unsigned queues, const char *const *keys)
{
	struct guest *g = &guests[n];
	char text[64];

	g->dev = (struct back_device){ .back = &world_back, .domid = (domid_t)(n + 1) };
	snprintf(g->dev.dir, sizeof(g->dev.dir), "/%u", n + 1);
	g->queues = queues;
	snprintf(text, sizeof(text), "02:00:00:00:00:%02x", n + 1);
	guest_set(g, "mac", text);
	guest_set(g, "storm-fps", "0");
	for (const char *const *k = keys; k && *k; k++) {
		char *value;

		snprintf(text, sizeof(text), "%s", *k);
		value = strchr(text, '=');
		*value++ = '\0';
		guest_set(g, text, value);
	}
	guest_set(g, "request-rx-copy", "1");
	set_number(g, "", "multi-queue-num-queues", queues);
	for (unsigned q = 0; q < queues; q++) {
		snprintf(text, sizeof(text), "queue-%u/", q);
		make_rings(n, q, queues > 1 ? text : "");
	}
	assert_int_equal(net_kind.probe(&g->dev), 0);
	assert_int_equal(net_kind.connect(&g->dev), 0);
}

void guest_raw(unsigned n, const union nettx_request *r)
{
	if (nettx_front_room(&guests[n].queue[0].tx))
		nettx_front_put(&guests[n].queue[0].tx, r);
}

static void put_slot(struct guest *g, unsigned q, struct netif_tx_request *r, const uint8_t *data,
		     unsigned bytes)
{
	struct guest_queue *queue = &g->queue[q];
	union nettx_request u;

	while (queue->tx_busy[queue->tx_at % 200])
		queue->tx_at++;
	r->id = (uint16_t)(queue->tx_at % 200);
	r->gref = tx_ref(q, r->id);
	queue->tx_busy[r->id] = true;
	g->granted[r->gref] = true;
	memcpy(g->pages[r->gref] + r->offset, data, bytes);
	u.req = *r;
	assert_true(nettx_front_put(&queue->tx, &u));
}

static unsigned busy(const struct guest_queue *queue)
{
	unsigned n = 0;

	for (unsigned i = 0; i < 200; i++)
		n += queue->tx_busy[i];
	return n;
}

bool guest_send(unsigned n, unsigned q, const uint8_t *bytes, unsigned length, uint16_t flags,
		const struct netif_extra_info *gso)
{
	struct guest *g = &guests[n];
	unsigned sizes[18], pieces = 0, done = 0;

	while (done < length) {
		unsigned left = length - done, rest = 17 - pieces;
		unsigned least = left > rest * 4096 ? left - rest * 4096 : 1;
		unsigned most = left < 4096 ? left : 4096;

		sizes[pieces] = least + (unsigned)(world_whole || dice(3) ? most - least : dice(most - least + 1));
		done += sizes[pieces++];
	}
	if (nettx_front_room(&g->queue[q].tx) < pieces + 1 || busy(&g->queue[q]) + pieces > 190)
		return false;
	done = 0;
	for (unsigned i = 0; i < pieces; i++) {
		struct netif_tx_request r = {
			.offset = (uint16_t)dice(4097 - sizes[i]),
			.size = (uint16_t)(i ? sizes[i] : length),
			.flags = (uint16_t)((i + 1 < pieces ? NETTXF_more_data : 0) |
					    (i ? 0 : flags | (gso ? NETTXF_extra_info : 0))),
		};

		put_slot(g, q, &r, bytes + done, sizes[i]);
		done += sizes[i];
		if (!i && gso) {
			union nettx_request u = { .extra = *gso };

			assert_true(nettx_front_put(&g->queue[q].tx, &u));
		}
	}
	if (nettx_front_push(&g->queue[q].tx) && g->dev.priv)
		net_kind.event(&g->dev, n << 8 | (q * 2 + 1));
	return true;
}

static void take_answers(struct guest *g, struct guest_queue *queue)
{
	struct netif_tx_response r;

	while (nettx_front_take(&queue->tx, &r) == 1) {
		if (r.status == NETIF_RSP_NULL)
			continue;
		if (r.status == NETIF_RSP_OKAY)
			g->okays++;
		else
			g->errors++;
		if (r.id < 200)
			queue->tx_busy[r.id] = false;
	}
	nettx_front_more(&queue->tx);
}

/* One response; frames are put together slot by slot. */
static void take_frames(struct guest *g, unsigned q)
{
	struct guest_queue *queue = &g->queue[q];
	union netrx_response r;
	struct got *got = NULL;
	bool extra = false, more = false;

	while (netrx_front_take(&queue->rx, &r) == 1) {
		uint16_t id = queue->rx_at++;

		if (extra) {
			if (got && r.extra.type == XEN_NETIF_EXTRA_TYPE_GSO)
				got->gso = r.extra;
			else if (got)
				got->hash = r.extra;
			extra = r.extra.flags & XEN_NETIF_EXTRA_FLAG_MORE;
			if (!more && !extra)
				got = NULL;
			continue;
		}
		assert_int_equal(r.rsp.id, id);
		if (r.rsp.status < 0) {
			g->bad++;
			extra = r.rsp.flags & NETRXF_extra_info;
			more = false;
			continue;
		}
		assert_true(r.rsp.offset + r.rsp.status <= 4096);
		if (!got) {
			assert_true(g->n_got < FRAMES);
			got = &g->got[g->n_got++];
			*got = (struct got){ .flags = r.rsp.flags, .bytes = malloc(70000),
					     .queue = q };
			extra = r.rsp.flags & NETRXF_extra_info;
		}
		memcpy(got->bytes + got->length, g->pages[rx_ref(q, id % 256)] + r.rsp.offset,
		       (size_t)r.rsp.status);
		got->length += (unsigned)r.rsp.status;
		more = r.rsp.flags & NETRXF_more_data;
		if (!more && !extra)
			got = NULL;
	}
	assert_null(got);		/* frames are published whole */
	netrx_front_more(&queue->rx);
}

void guest_run(unsigned n)
{
	struct guest *g = &guests[n];

	for (unsigned q = 0; q < g->queues; q++) {
		take_answers(g, &g->queue[q]);
		take_frames(g, q);
		lend(g, q);
		if (g->dev.priv)
			net_kind.event(&g->dev, n << 8 | (q * 2 + 2));
	}
}

void guest_forget(unsigned n)
{
	while (guests[n].n_got)
		free(guests[n].got[--guests[n].n_got].bytes);
}

void world_run(void)
{
	for (int i = 0; i < 1000; i++) {
		bool more = path_round(net);

		for (unsigned n = 0; n < GUESTS; n++)
			if (guests[n].queues)
				guest_run(n);
		if (!more && !path_round(net) && i > 2)
			return;
	}
	fail_msg("no end of work");
}

static void new_net(void)
{
	net = calloc(1, sizeof(*net));
	own_used = 0;
	net->io = &world_io;
	switch_init(&net->sw, 99);
	assert_int_equal(batch_init(net), 0);
	world_back.net = net;
}

void world_begin(void)
{
	memset(guests, 0, sizeof(guests));
	world_io.ops = &world_ops;
	world_ns = 1000000000000ull;
	world_meddle = world_writes = NULL;
	world_whole = false;
	world_maps = 0;
	world_watches = world_pieces = world_reads = 0;
	new_net();
	for (unsigned n = 0; n < GUESTS; n++)
		guests[n].pages = calloc(REFS, 4096);
}

static void free_buffers(struct buffer *b)
{
	while (b) {
		struct buffer *next = b->next;

		free(b);
		b = next;
	}
}

/* As when the process dies: the guests' side is not told. */
static void drop_net(void)
{
	for (unsigned i = 0; i < SWITCH_PORTS; i++) {
		struct port *p = net->port[i];

		for (unsigned q = 0; p && q < p->queues; q++) {
			struct feed *f = &p->queue[q]->feed;

			for (uint32_t k = f->oldest; k != f->newest; k++) {
				buffer_put(net, feed_packet(f, k)->buffer);
				buffer_put(net, feed_packet(f, k)->cut);
			}
			feed_close(net, f);
			world_maps -= 2;
			staging_forget(net, p->queue[q]);
			free(p->queue[q]);
		}
		if (p && p->control)
			world_maps--;
		if (p)
			free(p->control);
		if (p && p->dev)
			free(p);
	}
	world_watches = 0;
	free_buffers(net->small);
	free_buffers(net->large);
	free(net);
}

void world_restart(void)
{
	drop_net();
	new_net();
	for (unsigned n = 0; n < GUESTS; n++) {
		if (!guests[n].dev.priv)
			continue;
		guests[n].dev.resuming = true;
		guests[n].dev.priv = NULL;
		assert_int_equal(net_kind.probe(&guests[n].dev), 0);
		assert_int_equal(net_kind.connect(&guests[n].dev), 0);
		guests[n].dev.resuming = false;
	}
}

void world_end(void)
{
	for (unsigned n = 0; n < GUESTS; n++) {
		if (guests[n].dev.priv)
			assert_int_equal(net_kind.disconnect(&guests[n].dev), 0);
		guest_forget(n);
		free(guests[n].pages);
	}
	assert_int_equal(world_maps, 0);
	assert_int_equal(world_watches, 0);
	assert_int_equal(net->staging.pages, 0);
	assert_int_equal(net->controls, 0);
	drop_net();
}
