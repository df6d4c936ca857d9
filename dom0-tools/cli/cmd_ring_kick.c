/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mica ring kick: the notification that was lost, sent by hand.  Looks as check does, raises the port
 * of the end that sleeps as its other end would have (only the hypervisor can, and only Mica does),
 * looks again and says what came of it.  An end that is rung without cause looks and goes on
 * sleeping, so the worst a wrong kick does is nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <mica/evtchn.h>

#include "cli/ring.h"

static const struct out_column columns[] = {
	{ "domain", NULL, false, false }, { "id", NULL, true, false },
	{ "device", NULL, false, false }, { "ring", "RING", false, false },
	{ "to", "TO", false, false }, { "port", "PORT", true, false },
	{ "before", "BEFORE", false, false }, { "after", "AFTER", false, false },
	{ "words", "NOW", false, false }, { NULL, NULL, false, false },
};

struct kick {
	enum ring_side to;		/* RING_NOBODY: nothing to do */
	enum ring_finding before;
};

static const char *side_name(enum ring_side side)
{
	return side == RING_BACK ? "back" : "front";
}

/* The port of that end, whose other end is the device's other end; NULL: they are not bound. */
static const struct ring_port *port_of(const struct ring_seen *r, enum ring_side side, domid_t *domain)
{
	bool bound = r->front.known && r->front.status == EVTCHNSTAT_interdomain && !r->front.peer &&
		r->back.known && r->back.status == EVTCHNSTAT_interdomain &&
		r->back.peer == r->device->domain && r->back.peer_port == r->front.port;

	*domain = side == RING_BACK ? 0 : r->device->domain;
	return !bound ? NULL : side == RING_BACK ? &r->back : &r->front;
}

static int fail(const struct ring_watch *w, const struct ring_seen *r, int rc)
{
	struct mica_error e;

	mica_fail(&e, rc == -ENOSYS ? "MICA-ABI-001" : "MICA-DEV-003", rc == -ENOSYS ?
		  "this hypervisor cannot raise a port from outside" : rc == -EINVAL ?
		  "its two ports are not bound to each other" : "%s", strerror(-rc));
	mica_what(&e, "cannot kick %s/%s/%s", ring_domain_name(w, r), r->device->name, r->place->name);
	mica_hint(&e, rc == -ENOSYS ? "kill the back end's process: the new one looks and rings" :
		  "is the back end's process there? it binds the port when it starts");
	return cli_report(&e);
}

static int kick_one(const struct ring_watch *w, const struct ring_seen *r, struct kick *k)
{
	const struct ring_port *p;
	domid_t domain;
	int rc;

	p = port_of(r, k->to, &domain);
	if (cli.plan) {
		cli_plan("raise", ring_domain_name(w, r), "port %u of domain %u, the %s end of %s/%s",
			 p ? p->port : 0, domain, side_name(k->to), r->device->name, r->place->name);
		return 0;
	}
	rc = p ? ring_port_raise(w->m, domain, p->port) : -EINVAL;
	return rc ? fail(w, r, rc) : 0;
}

static void row(const struct ring_watch *w, const struct ring_seen *r, const struct kick *k)
{
	char name[160];
	domid_t domain;
	const struct ring_port *p = port_of(r, k->to, &domain);

	ring_name(w, r, name, sizeof(name));
	out_row((struct out_value[]){
		out_text(ring_domain_name(w, r)), out_u64(r->device->domain), out_text(r->device->name),
		out_text(name), out_text(side_name(k->to)), p ? out_u64(p->port) : out_null(),
		out_text(ring_finding_name(k->before)), out_text(ring_finding_name(r->verdict.finding)),
		out_text(r->verdict.words),
	});
	if (r->verdict.finding == RING_STALLED)
		out_note("%s: still %s; %s", name, ring_finding_name(r->verdict.finding),
			 r->verdict.next);
}

static int rows(const struct ring_watch *w, const struct kick *k, unsigned kicked)
{
	bool bad = false;
	int status;

	out_list("mica/ring-kick/1", "rings", columns);
	for (unsigned i = 0; i < w->nr_seen; i++) {
		if (k[i].to == RING_NOBODY)
			continue;
		row(w, &w->seen[i], &k[i]);
		bad |= w->seen[i].verdict.finding == RING_STALLED;
	}
	if (!kicked)
		out_note("nobody sleeps with work left; --to front or --to back rings all the same");
	status = out_end();
	return status ? status : bad ? EXIT_GUEST : EXIT_OK;
}

/* @to RING_NOBODY: whoever sleeps. */
static int kick_all(struct ring_watch *w, enum ring_side to)
{
	struct kick k[RING_RINGS_MAX] = { { .to = RING_NOBODY } };
	uint64_t apart_ms = w->apart_ms;
	unsigned kicked = 0;
	int status = 0;

	ring_watch_run(w, false);
	for (unsigned i = 0; !status && i < w->nr_seen && i < RING_RINGS_MAX; i++) {
		const struct ring_verdict *v = &w->seen[i].verdict;

		k[i].before = v->finding;
		k[i].to = !w->seen[i].place ? RING_NOBODY : to != RING_NOBODY ? to :
			v->finding == RING_STALLED ? v->sleeper : RING_NOBODY;
		if (k[i].to == RING_NOBODY)
			continue;
		kicked++;
		status = kick_one(w, &w->seen[i], &k[i]);
	}
	if (status || cli.plan)
		return status;
	w->apart_ms = apart_ms;
	if (kicked)
		ring_watch_run(w, false);
	return rows(w, k, kicked);
}

extern const struct command cmd_ring_kick;

static int kick_run(int argc, char **argv)
{
	autoclean(ring_watch) struct ring_watch w = { .blind = true, .apart_ms = RING_INTERVAL_MS };
	const char *to = cli_opt("to");
	enum ring_side side = !to ? RING_NOBODY : !strcmp(to, "front") ? RING_FRONT : RING_BACK;
	int status = ring_names_device(&cmd_ring_kick, argv[1]);

	if (!status && to && strcmp(to, "front") && strcmp(to, "back"))
		return cli_usage(&cmd_ring_kick, "--to is front or back, not '%s'", to);
	if (!status)
		status = ring_interval(&w.apart_ms, RING_INTERVAL_LEAST);
	if (!status)
		status = ring_watch_open(&w, argv[1]);
	if (!status)
		status = ring_watch_needs_pages(&w);
	return status ? status : kick_all(&w, side);
}

static const struct command_option options[] = {
	{ "to", 't', "END", "front or back, whoever sleeps or not" },
	{ "interval", 'i', "MS", "time between two looks (1000)" },
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_ring_kick = {
	.noun = "ring", .name = "kick", .args = "DOMAIN/DEVICE[/QUEUE]",
	.summary = "send a lost notification by hand", .run = kick_run, .options = options,
	.min_args = 1, .max_args = 1, .flags = CMD_CHANGES, .complete = "domain",
	.more = "Looks twice, raises the port of the end that sleeps with work left, looks twice again and\n"
		"says what came of it; exit status 9 when it sleeps on.  Writes nothing into the ring.  An end\n"
		"that is rung without cause looks and goes on sleeping.",
};
