/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control rings: what a front end asks for out of band.  Receive hashing (steer.c) and staging
 * grants (staging.c); whatever is not known is answered so.
 *
 *	request --copied once--> checked whole --all good--> done --> answered
 *	                                       --anything wrong--> answered, nothing changed
 *
 * Requests are answered and published one by one and in order, so rsp_prod says where a successor
 * goes on: one that was done but not answered is done again.  An answer lies over its request and
 * would be a request of other words, so none waits for the next.  Hashing is set to the same again.  A list of
 * staging grants is mapped again, for the old mappings ended with the old process; one to unmap
 * says that nothing was mapped.
 *
 * Settings of hashing are in the store (`hash`) before they are answered.  Staging grants are not:
 * see staging.c why nobody misses them.
 *
 * A request may stand for hundreds of mappings, so each port has an allowance (struct bucket
 * work); with that used up, its requests lie until there is more, and its frames go on.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netd/net.h"

#define ROUND_MOST	8u	/* requests of one ring in a round */
#define KEY_HASH	"hash"

struct answer {
	uint32_t status, data;
	unsigned cost;
};

static struct answer status_of(bool good)
{
	return (struct answer){ .status = good ? XEN_NETIF_CTRL_STATUS_SUCCESS :
						 XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER };
}

static struct answer data_of(uint32_t data)
{
	return (struct answer){ .status = XEN_NETIF_CTRL_STATUS_SUCCESS, .data = data };
}

/* --- the guest's pages --- */

static bool copy_page(struct port *p, uint32_t ref, void *mem, unsigned bytes, bool to_guest)
{
	struct mica_io_side guest = { .by_ref = true, .domid = p->domid, .ref = ref };
	struct mica_io_side ours = { .mem = mem };
	struct mica_io_copy c = { .from = to_guest ? ours : guest, .to = to_guest ? guest : ours,
				  .bytes = bytes };

	return !bytes || (!p->net->io->ops->copy(p->net->io, &c, 1) && !c.status);
}

/* --- hashing --- */

int control_keep(struct back_device *dev, const char *key, const char *text)
{
	struct mica_io *io = back_io(dev->back);
	char path[BACK_PATH];

	if (*text)
		return back_write(dev, key, "%s", text);
	snprintf(path, sizeof(path), "%.120s/%.30s", dev->dir, key);
	return io->ops->remove(io, path);
}

/* The new settings are in force once a successor would find them. */
static struct answer change(struct port *p, const struct steer *s)
{
	char text[STEER_WORDS];
	struct answer a = status_of(true);

	p->steer = *s;
	steer_print(s, text);
	control_keep(p->dev, KEY_HASH, text);
	a.cost = CONTROL_KEEP;
	return a;
}

static struct answer unsupported(void)
{
	return (struct answer){ .status = XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED };
}

static struct answer set_algorithm(struct port *p, const uint32_t *data)
{
	struct steer s = p->steer;

	if (data[0] != XEN_NETIF_CTRL_HASH_ALGORITHM_NONE &&
	    data[0] != XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ)
		return status_of(false);
	s.algorithm = (uint8_t)data[0];
	return change(p, &s);
}

static struct answer set_types(struct port *p, const uint32_t *data)
{
	struct steer s = p->steer;

	/* Without an algorithm there are none to set; xen-netback says it so, too. */
	if (!s.algorithm || data[0] & ~STEER_TYPES)
		return status_of(false);
	s.types = (uint8_t)data[0];
	return change(p, &s);
}

static struct answer overflow(void)
{
	return (struct answer){ .status = XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW };
}

static struct answer set_key(struct port *p, const uint32_t *data)
{
	struct steer s = p->steer;

	if (data[1] > STEER_KEY)
		return overflow();
	memset(s.key, 0, sizeof(s.key));
	if (!copy_page(p, data[0], s.key, data[1], false))
		return status_of(false);
	return change(p, &s);
}

static struct answer set_table_size(struct port *p, const uint32_t *data)
{
	struct steer s = p->steer;

	if (data[0] > STEER_TABLE)
		return status_of(false);
	memset(s.table, 0, sizeof(s.table));
	s.entries = data[0];
	return change(p, &s);
}

static struct answer set_table(struct port *p, const uint32_t *data)
{
	uint32_t queue[STEER_TABLE], most = STEER_TABLE;
	struct steer s = p->steer;

	if (data[1] > most || data[2] > most - data[1])
		return overflow();
	if (data[2] + data[1] > s.entries ||
	    !copy_page(p, data[0], queue, data[1] * (unsigned)sizeof(queue[0]), false))
		return status_of(false);
	for (unsigned i = 0; i < data[1]; i++) {
		if (queue[i] >= p->queues)
			return status_of(false);
		s.table[data[2] + i] = (uint8_t)queue[i];
	}
	return change(p, &s);
}

/* --- staging grants --- */

static struct xen_netif_gref list[STAGING_QUEUE_MOST];	/* copied once */

_Static_assert(sizeof(list) <= MICA_IO_PAGE_BYTES, "a list is one page of the guest");

/* The list of an ADD or DEL into list[]; false: there is something wrong with the request. */
static bool read_list(struct port *p, const uint32_t *data)
{
	return data[0] < p->queues && data[2] <= STAGING_QUEUE_MOST &&
		copy_page(p, data[1], list, data[2] * (unsigned)sizeof(list[0]), false);
}

static struct answer add_grants(struct port *p, const uint32_t *data)
{
	struct answer a = status_of(read_list(p, data) &&
				    staging_add(p->net, p->queue[data[0]], list, data[2]));

	a.cost = data[2] < STAGING_QUEUE_MOST ? data[2] : STAGING_QUEUE_MOST;
	return a;
}

/* That the guest's page can be written is found out before anything is unmapped. */
static struct answer del_grants(struct port *p, const uint32_t *data)
{
	unsigned bytes = data[2] * (unsigned)sizeof(list[0]);
	struct answer a = status_of(read_list(p, data) && copy_page(p, data[1], list, bytes, true));

	if (a.status)
		return a;
	a.data = staging_del(p->net, p->queue[data[0]], list, data[2]);
	a.cost = data[2];
	copy_page(p, data[1], list, bytes, true);	/* taken away since: then it does not know */
	return a;
}

/* --- requests --- */

static struct answer serve(struct port *p, const struct xen_netif_ctrl_request *r)
{
	switch (r->type) {
	case XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM:
		return set_algorithm(p, r->data);
	case XEN_NETIF_CTRL_TYPE_GET_HASH_FLAGS:
		return p->steer.algorithm ? data_of(STEER_TYPES) : unsupported();
	case XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS:
		return set_types(p, r->data);
	case XEN_NETIF_CTRL_TYPE_SET_HASH_KEY:
		return set_key(p, r->data);
	case XEN_NETIF_CTRL_TYPE_GET_HASH_MAPPING_SIZE:
		return data_of(STEER_TABLE);
	case XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE:
		return set_table_size(p, r->data);
	case XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING:
		return set_table(p, r->data);
	case XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE:
		return r->data[0] < p->queues ? data_of(STAGING_QUEUE_MOST) : status_of(false);
	case XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING:
		return add_grants(p, r->data);
	case XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING:
		return del_grants(p, r->data);
	}
	return unsupported();
}

static void answer(struct port *p, const struct xen_netif_ctrl_request *r)
{
	struct answer a = serve(p, r);
	struct xen_netif_ctrl_response rsp = {
		.id = r->id, .type = r->type, .status = a.status, .data = a.data,
	};

	bucket_take(&p->control->work, CONTROL_COPY + a.cost, p->net->now_ns);
	switch_count(&p->net->sw, p->number, COUNT_control, 1);
	if (a.status)
		switch_count(&p->net->sw, p->number, COUNT_control_refused, 1);
	netctl_back_answer(&p->control->ring, &rsp);
}

static void set_busy(struct port *p, bool busy)
{
	if (busy && !p->control->busy)
		p->net->controls++;
	if (!busy && p->control->busy)
		p->net->controls--;
	p->control->busy = busy;
}

/* True: there are more that may be served at once. */
static bool serve_port(struct net *n, struct port *p)
{
	struct control *c = p->control;
	struct xen_netif_ctrl_request r;
	int rc = 1;

	for (unsigned i = 0; i < ROUND_MOST && bucket_open(&c->work, n->now_ns); i++) {
		rc = netctl_back_take(&c->ring, &r);
		if (rc != 1)
			break;
		answer(p, &r);
		netctl_back_push(&c->ring);	/* before the next takes its time */
	}
	netctl_back_push(&c->ring);
	if (rc < 0 || (!rc && !netctl_back_more(&c->ring)))
		set_busy(p, false);
	if (netctl_back_dead(&c->ring)) {
		set_busy(p, false);
		port_break(p, "a control ring with an impossible request index");
	}
	return c->busy && bucket_open(&c->work, n->now_ns);
}

bool control_round(struct net *n)
{
	bool more = false;

	for (unsigned i = 0; n->controls && i < n->sw.top; i++) {
		struct port *p = n->port[i];

		if (p && p->connected && !p->broken && p->control && p->control->busy)
			more |= serve_port(n, p);
	}
	return more;
}

uint64_t control_due(struct net *n)
{
	uint64_t due = 0;

	for (unsigned i = 0; n->controls && i < n->sw.top; i++) {
		struct port *p = n->port[i];
		uint64_t at = p && p->control && p->control->busy ?
			bucket_opens_at(&p->control->work, n->now_ns) : 0;

		due = at && (!due || at < due) ? at : due;
	}
	return due;
}

bool control_event(struct port *p, uint32_t event)
{
	struct control *c = p->control;
	const struct ring_header *shared = c ? c->page : NULL;

	if (!c || c->port != event || c->busy ||
	    mica_shared_load(&shared->req_prod) == netctl_back_req_cons(&c->ring))
		return false;
	set_busy(p, true);
	return true;
}

/* --- its life --- */

static void ring_bell(void *ctx, uint32_t port)
{
	struct net *n = ctx;

	n->io->ops->port_notify(n->io, port);
}

static int attach(struct port *p, bool resuming)
{
	struct control *c = p->control;
	struct mica_bell bell = { .ring = ring_bell, .ctx = p->net, .port = c->port };
	const struct ring_header *shared = c->page;

	if (!resuming) {
		netctl_back_attach(&c->ring, c->page, MICA_IO_PAGE_BYTES, &bell);
		return 0;
	}
	return netctl_back_resume(&c->ring, c->page, MICA_IO_PAGE_BYTES, &bell,
				  mica_shared_load(&shared->rsp_prod));
}

/* What a predecessor kept; of an earlier life of the device there may be something, too. */
static void recall(struct back_device *dev, struct port *p)
{
	char text[STEER_WORDS];

	if (back_read(dev, text, sizeof(text), KEY_HASH) || !*text)
		return;
	if (!dev->resuming)
		control_keep(dev, KEY_HASH, "");
	else if (!steer_parse(&p->steer, text, p->queues))
		back_note(dev, "the receive hashing it asked for is lost: '%s' is not understood",
			  text);
}

int control_open(struct back_device *dev, struct port *p)
{
	struct mica_io *io = p->net->io;
	uint64_t ref, port;
	uint32_t ref32;
	int rc = back_read_front_u64(dev, &ref, 0, UINT32_MAX, "ctrl-ring-ref");

	recall(dev, p);
	if (rc == -ENOENT)
		return 0;
	rc = rc ? rc : back_read_front_u64(dev, &port, 1, UINT32_MAX, "event-channel-ctrl");
	if (rc)
		return rc;
	p->control = calloc(1, sizeof(*p->control));
	if (!p->control)
		return -ENOMEM;
	ref32 = (uint32_t)ref;
	rc = io->ops->map(io, dev->domid, &ref32, 1, true, &p->control->page);
	if (rc)
		p->control->page = NULL;
	rc = rc ? rc : back_bind(dev, (uint32_t)port, &p->control->port);
	rc = rc ? rc : attach(p, dev->resuming);
	if (rc)
		return rc;
	bucket_set(&p->control->work, CONTROL_RATE, CONTROL_BURST, io->ops->now_ns(io));
	set_busy(p, true);
	return 0;
}

void control_close(struct port *p)
{
	static const struct steer none;
	struct control *c = p->control;

	if (memcmp(&p->steer, &none, sizeof(none)))
		control_keep(p->dev, KEY_HASH, "");
	if (!c)
		return;
	set_busy(p, false);
	if (c->port)
		back_unbind(p->dev, c->port);
	if (c->page)
		p->net->io->ops->unmap(p->net->io, c->page, 1);
	free(c);
	p->control = NULL;
}
