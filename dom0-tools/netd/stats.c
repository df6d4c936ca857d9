/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters for operators: one JSON object for each port, at `stats` in the port's own directory
 * and, for the uplink and the network as a whole, below /mica/net/NAME/.  Only what changed since
 * the last time is written, so an idle network costs the store nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "netd/net.h"
#include "netd/worker.h"

#define STATS_BYTES	2048

static void port_json(const struct net *n, unsigned port, char *to, size_t room)
{
	const struct port *p = n->port[port];
	size_t at = (size_t)snprintf(to, room, "{");

	for (unsigned c = 0; c < COUNTS && at < room; c++)
		at += (size_t)snprintf(to + at, room - at, "%s\"%s\":%llu", c ? "," : "",
				       count_name(c),
				       (unsigned long long)n->sw.ports[port].count[c]);
	if (at < room && p->control)
		at += (size_t)snprintf(to + at, room - at, ",\"staged_pages\":%u", p->staged);
	if (at < room)
		snprintf(to + at, room - at, "}");
}

static uint64_t activity(const struct net *n, unsigned port)
{
	uint64_t sum = 0;

	for (unsigned c = 0; c < COUNTS; c++)
		sum += n->sw.ports[port].count[c];
	return sum + 1;
}

static int publish_uplink(struct net *n, const char *json)
{
	char path[64];

	snprintf(path, sizeof(path), "/mica/net/%s/uplink-stats", n->name);
	return n->io->ops->write(n->io, path, json);
}

static void publish_switch(struct net *n)
{
	char path[64], text[256];

	snprintf(path, sizeof(path), "/mica/net/%s/stats", n->name);
	snprintf(text, sizeof(text),
		 "{\"rounds\":%llu,\"copies\":%llu,\"copied_pieces\":%llu,\"bells\":%llu,"
		 "\"addresses\":%u}", (unsigned long long)n->rounds, (unsigned long long)n->copies,
		 (unsigned long long)n->copied_pieces, (unsigned long long)n->bells,
		 n->sw.macs.used);
	n->io->ops->write(n->io, path, text);
}

void stats_publish(struct net *n)
{
	bool any = false;

	for (unsigned i = 0; i < n->sw.top; i++) {
		struct port *p = n->port[i];
		char json[STATS_BYTES];
		uint64_t now;
		int rc;

		if (p && p->dev)
			multicast_keep(p);
		if (!p || (now = activity(n, i)) == p->published)
			continue;
		any = true;
		port_json(n, i, json, sizeof(json));
		rc = p->dev ? back_write(p->dev, "stats", "%s", json) : publish_uplink(n, json);
		if (rc != -ETIMEDOUT)		/* a store that is late: again */
			p->published = now;
	}
	if (any)
		publish_switch(n);
}

bool stats_due(const struct net *n)
{
	for (unsigned i = 0; i < n->sw.top; i++)
		if (n->port[i] && (n->sw.ports[i].groups_changed ||
				   activity(n, i) != n->port[i]->published))
			return true;
	return false;
}
