/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that writes anything anywhere in its console page, at any moment, also between any two reads
 * the daemon makes of an index.  Nothing is read or written outside the page, no more comes out than
 * a ring holds, indices that cannot be are told and got over, and once the guest behaves every byte
 * passes, once.
 *
 * tests/unit/consoled/console_ring_fuzz_test.c runs it for a bounded time; for a long one:
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Idom0-tools -Iabi \
 *	    tests/fuzz/console_ring_fuzz.c -o console_ring_fuzz
 */
#include <string.h>

#define FUZZ_NAME	"console_ring_fuzz"
#include "fuzz.h"

static uint32_t hooked(const volatile uint32_t *from);
#define __atomic_load_n(from, order)	hooked(from)
#include "consoled/ring.c"
#undef __atomic_load_n

static struct xencons_interface *page;	/* of its exact size */
static bool meddling;

static void poke(void)
{
	uint32_t *index[] = { &page->out_prod, &page->out_cons, &page->in_prod, &page->in_cons };
	uint32_t *i = index[byte() & 3];
	uint8_t how = byte();

	if (how < 90)
		*i += how & 31 ? how & 31 : RING_OUT_BYTES;
	else if (how < 160)
		*i -= how & 31;
	else if (how < 220)
		*i = word();
	else
		page->out[word() % RING_OUT_BYTES] = (char)byte();
}

static uint32_t hooked(const volatile uint32_t *from)
{
	uint32_t value = *from;

	if (meddling && left && (*input & 3) == 1)
		poke();
	return value;
}

/* Judged by what lies there while nobody meddles. */
static void output(void)
{
	uint32_t there = page->out_prod - page->out_cons, cons = page->out_cons;
	char *bytes = malloc(RING_OUT_BYTES);
	bool skipped;
	size_t n = ring_peek(page, bytes, &skipped);

	must(n <= RING_OUT_BYTES && (!skipped || !n), "more than a ring holds");
	must(meddling || skipped == (there > RING_OUT_BYTES), "indices that cannot be are believed");
	must(meddling || skipped || n == there, "not all of it");
	must(meddling || page->out_cons == cons, "taken before it is safe");
	for (size_t i = 0; !meddling && i < n; i++)
		must(bytes[i] == page->out[(cons + i) % RING_OUT_BYTES], "other bytes");
	free(bytes);
	if (skipped)
		ring_resync(page);
	else
		ring_take(page, n);
	must(meddling || page->out_cons == page->out_prod, "something is left");
}

static void typed(void)
{
	uint32_t used = page->in_prod - page->in_cons, prod = page->in_prod, cons = page->in_cons;
	size_t room = used > RING_IN_BYTES ? 0 : RING_IN_BYTES - used, want = byte() * 9u, n;
	char *text = malloc(want + 1);

	for (size_t i = 0; i < want; i++)
		text[i] = (char)(i * 5);
	must(meddling || ring_room(page) == room, "room where there is none");
	n = ring_put(page, text, want);
	must(n <= want && n <= RING_IN_BYTES, "more than fits");
	must(meddling || n == (want < room ? want : room), "not what fits");
	must(meddling || page->in_prod - prod == n, "another number than told");
	must(meddling || !n || page->in_prod - cons <= RING_IN_BYTES, "over what was not read");
	for (size_t i = 0; !meddling && i < n; i++)
		must(page->in[(prod + i) % RING_IN_BYTES] == text[i], "other bytes");
	free(text);
}

static void honest(void)
{
	uint32_t n = byte() * 9u % RING_OUT_BYTES;

	meddling = false;
	output();			/* whatever it was, it is got over */
	for (uint32_t i = 0; i < n; i++)
		page->out[page->out_prod++ % RING_OUT_BYTES] = (char)i;
	output();
	page->in_cons = page->in_prod;
	typed();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input_from(data, size);
	page = calloc(1, sizeof(*page));
	while (left) {
		uint8_t how = byte();

		meddling = how & 8;
		switch (how & 7) {
		case 0:
		case 1:
			output();
			break;
		case 2:
		case 3:
			typed();
			break;
		case 4:
			honest();
			break;
		default:
			poke();
		}
	}
	honest();
	free(page);
	return 0;
}
