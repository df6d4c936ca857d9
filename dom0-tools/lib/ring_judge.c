/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A verdict on one ring from two samples of it: pure, so that the unit test tries every one.
 *
 *	handshake -> keys and pages -> indices that can be -> who sleeps -> who works
 *
 * A consumer that sleeps has first written the index that is to wake it (req_event for the back
 * end, rsp_event for the front end), and found nothing behind it.  So when the producer has passed
 * that index, and the consumer neither moved it nor produced anything between the samples, it has
 * not looked since: either the notification was lost, or it lies pending and is not taken.
 *
 * The requests of a receive ring are empty buffers.  That they lie there is its usual state and
 * says nothing about the back end, so only its responses are judged.
 */
#include <stdio.h>
#include <stdarg.h>
#include <string.h>
#include <mica/evtchn.h>
#include <mica/io/ring.h>

#include "lib/ring_look.h"

#define SMALLEST_SLOT	4u
#define KICK		"mica ring kick sends it once more"

const char *ring_finding_name(enum ring_finding finding)
{
	static const char *const names[] = {
		"healthy", "idle", "waiting", "connecting", "closed", "STALLED", "IMPOSSIBLE",
		"STUCK", "UNREADABLE",
	};

	return names[finding];
}

bool ring_finding_bad(enum ring_finding finding)
{
	return finding >= RING_STALLED;
}

uint32_t ring_slots(uint32_t bytes, uint32_t slot_bytes)
{
	if (!slot_bytes || bytes < RING_HEADER_BYTES + slot_bytes)
		return 0;
	return RING_ENTRIES(bytes, slot_bytes);
}

uint32_t ring_most(uint32_t bytes, uint32_t slot_bytes)
{
	uint32_t slots = ring_slots(bytes, slot_bytes);

	return slots ? slots : ring_slots(bytes, SMALLEST_SLOT);
}

static void __attribute__((format(printf, 3, 4)))
say(struct ring_verdict *v, enum ring_finding finding, const char *words, ...)
{
	va_list args;

	va_start(args, words);
	vsnprintf(v->words, sizeof(v->words), words, args);
	va_end(args);
	v->finding = finding;
}

static void next(struct ring_verdict *v, const char *text)
{
	snprintf(v->next, sizeof(v->next), "%s", text);
}

/* --- the handshake --- */

static bool judge_handshake(const struct ring_case *c, struct ring_verdict *v)
{
	unsigned back = c->back_state[1], front = c->front_state[1];
	const struct mica_bus_rule *rule = mica_bus_step(MICA_BUS_BACK, back, front, c->will);
	bool serves = (back == XenbusStateConnected || back == XenbusStateClosing) &&
		front == XenbusStateConnected;

	if (back == XenbusStateConnected && front == XenbusStateConnected)
		return true;
	if (back != c->back_state[0] || front != c->front_state[0])
		say(v, RING_CONNECTING, "the handshake goes on: %s", rule->words);
	else if (back == XenbusStateUnknown ||
		 (back == XenbusStateClosed && (front == XenbusStateClosed || !front) &&
		  c->will != MICA_BUS_BROKEN))
		say(v, RING_CLOSED, "%s", rule->words);
	else
		say(v, RING_STUCK, "back end %s, guest %s, and neither moves: %s",
		    mica_bus_state_name(back), mica_bus_state_name(front), rule->words);
	if (v->finding == RING_STUCK && serves)
		next(v, "let the guest unmount or take down the device, or detach it with --force");
	else if (v->finding == RING_STUCK && back == XenbusStateInitialising)
		next(v, "mica doctor (does the daemon of this kind of device run?)");
	else if (v->finding == RING_STUCK && c->will == MICA_BUS_BROKEN)
		next(v, "mend what the back end's error key says, detach and attach again");
	return false;
}

/* --- indices --- */

/* Is @a at or behind @b, indices wrapping? */
static bool reached(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) >= 0;
}

static bool impossible_one(const struct ring_case *c, const struct ring_sample *s,
			   struct ring_verdict *v)
{
	uint32_t most = ring_most(c->bytes, c->slot_bytes), out = s->req_prod - s->rsp_prod;

	if (s->torn)
		return false;
	if (out > most && reached(s->rsp_prod, s->req_prod))
		say(v, RING_IMPOSSIBLE, "%u responses to requests that were never made "
		    "(rsp_prod %u is beyond req_prod %u)", s->rsp_prod - s->req_prod, s->rsp_prod,
		    s->req_prod);
	else if (out > most)
		say(v, RING_IMPOSSIBLE, "%u requests in a ring of %u slots (req_prod %u, rsp_prod %u)",
		    out, most, s->req_prod, s->rsp_prod);
	/* Nobody can be asked to wait for more than the ring holds: it would never come. */
	else if (!reached(s->rsp_prod + most, s->req_event - 1))
		say(v, RING_IMPOSSIBLE, "the back end would wake at request %u, which cannot come: "
		    "rsp_prod is %u and the ring has %u slots", s->req_event, s->rsp_prod, most);
	else if (!reached(s->rsp_prod + most, s->rsp_event - 1))
		say(v, RING_IMPOSSIBLE, "the front end would wake at response %u, which cannot come: "
		    "rsp_prod is %u and the ring has %u slots", s->rsp_event, s->rsp_prod, most);
	else
		return false;
	return true;
}

static bool judge_indices(const struct ring_case *c, struct ring_verdict *v)
{
	const struct ring_sample *a = &c->sample[0], *b = &c->sample[1];

	if (impossible_one(c, b, v) || impossible_one(c, a, v)) {
		next(v, "look at the driver that wrote them; a back end of Mica's cuts such a guest off");
		return false;
	}
	if (!reached(b->req_prod, a->req_prod) || !reached(b->rsp_prod, a->rsp_prod)) {
		say(v, RING_IMPOSSIBLE, "an index has gone back: req_prod %u to %u, rsp_prod %u to %u",
		    a->req_prod, b->req_prod, a->rsp_prod, b->rsp_prod);
		next(v, "look again: a device that was closed and opened in between starts at 0");
		return false;
	}
	return true;
}

/* --- who sleeps --- */

static const char *bit_words(const struct ring_port *p)
{
	if (p->pending == RING_BIT_NO)
		return "its port is neither pending nor masked";
	if (p->pending == RING_BIT_YES)
		return p->masked == RING_BIT_YES ? "its port is pending and masked" :
			"its port is pending";
	return "whether its port is pending cannot be seen";
}

/* Taken, and not finished: a kernel masks the port of an event until its handler is done. */
static bool taken(const struct ring_port *p)
{
	return p->pending == RING_BIT_NO && p->masked == RING_BIT_YES;
}

static bool bound(const struct ring_port *p)
{
	return !p->known || (p->status == EVTCHNSTAT_interdomain && !p->peer);
}

static const char *state_words(const struct ring_port *p)
{
	return p->status == EVTCHNSTAT_unbound ? "not bound yet" :
		p->status == EVTCHNSTAT_closed ? "closed" :
		p->status == EVTCHNSTAT_interdomain ? "bound to another domain than dom0" :
		"no port between domains";
}

/* Requests were passed over and the back end did not stir. */
static bool back_sleeps(const struct ring_case *c)
{
	const struct ring_sample *a = &c->sample[0], *b = &c->sample[1];

	return c->layout != RING_NET_RX && a->req_prod != a->rsp_prod &&
		reached(a->req_prod, a->req_event) && a->req_event == b->req_event &&
		a->rsp_prod == b->rsp_prod;
}

/* The same of responses and the front end. */
static bool front_sleeps(const struct ring_case *c)
{
	const struct ring_sample *a = &c->sample[0], *b = &c->sample[1];

	/* Both 0: a page nobody has initialised. */
	return (a->rsp_prod | a->rsp_event) && reached(a->rsp_prod, a->rsp_event) &&
		a->rsp_event == b->rsp_event && a->req_prod == b->req_prod;
}

static void stalled_back(const struct ring_case *c, struct ring_verdict *v)
{
	const struct ring_sample *b = &c->sample[1];

	v->sleeper = RING_BACK;
	if (!bound(&c->front)) {
		say(v, RING_STALLED, "the back end cannot be notified: the guest's port %u is %s; %u "
		    "requests wait", c->front.port, state_words(&c->front), b->req_prod - b->rsp_prod);
		next(v, "is the back end's process there? it binds the port when it starts");
	} else if (c->back.pending == RING_BIT_YES) {
		say(v, RING_STALLED, "the back end sleeps: %s and it does not take the event for %llu ms "
		    "(req_event %u was passed, req_prod %u)", bit_words(&c->back),
		    (unsigned long long)c->apart_ms, b->req_event, b->req_prod);
		next(v, "the back end's process hangs or is stopped: look at it, or kill it; it resumes");
	} else if (taken(&c->back)) {
		say(v, RING_STALLED, "the back end was told and sleeps: dom0's kernel took the event, and "
		    "keeps the port masked until the back end is done with it, for %llu ms "
		    "(req_event %u was passed, req_prod %u)", (unsigned long long)c->apart_ms,
		    b->req_event, b->req_prod);
		next(v, "the back end's process hangs or is stopped: look at it, or kill it; it resumes");
	} else {
		/* Where bits cannot be seen: dom0's kernel takes events for a process that is stopped. */
		say(v, RING_STALLED, "lost notification front->back%s; the back end sleeps: req_event %u "
		    "was passed (req_prod %u, rsp_prod %u) and it has not moved for %llu ms; %s",
		    c->back.masked == RING_BIT_NO ? "" : ", unless the process that serves it hangs",
		    b->req_event, b->req_prod, b->rsp_prod, (unsigned long long)c->apart_ms,
		    bit_words(&c->back));
		next(v, c->back.masked == RING_BIT_NO ? KICK :
		     "kill the back end's process: the new one looks at the ring, and the guest goes on");
	}
}

static void stalled_front(const struct ring_case *c, struct ring_verdict *v)
{
	const struct ring_sample *b = &c->sample[1];

	v->sleeper = RING_FRONT;
	if (c->guest_stopped) {
		say(v, RING_WAITING, "the guest is paused or shut down; responses wait for it "
		    "(rsp_event %u was passed, rsp_prod %u)", b->rsp_event, b->rsp_prod);
	} else if (!bound(&c->front)) {
		say(v, RING_STALLED, "the guest cannot be notified: its port %u is %s", c->front.port,
		    state_words(&c->front));
		next(v, "is the back end's process there? it binds the port when it starts");
	} else if (c->front.pending == RING_BIT_YES) {
		say(v, RING_STALLED, "the front end sleeps: %s and vCPU %u does not take the event for "
		    "%llu ms (rsp_event %u was passed, rsp_prod %u)", bit_words(&c->front),
		    c->front.vcpu, (unsigned long long)c->apart_ms, b->rsp_event, b->rsp_prod);
		next(v, "the guest's kernel hangs, or keeps the interrupt off: mica console");
	} else if (taken(&c->front)) {
		say(v, RING_STALLED, "the front end was told and sleeps: the guest's kernel took the event, "
		    "and keeps the port masked until the driver is done with it, for %llu ms (rsp_event %u "
		    "was passed, rsp_prod %u)", (unsigned long long)c->apart_ms, b->rsp_event, b->rsp_prod);
		next(v, "the guest's driver hangs, or its interface is down: mica console");
	} else {
		say(v, RING_STALLED, "lost notification back->front%s; the front end sleeps: rsp_event "
		    "%u was passed (rsp_prod %u) and it has not moved for %llu ms; %s",
		    c->front.pending == RING_BIT_NO ? "" : ", unless the guest's kernel hangs",
		    b->rsp_event, b->rsp_prod, (unsigned long long)c->apart_ms, bit_words(&c->front));
		next(v, c->layout == RING_NET_RX ? "is the interface up in the guest?  if it is: " KICK : KICK);
	}
}

/* --- nobody does --- */

static void judge_work(const struct ring_case *c, struct ring_verdict *v)
{
	const struct ring_sample *a = &c->sample[0], *b = &c->sample[1];
	uint32_t out = b->req_prod - b->rsp_prod, asked = b->req_prod - a->req_prod;
	uint32_t answered = b->rsp_prod - a->rsp_prod;

	if (asked || answered)
		say(v, RING_HEALTHY, "%u requests and %u responses in %llu ms", asked, answered,
		    (unsigned long long)c->apart_ms);
	else if (c->layout == RING_NET_RX)
		say(v, RING_IDLE, "%u empty buffers offered", out);
	else if (out)
		say(v, RING_WAITING, "the back end has %u request%s and has answered none for %llu ms%s",
		    out, out == 1 ? "" : "s", (unsigned long long)c->apart_ms,
		    c->limited ? "; a rate limit is set" : "; it will be woken by the next");
	else
		say(v, RING_IDLE, "nothing in flight; either end is woken by the next message");
}

void ring_judge(const struct ring_case *c, struct ring_verdict *v)
{
	memset(v, 0, sizeof(*v));
	if (!judge_handshake(c, v))
		return;
	if (c->keys_wrong && c->keys_wrong[0]) {
		say(v, RING_UNREADABLE, "connected, but %s", c->keys_wrong);
		return;
	}
	for (int i = 0; i < 2; i++) {
		if (!c->sample[i].error)
			continue;
		say(v, RING_UNREADABLE, "connected, but its pages cannot be mapped: %s; the guest has "
		    "taken the grant back, or never gave it", strerror(-c->sample[i].error));
		return;
	}
	if (!judge_indices(c, v))
		return;
	if (front_sleeps(c))
		stalled_front(c, v);
	else if (back_sleeps(c) && !c->limited)
		stalled_back(c, v);
	else
		judge_work(c, v);
}
