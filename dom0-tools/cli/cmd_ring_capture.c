/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mica ring capture: the messages that pass through rings, one JSON line each, between a head and an
 * end line.  The rings are looked at again and again from outside, so it works with every back end
 * and disturbs none; what passed between two looks is told as what is left of it, or counted.  Ends
 * after so many messages, so much time, or when the device is no longer connected.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/config.h"
#include "cli/ring.h"

#define COUNT		1000
#define COUNT_MOST	10000000
#define TIME_MS		10000
#define STATES_MS	1000		/* how often the handshake is looked at */
#define RAW_BYTES	256

struct capture {
	struct ring_watch *w;
	struct ring_capture *c;		/* one per ring seen */
	const struct ring_seen *ring;	/* of which messages are told */
	uint64_t start_us, left;
};

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void put_name(const struct capture *c)
{
	char name[160];

	ring_name(c->w, c->ring, name, sizeof(name));
	out_json_string(stdout, name);
}

static bool tell(void *ctx, const struct ring_passed *m)
{
	struct capture *c = ctx;

	printf("{\"us\":%llu,\"ring\":", (unsigned long long)(now_us() - c->start_us));
	put_name(c);
	printf(",\"what\":\"%s\",\"index\":%u,\"partly\":%s,\"words\":",
	       m->response ? "response" : "request", m->index, m->partly ? "true" : "false");
	out_json_string(stdout, m->words);
	if (m->raw_bytes) {
		fputs(",\"raw\":\"", stdout);
		for (uint32_t i = 0; i < m->raw_bytes && i < RAW_BYTES; i++)
			printf("%02x", m->raw[i]);
		putchar('"');
	}
	puts("}");
	return --c->left != 0;
}

static void head(struct capture *c)
{
	printf("{\"schema\":\"mica/ring-capture/1\",\"sampled\":true,\"interval_ms\":%llu,\"rings\":[",
	       (unsigned long long)c->w->apart_ms);
	for (unsigned i = 0; i < c->w->nr_seen; i++) {
		const struct ring_place *p = c->w->seen[i].place;

		c->ring = &c->w->seen[i];
		printf("%s{\"ring\":", i ? "," : "");
		put_name(c);
		printf(",\"layout\":\"%s\",\"slots\":%u,\"slot_bytes\":%u}",
		       p ? ring_layout_name(p->layout) : "none",
		       p ? ring_slots((uint32_t)(p->pages * MICA_PAGE_BYTES), p->slot_bytes) : 0,
		       p ? p->slot_bytes : 0);
	}
	puts("]}");
}

static void end(const struct capture *c, const char *why)
{
	struct ring_capture sum = { 0 };

	for (unsigned i = 0; i < c->w->nr_seen; i++) {
		sum.requests += c->c[i].requests;
		sum.responses += c->c[i].responses;
		sum.lost += c->c[i].lost;
	}
	printf("{\"end\":\"%s\",\"us\":%llu,\"requests\":%llu,\"responses\":%llu,\"lost\":%llu}\n", why,
	       (unsigned long long)(now_us() - c->start_us), (unsigned long long)sum.requests,
	       (unsigned long long)sum.responses, (unsigned long long)sum.lost);
	fflush(stdout);
}

/* NULL: go on; else why not. */
static const char *look(struct capture *c, struct ring_seen *r, struct ring_capture *state)
{
	bool impossible;

	c->ring = r;
	if (!r->place || !r->place->pages)
		return NULL;
	ring_take(&c->w->eyes, r->device->domain, r->place, &r->sample[1], r->copy);
	if (r->sample[1].error)
		return "pages";
	if (ring_capture_step(state, r->place, &r->sample[1], r->copy, &impossible, tell, c))
		return NULL;
	return impossible ? "impossible" : "count";
}

static const char *states(struct capture *c)
{
	for (int i = 0; i < c->w->nr_devices; i++)
		ring_find_states(c->w->s, &c->w->devices[i]);
	for (unsigned i = 0; i < c->w->nr_seen; i++)
		if (c->w->seen[i].device->front_state != XenbusStateConnected)
			return "closed";
	return NULL;
}

static int capture_all(struct capture *c, uint64_t time_ms)
{
	uint64_t end_us, states_us;
	const char *why = states(c);

	head(c);
	c->start_us = now_us();
	end_us = c->start_us + time_ms * 1000;
	states_us = c->start_us + STATES_MS * 1000;
	while (!why) {
		for (unsigned i = 0; !why && i < c->w->nr_seen; i++)
			why = look(c, &c->w->seen[i], &c->c[i]);
		fflush(stdout);
		if (why)
			break;
		if (now_us() >= end_us)
			why = "time";
		else if (now_us() >= states_us)
			why = states(c), states_us += STATES_MS * 1000;
		if (!why)
			usleep((useconds_t)(c->w->apart_ms * 1000));
	}
	end(c, why);
	return ferror(stdout) ? EXIT_FAILED : EXIT_OK;
}

static int room(struct capture *c)
{
	c->c = calloc(c->w->nr_seen + 1, sizeof(*c->c));
	for (unsigned i = 0; c->c && i < c->w->nr_seen; i++) {
		struct ring_seen *r = &c->w->seen[i];

		if (!r->place || !r->place->pages)
			continue;
		r->copy = calloc(r->place->pages, MICA_PAGE_BYTES);
		if (!r->copy)
			return cli_fail("MICA-HOST-002", "ring capture", "no memory");
	}
	return c->c ? 0 : cli_fail("MICA-HOST-002", "ring capture", "no memory");
}

extern const struct command cmd_ring_capture;

static int capture_options(struct capture *c, uint64_t *time_ms)
{
	const char *count = cli_opt("count"), *time = cli_opt("time");
	char *rest = NULL;

	c->left = count ? strtoull(count, &rest, 10) : COUNT;
	if (count && (*rest || *count == '-' || !c->left || c->left > COUNT_MOST))
		return cli_fail("MICA-CFG-003", "--count", "'%s' is no number of messages from 1 to %u",
				count, COUNT_MOST);
	*time_ms = TIME_MS;
	if (time && (!mica_parse_time_ms(time, time_ms) || !*time_ms))
		return cli_fail("MICA-CFG-003", "--time", "'%s' is not a time, as 10s", time);
	return 0;
}

static int capture_run(int argc, char **argv)
{
	autoclean(ring_watch) struct ring_watch w = { .blind = true, .apart_ms = 1 };
	struct capture c = { .w = &w };
	uint64_t time_ms = 0;
	int status = ring_names_device(&cmd_ring_capture, argv[1]);

	if (!status)
		status = capture_options(&c, &time_ms);
	if (!status)
		status = ring_interval(&w.apart_ms, 1);
	if (!status)
		status = ring_watch_open(&w, argv[1]);
	if (!status)
		status = ring_watch_needs_pages(&w);
	if (!status)
		status = room(&c);
	if (!status)
		status = capture_all(&c, time_ms);
	free(c.c);
	return status;
}

static const struct command_option options[] = {
	{ "count", 'n', "N", "end after so many messages (1000)" },
	{ "time", 't', "TIME", "end after so long (10s)" },
	{ "interval", 'i', "MS", "time between two looks (1)" },
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_ring_capture = {
	.noun = "ring", .name = "capture", .args = "DOMAIN/DEVICE[/QUEUE]",
	.summary = "the messages that pass, as JSON lines", .run = capture_run, .options = options,
	.min_args = 1, .max_args = 1, .complete = "domain",
	.more = "First a line about the rings, then one a message, last one with counts and why it ended:\n"
		"count, time, closed, pages (the guest took them back), impossible (indices).  The ring is\n"
		"looked at from outside, which disturbs nobody; a message that was answered before it was\n"
		"seen is told with what is left of it (\"partly\"), one that was overwritten is counted as\n"
		"lost.  The first bytes of a partly request are its response's.",
};
