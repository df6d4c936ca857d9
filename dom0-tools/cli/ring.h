/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the verbs of `mica ring` share: the rings the command line chose, sampled twice with a pause
 * between, and the verdict on each.  Nothing here writes to a ring, a port or the store;
 * `kick` is the one verb that raises a port.
 */
#ifndef MICA_CLI_RING_H
#define MICA_CLI_RING_H

#include "cli/cli.h"
#include "lib/ring_look.h"

/* One ring of one device; a device that has published none has one entry without a place. */
struct ring_seen {
	struct ring_device *device;
	const struct ring_place *place;		/* NULL: none yet */
	unsigned back_state, front_state;	/* at the first sample */
	struct ring_sample sample[2];
	struct ring_port front, back;
	void *copy;				/* what lay in it at the second, or NULL */
	struct ring_verdict verdict;
};

struct ring_watch {
	struct mica *m;
	struct mica_store *s;
	struct ring_eyes eyes;
	bool blind;				/* no gntdev: pages cannot be read */
	char (*names)[MICA_NAME_MAX];		/* of the devices' domains */
	struct ring_device *devices;
	int nr_devices;
	struct ring_seen *seen;
	unsigned nr_seen;
	uint64_t apart_ms;
};

/* @word must name a device: 0, or the exit status after saying so. */
int ring_names_device(const struct command *c, const char *word);
/* Find what @word ("DOMAIN[/DEVICE[/QUEUE]]", NULL: everything) chooses; 0 or the exit status. */
int ring_watch_open(struct ring_watch *w, const char *word);
/* Without pages there is nothing to judge by: 0, or the exit status after saying so. */
int ring_watch_needs_pages(const struct ring_watch *w);
/* One sample of each. */
void ring_watch_first(struct ring_watch *w);
/* Both samples, the ports and the verdicts.  @copies: keep the contents. */
void ring_watch_run(struct ring_watch *w, bool copies);
void ring_watch_cleanup(struct ring_watch *w);

const char *ring_domain_name(const struct ring_watch *w, const struct ring_seen *r);
/* "web/xvda/0" */
void ring_name(const struct ring_watch *w, const struct ring_seen *r, char *text, size_t room);
/* "3 (id 1 READ ...)": of the second sample. */
uint32_t ring_in_flight(const struct ring_seen *r, int sample);
/* --interval of the running command, at least @least, @ms as it is when there is none: 0 or the exit
 * status. */
int ring_interval(uint64_t *ms, unsigned least);
#define RING_INTERVAL_MS	1000
#define RING_INTERVAL_LEAST	10
extern const struct command_option ring_options[];

#endif
