/* SPDX-License-Identifier: BSD-2-Clause */
/* Which port a MAC address was last seen on, per VLAN. */
#ifndef MICA_NETD_MAC_H
#define MICA_NETD_MAC_H

#include <stdbool.h>
#include <stdint.h>

#define MAC_BYTES	6
#define MAC_ENTRIES	16384u		/* of one switch; the ports' limits add up to no more */
#define MAC_BUCKETS	4096u
#define MAC_AGE_S	300u		/* an address nobody used that long is forgotten */
#define MAC_NO_PORT	0xffffu

struct mac_entry {
	uint8_t mac[MAC_BYTES];
	uint16_t vid;
	uint16_t port;
	bool pinned;			/* configured: neither moves nor ages */
	uint32_t seen_s;
	uint32_t next;			/* in its bucket or the free list; MAC_ENTRIES ends */
};

struct mac_table {
	struct mac_entry entries[MAC_ENTRIES];
	uint32_t buckets[MAC_BUCKETS];
	uint32_t free;
	uint32_t swept;			/* bucket that mac_sweep() looks at next */
	uint32_t used;
	uint64_t key;			/* secret, so that no guest can fill one bucket */
};

enum mac_learned {
	MAC_KNOWN,			/* as before */
	MAC_NEW,
	MAC_MOVED,			/* *old: the port it was on */
	MAC_FULL,			/* the port or the table has no room; not learned */
	MAC_PINNED,			/* belongs to another port; not learned */
};

/* @key: random. */
void mac_init(struct mac_table *t, uint64_t key);
/* The port, or MAC_NO_PORT. */
unsigned mac_find(const struct mac_table *t, const uint8_t *mac, uint16_t vid, uint32_t now_s);
/*
 * @mac was seen as a source on @port.  @room: the port may have another entry.  *old: the port
 * that lost it, after MAC_MOVED.
 */
enum mac_learned mac_learn(struct mac_table *t, const uint8_t *mac, uint16_t vid, unsigned port,
			   uint32_t now_s, bool room, unsigned *old);
/* Tie an address to a port.  False: no room, or tied to another. *old as above or MAC_NO_PORT. */
bool mac_pin(struct mac_table *t, const uint8_t *mac, uint16_t vid, unsigned port, unsigned *old);
/* Forget what is on @port. */
void mac_forget_port(struct mac_table *t, unsigned port);
/*
 * Forget aged entries in the next @buckets buckets; gone() is told the port of each.
 */
void mac_sweep(struct mac_table *t, unsigned buckets, uint32_t now_s,
	       void (*gone)(void *ctx, unsigned port), void *ctx);

#endif
