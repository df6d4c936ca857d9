/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of a guest's network device, as libmicaback tells it: offer features, map rings and
 * bind ports when the guest is ready, let go of everything when it leaves or is cut off.
 *
 * A device that was connected before this process began goes on where rsp_prod stands on both
 * rings: answers are given in order, so whatever was not answered is done again, but for what has
 * an answer that was not published (feed.c, drain_resume.c).  The guest may see a frame twice or lose
 * some, which is what networks do.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netd/config.h"
#include "netd/net.h"

#define DEFAULT_QUEUES	4u

static struct net *net_of(struct back_device *dev)
{
	return back_ctx(dev->back);
}

void port_break(struct port *p, const char *why)
{
	if (p->broken)
		return;
	p->broken = why;
	p->net->broken = true;
}

void port_cut_off(struct net *n, struct port *p)
{
	const char *why = p->broken;

	n->broken = false;
	if (p->dev)
		back_cut_off(p->dev, "%s", why);
}

/* --- what the operator wants --- */

static void word(struct back_device *dev, char *to, size_t room, const char *key)
{
	int rc = back_read(dev, to, room, "%s", key);

	if (rc == -ENOENT)
		*to = '\0';
	else if (rc)
		/* Too long to be right, or not known: refused by the parser, so that no guard is
		 * let down because the store went away. */
		snprintf(to, room, "?");
}

static const char *read_config(struct back_device *dev, struct config_port *c)
{
	struct config_words w;

	word(dev, w.mac, sizeof(w.mac), "mac");
	word(dev, w.vlan, sizeof(w.vlan), "vlan");
	word(dev, w.trunk, sizeof(w.trunk), "trunk");
	word(dev, w.isolated, sizeof(w.isolated), "isolated");
	word(dev, w.antispoof, sizeof(w.antispoof), "antispoof");
	word(dev, w.ip, sizeof(w.ip), "ip");
	word(dev, w.rate_bps, sizeof(w.rate_bps), "rate-bps");
	word(dev, w.storm, sizeof(w.storm), "storm-fps");
	word(dev, w.capture, sizeof(w.capture), "capture");
	return config_parse(c, &w, false);
}

static void stop_capture(struct port *p)
{
	if (!p->capturing)
		return;
	capture_stop(&p->capture);
	p->capturing = false;
	p->net->captures--;
}

void port_capture(struct port *p, const struct config_port *c, const char *name)
{
	char file[48];
	int fd, rc;

	if (p->capturing == c->capture && (!c->capture || p->capture.snaplen == c->snaplen))
		return;
	stop_capture(p);
	if (!c->capture)
		return;
	snprintf(file, sizeof(file), "%s.pcapng", name);
	fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
	rc = fd < 0 ? -errno : capture_start(&p->capture, fd, name, c->snaplen, c->capture_bytes);
	if (rc && fd >= 0)
		close(fd);
	if (rc && p->dev)
		back_note(p->dev, "no capture: cannot write %s: %s", file, strerror(-rc));
	p->capturing = !rc;
	p->net->captures += p->capturing;
}

static void apply(struct port *p, const struct config_port *c)
{
	struct net *n = p->net;
	char name[32];

	switch_configure(&n->sw, p->number, &c->sw, n->io->ops->now_ns(n->io));
	/* A tenth of a second at once, but no less than one large frame. */
	bucket_set(&p->rate, c->rate_bps, c->rate_bps / 10 > 65536 ? c->rate_bps / 10 : 65536,
		   n->io->ops->now_ns(n->io));
	snprintf(name, sizeof(name), "%u.%u", p->dev->domid, p->dev->handle);
	port_capture(p, c, name);
}

/* --- the handshake --- */

static bool port_wants(struct back_device *dev)
{
	char network[CONFIG_WORD];

	return !back_read(dev, network, sizeof(network), "network") &&
		!strcmp(network, net_of(dev)->name);
}

static int offer(struct back_device *dev)
{
	static const struct { const char *key; unsigned value; } features[] = {
		{ "feature-sg", 1 }, { "feature-gso-tcpv4", 1 }, { "feature-gso-tcpv6", 1 },
		{ "feature-ipv6-csum-offload", 1 }, { "feature-rx-copy", 1 },
		{ "feature-rx-flip", 0 }, { "feature-multicast-control", 1 },
		{ "feature-dynamic-multicast-control", 1 },
		{ "feature-ctrl-ring", 1 }, { "feature-split-event-channels", 1 },
		{ "multi-queue-max-queues", DEFAULT_QUEUES },
	};
	int rc = 0;

	for (unsigned i = 0; !rc && i < sizeof(features) / sizeof(features[0]); i++)
		rc = back_write(dev, features[i].key, "%u", features[i].value);
	return rc;
}

static int port_probe(struct back_device *dev)
{
	struct config_port c;
	const char *bad = read_config(dev, &c);
	int rc;

	if (bad)
		return back_fail(dev, -EINVAL, "MICA-NET-001", "correct the key and attach again",
				 "%s", bad);
	rc = dev->resuming ? 0 : offer(dev);
	return rc ? back_fail(dev, rc, "MICA-NET-002", NULL, "cannot write features: %s",
			      strerror(-rc)) : 0;
}

static void ring_bell(void *ctx, uint32_t port)
{
	struct net *n = ctx;

	n->io->ops->port_notify(n->io, port);
}

/* A sender's answers: later, see feed.c. */
static void owe_bell(void *ctx, uint32_t port)
{
	struct feed *f = ctx;

	feed_owe(f->port->net, f);
}

/* Both rings from their beginning, or from where a predecessor left them. */
static int attach(struct queue *q, bool resuming)
{
	struct mica_bell tx = { .ring = owe_bell, .ctx = &q->feed, .port = q->feed_port };
	struct mica_bell rx = { .ring = ring_bell, .ctx = q->port->net, .port = q->drain_port };
	const struct ring_header *tx_head = q->feed_page, *rx_head = q->drain_page;
	int rc;

	if (!resuming) {
		nettx_back_attach(&q->feed.ring, q->feed_page, MICA_IO_PAGE_BYTES, &tx);
		netrx_back_attach(&q->drain.ring, q->drain_page, MICA_IO_PAGE_BYTES, &rx);
		return 0;
	}
	rc = nettx_back_resume(&q->feed.ring, q->feed_page, MICA_IO_PAGE_BYTES, &tx,
			       mica_shared_load(&tx_head->rsp_prod));
	q->feed.again = true;
	q->feed.again_until = mica_shared_load(&tx_head->req_prod);
	ring_bell(q->port->net, q->feed_port);	/* the last notifications may be lost: ring once */
	q->drain.dirty = true;
	rc = rc ? rc : netrx_back_resume(&q->drain.ring, q->drain_page, MICA_IO_PAGE_BYTES, &rx,
					 mica_shared_load(&rx_head->rsp_prod));
	if (!rc)
		drain_resume(&q->drain);
	return rc;
}

/* The key an error names; NULL: it is none's fault. */
static void at_key(struct back_device *dev, const char *prefix, const char *key)
{
	struct port *p = dev->priv;

	snprintf(p->key, sizeof(p->key), "%s%s", key ? prefix : "", key ? key : "");
}

/* A number the front end has to write. */
static int read_front(struct back_device *dev, uint64_t *value, uint64_t low, const char *prefix,
		      const char *key)
{
	at_key(dev, prefix, key);
	return back_read_front_u64(dev, value, low, UINT32_MAX, "%s%s", prefix, key);
}

/* Two event channels, or one for both. */
static int bind_ports(struct back_device *dev, struct queue *q, const char *prefix)
{
	uint64_t tx, rx;
	int rc = read_front(dev, &tx, 1, prefix, "event-channel-tx");
	bool one = rc == -ENOENT;

	if (one)
		rc = read_front(dev, &tx, 1, prefix, "event-channel");
	rc = rc ? rc : back_bind(dev, (uint32_t)tx, &q->feed_port);
	if (rc)
		return rc;
	rc = one ? 0 : read_front(dev, &rx, 1, prefix, "event-channel-rx");
	if (rc || (!one && rx != tx))
		return rc ? rc : back_bind(dev, (uint32_t)rx, &q->drain_port);
	q->drain_port = q->feed_port;
	return 0;
}

static int map_ring(struct back_device *dev, const char *key, const char *prefix, void **page)
{
	struct mica_io *io = back_io(dev->back);
	uint64_t value;
	uint32_t ref;
	int rc = read_front(dev, &value, 0, prefix, key);

	ref = (uint32_t)value;
	return rc ? rc : io->ops->map(io, dev->domid, &ref, 1, true, page);
}

static int open_queue(struct back_device *dev, struct queue *q, const char *prefix)
{
	int rc = map_ring(dev, "tx-ring-ref", prefix, &q->feed_page);

	if (!rc)
		rc = map_ring(dev, "rx-ring-ref", prefix, &q->drain_page);
	if (!rc)
		rc = bind_ports(dev, q, prefix);
	if (rc)
		return rc;
	at_key(dev, "", NULL);
	return attach(q, dev->resuming);
}

static void close_queue(struct port *p, struct queue *q)
{
	struct mica_io *io = p->net->io;

	if (q->drain_port && q->drain_port != q->feed_port)
		back_unbind(p->dev, q->drain_port);
	if (q->feed_port)
		back_unbind(p->dev, q->feed_port);
	staging_forget(p->net, q);
	if (q->feed_page)
		io->ops->unmap(io, q->feed_page, 1);
	if (q->drain_page)
		io->ops->unmap(io, q->drain_page, 1);
	feed_close(p->net, &q->feed);
	free(q);
}

static int open_queues(struct back_device *dev, struct port *p)
{
	uint64_t queues;
	int rc;

	at_key(dev, "", "multi-queue-num-queues");
	rc = back_read_front_or(dev, &queues, 1, NET_QUEUES, 1, "multi-queue-num-queues");
	for (unsigned i = 0; !rc && i < queues; i++) {
		struct queue *q = calloc(1, sizeof(*q));
		char prefix[16] = "";

		if (!q)
			return -ENOMEM;
		p->queue[p->queues++] = q;
		q->port = p;
		feed_init(&q->feed, p);
		q->drain.port = p;
		at_key(dev, "", NULL);
		rc = feed_open(p->net, &q->feed);
		if (queues > 1)
			snprintf(prefix, sizeof(prefix), "queue-%u/", i);
		rc = rc ? rc : open_queue(dev, q, prefix);
	}
	return rc;
}

static int read_flag(struct back_device *dev, const char *key, bool *flag)
{
	uint64_t value;
	int rc;

	at_key(dev, "", key);
	rc = back_read_front_or(dev, &value, 0, 1, 0, "%s", key);
	*flag = !rc && value;
	return rc;
}

static int read_features(struct back_device *dev, struct port *p)
{
	bool copies = false, no_sum = false;
	int rc = read_flag(dev, "request-rx-copy", &copies);

	rc = rc ? rc : read_flag(dev, "feature-sg", &p->sg);
	rc = rc ? rc : read_flag(dev, "feature-gso-tcpv4", &p->gso_v4);
	rc = rc ? rc : read_flag(dev, "feature-gso-tcpv6", &p->gso_v6);
	rc = rc ? rc : read_flag(dev, "feature-no-csum-offload", &no_sum);
	rc = rc ? rc : read_flag(dev, "feature-ipv6-csum-offload", &p->sum_v6);
	rc = rc ? rc : multicast_open(dev, p);
	p->sum_v4 = !no_sum;
	p->gso_v4 &= p->sg && p->sum_v4;	/* segments need both */
	p->gso_v6 &= p->sg && p->sum_v6;
	if (!rc && !copies) {
		at_key(dev, "", "request-rx-copy");
		rc = -EOPNOTSUPP;
	}
	return rc;
}

static void release(struct port *p)
{
	struct net *n = p->net;

	stop_capture(p);
	multicast_close(p);
	control_close(p);
	for (unsigned i = 0; i < p->queues; i++)
		close_queue(p, p->queue[i]);
	if (n->port[p->number] == p) {
		switch_remove(&n->sw, p->number);
		n->port[p->number] = NULL;
	}
	p->dev->priv = NULL;
	free(p);
}

static struct port *new_port(struct back_device *dev)
{
	struct net *n = net_of(dev);
	int number = switch_free_port(&n->sw);
	struct port *p = number < 0 ? NULL : calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->net = n;
	p->dev = dev;
	p->domid = dev->domid;
	p->number = (unsigned)number;
	p->capture.fd = -1;
	bucket_set(&p->spurious, SPURIOUS_MOST, SPURIOUS_MOST, n->io->ops->now_ns(n->io));
	dev->priv = p;
	return p;
}

static int port_connect(struct back_device *dev)
{
	struct config_port c;
	const char *bad = read_config(dev, &c);
	struct port *p;
	int rc;

	if (bad)
		return back_fail(dev, -EINVAL, "MICA-NET-001", "correct the key and attach again",
				 "%s", bad);
	p = new_port(dev);
	if (!p)
		return back_fail(dev, -ENOSPC, "MICA-NET-003", NULL,
				 "the network has no port left, or dom0 no memory");
	apply(p, &c);
	p->net->port[p->number] = p;
	rc = read_features(dev, p);
	rc = rc ? rc : open_queues(dev, p);
	rc = rc ? rc : control_open(dev, p);
	if (rc) {
		char key[sizeof(p->key)];

		memcpy(key, p->key, sizeof(key));
		release(p);
		return back_fail(dev, rc, "MICA-NET-004", "see the keys below the guest's device/vif",
				 "the guest's rings cannot be used: %s%s%s", key, key[0] ? ": " : "",
				 strerror(-rc));
	}
	p->connected = true;
	if (dev->resuming)
		back_note(dev, "goes on after a restart");
	return 0;
}

static int port_disconnect(struct back_device *dev)
{
	struct port *p = dev->priv;

	if (!p)
		return 0;
	path_forget(p->net, p);
	p->connected = false;
	release(p);
	return 0;
}

static void port_remove(struct back_device *dev)
{
	if (dev->priv)
		release(dev->priv);
}

/* --- while it runs --- */

static bool has_work(struct queue *q)
{
	const struct ring_header *tx = q->feed_page;

	return mica_shared_load(&tx->req_prod) != nettx_back_req_cons(&q->feed.ring);
}

static void port_event(struct back_device *dev, uint32_t event)
{
	struct port *p = dev->priv;
	bool work = p && control_event(p, event);

	for (unsigned i = 0; p && i < p->queues; i++) {
		struct queue *q = p->queue[i];

		if (q->feed_port == event && !q->feed.busy && has_work(q))
			work = q->feed.busy = true;
		else if (q->drain_port == event && q->drain.wait_first)
			work = true;
	}
	if (p && !work && !bucket_take(&p->spurious, 1, p->net->io->ops->now_ns(p->net->io)))
		port_break(p, "a storm of events without work");
}

static void port_changed(struct back_device *dev, const char *key)
{
	struct port *p = dev->priv;
	struct config_port c;
	const char *bad;

	if (!p)
		return;
	bad = read_config(dev, &c);
	if (bad)
		back_fail(dev, -EINVAL, "MICA-NET-001", "the port goes on as it was", "%s", bad);
	else
		apply(p, &c);
}

static const char *const port_keys[] = {
	"mac", "vlan", "trunk", "isolated", "antispoof", "ip", "rate-bps", "storm-fps", "capture",
	NULL,
};

const struct back_kind net_kind = {
	.dir = "mnet",
	.keys = port_keys,
	.wants = port_wants,
	.probe = port_probe,
	.connect = port_connect,
	.disconnect = port_disconnect,
	.remove = port_remove,
	.event = port_event,
	.changed = port_changed,
};
