/* SPDX-License-Identifier: BSD-2-Clause */
/* See ring.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/ring.h"

#define INTERVAL_MOST	600000

const struct command_option ring_options[] = {
	{ "interval", 'i', "MS", "time between the two looks (1000)" },
	{ NULL, 0, NULL, NULL },
};

int ring_interval(uint64_t *ms, unsigned least)
{
	const char *text = cli_opt("interval");

	if (!text)
		return 0;
	*ms = strspn(text, "0123456789") == strlen(text) && strlen(text) < 8 ?
		strtoull(text, NULL, 10) : 0;
	if (*ms >= least && *ms <= INTERVAL_MOST)
		return 0;
	return cli_fail("MICA-CFG-003", "--interval", "'%s' is no time from %u to %u ms", text,
			least, INTERVAL_MOST);
}

/* --- what is chosen --- */

int ring_names_device(const struct command *c, const char *word)
{
	if (strchr(word, '/'))
		return 0;
	return cli_usage(c, "'%s' names no device; mica ring list %s shows them", word, word);
}

struct choice {
	char text[128];
	char *device, *queue;		/* NULL: all */
	int domain;			/* -1: all */
};

static int split(struct choice *c, struct ring_watch *w, const char *word)
{
	struct target t;
	int status;

	*c = (struct choice){ .domain = -1 };
	if (!word)
		return 0;
	if (strlen(word) >= sizeof(c->text))
		return cli_fail("MICA-CFG-003", "rings", "'%.40s...' is too long for DOMAIN/DEVICE/QUEUE",
				word);
	strcpy(c->text, word);
	c->device = strchr(c->text, '/');
	if (c->device)
		*c->device++ = 0;
	c->queue = c->device ? strchr(c->device, '/') : NULL;
	if (c->queue)
		*c->queue++ = 0;
	status = cli_target(&t, w->m, w->s, c->text);
	c->domain = t.id;
	return status;
}

static void add(struct ring_watch *w, struct ring_device *d, const struct ring_place *p)
{
	struct ring_seen *more = reallocarray(w->seen, w->nr_seen + 1, sizeof(*more));

	if (!more)
		return;
	w->seen = more;
	more[w->nr_seen++] = (struct ring_seen){ .device = d, .place = p };
}

static void choose(struct ring_watch *w, const struct choice *c)
{
	for (int i = 0; i < w->nr_devices; i++) {
		struct ring_device *d = &w->devices[i];

		if (c->device && !ring_device_is(d, c->device))
			continue;
		for (unsigned r = 0; r < d->nr_rings; r++)
			if (ring_place_is(&d->ring[r], c->queue))
				add(w, d, &d->ring[r]);
		if (!d->nr_rings && !c->queue)
			add(w, d, NULL);
	}
}

static int nothing(const struct ring_watch *w, const struct choice *c)
{
	char there[300] = "";
	struct mica_error e;

	for (int i = 0; i < w->nr_devices; i++) {
		const struct ring_device *d = &w->devices[i];
		size_t at = strlen(there);

		snprintf(there + at, sizeof(there) - at, " %s", d->name);
		for (unsigned r = 0; r < d->nr_rings && c->queue && ring_device_is(d, c->device); r++) {
			at = strlen(there);
			snprintf(there + at, sizeof(there) - at, " %s/%s", d->name, d->ring[r].name);
		}
	}
	mica_fail(&e, "MICA-DEV-002", "it has no %s%s%s", c->device, c->queue ? "/" : "",
		  c->queue ? c->queue : "");
	mica_what(&e, "rings of '%s'", c->text);
	mica_fact(&e, "it has:%s", there[0] ? there : " none");
	return cli_report(&e);
}

static int name_domains(struct ring_watch *w)
{
	w->names = calloc((size_t)w->nr_devices + 1, sizeof(*w->names));
	if (!w->names)
		return cli_fail("MICA-HOST-002", "rings", "no memory");
	for (int i = 0; i < w->nr_devices; i++) {
		if (i && w->devices[i].domain == w->devices[i - 1].domain)
			strcpy(w->names[i], w->names[i - 1]);
		else
			mica_domain_name(w->s, w->devices[i].domain, w->names[i]);
	}
	return 0;
}

int ring_watch_open(struct ring_watch *w, const char *word)
{
	int status = cli_open_both(&w->m, &w->s);
	struct choice c;

	if (!status)
		status = split(&c, w, word);
	if (status)
		return status;
	w->nr_devices = ring_find(w->s, c.domain, &w->devices);
	if (w->nr_devices < 0) {
		int rc = w->nr_devices;

		w->nr_devices = 0;
		return cli_fail("MICA-STORE-002", "rings", "cannot list devices: %s", strerror(-rc));
	}
	status = name_domains(w);
	if (status)
		return status;
	choose(w, &c);
	if (!w->nr_seen && c.device)
		return nothing(w, &c);
	w->blind = access("/dev/xen/gntdev", R_OK | W_OK) || ring_eyes_xen(&w->eyes);
	return 0;
}

int ring_watch_needs_pages(const struct ring_watch *w)
{
	struct mica_error e;

	if (!w->blind)
		return 0;
	mica_fail(&e, "MICA-HOST-001", "/dev/xen/gntdev cannot be opened");
	mica_what(&e, "cannot read the pages of rings");
	mica_hint(&e, "modprobe xen-gntdev; only root may use it");
	return cli_report(&e);
}

void ring_watch_cleanup(struct ring_watch *w)
{
	for (unsigned i = 0; i < w->nr_seen; i++)
		free(w->seen[i].copy);
	if (!w->blind)
		ring_eyes_close(&w->eyes);
	free(w->seen);
	free(w->names);
	free(w->devices);
	mica_store_close(w->s);
	mica_close(w->m);
}

/* --- looking --- */

static void sample(struct ring_watch *w, struct ring_seen *r, int nth, bool copy)
{
	r->sample[nth] = (struct ring_sample){ .error = -ENXIO };
	if (!r->place || !r->place->pages || w->blind)
		return;
	if (copy)
		r->copy = calloc(r->place->pages, MICA_PAGE_BYTES);
	ring_take(&w->eyes, r->device->domain, r->place, &r->sample[nth], r->copy);
}

void ring_watch_first(struct ring_watch *w)
{
	for (unsigned i = 0; i < w->nr_seen; i++) {
		w->seen[i].back_state = w->seen[i].device->back_state;
		w->seen[i].front_state = w->seen[i].device->front_state;
		sample(w, &w->seen[i], 0, false);
	}
}

static void judge(struct ring_watch *w, struct ring_seen *r)
{
	const struct ring_device *d = r->device;
	const struct ring_place *p = r->place;
	mica_dominfo info;
	struct ring_case c = {
		.layout = p ? p->layout : RING_GENERIC,
		.bytes = p ? (uint32_t)(p->pages * MICA_PAGE_BYTES) : 0,
		.slot_bytes = p ? p->slot_bytes : 0,
		.back_state = { r->back_state, d->back_state },
		.front_state = { r->front_state, d->front_state },
		.will = d->will, .limited = d->limited,
		.keys_wrong = p ? p->why : "the guest has published no ring",
		.sample = { r->sample[0], r->sample[1] }, .apart_ms = w->apart_ms,
	};

	if (!mica_domain_info(w->m, d->domain, &info))
		c.guest_stopped = info.flags & (XEN_DOMINF_paused | XEN_DOMINF_shutdown |
						XEN_DOMINF_dying);
	ring_port_look(w->m, d->domain, p ? p->front_port : 0, &r->front);
	/* The guest names a port; that its other end is ours is the hypervisor's word. */
	ring_port_look(w->m, 0, r->front.known && !r->front.peer ? r->front.peer_port : 0, &r->back);
	c.front = r->front;
	c.back = r->back;
	ring_judge(&c, &r->verdict);
}

void ring_watch_run(struct ring_watch *w, bool copies)
{
	uint64_t start;

	ring_watch_first(w);
	start = now_ms();
	usleep((useconds_t)(w->apart_ms * 1000));
	for (unsigned i = 0; i < w->nr_seen; i++)
		sample(w, &w->seen[i], 1, copies);
	w->apart_ms = now_ms() - start;
	for (int i = 0; i < w->nr_devices; i++)
		ring_find_states(w->s, &w->devices[i]);
	for (unsigned i = 0; i < w->nr_seen; i++)
		judge(w, &w->seen[i]);
}

const char *ring_domain_name(const struct ring_watch *w, const struct ring_seen *r)
{
	return w->names[r->device - w->devices];
}

void ring_name(const struct ring_watch *w, const struct ring_seen *r, char *text, size_t room)
{
	snprintf(text, room, "%s/%s%s%s", ring_domain_name(w, r), r->device->name,
		 r->place ? "/" : "", r->place ? r->place->name : "");
}

uint32_t ring_in_flight(const struct ring_seen *r, int nth)
{
	return r->sample[nth].req_prod - r->sample[nth].rsp_prod;
}
