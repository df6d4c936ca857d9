/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mica ring list and check: every device dom0 serves, in one line each; and a verdict on every ring,
 * with exit status 9 when one of them is bad.  `show` is in cmd_ring_show.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ring.h"

/* --- list --- */

static const struct out_column list_columns[] = {
	{ "domain", "DOMAIN", false, false }, { "id", NULL, true, false },
	{ "device", "DEVICE", false, false }, { "kind", "KIND", false, false },
	{ "number", NULL, false, false }, { "front_state", "FRONT", false, false },
	{ "back_state", "BACK", false, false }, { "queues", "QUEUES", true, false },
	{ "rings", "RINGS", true, false }, { "in_flight", "IN-FLIGHT", true, false },
	{ "note", "NOTE", false, false }, { NULL, NULL, false, false },
};

/* Of all rings of the device that starts at @from; what was wrong with one is the note. */
static struct out_value in_flight(const struct ring_watch *w, unsigned from, char *note, size_t room)
{
	const struct ring_device *d = w->seen[from].device;
	uint64_t sum = 0;
	bool any = false;

	note[0] = 0;
	for (unsigned i = from; i < w->nr_seen && w->seen[i].device == d; i++) {
		const struct ring_seen *r = &w->seen[i];
		uint32_t bytes = r->place ? (uint32_t)(r->place->pages * MICA_PAGE_BYTES) : 0;

		if (!r->place || w->blind)
			continue;
		if (r->place->why[0])
			snprintf(note, room, "ring %s: %s", r->place->name, r->place->why);
		else if (r->sample[0].error)
			snprintf(note, room, "ring %s: %s", r->place->name,
				 strerror(-r->sample[0].error));
		else if (!r->sample[0].torn &&
			 ring_in_flight(r, 0) > ring_most(bytes, r->place->slot_bytes))
			snprintf(note, room, "ring %s: impossible indices", r->place->name);
		else if (r->place->layout != RING_NET_RX)
			sum += ring_in_flight(r, 0), any = true;
	}
	return any ? out_u64(sum) : out_null();
}

static void list_row(const struct ring_watch *w, unsigned at)
{
	const struct ring_device *d = w->seen[at].device;
	struct out_value flying;
	char note[160];

	flying = in_flight(w, at, note, sizeof(note));
	out_row((struct out_value[]){
		out_text(ring_domain_name(w, &w->seen[at])), out_u64(d->domain), out_text(d->name),
		out_text(d->kind), out_text(d->number), out_text(mica_bus_state_name(d->front_state)),
		out_text(mica_bus_state_name(d->back_state)), out_u64(d->nr_rings ? d->nr_queues : 0),
		out_u64(d->nr_rings), flying, out_text(note),
	});
}

static int list_run(int argc, char **argv)
{
	autoclean(ring_watch) struct ring_watch w = { .blind = true };
	int status = ring_watch_open(&w, argc > 1 ? argv[1] : NULL);

	if (status)
		return status;
	out_list("mica/ring-list/1", "devices", list_columns);
	ring_watch_first(&w);
	for (unsigned i = 0; i < w.nr_seen; i++)
		if (!i || w.seen[i].device != w.seen[i - 1].device)
			list_row(&w, i);
	if (w.blind)
		out_note("rings cannot be read: no /dev/xen/gntdev (modprobe xen-gntdev)");
	return out_end();
}

const struct command cmd_ring_list = {
	.noun = "ring", .name = "list", .args = "[DOMAIN[/DEVICE]]",
	.summary = "split devices, the state of their ends, requests in flight", .run = list_run,
	.max_args = 1, .complete = "domain",
};

/* --- check --- */

static const struct out_column check_columns[] = {
	{ "domain", NULL, false, false }, { "id", NULL, true, false },
	{ "device", NULL, false, false }, { "ring", "RING", false, false },
	{ "bad", NULL, false, false }, { "verdict", "VERDICT", false, false },
	{ "sleeper", NULL, false, false }, { "apart_ms", NULL, true, false },
	{ "words", "WHY", false, false }, { "next", NULL, false, false },
	{ NULL, NULL, false, false },
};

static void check_row(const struct ring_watch *w, const struct ring_seen *r)
{
	const struct ring_verdict *v = &r->verdict;
	char name[160];

	ring_name(w, r, name, sizeof(name));
	out_row((struct out_value[]){
		out_text(ring_domain_name(w, r)), out_u64(r->device->domain),
		out_text(r->device->name), out_text(name), out_bool(ring_finding_bad(v->finding)),
		out_text(ring_finding_name(v->finding)),
		v->sleeper == RING_NOBODY ? out_null() :
			out_text(v->sleeper == RING_BACK ? "back" : "front"),
		out_u64(w->apart_ms), out_text(v->words), out_text(v->next),
	});
	if (v->next[0])
		out_note("%s: %s", name, v->next);
}

static int check_run(int argc, char **argv)
{
	autoclean(ring_watch) struct ring_watch w = { .blind = true, .apart_ms = RING_INTERVAL_MS };
	int status = ring_interval(&w.apart_ms, RING_INTERVAL_LEAST), bad = 0;

	if (!status)
		status = ring_watch_open(&w, argc > 1 ? argv[1] : NULL);
	if (!status && w.nr_seen)
		status = ring_watch_needs_pages(&w);
	if (status)
		return status;
	out_list("mica/ring-check/1", "rings", check_columns);
	if (w.nr_seen)
		ring_watch_run(&w, false);
	for (unsigned i = 0; i < w.nr_seen; i++) {
		check_row(&w, &w.seen[i]);
		bad += ring_finding_bad(w.seen[i].verdict.finding);
	}
	status = out_end();
	return status ? status : bad ? EXIT_GUEST : EXIT_OK;
}

const struct command cmd_ring_check = {
	.noun = "ring", .name = "check", .args = "[DOMAIN[/DEVICE[/QUEUE]]]",
	.summary = "does anybody sleep with work left?", .run = check_run, .options = ring_options,
	.max_args = 1, .complete = "domain",
	.more = "Looks twice and says of each ring: healthy, idle, waiting, connecting, closed; or\n"
		"STALLED (who sleeps, and which notification was lost), IMPOSSIBLE, STUCK, UNREADABLE,\n"
		"and then the exit status is 9.  Changes nothing; rings are mapped for reading only.",
};
