/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attacks, by name: connect, be hostile, see what the back end makes of it, and then be honest
 * again, with data compared.  How often the operator was told is the scenario's to count.
 *
 * The attacks on a device's life are here, too: keys that hold nonsense, states that jump.
 */
#include "attack.h"
#include "../guest/con.h"
#include "../guest/xs.h"
#include "event.h"
#include "hyper.h"
#include "mm.h"
#include "print.h"
#include "smp.h"

#define HUGE_TEXT	2000u
#define BEGIN_MS	350u		/* 32 times in 10 s are too often */

/* --- races --- */

static void (*spoil_fn)(unsigned round);
static volatile bool racing;

static void race(void)
{
	for (unsigned round = 0; racing; round++)
		spoil_fn(round);
}

void race_begin(void (*spoil)(unsigned round))
{
	static bool started;

	spoil_fn = spoil;
	racing = true;
	if (started)
		smp_again(1, race);
	else
		smp_start(race);
	started = true;
}

void race_end(void)
{
	racing = false;
	smp_wait();
}

/* --- one attack --- */

static bool cut_off(void *ctx)
{
	return is_cut_off(ctx);
}

bool is_cut_off(struct dev *d)
{
	char text[8];

	xs_read(d->back, "state", text, sizeof(text));
	d->peer = mica_bus_parse(text);
	return d->peer == XenbusStateClosed || d->peer == XenbusStateClosing;
}

/* A back end leaves a device alone that begins too often; that is not what is asked here. */
static void not_too_often(void)
{
	static uint64_t last;
	uint64_t gone = (time_now_ns() - last) / 1000000;

	if (gone < BEGIN_MS)
		wait_ms(BEGIN_MS - (unsigned)gone);
	last = time_now_ns();
}

/* Honest again, from the beginning, whatever the device is now. */
static bool begin_again(struct dev *d)
{
	not_too_often();
	is_cut_off(d);
	return (d->peer != XenbusStateConnected || dev_down(d)) && dev_up(d);
}

static bool recovers(struct dev *d)
{
	if (d == &disks[0].dev)
		return begin_again(d) && disk_verify(&disks[0], 64, 4);
	if (d->kind == disks[0].dev.kind)
		return begin_again(d);
	return begin_again(&cards[0].dev) && begin_again(&cards[1].dev) &&
	       card_reaches(&cards[0], &cards[1], 200) && card_reaches(&cards[1], &cards[0], 1200);
}

static bool perform(const struct attack *a)
{
	struct dev *d = a->who();

	if (!dev_up(d) || (d->kind == cards[0].dev.kind &&
			   (!dev_up(&cards[0].dev) || !dev_up(&cards[1].dev))))
		return false;
	d->by_hand = d->raw = true;
	if (!a->make())
		return false;
	if (a->end == CUT_OFF && !wait_until(cut_off, d, LONG_S))
		return bad("%s: it is not cut off", a->name);
	if (is_cut_off(d) && a->end == SERVED_ON)
		return bad("%s: it is cut off", a->name);
	return recovers(d);
}

bool attack(const char *name)
{
	static const struct attack *const all[] = {
		disk_attacks, card_attacks, control_attacks, life_attacks,
	};

	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		for (const struct attack *a = all[i]; a->name; a++)
			if (!strcmp(a->name, name))
				return perform(a);
	return bad("no attack '%s'", name);
}

/* --- keys --- */

static uint64_t foreign_port(void)
{
	struct evtchn_alloc_unbound op = { .dom = DOMID_SELF, .remote_dom = 4711 };

	hc_evtchn(EVTCHNOP_alloc_unbound, &op);
	return op.port;
}

static int write_nonsense(struct dev *d, const char *key, const char *value)
{
	static char huge[HUGE_TEXT + 1];

	if (!strcmp(value, "%huge")) {
		memset(huge, '7', HUGE_TEXT);
		return xs_write(d->dir, key, huge);
	}
	if (!strcmp(value, "%none"))
		return xs_remove(d->dir, key);
	if (!strcmp(value, "%foreign"))
		return xs_write_number(d->dir, key, foreign_port());
	if (!strcmp(value, "%empty"))
		value = "";
	return xs_write(d->dir, key, value);
}

bool set_key(struct dev *d, const char *key, const char *value)
{
	d->by_hand = d->raw = true;
	return !write_nonsense(d, key, value);
}

bool attack_key(struct dev *d, const char *key, const char *value)
{
	bool refused;

	if (!dev_down(d))
		return false;
	not_too_often();
	d->by_hand = d->raw = true;
	xs_write_number(d->dir, "state", XenbusStateInitialising);
	if (!dev_await_peer(d, XenbusStateInitWait))
		return false;
	if (d->kind->publish(d))
		return bad("%s: its pages are still in use", d->dir);
	d->published = true;
	if (write_nonsense(d, key, value))
		return bad("%s: the store does not take %s", d->dir, key);
	xs_write_number(d->dir, "state", XenbusStateConnected);
	refused = wait_until(cut_off, d, LONG_S);
	xs_remove(d->dir, key);
	d->by_hand = d->raw = false;
	dev_step(d);
	return refused ? recovers(d) : bad("%s: %s=%s is not refused", d->dir, key, value);
}

/* --- states --- */

static bool jump(struct dev *d)
{
	static const char *const states[] = {
		"4", "1", "5", "6", "3", "4", "9", "banana", "", "2", "8", "4", "5", "1", "7", "-1",
		"6", "4294967297", "1", "4",
	};

	for (unsigned i = 0; i < 300; i++)
		if (xs_write(d->dir, "state", states[i % (sizeof(states) / sizeof(states[0]))]))
			return bad("%s: the store does not take a state", d->dir);
	/* It may have been too often: knock until the back end has had its rest. */
	for (unsigned i = 0; i < LONG_S && d->peer != XenbusStateInitWait; i++) {
		xs_write_number(d->dir, "state", XenbusStateClosed);
		wait_ms(500);
		xs_write_number(d->dir, "state", XenbusStateInitialising);
		wait_ms(500);
		is_cut_off(d);
	}
	return d->peer == XenbusStateInitWait ? true :
		bad("%s: its back end does not come again", d->dir);
}

static bool disk_jumps(void)
{
	return jump(the_disk());
}

static bool card_jumps(void)
{
	return jump(the_card());
}

const struct attack life_attacks[] = {
	{ "disk-states", the_disk, disk_jumps, EITHER },
	{ "card-states", the_card, card_jumps, EITHER },
	{ NULL, NULL, NULL, SERVED_ON },
};
