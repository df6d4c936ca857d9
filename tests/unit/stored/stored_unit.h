/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the store's unit tests share: a client without a transport, whose output piles up in
 * memory, and requests that return the reply as a string.
 */
#ifndef STORED_UNIT_H
#define STORED_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "stored/state.h"

struct fake {
	struct conn conn;
	struct buf got;			/* everything sent to it */
	size_t read;			/* of which the test has looked at this much */
	char reply[XENSTORE_PAYLOAD_MAX + 1];	/* the last one; NULs between strings are '|' */
	size_t reply_len;
	unsigned events;		/* seen so far */
	char event[XENSTORE_PAYLOAD_MAX + 1];	/* the last one: path|token| */
};

static inline void fake_flush(struct conn *c)
{
	struct fake *f = container(c, struct fake, conn);

	buf_put(&f->got, c->out + c->head, conn_pending(c));
	conn_consume(c, conn_pending(c));
}

static inline void fake_init(struct store *s, struct fake *f, unsigned domid)
{
	memset(f, 0, sizeof(*f));
	conn_init(s, &f->conn, domid);
	f->conn.flush = fake_flush;
}

static inline void fake_fini(struct store *s, struct fake *f)
{
	conn_fini(s, &f->conn);
	buf_free(&f->got);
}

static inline void fake_show(char *out, const char *from, size_t len)
{
	memcpy(out, from, len);
	out[len] = 0;
	for (size_t i = 0; i < len; i++)
		if (!out[i])
			out[i] = '|';
}

/* Read what arrived: events are counted, the last reply is kept. */
static inline void fake_read(struct fake *f)
{
	while (f->read < f->got.len) {
		struct xsd_sockmsg h;

		memcpy(&h, f->got.data + f->read, sizeof(h));
		f->read += sizeof(h);
		if (h.type == XS_WATCH_EVENT) {
			f->events++;
			fake_show(f->event, f->got.data + f->read, h.len);
		} else {
			fake_show(f->reply, f->got.data + f->read, h.len);
			f->reply_len = h.len;
		}
		f->read += h.len;
	}
	f->got.len = f->read = 0;
}

/* Send a request whose payload is @text with '|' for NUL; returns the reply in that form. */
static inline const char *ask_len(struct store *s, struct fake *f, uint32_t type, uint32_t tx,
				  const void *data, size_t len)
{
	char payload[XENSTORE_PAYLOAD_MAX + 8];
	struct xsd_sockmsg h = { type, 7, tx, (uint32_t)len };

	memcpy(payload, data, len);
	store_request(s, &f->conn, &h, payload);
	fake_read(f);
	return f->reply;
}

static inline const char *ask(struct store *s, struct fake *f, uint32_t type, uint32_t tx,
			      const char *text)
{
	char data[XENSTORE_PAYLOAD_MAX];
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		data[i] = text[i] == '|' ? 0 : text[i];
	return ask_len(s, f, type, tx, data, len);
}

static inline uint32_t begin(struct store *s, struct fake *f)
{
	return (uint32_t)atoi(ask(s, f, XS_TRANSACTION_START, 0, "|"));
}

#define asserts(s, f, type, tx, text, want) assert_string_equal(ask(s, f, type, tx, text), want)

/* Repeatable: UNIT_SEED=n in the environment repeats a run. */
static uint64_t random_state;
static inline void seed(void)
{
	const char *given = getenv("UNIT_SEED");

	random_state = given ? strtoull(given, NULL, 0) : 0x2545f4914f6cdd1dull;
	print_message("UNIT_SEED=%llu\n", (unsigned long long)random_state);
}

static inline uint64_t rnd(uint64_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state >> 11) % below;
}

static inline uint64_t steps(uint64_t n)
{
	const char *given = getenv("UNIT_STEPS");

	return given ? strtoull(given, NULL, 0) : n;
}

#endif
