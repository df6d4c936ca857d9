/* SPDX-License-Identifier: BSD-2-Clause */
/* Receive hashing as a front end asked for it: the hash of a frame, and the queue it goes to. */
#ifndef MICA_NETD_STEER_H
#define MICA_NETD_STEER_H

#include <stdbool.h>
#include <stdint.h>

#define STEER_KEY	40u	/* bytes: what hashing IPv6 with ports can use */
#define STEER_TABLE	128u	/* entries */
#define STEER_WORDS	512u	/* room for steer_print() */
#define STEER_TYPES	15u	/* XEN_NETIF_CTRL_HASH_TYPE_*, all four */

/* What the requests of the control ring set. */
struct steer {
	uint8_t algorithm;		/* XEN_NETIF_CTRL_HASH_ALGORITHM_* */
	uint8_t types;			/* XEN_NETIF_CTRL_HASH_TYPE_* to make; 0: none */
	uint8_t key[STEER_KEY];		/* what was not given is zero */
	unsigned entries;		/* of the table; 0: hash modulo queues */
	uint8_t table[STEER_TABLE];	/* hash to queue */
};

/* One frame's; type is the number of the bit, and meaningless when !made. */
struct steer_hash {
	bool made;
	uint8_t type;
	uint32_t value;
};

static inline bool steer_on(const struct steer *s)
{
	return s->algorithm && s->types;
}

/* @bytes: the first @n of a frame without a tag. */
__attribute__((cold)) struct steer_hash steer_make(const struct steer *s, const uint8_t *bytes, unsigned n);
/* Which of @queues; frames without a hash go where a hash of 0 goes. */
__attribute__((cold)) unsigned steer_queue(const struct steer *s, const struct steer_hash *h, unsigned queues);
/* All of @s as words for the store; "" for the default. */
void steer_print(const struct steer *s, char text[STEER_WORDS]);
/* The other way; false, and @s is the default: not such words, or queues beyond @queues. */
bool steer_parse(struct steer *s, const char *text, unsigned queues);

#endif
