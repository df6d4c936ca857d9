/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Multicast control: whether a front end's list of groups is applied.  The list itself comes with
 * its frames (feed.c) and is the switch's; here is the flag, `request-multicast-control`, which
 * the front end may change at any time (feature-dynamic-multicast-control), and what a successor
 * of this process needs: the list as words in the store (`groups`).
 *
 * The list may change with every frame, so it is kept once a second, with the statistics; a
 * successor does not know of changes after that, which is a frame more or less for the guest as
 * after any loss.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "netd/net.h"

#define KEY_GROUPS	"groups"
#define KEY_REQUEST	"request-multicast-control"
#define GROUP_CHARS	(2 * MAC_BYTES + 1)
#define GROUPS_TEXT	(SWITCH_GROUPS * GROUP_CHARS + 1)

static struct switch_port *switch_port(const struct port *p)
{
	return &p->net->sw.ports[p->number];
}

static void watch_path(const struct port *p, char path[BACK_PATH])
{
	snprintf(path, BACK_PATH, "%.120s/" KEY_REQUEST, p->dev->front);
}

static int sample(struct port *p)
{
	uint64_t value;
	int rc = back_read_front_or(p->dev, &value, 0, 1, 0, KEY_REQUEST);

	if (!rc)
		switch_port(p)->filter = value;
	return rc;
}

/* "01005e000001 333300000001 " */
static bool parse_groups(struct port *p, const char *text)
{
	for (; *text; text += GROUP_CHARS) {
		unsigned byte[MAC_BYTES];
		uint8_t mac[MAC_BYTES];

		if (strlen(text) < GROUP_CHARS || sscanf(text, "%2x%2x%2x%2x%2x%2x ", &byte[0],
		    &byte[1], &byte[2], &byte[3], &byte[4], &byte[5]) != MAC_BYTES)
			return false;
		for (unsigned i = 0; i < MAC_BYTES; i++)
			mac[i] = (uint8_t)byte[i];
		if (!switch_group_add(&p->net->sw, p->number, mac))
			return false;
	}
	return true;
}

/* What a predecessor kept; of an earlier life of the device there may be something, too. */
static void recall(struct port *p)
{
	char text[GROUPS_TEXT];

	if (back_read(p->dev, text, sizeof(text), KEY_GROUPS) || !*text)
		return;
	p->keeps_groups = p->dev->resuming;
	if (!p->dev->resuming)
		control_keep(p->dev, KEY_GROUPS, "");
	else if (!parse_groups(p, text))
		back_note(p->dev, "its list of multicast groups is lost: '%.40s' is not understood",
			  text);
	switch_port(p)->groups_changed = false;
}

void multicast_keep(struct port *p)
{
	struct switch_port *s = switch_port(p);
	char text[GROUPS_TEXT] = "";
	size_t at = 0;

	if (!s->groups_changed)
		return;
	for (unsigned i = 0; i < s->groups; i++, at += GROUP_CHARS) {
		const uint8_t *m = s->group[i];

		snprintf(text + at, sizeof(text) - at, "%02x%02x%02x%02x%02x%02x ", m[0], m[1],
			 m[2], m[3], m[4], m[5]);
	}
	s->groups_changed = control_keep(p->dev, KEY_GROUPS, text) == -ETIMEDOUT;	/* then later */
	p->keeps_groups = s->groups;
}

void multicast_changed(struct net *n, const char *path)
{
	char ours[BACK_PATH];

	for (unsigned i = 0; i < n->sw.top; i++) {
		struct port *p = n->port[i];

		if (!p || !p->dev)
			continue;
		watch_path(p, ours);
		if (strcmp(path, ours) || !sample(p) || p->filter_told)
			continue;
		p->filter_told = true;		/* once: the log is not the guest's to fill */
		back_note(p->dev, KEY_REQUEST " is neither 0 nor 1; it stays %u",
			  switch_port(p)->filter);
	}
}

int multicast_open(struct back_device *dev, struct port *p)
{
	struct mica_io *io = p->net->io;
	char path[BACK_PATH];
	int rc = sample(p);

	if (rc)
		return rc;
	recall(p);
	watch_path(p, path);
	p->watches = !io->ops->watch(io, path, MULTICAST_TOKEN);
	return 0;
}

void multicast_close(struct port *p)
{
	struct mica_io *io = p->net->io;
	char path[BACK_PATH];

	if (p->keeps_groups)
		control_keep(p->dev, KEY_GROUPS, "");
	if (!p->watches)
		return;
	watch_path(p, path);
	io->ops->unwatch(io, path, MULTICAST_TOKEN);
	p->watches = false;
}
