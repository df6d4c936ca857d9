/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The address table: chained buckets over a fixed array, so that it never grows and a lookup is
 * short.  The hash has a secret key.  An entry is one (VLAN, address); it moves when the address
 * shows up on another port, unless the configuration pinned it.  Pure data.
 */
#include <string.h>

#include "netd/mac.h"

/* Both as one number; the order of the bytes does not matter. */
static uint64_t number_of(const uint8_t *mac, uint16_t vid)
{
	uint32_t head;
	uint16_t tail;

	memcpy(&head, mac, sizeof(head));
	memcpy(&tail, mac + sizeof(head), sizeof(tail));
	return (uint64_t)vid << 48 | (uint64_t)tail << 32 | head;
}

static uint32_t bucket_of(const struct mac_table *t, const uint8_t *mac, uint16_t vid)
{
	uint64_t x = number_of(mac, vid);

	x = (x ^ t->key) * 0x9e3779b97f4a7c15ull;
	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9ull;
	return (uint32_t)(x >> 40) & (MAC_BUCKETS - 1);
}

static bool is(const struct mac_entry *e, const uint8_t *mac, uint16_t vid)
{
	return number_of(e->mac, e->vid) == number_of(mac, vid);
}

static bool aged(const struct mac_entry *e, uint32_t now_s)
{
	return !e->pinned && now_s - e->seen_s > MAC_AGE_S;
}

void mac_init(struct mac_table *t, uint64_t key)
{
	memset(t, 0, sizeof(*t));
	t->key = key;
	for (uint32_t i = 0; i < MAC_BUCKETS; i++)
		t->buckets[i] = MAC_ENTRIES;
	for (uint32_t i = 0; i < MAC_ENTRIES; i++)
		t->entries[i].next = i + 1;
}

static uint32_t lookup(const struct mac_table *t, const uint8_t *mac, uint16_t vid)
{
	uint32_t i = t->buckets[bucket_of(t, mac, vid)];

	while (i != MAC_ENTRIES && !is(&t->entries[i], mac, vid))
		i = t->entries[i].next;
	return i;
}

unsigned mac_find(const struct mac_table *t, const uint8_t *mac, uint16_t vid, uint32_t now_s)
{
	uint32_t i = lookup(t, mac, vid);

	if (i == MAC_ENTRIES || aged(&t->entries[i], now_s))
		return MAC_NO_PORT;
	return t->entries[i].port;
}

static struct mac_entry *insert(struct mac_table *t, const uint8_t *mac, uint16_t vid)
{
	uint32_t i = t->free, *bucket = &t->buckets[bucket_of(t, mac, vid)];
	struct mac_entry *e;

	if (i == MAC_ENTRIES)
		return NULL;
	e = &t->entries[i];
	t->free = e->next;
	t->used++;
	memcpy(e->mac, mac, MAC_BYTES);
	e->vid = vid;
	e->pinned = false;
	e->next = *bucket;
	*bucket = i;
	return e;
}

enum mac_learned mac_learn(struct mac_table *t, const uint8_t *mac, uint16_t vid, unsigned port,
			   uint32_t now_s, bool room, unsigned *old)
{
	uint32_t i = lookup(t, mac, vid);
	struct mac_entry *e = &t->entries[i];

	if (i == MAC_ENTRIES) {
		e = room ? insert(t, mac, vid) : NULL;
		if (!e)
			return MAC_FULL;
		e->port = (uint16_t)port;
		e->seen_s = now_s;
		return MAC_NEW;
	}
	if (e->port == port) {
		e->seen_s = now_s;
		return MAC_KNOWN;
	}
	if (e->pinned)
		return MAC_PINNED;
	if (!room)
		return MAC_FULL;
	*old = e->port;
	e->port = (uint16_t)port;
	e->seen_s = now_s;
	return MAC_MOVED;
}

bool mac_pin(struct mac_table *t, const uint8_t *mac, uint16_t vid, unsigned port, unsigned *old)
{
	uint32_t i = lookup(t, mac, vid);
	struct mac_entry *e = i == MAC_ENTRIES ? insert(t, mac, vid) : &t->entries[i];

	*old = MAC_NO_PORT;
	if (!e || (e->pinned && e->port != port))
		return false;
	if (i != MAC_ENTRIES)
		*old = e->port;
	e->pinned = true;
	e->port = (uint16_t)port;
	return true;
}

/* Take the entry *@link points to out of its chain. */
static void drop(struct mac_table *t, uint32_t *link)
{
	uint32_t i = *link;

	*link = t->entries[i].next;
	t->entries[i].next = t->free;
	t->free = i;
	t->used--;
}

void mac_forget_port(struct mac_table *t, unsigned port)
{
	for (uint32_t b = 0; b < MAC_BUCKETS; b++) {
		uint32_t *link = &t->buckets[b];

		while (*link != MAC_ENTRIES) {
			if (t->entries[*link].port == port)
				drop(t, link);
			else
				link = &t->entries[*link].next;
		}
	}
}

void mac_sweep(struct mac_table *t, unsigned buckets, uint32_t now_s,
	       void (*gone)(void *ctx, unsigned port), void *ctx)
{
	while (buckets--) {
		uint32_t *link = &t->buckets[t->swept];

		t->swept = (t->swept + 1) % MAC_BUCKETS;
		while (*link != MAC_ENTRIES) {
			unsigned port = t->entries[*link].port;

			if (!aged(&t->entries[*link], now_s)) {
				link = &t->entries[*link].next;
				continue;
			}
			drop(t, link);
			gone(ctx, port);
		}
	}
}
