/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mica ring show: everything there is to see of one device's rings.  For people as paragraphs, for
 * programs as rows, one a ring.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ring.h"

#define MESSAGES	16u
#define MESSAGE_TEXT	160

static const struct out_column columns[] = {
	{ "domain", NULL, false, false }, { "id", NULL, true, false },
	{ "device", NULL, false, false }, { "kind", NULL, false, false },
	{ "number", NULL, false, false }, { "ring", "RING", false, false },
	{ "layout", NULL, false, false }, { "front_state", NULL, false, false },
	{ "back_state", NULL, false, false }, { "front_words", NULL, false, false },
	{ "back_words", NULL, false, false }, { "pages", NULL, true, false },
	{ "slots", NULL, true, false }, { "grants", NULL, false, false },
	{ "front_port", NULL, false, false }, { "back_port", NULL, false, false },
	{ "apart_ms", NULL, true, false },
	{ "req_prod_before", NULL, true, false }, { "rsp_prod_before", NULL, true, false },
	{ "req_event_before", NULL, true, false }, { "rsp_event_before", NULL, true, false },
	{ "req_prod", NULL, true, false }, { "rsp_prod", NULL, true, false },
	{ "req_event", NULL, true, false }, { "rsp_event", NULL, true, false },
	{ "in_flight", NULL, true, false }, { "messages", NULL, false, false },
	{ "stats", NULL, false, false }, { "verdict", "VERDICT", false, false },
	{ "sleeper", NULL, false, false }, { "words", "WHY", false, false },
	{ "next", NULL, false, false }, { NULL, NULL, false, false },
};

/* --- pieces of both forms --- */

static const char *words_of(enum mica_bus_role role, const struct ring_device *d)
{
	return role == MICA_BUS_BACK ?
		mica_bus_step(role, d->back_state, d->front_state, d->will)->words :
		mica_bus_step(role, d->front_state, d->back_state, MICA_BUS_UP)->words;
}

static void grants(const struct ring_place *p, char *text, size_t room)
{
	size_t at = 0;

	text[0] = 0;
	for (unsigned i = 0; i < p->pages && at < room; i++)
		at += (size_t)snprintf(text + at, room - at, "%s%u", i ? " " : "", p->refs[i]);
}

static bool readable(const struct ring_seen *r)
{
	return r->place && !r->sample[0].error && !r->sample[1].error && r->place->pages;
}

static uint32_t bytes_of(const struct ring_place *p)
{
	return (uint32_t)(p->pages * MICA_PAGE_BYTES);
}

/* The requests that lie in the ring, oldest first, each given to @tell; how many were not told. */
static uint32_t each_message(const struct ring_seen *r, void (*tell)(void *ctx, const char *text),
			     void *ctx)
{
	const struct ring_place *p = r->place;
	uint32_t slots = ring_slots(bytes_of(p), p->slot_bytes), n = ring_in_flight(r, 1), told;
	bool extra = false;

	if (!r->copy || !slots || n > slots)
		return n;
	for (told = 0; told < n && told < MESSAGES; told++) {
		uint32_t index = r->sample[1].rsp_prod + told;
		char said[MESSAGE_TEXT - 40], text[MESSAGE_TEXT];

		ring_say(p->layout, r->copy, bytes_of(p), p->slot_bytes, index, &extra, said,
			 sizeof(said));
		/* It was published at the first look, and is not answered at the second. */
		snprintf(text, sizeof(text), "%s%s", said,
			 (int32_t)(r->sample[0].req_prod - index) > 0 ? "  (there at both looks)" : "");
		tell(ctx, text);
	}
	return n - told;
}

/* --- for programs --- */

static void tell_file(void *ctx, const char *text)
{
	fprintf(ctx, "%s; ", text);
}

static struct out_value messages(const struct ring_seen *r)
{
	struct out_value value;
	char *text = NULL;
	size_t bytes;
	FILE *f;

	if (!readable(r))
		return out_null();
	f = open_memstream(&text, &bytes);
	if (!f)
		return out_null();
	each_message(r, tell_file, f);
	fclose(f);
	value = out_text(text);
	free(text);
	return value;
}

static struct out_value number(const struct ring_seen *r, uint32_t n)
{
	return readable(r) ? out_u64(n) : out_null();
}

static struct out_value stats_of(const struct ring_watch *w, const struct ring_device *d)
{
	char text[2048];

	return mica_store_get(w->s, text, sizeof(text), "%s/stats", d->back) ? out_null() :
		out_text(text);
}

static void row(const struct ring_watch *w, const struct ring_seen *r)
{
	const struct ring_sample *a = &r->sample[0], *b = &r->sample[1];
	const struct ring_device *d = r->device;
	const struct ring_place *p = r->place;
	char front[128], back[128], refs[200] = "";

	ring_port_say(&r->front, front, sizeof(front));
	ring_port_say(&r->back, back, sizeof(back));
	if (p)
		grants(p, refs, sizeof(refs));
	out_row((struct out_value[]){
		out_text(ring_domain_name(w, r)), out_u64(d->domain), out_text(d->name),
		out_text(d->kind), out_text(d->number), p ? out_text(p->name) : out_null(),
		p ? out_text(ring_layout_name(p->layout)) : out_null(),
		out_text(mica_bus_state_name(d->front_state)),
		out_text(mica_bus_state_name(d->back_state)),
		out_text(words_of(MICA_BUS_FRONT, d)), out_text(words_of(MICA_BUS_BACK, d)),
		out_u64(p ? p->pages : 0), out_u64(p ? ring_slots(bytes_of(p), p->slot_bytes) : 0),
		out_text(refs), out_text(front), out_text(back), out_u64(w->apart_ms),
		number(r, a->req_prod), number(r, a->rsp_prod), number(r, a->req_event),
		number(r, a->rsp_event), number(r, b->req_prod), number(r, b->rsp_prod),
		number(r, b->req_event), number(r, b->rsp_event), number(r, ring_in_flight(r, 1)),
		messages(r), stats_of(w, d), out_text(ring_finding_name(r->verdict.finding)),
		r->verdict.sleeper == RING_NOBODY ? out_null() :
			out_text(r->verdict.sleeper == RING_BACK ? "back" : "front"),
		out_text(r->verdict.words), out_text(r->verdict.next),
	});
}

/* --- for people --- */

static void tell_line(void *ctx, const char *text)
{
	printf("             %s\n", text);
}

static void print_device(const struct ring_watch *w, const struct ring_seen *r)
{
	const struct ring_device *d = r->device;
	char stats[2048];

	printf("%s/%s  (domain %u, %s, back end %s)\n", ring_domain_name(w, r), d->name, d->domain,
	       r->place ? ring_layout_name(r->place->layout) : "no ring", d->back);
	printf(" handshake   front %u %s   back %u %s%s\n", d->front_state,
	       mica_bus_state_name(d->front_state), d->back_state, mica_bus_state_name(d->back_state),
	       d->will == MICA_BUS_DOWN ? "   to go" : d->will == MICA_BUS_BROKEN ? "   failed" : "");
	printf("             guest: %s\n             back end: %s\n", words_of(MICA_BUS_FRONT, d),
	       words_of(MICA_BUS_BACK, d));
	if (!mica_store_get(w->s, stats, sizeof(stats), "%s/stats", d->back))
		printf(" stats       %s\n", stats);
}

static void print_index(const char *name, uint32_t before, uint32_t now)
{
	printf("  %s %u", name, now);
	if (now != before)
		printf(" (%+d)", (int32_t)(now - before));
}

static void print_pages(const struct ring_seen *r)
{
	const struct ring_place *p = r->place;
	uint32_t slots = ring_slots(bytes_of(p), p->slot_bytes);
	char refs[200];

	if (p->why[0]) {
		printf(" ring        %s: %s\n", p->name, p->why);
		return;
	}
	grants(p, refs, sizeof(refs));
	printf(" ring        %s: %s, %u page%s, ", p->name, ring_layout_name(p->layout), p->pages,
	       p->pages == 1 ? "" : "s");
	if (slots)
		printf("%u slots, ", slots);
	printf("grant%s %s\n", p->pages == 1 ? "" : "s", refs);
}

static void print_indices(const struct ring_watch *w, const struct ring_seen *r)
{
	const struct ring_sample *a = &r->sample[0], *b = &r->sample[1];
	uint32_t n = ring_in_flight(r, 1), rest;

	printf(" indices   ");
	print_index("req_prod", a->req_prod, b->req_prod);
	print_index("rsp_prod", a->rsp_prod, b->rsp_prod);
	print_index("req_event", a->req_event, b->req_event);
	print_index("rsp_event", a->rsp_event, b->rsp_event);
	printf("   in %llu ms%s\n", (unsigned long long)w->apart_ms,
	       b->torn ? ", read while both ends moved" : "");
	printf(" in flight   %u%s\n", n, r->place->layout == RING_NET_RX ? " (empty buffers)" : "");
	rest = each_message(r, tell_line, NULL);
	if (rest && n > rest)
		printf("             and %u more\n", rest);
	else if (rest)
		printf("             (their contents are not known)\n");
}

static void print_ring(const struct ring_watch *w, const struct ring_seen *r)
{
	char front[128], back[128];

	if (r->place) {
		print_pages(r);
		ring_port_say(&r->front, front, sizeof(front));
		ring_port_say(&r->back, back, sizeof(back));
		printf(" ports       guest %s\n             dom0 %s\n", front, back);
	}
	if (readable(r))
		print_indices(w, r);
	else if (r->place && !r->place->why[0])
		printf(" indices     the pages cannot be mapped: %s; the guest has taken the grant back, "
		       "or never gave it\n",
		       strerror(-(r->sample[0].error ? r->sample[0].error : r->sample[1].error)));
	printf(" verdict     %s: %s\n", ring_finding_name(r->verdict.finding), r->verdict.words);
	if (r->verdict.next[0])
		printf("             %s\n", r->verdict.next);
}

extern const struct command cmd_ring_show;

static int show_run(int argc, char **argv)
{
	autoclean(ring_watch) struct ring_watch w = { .blind = true, .apart_ms = RING_INTERVAL_MS };
	bool people = cli.format == OUT_TABLE || cli.format == OUT_WIDE;
	int status = ring_names_device(&cmd_ring_show, argv[1]);

	if (!status)
		status = ring_interval(&w.apart_ms, RING_INTERVAL_LEAST);
	if (!status)
		status = ring_watch_open(&w, argv[1]);
	if (!status)
		status = ring_watch_needs_pages(&w);
	if (status)
		return status;
	out_list("mica/ring-show/1", "rings", columns);
	ring_watch_run(&w, true);
	for (unsigned i = 0; i < w.nr_seen; i++) {
		if (!people) {
			row(&w, &w.seen[i]);
			continue;
		}
		if (!i || w.seen[i].device != w.seen[i - 1].device)
			print_device(&w, &w.seen[i]);
		print_ring(&w, &w.seen[i]);
	}
	return people ? 0 : out_end();
}

const struct command cmd_ring_show = {
	.noun = "ring", .name = "show", .args = "DOMAIN/DEVICE[/QUEUE]",
	.summary = "both ends, indices, requests in flight, ports", .run = show_run,
	.options = ring_options, .min_args = 1, .max_args = 1, .complete = "domain",
	.more = "QUEUE is 0, 1, ...; of a network card also tx, rx, 0/tx, ctrl.  Looks twice so that\n"
		"movement shows.  A slot is shown as it lies: a request that was answered out of order may\n"
		"still be seen.  Changes nothing; rings are mapped for reading only.",
};
