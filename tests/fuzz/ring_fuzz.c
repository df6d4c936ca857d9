/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Both ends of the ring library against a peer that writes anything anywhere in the shared page,
 * at any moment: between calls, and between any two accesses of one call.  Nothing is read or
 * written outside the page, no more messages come out than a ring can hold, what is dead stays
 * dead, and our own indices move only by what we did.
 *
 * tests/unit/ring/ring_fuzz_test.c runs it for a bounded time; for a long one:
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -Iabi tests/fuzz/ring_fuzz.c -o ring_fuzz
 */
#define MICA_RING_CHECK 1
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mica/flex.h>
#include <mica/ring.h>

#define FUZZ_NAME	"ring_fuzz"
#include "fuzz.h"

struct message {
	uint64_t id;
	uint32_t words[4];
};

MICA_RING(fuzz, struct message, struct message)

static uint8_t *page;			/* of the exact size, so that a step outside is seen */
static unsigned rang;

/* The peer's turn: an index near the true one, or anything, or bytes of a slot. */
static void peer(void)
{
	uint32_t *index = (uint32_t *)(void *)page + (byte() & 3);
	uint8_t how = byte();

	switch (how & 3) {
	case 0:
		*index += how >> 2;
		break;
	case 1:
		*index -= how >> 2;
		break;
	case 2:
		*index = word();
		break;
	default:
		page[64 + word() % (4096 - 64)] = byte();
	}
}

static uint32_t load(const uint32_t *from)
{
	uint32_t value = *(const volatile uint32_t *)from;

	if (left && (*input & 7) == 5)
		peer();
	return value;
}

static void store(uint32_t *to, uint32_t value, int full)
{
	*to = value;
	if (left && (*input & 7) == 6)
		peer();
}

static void get(void *to, const void *from, size_t bytes)
{
	memcpy(to, from, bytes);
	if (left && (*input & 7) == 7)
		peer();
}

static void put(void *to, const void *from, size_t bytes)
{
	memcpy(to, from, bytes);
}

static const struct mica_ring_memory hooks = { .load = load, .store = store, .get = get, .put = put };

static void bell(void *ctx, uint32_t port)
{
	rang++;
}

static void check_end(const struct mica_ring_end *r)
{
	must(r->prod - r->pushed <= r->entries, "more written than there are slots");
	must(r->seen - r->cons <= r->entries, "more believed than there are slots");
}

static void fuzz_back(struct fuzz_back *b)
{
	struct message m;
	bool was_dead = fuzz_back_dead(b);
	uint32_t cons = fuzz_back_req_cons(b), pushed = fuzz_back_rsp_prod(b);
	int rc;

	memset(&m, 0, sizeof(m));
	switch (byte() % 5) {
	case 0:
		rc = fuzz_back_take(b, &m);
		must(rc == 1 || rc == 0 || rc == -EPROTO, "take says something else");
		must(fuzz_back_req_cons(b) - cons == (rc == 1), "taken and not counted");
		must(!was_dead || rc == -EPROTO, "the dead speak");
		break;
	case 1:
		fuzz_back_more_after(b, byte());
		break;
	case 2:
		if (fuzz_back_open(b))
			must(fuzz_back_answer(b, &m), "an open request cannot be answered");
		break;
	case 3:
		fuzz_back_push(b);
		must(!was_dead || fuzz_back_rsp_prod(b) == pushed, "the dead publish");
		break;
	default:
		peer();
	}
	must(fuzz_back_open(b) <= b->end.entries, "more open than there are slots");
	must(fuzz_back_req_cons(b) - fuzz_back_rsp_prod(b) <= b->end.entries, "answered ahead");
	check_end(&b->end);
}

static void fuzz_front(struct fuzz_front *f)
{
	struct message m;
	int rc;

	memset(&m, 0, sizeof(m));
	switch (byte() % 5) {
	case 0:
		rc = fuzz_front_take(f, &m);
		must(rc == 1 || rc == 0 || rc == -EPROTO, "take says something else");
		break;
	case 1:
		fuzz_front_more_after(f, byte());
		break;
	case 2:
		if (fuzz_front_room(f))
			must(fuzz_front_put(f, &m), "room, and no room");
		break;
	case 3:
		fuzz_front_push(f);
		break;
	default:
		peer();
	}
	must(fuzz_front_room(f) <= f->end.entries, "more room than there is");
	must(fuzz_front_open(f) <= f->end.entries, "more open than there are slots");
	check_end(&f->end);
}

static void fuzz_bytes(struct mica_bytes *b)
{
	uint8_t piece[300];
	int64_t rc;
	uint32_t n = byte() + (byte() & 31u);

	memset(piece, 1, sizeof(piece));
	switch (byte() % 4) {
	case 0:
		rc = b->writer ? mica_bytes_write(b, piece, n) : mica_bytes_read(b, piece, n);
		must(rc == -EPROTO || (rc >= 0 && rc <= n), "more bytes than asked for");
		break;
	case 1:
		if (!b->writer) {
			rc = mica_bytes_peek(b, piece, word() % 5000, n);
			must(rc == -EPROTO || (rc >= 0 && rc <= n), "more bytes than asked for");
		}
		break;
	case 2:
		mica_bytes_push(b);
		break;
	default:
		peer();
	}
	rc = mica_bytes_ready(b);
	must(rc == -EPROTO || (rc >= 0 && rc <= b->size), "more ready than there is");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mica_bell ring = { .ring = bell };
	struct fuzz_back back;
	struct fuzz_front front;
	struct mica_bytes bytes;
	uint32_t *words;
	uint8_t which;

	input_from(data, size);
	page = calloc(1, 4096);
	words = (uint32_t *)(void *)page;
	mica_ring_memory = &hooks;
	which = byte();
	for (unsigned i = 0; i < 4; i++)
		words[i] = which & 16 ? word() : 0;
	if ((which & 3) == 1)
		fuzz_front_attach(&front, page, 4096, &ring);
	else if ((which & 3) == 2)
		mica_bytes_reader(&bytes, page + 1024, 1024, &words[0], &words[1], words[0], &ring);
	else if ((which & 3) == 3)
		mica_bytes_writer(&bytes, page + 1024, 1024, &words[0], &words[1], words[0], &ring);
	else if (fuzz_back_resume(&back, page, 4096, &ring, word()))
		fuzz_back_attach(&back, page, 4096, &ring);
	while (left) {
		if ((which & 3) == 1)
			fuzz_front(&front);
		else if (which & 2)
			fuzz_bytes(&bytes);
		else
			fuzz_back(&back);
	}
	mica_ring_memory = NULL;
	free(page);
	return 0;
}
