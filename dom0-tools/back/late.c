/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long a device stays in one rule of the handshake: the time-outs of <mica/bus.h>.
 *
 *	wait in a rule --timeout_s--> told once --late is another state--> let go, that state written
 *
 * A device whose guest opens it over and over is left alone for a while, and looked at when that is over.
 *
 * The world has one timer.  It stands at what is due first, of ours and of the daemon's own
 * back_timer_set(); when it comes, both look.
 */
#include <stdlib.h>
#include <mica/io/xenbus.h>

#include "back/back_priv.h"

#define SECOND_NS	1000000000ull

static void arm(struct back *b)
{
	uint64_t at = b->late_ns;

	if (b->daemon_ns && (!at || b->daemon_ns < at))
		at = b->daemon_ns;
	if (at == b->armed_ns)
		return;
	b->armed_ns = at;
	b->io->ops->timer_set(b->io, at);
}

void back_timer_set(struct back *b, uint64_t at_ns)
{
	b->daemon_ns = at_ns;
	arm(b);
}

/* When the rule it waits in has lasted too long; 0: never. */
static uint64_t rule_due_ns(const struct back_device *dev)
{
	return dev->rule && !dev->late ? dev->rule_ns + dev->rule->timeout_s * SECOND_NS : 0;
}

static uint64_t due_ns(const struct back_device *dev)
{
	uint64_t rule = rule_due_ns(dev);

	return dev->look_ns && (!rule || dev->look_ns < rule) ? dev->look_ns : rule;
}

static void armed_by(struct back_device *dev)
{
	struct back *b = dev->back;

	if (b->late_ns && b->late_ns <= due_ns(dev))
		return;
	b->late_ns = due_ns(dev);
	arm(b);
}

void back_look_at(struct back_device *dev, uint64_t at_ns)
{
	dev->look_ns = at_ns;
	armed_by(dev);
}

/* @rule: in which the device now waits; NULL: it does not. */
void back_wait(struct back_device *dev, const struct mica_bus_rule *rule)
{
	struct back *b = dev->back;

	if (rule && !rule->timeout_s)
		rule = NULL;
	if (rule == dev->rule)
		return;
	dev->rule = rule;
	dev->late = false;
	if (!rule)
		return;
	dev->rule_ns = b->io->ops->now_ns(b->io);
	armed_by(dev);
}

static void too_late(struct back_device *dev)
{
	const struct mica_bus_rule *rule = dev->rule;

	dev->late = true;
	if (rule->late == dev->state) {
		back_note(dev, "for %u s now (%s, guest %s): %s", rule->timeout_s,
			  mica_bus_state_name(dev->state), mica_bus_state_name(dev->front_state),
			  rule->words);
		return;
	}
	back_fail(dev, 0, "MICA-DEV-004", NULL, "given up after %u s (%s, guest %s): %s",
		  rule->timeout_s, mica_bus_state_name(dev->state),
		  mica_bus_state_name(dev->front_state), rule->words);
	back_force(dev, rule->late);
}

void back_timer(struct back *b)
{
	uint64_t now = b->io->ops->now_ns(b->io), due;
	struct back_device *dev, *next;

	b->armed_ns = 0;
	for (dev = b->devices; dev; dev = next) {
		next = dev->next;
		if (dev->doing)
			continue;
		due = rule_due_ns(dev);
		if (due && due <= now) {
			too_late(dev);			/* this, or a look, may end it */
		} else if (dev->look_ns && dev->look_ns <= now) {
			dev->look_ns = 0;
			back_look(dev);
		}
	}
	b->late_ns = 0;
	for (dev = b->devices; dev; dev = dev->next) {
		due = due_ns(dev);
		/* One whose step is under way is looked at when that has ended, or a second later. */
		if (due && due <= now)
			due = now + SECOND_NS;
		if (due && (!b->late_ns || due < b->late_ns))
			b->late_ns = due;
	}
	if (b->kind->timer && (!b->daemon_ns || b->daemon_ns <= now)) {
		b->daemon_ns = 0;
		b->kind->timer(b->ctx);
	}
	arm(b);
}
