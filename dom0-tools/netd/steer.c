/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Receive hashing: the Toeplitz hash over the addresses and ports of a frame, with the front
 * end's key, and the front end's table from hash to queue.  Pure: the control ring's requests
 * (control.c) fill struct steer, deliver.c asks.
 *
 * The largest kind of hash that was asked for is made: addresses and ports of a TCP segment, else
 * addresses of an IP packet.  Of a fragment only the first has ports, so no fragment is hashed by
 * them, or a packet's pieces would go to different queues.
 *
 * Settings outlive this process as words in the store ("1 f KEY TABLE", "-" for an empty one):
 * nobody tells a front end that its back end was started again.
 */
#include <stdio.h>
#include <string.h>
#include <mica/io/netif.h>

#include "netd/frame.h"
#include "netd/steer.h"

#define INPUT_BYTES	36u	/* two IPv6 addresses, two ports */

static uint32_t toeplitz(const uint8_t key[STEER_KEY], const uint8_t *bytes, unsigned n)
{
	uint32_t hash = 0, window = (uint32_t)key[0] << 24 | (uint32_t)key[1] << 16 |
		(uint32_t)key[2] << 8 | key[3];

	for (unsigned i = 0; i < n; i++) {
		unsigned next = key[i + 4];	/* n is at most INPUT_BYTES */

		for (unsigned bit = 128; bit; bit >>= 1) {
			if (bytes[i] & bit)
				hash ^= window;
			window = window << 1 | !!(next & bit);
		}
	}
	return hash;
}
_Static_assert(INPUT_BYTES + 4 <= STEER_KEY, "the window may not leave the key");

static bool has_ports(const struct frame *f)
{
	return f->proto == IPPROTO_NUMBER_TCP && !f->fragment && f->l4 && f->l4 + 4 <= f->n;
}

struct steer_hash steer_make(const struct steer *s, const uint8_t *bytes, unsigned n)
{
	struct steer_hash h = { .made = false };
	unsigned at, length, only, ports;
	uint8_t input[INPUT_BYTES];
	struct frame f;

	if (!steer_on(s) || !frame_parse(&f, bytes, n) || f.odd)
		return h;
	if (f.type == ETHERTYPE_IPV4) {
		at = f.l3 + 12, length = 8;
		only = _XEN_NETIF_CTRL_HASH_TYPE_IPV4, ports = _XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP;
	} else if (f.type == ETHERTYPE_IPV6) {
		at = f.l3 + 8, length = 32;
		only = _XEN_NETIF_CTRL_HASH_TYPE_IPV6, ports = _XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP;
	} else {
		return h;
	}
	memcpy(input, bytes + at, length);	/* the parser has seen a whole header, or it is odd */
	if (s->types & 1u << ports && has_ports(&f)) {
		memcpy(input + length, bytes + f.l4, 4);
		h.made = true;
		h.type = (uint8_t)ports;
		length += 4;
	} else if (s->types & 1u << only) {
		h.made = true;
		h.type = (uint8_t)only;
	}
	if (h.made)
		h.value = toeplitz(s->key, input, length);
	return h;
}

unsigned steer_queue(const struct steer *s, const struct steer_hash *h, unsigned queues)
{
	uint32_t hash = h->made ? h->value : 0;

	return s->entries ? s->table[hash % s->entries] : hash % queues;
}

/* --- words --- */

void steer_print(const struct steer *s, char text[STEER_WORDS])
{
	static const struct steer none;
	size_t at;

	text[0] = '\0';
	if (!memcmp(s, &none, sizeof(none)))
		return;
	at = (size_t)snprintf(text, STEER_WORDS, "%x %x ", s->algorithm, s->types);
	for (unsigned i = 0; i < STEER_KEY; i++)
		at += (size_t)snprintf(text + at, STEER_WORDS - at, "%02x", s->key[i]);
	text[at++] = ' ';
	if (!s->entries)
		text[at++] = '-';
	for (unsigned i = 0; i < s->entries; i++)
		text[at++] = (char)('0' + s->table[i]);
	text[at] = '\0';
}

static bool parse_key(struct steer *s, const char *text)
{
	for (unsigned i = 0; i < STEER_KEY; i++) {
		unsigned byte;

		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			return false;
		s->key[i] = (uint8_t)byte;
	}
	return true;
}

static bool parse_table(struct steer *s, const char *text, unsigned queues)
{
	if (!strcmp(text, "-"))
		return true;
	for (; *text; text++) {
		if (*text < '0' || (unsigned)(*text - '0') >= queues)
			return false;
		s->table[s->entries++] = (uint8_t)(*text - '0');
	}
	return true;
}

bool steer_parse(struct steer *s, const char *text, unsigned queues)
{
	char key[2 * STEER_KEY + 1], table[STEER_TABLE + 1];
	unsigned algorithm, types;

	memset(s, 0, sizeof(*s));
	if (!*text)
		return true;
	if (sscanf(text, "%x %x %80[0-9a-f] %128[0-9-]", &algorithm, &types, key, table) == 4 &&
	    algorithm <= XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ && types <= STEER_TYPES &&
	    strlen(key) == 2 * STEER_KEY && parse_key(s, key) && parse_table(s, table, queues)) {
		s->algorithm = (uint8_t)algorithm;
		s->types = (uint8_t)types;
		return true;
	}
	memset(s, 0, sizeof(*s));
	return false;
}
