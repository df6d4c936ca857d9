/* SPDX-License-Identifier: MIT */
/*
 * The xenbus handshake: how the two ends of a device come together and part, by writing each
 * its own "state" key and watching the other's.  All of it is one table, <mica/bus.def>; code,
 * docs/handshake.md and the conformance test are made from that.
 *
 * A driver calls mica_bus_step() whenever it started, either state changed, its will changed
 * or an action of its own was done, and then
 *
 *	1. does rule->action; when that fails its will becomes MICA_BUS_BROKEN, and it asks again
 *	2. writes rule->next, if that is not its state already, and asks again
 *	3. otherwise waits; after rule->timeout_s seconds (0: for ever) in one and the same rule
 *	   it tells the operator rule->words, and where rule->late is another state it
 *	   disconnects and goes there.
 *
 * Nothing here has memory: a driver that was killed reads both keys and goes on.  States are
 * numbers of <mica/io/xenbus.h>; every text a peer can write is one of them or NONSENSE.
 */
#ifndef MICA_BUS_H
#define MICA_BUS_H

#include <stddef.h>
#include <stdint.h>
#include <mica/io/xenbus.h>

#define MICA_BUS_NONSENSE	9u	/* a peer's state key that holds no state */
#define MICA_BUS_STATES		10u

enum mica_bus_role {
	MICA_BUS_FRONT			= 0,
	MICA_BUS_BACK			= 1,
};

/* What an end is after. */
enum mica_bus_will {
	MICA_BUS_UP			= 0,	/* back: online is 1; front: its driver runs */
	MICA_BUS_DOWN			= 1,	/* the device is to go */
	/*
	 * An action failed and nothing has changed since.  A back end is up again when its
	 * own state was made 1 by the toolstack, or when it has closed and the front end
	 * comes back to 1 - unless that was cut off for breaking the protocol.
	 */
	MICA_BUS_BROKEN			= 2,
};

/* Every one may be asked for again when it was done already, and then changes nothing. */
enum mica_bus_action {
	MICA_BUS_STAY			= 0,	/* nothing to do */
	MICA_BUS_PROBE			= 1,	/* back: read keys, open, write features */
	MICA_BUS_PUBLISH		= 2,	/* front: lend rings, offer ports, write both */
	MICA_BUS_CONNECT		= 3,	/* back: map and bind; front: start sending */
	MICA_BUS_DISCONNECT		= 4,	/* finish or drop what is open, unmap, unbind */
	MICA_BUS_REMOVE			= 5,	/* forget the device */
};

struct mica_bus_rule {
	const char *peers;	/* digits of the peer's states it is for */
	const char *will;	/* "u", "d", "b": of mica_bus_will */
	const char *words;	/* what to tell whoever asks why it is not connected */
	uint16_t timeout_s;
	uint8_t role, own;
	uint8_t action, next;
	uint8_t late;		/* state to go to after the timeout; next: only tell */
	uint8_t _pad;
};

/* What other implementations do, and which rules answer it. */
struct mica_bus_quirk {
	const char *peer;
	const char *does;
	const char *answer;
};

#define MICA_BUS_RULE(role, own, peers, will, action, next, timeout_s, late, words)	\
	{ peers, will, words, timeout_s, MICA_BUS_##role, own, MICA_BUS_##action, next, late, 0 },
#define MICA_BUS_QUIRK(peer, does, answer)
__attribute__((unused)) static const struct mica_bus_rule mica_bus_table[] = {
#include <mica/bus.def>
};
#undef MICA_BUS_RULE
#undef MICA_BUS_QUIRK

#define MICA_BUS_RULE(role, own, peers, will, action, next, timeout_s, late, words)
#define MICA_BUS_QUIRK(peer, does, answer)	{ peer, does, answer },
__attribute__((unused)) static const struct mica_bus_quirk mica_bus_quirks[] = {
#include <mica/bus.def>
};
#undef MICA_BUS_RULE
#undef MICA_BUS_QUIRK

#define MICA_BUS_RULES		(sizeof(mica_bus_table) / sizeof(mica_bus_table[0]))
#define MICA_BUS_QUIRKS		(sizeof(mica_bus_quirks) / sizeof(mica_bus_quirks[0]))

static inline int mica_bus_has(const char *set, char member)
{
	for (; *set; set++)
		if (*set == member)
			return 1;
	return 0;
}

/* Is @rule for this situation? */
static inline int mica_bus_fits(const struct mica_bus_rule *rule, enum mica_bus_role role,
				unsigned own, unsigned peer, enum mica_bus_will will)
{
	return rule->role == role && rule->own == own &&
	       mica_bus_has(rule->will, "udb"[will]) &&
	       mica_bus_has(rule->peers, (char)('0' + peer));
}

/*
 * The one rule for this situation, never null; @own and @peer from mica_bus_parse().  An @own
 * that is nonsense counts as no state at all.
 */
static inline const struct mica_bus_rule *mica_bus_step(enum mica_bus_role role, unsigned own,
							unsigned peer, enum mica_bus_will will)
{
	if (own >= MICA_BUS_NONSENSE)
		own = XenbusStateUnknown;
	if (peer > MICA_BUS_NONSENSE)
		peer = MICA_BUS_NONSENSE;
	for (size_t i = 0; i < MICA_BUS_RULES; i++)
		if (mica_bus_fits(&mica_bus_table[i], role, own, peer, will))
			return &mica_bus_table[i];
	return &mica_bus_table[0];		/* no gap: the unit test tries them all */
}

/* The state a key holds; null or empty: Unknown. */
static inline unsigned mica_bus_parse(const char *text)
{
	if (!text || !*text)
		return XenbusStateUnknown;
	if (*text >= '0' && *text <= '8' && !text[1])
		return (unsigned)(*text - '0');
	return MICA_BUS_NONSENSE;
}

static inline const char *mica_bus_state_name(unsigned state)
{
	static const char *const names[MICA_BUS_STATES] = {
		"Unknown", "Initialising", "InitWait", "Initialised", "Connected", "Closing",
		"Closed", "Reconfiguring", "Reconfigured", "nonsense",
	};

	return names[state < MICA_BUS_STATES ? state : MICA_BUS_NONSENSE];
}

static inline const char *mica_bus_action_name(unsigned action)
{
	static const char *const names[] = {
		"stay", "probe", "publish", "connect", "disconnect", "remove",
	};

	return action < sizeof(names) / sizeof(names[0]) ? names[action] : "?";
}

#endif /* MICA_BUS_H */
