/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mica ring watch: check again and again, with rates.  Each round starts from the store, so devices
 * may come and go meanwhile.  On a terminal the table is painted over itself until it is interrupted;
 * elsewhere, and in every other format, one list a round follows the other.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/ring.h"

#define CLEAR		"\033[H\033[J"

static const struct out_column columns[] = {
	{ "domain", NULL, false, false }, { "id", NULL, true, false },
	{ "device", NULL, false, false }, { "ring", "RING", false, false },
	{ "requests_per_s", "REQ/S", true, false }, { "responses_per_s", "RSP/S", true, false },
	{ "in_flight", "IN-FLIGHT", true, false }, { "slots", "SLOTS", true, false },
	{ "front_port", "GUEST-PORT", false, false }, { "back_port", "DOM0-PORT", false, false },
	{ "bad", NULL, false, false }, { "verdict", "VERDICT", false, false },
	{ "apart_ms", NULL, true, false }, { "words", "WHY", false, true },
	{ NULL, NULL, false, false },
};

/* "5 pending masked" */
static struct out_value port(const struct ring_port *p)
{
	char text[48];

	if (!p->known)
		return out_null();
	snprintf(text, sizeof(text), "%u%s%s", p->port, p->pending == RING_BIT_YES ? " pending" : "",
		 p->masked == RING_BIT_YES ? " masked" : "");
	return out_text(text);
}

static struct out_value rate(const struct ring_watch *w, uint32_t before, uint32_t now)
{
	double per_s = (uint32_t)(now - before) * 1000.0 / (double)(w->apart_ms ? w->apart_ms : 1);

	return out_real(per_s, "%.0f", per_s);
}

static void row(const struct ring_watch *w, const struct ring_seen *r)
{
	const struct ring_sample *a = &r->sample[0], *b = &r->sample[1];
	bool seen = !a->error && !b->error && r->verdict.finding != RING_IMPOSSIBLE;
	char name[160];

	ring_name(w, r, name, sizeof(name));
	out_row((struct out_value[]){
		out_text(ring_domain_name(w, r)), out_u64(r->device->domain), out_text(r->device->name),
		out_text(name), seen ? rate(w, a->req_prod, b->req_prod) : out_null(),
		seen ? rate(w, a->rsp_prod, b->rsp_prod) : out_null(),
		seen ? out_u64(ring_in_flight(r, 1)) : out_null(),
		r->place ? out_u64(ring_slots((uint32_t)(r->place->pages * MICA_PAGE_BYTES),
					      r->place->slot_bytes)) : out_null(),
		port(&r->front), port(&r->back), out_bool(ring_finding_bad(r->verdict.finding)),
		out_text(ring_finding_name(r->verdict.finding)), out_u64(w->apart_ms),
		out_text(r->verdict.words),
	});
}

static int round_of(const char *word, bool screen)
{
	autoclean(ring_watch) struct ring_watch w = { .blind = true, .apart_ms = RING_INTERVAL_MS };
	int status = ring_interval(&w.apart_ms, RING_INTERVAL_LEAST);

	if (!status)
		status = ring_watch_open(&w, word);
	if (!status && w.nr_seen)
		status = ring_watch_needs_pages(&w);
	if (status)
		return status;
	if (w.nr_seen)
		ring_watch_run(&w, false);
	else
		usleep((useconds_t)(w.apart_ms * 1000));
	if (screen)
		fputs(CLEAR, stdout);
	out_list("mica/ring-watch/1", "rings", columns);
	for (unsigned i = 0; i < w.nr_seen; i++) {
		row(&w, &w.seen[i]);
		if (ring_finding_bad(w.seen[i].verdict.finding))
			out_note("%s/%s: %s", ring_domain_name(&w, &w.seen[i]), w.seen[i].device->name,
				 w.seen[i].verdict.words);
	}
	status = out_end();
	fflush(stdout);
	return status;
}

static int watch_run(int argc, char **argv)
{
	bool screen = isatty(1) && (cli.format == OUT_TABLE || cli.format == OUT_WIDE);
	const char *count = cli_opt("count");
	char *end = NULL;
	long left = count ? strtol(count, &end, 10) : screen ? -1 : 1;
	int status = 0;

	if (count && (*end || left < 1))
		return cli_fail("MICA-CFG-003", "ring watch", "'%s' is not a number of rounds", count);
	for (; !status && left; left -= left > 0)
		status = round_of(argc > 1 ? argv[1] : NULL, screen);
	return status;
}

static const struct command_option options[] = {
	{ "interval", 'i', "MS", "time between the two looks of a round (1000)" },
	{ "count", 'n', "N", "so many rounds, then end" },
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_ring_watch = {
	.noun = "ring", .name = "watch", .args = "[DOMAIN[/DEVICE[/QUEUE]]]",
	.summary = "rates, requests in flight, ports and verdicts, again and again", .run = watch_run,
	.options = options, .max_args = 1, .complete = "domain",
	.more = "On a terminal until interrupted, elsewhere once unless --count says more.  Changes nothing;\n"
		"rings are mapped for reading only, for as long as a copy takes.",
};
