/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which devices dom0 serves, and where their rings are.  Devices come from the back ends' side of
 * the store, which guests cannot write; rings from the front ends', where every number is read
 * strictly and bounded, and what cannot be is kept as words.
 *
 *	disks		ring-ref or ring-refN, event-channel; the same below queue-N/
 *	network cards	tx-ring-ref, rx-ring-ref, event-channel or event-channel-tx, -rx; queue-N/;
 *			ctrl-ring-ref, event-channel-ctrl
 *	others		as a disk: what `mica driver new` makes
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <mica/io/blkif.h>
#include <mica/io/netif.h>

#include "lib/ring_look.h"
#include "lib/spec.h"

#define MAX_DEVICES	1024
#define BACKEND		"/local/domain/0/backend"

const char *ring_layout_name(enum ring_layout layout)
{
	static const char *const names[] = { "generic", "blkif", "netif tx", "netif rx", "netif ctrl" };

	return names[layout];
}

static bool is_disk(const struct ring_device *d)
{
	return !strcmp(d->kind, "mblk") || !strcmp(d->kind, "vbd");
}

static bool is_nic(const struct ring_device *d)
{
	return !strcmp(d->kind, "mnet") || !strcmp(d->kind, "vif");
}

static bool is_number(const char *text)
{
	return *text && strlen(text) < 11 && strspn(text, "0123456789") == strlen(text);
}

/* 0, -ENOENT: no such key, -EINVAL: it is no number below 2^32. */
static int number_at(struct mica_store *s, const char *dir, const char *key, uint32_t *value)
{
	char text[16];
	uint64_t n;
	int rc = mica_store_get(s, text, sizeof(text), "%s/%s", dir, key);

	if (rc)
		return rc == -ERANGE ? -EINVAL : rc;
	n = is_number(text) ? strtoull(text, NULL, 10) : UINT64_MAX;
	if (n > UINT32_MAX)
		return -EINVAL;
	*value = (uint32_t)n;
	return 0;
}

static void wrong(struct ring_place *p, const char *key, int rc)
{
	p->pages = 0;
	snprintf(p->why, sizeof(p->why), rc == -ENOENT ? "the guest has written no %s" :
		 rc == -EINVAL ? "the guest's %s is no number" : "its %s cannot be read", key);
}

static struct ring_place *add(struct ring_device *d, enum ring_layout layout, uint32_t slot_bytes,
			      unsigned queue, const char *suffix)
{
	struct ring_place *p;

	if (d->nr_rings == RING_RINGS_MAX)
		return NULL;
	p = &d->ring[d->nr_rings++];
	*p = (struct ring_place){ .layout = layout, .queue = queue, .slot_bytes = slot_bytes };
	if (layout == RING_NET_CTRL)
		snprintf(p->name, sizeof(p->name), "ctrl");
	else
		snprintf(p->name, sizeof(p->name), "%u%s", queue, suffix);
	return p;
}

static void read_port(struct mica_store *s, const char *dir, const char *key, const char *other,
		      struct ring_place *p)
{
	int rc = number_at(s, dir, key, &p->front_port);

	if (rc == -ENOENT && other)
		rc = number_at(s, dir, other, &p->front_port);
	if (rc && !p->why[0])
		wrong(p, "event-channel", rc);
}

static void read_one_page(struct mica_store *s, const char *dir, const char *key,
			  struct ring_place *p)
{
	int rc = number_at(s, dir, key, &p->refs[0]);

	p->pages = 1;
	if (rc)
		wrong(p, key, rc);
}

/* ring-ref, or ring-ref0 and as many as it says or as there are. */
static void read_pages(struct mica_store *s, const struct ring_device *d, const char *dir,
		       struct ring_place *p)
{
	uint32_t order = 0, want = 0;
	char key[20];
	int rc = number_at(s, d->front, "ring-page-order", &order);

	if (!rc && (order > 4 || (1u << order) > RING_PAGES_MAX)) {
		snprintf(p->why, sizeof(p->why), "the guest's ring-page-order is %u", order);
		return;
	}
	if (!rc)
		want = 1u << order;
	for (p->pages = 0; p->pages < (want ? want : RING_PAGES_MAX); p->pages++) {
		snprintf(key, sizeof(key), "ring-ref%u", p->pages);
		rc = number_at(s, dir, key, &p->refs[p->pages]);
		if (rc)
			break;
	}
	if (!p->pages && rc == -ENOENT)
		read_one_page(s, dir, "ring-ref", p);
	else if (rc && (rc != -ENOENT || want > p->pages))
		wrong(p, key, rc);
}

/* Of drivers we know nothing else of: what the back end says, as those of `mica driver new` do. */
static uint32_t slot_bytes(struct mica_store *s, const struct ring_device *d)
{
	uint32_t bytes = 0;

	if (is_disk(d))
		return sizeof(union blkif_sring_entry);
	return !number_at(s, d->back, "slot-bytes", &bytes) && bytes >= 4 && bytes <= 1024 ? bytes : 0;
}

static void read_queue(struct mica_store *s, struct ring_device *d, unsigned queue, const char *dir)
{
	struct ring_place *p;

	if (!is_nic(d)) {
		p = add(d, is_disk(d) ? RING_BLK : RING_GENERIC, slot_bytes(s, d), queue, "");
		if (!p)
			return;
		read_pages(s, d, dir, p);
		read_port(s, dir, "event-channel", NULL, p);
		return;
	}
	p = add(d, RING_NET_TX, sizeof(union netif_tx_sring_entry), queue, "/tx");
	if (p) {
		read_one_page(s, dir, "tx-ring-ref", p);
		read_port(s, dir, "event-channel-tx", "event-channel", p);
	}
	p = add(d, RING_NET_RX, sizeof(union netif_rx_sring_entry), queue, "/rx");
	if (p) {
		read_one_page(s, dir, "rx-ring-ref", p);
		read_port(s, dir, "event-channel-rx", "event-channel", p);
	}
}

static void read_rings(struct mica_store *s, struct ring_device *d)
{
	uint32_t queues = 1, ref;
	char dir[160], protocol[32];
	bool many;

	if (number_at(s, d->front, "multi-queue-num-queues", &queues) || !queues)
		queues = 1;
	if (queues > RING_QUEUES_MAX)
		queues = RING_QUEUES_MAX;
	snprintf(dir, sizeof(dir), "%s/queue-0", d->front);
	many = queues > 1 || (is_nic(d) && !number_at(s, dir, "tx-ring-ref", &ref));
	d->nr_queues = queues;
	for (unsigned q = 0; q < queues; q++) {
		snprintf(dir, sizeof(dir), many ? "%s/queue-%u" : "%s", d->front, q);
		read_queue(s, d, q, dir);
	}
	if (is_nic(d) && !number_at(s, d->front, "ctrl-ring-ref", &ref)) {
		struct ring_place *p = add(d, RING_NET_CTRL, sizeof(struct xen_netif_ctrl_request), 0, "");

		if (p) {
			read_one_page(s, d->front, "ctrl-ring-ref", p);
			read_port(s, d->front, "event-channel-ctrl", NULL, p);
		}
	}
	/* Slots of a 32-bit disk front end are smaller. */
	if (is_disk(d) && !mica_store_get(s, protocol, sizeof(protocol), "%s/protocol", d->front) &&
	    !strcmp(protocol, "x86_32-abi"))
		for (unsigned i = 0; i < d->nr_rings; i++)
			d->ring[i].slot_bytes = 0;
}

static unsigned state_at(struct mica_store *s, const char *dir)
{
	char text[16];
	int rc = dir[0] ? mica_store_get(s, text, sizeof(text), "%s/state", dir) : -ENOENT;

	return rc == -ERANGE ? MICA_BUS_NONSENSE : mica_bus_parse(rc ? NULL : text);
}

void ring_find_states(struct mica_store *s, struct ring_device *d)
{
	char text[256];
	uint32_t online;

	d->back_state = state_at(s, d->back);
	d->front_state = state_at(s, d->front);
	d->will = MICA_BUS_UP;
	if (!number_at(s, d->back, "online", &online) && !online)
		d->will = MICA_BUS_DOWN;
	else if ((d->back_state == XenbusStateClosing || d->back_state == XenbusStateClosed) &&
		 mica_store_get(s, text, sizeof(text), "/local/domain/0/error/%s/error",
				d->back + strlen("/local/domain/0/")) != -ENOENT)
		d->will = MICA_BUS_BROKEN;
}

static void name_it(struct ring_device *d)
{
	uint32_t number = (uint32_t)strtoul(d->number, NULL, 10);
	char vdev[MICA_VDEV_BYTES];

	if (is_disk(d)) {
		mica_vdev_name(number, vdev);
		snprintf(d->name, sizeof(d->name), "%s", vdev);
	} else if (is_nic(d)) {
		snprintf(d->name, sizeof(d->name), "eth%u", number);
	} else {
		snprintf(d->name, sizeof(d->name), "%s%u", d->kind, number);
	}
}

static bool any_limit(struct mica_store *s, const struct ring_device *d)
{
	static const char *const keys[] = { "iops-limit", "bps-limit", "rate-bps" };
	char text[32];

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!mica_store_get(s, text, sizeof(text), "%s/%s", d->back, keys[i]) &&
		    strtoull(text, NULL, 10))
			return true;
	return false;
}

/* The front end's directory, which must be one of its own domain's. */
static void read_device(struct mica_store *s, struct ring_device *d)
{
	char own[40];

	name_it(d);
	snprintf(own, sizeof(own), "/local/domain/%u/", d->domain);
	if (mica_store_get(s, d->front, sizeof(d->front), "%s/frontend", d->back) ||
	    strncmp(d->front, own, strlen(own)))
		d->front[0] = 0;
	d->limited = any_limit(s, d);
	ring_find_states(s, d);
	if (d->front[0])
		read_rings(s, d);
}

struct found {
	struct ring_device *list;
	int n;
};

static int add_devices(struct mica_store *s, const char *kind, domid_t domain, struct found *to)
{
	char dir[96], **numbers;
	int n, rc = 0;

	snprintf(dir, sizeof(dir), BACKEND "/%.31s/%u", kind, domain);
	n = mica_store_list(s, dir, &numbers);
	for (int i = 0; i < n && !rc && to->n < MAX_DEVICES; i++) {
		struct ring_device *more, *d;

		if (!is_number(numbers[i]))
			continue;
		more = reallocarray(to->list, (size_t)to->n + 1, sizeof(*more));
		if (!more) {
			rc = -ENOMEM;
			break;
		}
		to->list = more;
		d = &more[to->n++];
		memset(d, 0, sizeof(*d));
		d->domain = domain;
		snprintf(d->kind, sizeof(d->kind), "%s", kind);
		snprintf(d->number, sizeof(d->number), "%.11s", numbers[i]);
		snprintf(d->back, sizeof(d->back), "%s/%.11s", dir, numbers[i]);
		read_device(s, d);
	}
	if (n >= 0)
		free(numbers);
	return rc;
}

/* A console's bytes are no requests, and its page is no grant. */
static bool has_rings(const char *kind)
{
	return strlen(kind) < 32 && strcmp(kind, "console");
}

static int add_kind(struct mica_store *s, const char *kind, int only, struct found *to)
{
	char dir[96], **domains;
	int n, rc = 0;

	snprintf(dir, sizeof(dir), BACKEND "/%.31s", kind);
	n = mica_store_list(s, dir, &domains);
	for (int i = 0; i < n && !rc; i++) {
		unsigned long id = is_number(domains[i]) ? strtoul(domains[i], NULL, 10) : ~0ul;

		if (id < 0x7ff0 && (only < 0 || (unsigned long)only == id))
			rc = add_devices(s, kind, (domid_t)id, to);
	}
	if (n >= 0)
		free(domains);
	return rc;
}

static int by_domain(const void *a, const void *b)
{
	const struct ring_device *x = a, *y = b;

	if (x->domain != y->domain)
		return x->domain < y->domain ? -1 : 1;
	return strcmp(x->name, y->name);
}

int ring_find(struct mica_store *s, int only, struct ring_device **list)
{
	struct found to = { 0 };
	char **kinds;
	int n = mica_store_list(s, BACKEND, &kinds), rc = 0;

	*list = NULL;
	if (n < 0)
		return n == -ENOENT ? 0 : n;
	for (int i = 0; i < n && !rc; i++)
		if (has_rings(kinds[i]))
			rc = add_kind(s, kinds[i], only, &to);
	free(kinds);
	if (rc) {
		free(to.list);
		return rc;
	}
	if (to.n)
		qsort(to.list, (size_t)to.n, sizeof(*to.list), by_domain);
	*list = to.list;
	return to.n;
}

bool ring_device_is(const struct ring_device *d, const char *word)
{
	uint32_t number;

	if (!strcmp(d->name, word))
		return true;
	if (is_disk(d))
		return mica_vdev_number(word, &number) &&
			number == (uint32_t)strtoul(d->number, NULL, 10);
	return is_nic(d) && !strcmp(d->number, word);
}

bool ring_place_is(const struct ring_place *p, const char *word)
{
	const char *slash = strchr(p->name, '/');

	if (!word || !strcmp(p->name, word))
		return true;
	if (!slash)
		return false;
	return !strcmp(slash + 1, word) ||
		(strlen(word) == (size_t)(slash - p->name) && !strncmp(p->name, word, strlen(word)));
}
