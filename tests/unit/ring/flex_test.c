/* unit: */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Byte rings: every byte once and in order across the wrap, every index a peer can write, and
 * the three layouts (flex, console, store) through the same ends.
 */
#define MICA_RING_CHECK 1
#include <string.h>

#include "host.h"
#include <mica/flex.h>
#include <mica/io/console.h>
#include <mica/io/xenstore.h>

static uint8_t first[4096] __attribute__((aligned(4096)));
static uint8_t data[(1 << 3) * 4096] __attribute__((aligned(4096)));
static unsigned rang, bugs;

static void bell(void *ctx, uint32_t port)
{
	rang++;
}

static void note_bug(const char *why)
{
	bugs++;
}

static uint8_t byte_at(uint64_t position)
{
	return (uint8_t)(position * 31 + (position >> 8));
}

/* Random pieces from @w to @r until @total bytes arrived, then nothing is left. */
static void stream(struct mica_bytes *w, struct mica_bytes *r, uint64_t total)
{
	static uint8_t piece[70000];
	uint64_t sent = 0, got = 0;

	while (got < total) {
		uint32_t n = (uint32_t)dice(dice(2) ? 64 : w->size + 10);
		int64_t done;

		if (dice(2)) {
			for (uint32_t i = 0; i < n; i++)
				piece[i] = byte_at(sent + i);
			done = mica_bytes_write(w, piece, n);
			assert_true(done >= 0 && done <= n);
			sent += (uint64_t)done;
			if (dice(3))
				mica_bytes_push(w);
			continue;
		}
		if (dice(4) == 0) {
			uint32_t skip = (uint32_t)dice(w->size);

			done = mica_bytes_peek(r, piece, skip, n);
			for (int64_t i = 0; i < done; i++)
				assert_int_equal(piece[i], byte_at(got + skip + (uint64_t)i));
			continue;
		}
		done = mica_bytes_read(r, piece, n);
		assert_true(done >= 0 && done <= n);
		for (int64_t i = 0; i < done; i++)
			assert_int_equal(piece[i], byte_at(got + (uint64_t)i));
		got += (uint64_t)done;
		if (dice(3))
			mica_bytes_push(r);
	}
	mica_bytes_push(w);
	mica_bytes_push(r);
	assert_true(sent >= got);
	while ((uint64_t)mica_bytes_read(r, piece, sizeof(piece)) > 0)
		mica_bytes_push(r);
	assert_int_equal(mica_bytes_ready(w), w->size);
}

static void flex_both_ways(void **state)
{
	struct mica_bell b = { .ring = bell };
	struct mica_bytes fin, fout, bin, bout;

	dice_start();
	for (uint32_t order = 0; order <= 3; order++) {
		memset(first, 0xff, sizeof(first));
		assert_int_equal(mica_flex_front(&fin, &fout, first, data, order, &b), 0);
		assert_int_equal(mica_flex_back(&bin, &bout, first, data, order, &b), 0);
		assert_int_equal(fin.size, 2048u << order);
		assert_ptr_equal(mica_flex_ref(first, 3), first + 132 + 12);
		stream(&fout, &bout, 300000);
		stream(&bin, &fin, 300000);
	}
	assert_true(rang > 1000);
	assert_int_equal(mica_flex_front(&fin, &fout, first, data, 10, NULL), -EINVAL);
	assert_int_equal(mica_flex_back(&bin, &bout, first, data, 0xffffffff, NULL), -EINVAL);
}

static void console_and_store_pages(void **state)
{
	static struct xencons_interface console;
	static struct xenstore_domain_interface store;
	struct mica_bytes w, r;

	console.out_prod = console.out_cons = 0xfffffe00;	/* wraps, and was in use before */
	mica_bytes_writer(&w, console.out, sizeof(console.out), &console.out_prod,
			  &console.out_cons, console.out_prod, NULL);
	mica_bytes_reader(&r, console.out, sizeof(console.out), &console.out_cons,
			  &console.out_prod, console.out_cons, NULL);
	stream(&w, &r, 100000);
	assert_true(console.out_prod < 0x80000000);
	mica_bytes_writer(&w, store.req, sizeof(store.req), &store.req_prod, &store.req_cons, 0,
			  NULL);
	mica_bytes_reader(&r, store.req, sizeof(store.req), &store.req_cons, &store.req_prod, 0,
			  NULL);
	stream(&w, &r, 100000);
}

/* Every place around ours the peer's index can be: usable or dead as it must, never both. */
static void hostile_indices(void **state)
{
	uint8_t bytes[64], to[64];
	uint32_t prod, cons;
	struct mica_bytes b;

	memset(bytes, 7, sizeof(bytes));
	for (uint32_t base = 0xffffffd0; base != 0x20; base++) {
		for (int64_t off = -200; off <= 200; off++) {
			bool legal = off >= 0 && off <= 64;

			cons = base;
			prod = base + (uint32_t)off;
			mica_bytes_reader(&b, bytes, 64, &cons, &prod, base, NULL);
			assert_int_equal(mica_bytes_read(&b, to, 64), legal ? off : -EPROTO);
			prod = base + 1;
			if (!legal)
				assert_int_equal(mica_bytes_read(&b, to, 64), -EPROTO);
			/* a writer with 20 published and 10 private */
			prod = base + 20;
			cons = base;
			mica_bytes_writer(&b, bytes, 64, &prod, &cons, base + 20, NULL);
			assert_int_equal(mica_bytes_write(&b, to, 10), 10);
			cons = base + (uint32_t)off;
			legal = off >= 0 && off <= 20;		/* it was seen at base already */
			assert_int_equal(mica_bytes_ready(&b), legal ? 64 - 30 + off : -EPROTO);
		}
	}
}

/* Promised bytes are not taken back, and a second look costs nothing. */
static void index_taken_back(void **state)
{
	uint8_t bytes[64] = { 0 }, to[64];
	uint32_t prod = 40, cons = 0;
	struct mica_bytes b;

	mica_bytes_reader(&b, bytes, 64, &cons, &prod, 0, NULL);
	assert_int_equal(mica_bytes_peek(&b, to, 0, 10), 10);
	prod = 39;
	assert_int_equal(mica_bytes_ready(&b), -EPROTO);
	assert_false(mica_bytes_push(&b));
}

static void own_mistakes(void **state)
{
	uint8_t bytes[64] = { 0 }, to[8] = { 0 };
	uint32_t prod = 4, cons = 0;
	struct mica_bytes b;

	mica_ring_on_bug = note_bug;
	mica_bytes_reader(&b, bytes, 64, &cons, &prod, 0, NULL);
	assert_int_equal(mica_bytes_write(&b, to, 4), 0);
	assert_int_equal(bugs, 1);
	mica_bytes_ready(&b);
	mica_bytes_skip(&b, 5);
	assert_int_equal(bugs, 2);
	assert_int_equal(b.at, 4);
	mica_bytes_writer(&b, bytes, 64, &prod, &cons, 4, NULL);
	assert_int_equal(mica_bytes_read(&b, to, 4), 0);
	assert_int_equal(bugs, 3);
	mica_bytes_writer(&b, bytes, 48, &prod, &cons, 4, NULL);
	assert_int_equal(bugs, 4);
	mica_ring_on_bug = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flex_both_ways),
		cmocka_unit_test(console_and_store_pages),
		cmocka_unit_test(hostile_indices),
		cmocka_unit_test(index_taken_back),
		cmocka_unit_test(own_mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
