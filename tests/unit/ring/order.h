/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every interleaving of two programs that share a ring, store buffers included: a model of
 * an x86 machine with two processors that runs the real ring library.
 *
 * A program is a function that runs from one canonical point (its struct is all its state)
 * to the next and touches shared memory through the ring library only.  What it has done
 * since is a log of values it saw, so a step is: run it again over a copy, answer from the log,
 * perform one access more, jump out.  A state of the world is then plain memory: it can be
 * copied, compared and met again, and the search ends when no new one is found.
 *
 * Each processor queues its stores and writes them to memory in order, at any later moment,
 * which is a step of its own; a full store waits until its queue is empty.  A state where
 * nobody can move and work is left is a lost notification.
 */
#ifndef UNIT_RING_ORDER_H
#define UNIT_RING_ORDER_H

#include <setjmp.h>
#include <string.h>

#define ORDER_BYTES	80u		/* header and four slots of 4 bytes */
#define ORDER_LOG	24
#define ORDER_QUEUE	8

enum order_end { ORDER_AGAIN, ORDER_SLEEP, ORDER_DONE };

struct order_actor {
	_Alignas(8) uint8_t program[128];	/* the caller's struct, at its canonical point */
	uint32_t log[ORDER_LOG];
	uint32_t logged;
	uint32_t queued;
	struct { uint16_t at, bytes; uint32_t value; } queue[ORDER_QUEUE];
	uint8_t asleep, done, pending, _pad;
};

struct order_world {
	uint8_t memory[ORDER_BYTES];
	struct order_actor actor[2];
};

struct order_run {
	enum order_end (*body[2])(void *program);
	size_t program_bytes[2];
	bool plain_full[2];		/* mutation: this actor's barriers are missing */
	bool needs_bind;		/* bells for actor 1 are lost until it has bound */
	uint64_t states, steps;
	const char *failure;
	struct order_world stuck;
};

static uint8_t order_page[ORDER_BYTES] __attribute__((aligned(64)));	/* addresses only */
static struct order_run *order_run;
static struct order_world *order_now;
static unsigned order_self;
static uint32_t order_cursor;
static bool order_acted;
static jmp_buf order_out;

/* True: this access was made before, *value is what it saw.  False: make it now. */
static bool order_replayed(uint32_t *value)
{
	struct order_actor *a = &order_now->actor[order_self];

	if (order_cursor < a->logged) {
		*value = a->log[order_cursor++];
		return true;
	}
	if (order_acted)
		longjmp(order_out, 1);
	order_acted = true;
	return false;
}

static uint32_t order_note(uint32_t value)
{
	struct order_actor *a = &order_now->actor[order_self];

	assert_true(a->logged < ORDER_LOG);
	a->log[a->logged++] = value;
	order_cursor++;
	return value;
}

static uint32_t order_load(const uint32_t *from)
{
	struct order_actor *a = &order_now->actor[order_self];
	size_t at = (size_t)((const uint8_t *)from - order_page);
	uint32_t value;

	if (order_replayed(&value))
		return value;
	memcpy(&value, order_now->memory + at, 4);
	for (uint32_t i = 0; i < a->queued; i++)
		if (a->queue[i].at == at)
			value = a->queue[i].value;
	return order_note(value);
}

static void order_store(uint32_t *to, uint32_t value, int full)
{
	struct order_actor *a = &order_now->actor[order_self];
	size_t at = (size_t)((uint8_t *)to - order_page);
	uint32_t ignored;

	if (order_replayed(&ignored))
		return;
	if (full && !order_run->plain_full[order_self]) {
		if (a->queued) {		/* not yet: somebody flushes first */
			longjmp(order_out, 2);
		}
		memcpy(order_now->memory + at, &value, 4);
	} else {
		assert_true(a->queued < ORDER_QUEUE);
		a->queue[a->queued].at = (uint16_t)at;
		a->queue[a->queued].bytes = 4;
		a->queue[a->queued++].value = value;
	}
	order_note(0);
}

static void order_get(void *to, const void *from, size_t bytes)
{
	uint32_t value = order_load((const uint32_t *)from);

	assert_int_equal(bytes, 4);
	memcpy(to, &value, 4);
}

static void order_put(void *to, const void *from, size_t bytes)
{
	uint32_t value;

	assert_int_equal(bytes, 4);
	memcpy(&value, from, 4);
	order_store((uint32_t *)to, value, 0);
}

#define ORDER_BOUND	60u		/* in the header's padding: actor 1 has bound */

/* One access of another kind, like any trap it empties the store queue first.  True: do it. */
static bool order_trap(void)
{
	uint32_t ignored;

	if (order_replayed(&ignored))
		return false;
	if (order_now->actor[order_self].queued)
		longjmp(order_out, 2);
	order_note(0);
	return true;
}

/* The bell of actor @port. */
static void order_bell(void *ctx, uint32_t port)
{
	if (order_trap() && (port == 1 || !order_run->needs_bind || order_now->memory[ORDER_BOUND]))
		order_now->actor[1 - port].pending = 1;
}

/* Acknowledge the event: whatever came until now does not wake any more. */
__attribute__((unused)) static void order_ack(void)
{
	if (order_trap())
		order_now->actor[order_self].pending = 0;
}

__attribute__((unused)) static void order_bind(void)
{
	if (order_trap())
		order_now->memory[ORDER_BOUND] = 1;
}

static const struct mica_ring_memory order_memory = {
	.load = order_load, .store = order_store, .get = order_get, .put = order_put,
};

/* One access of actor @self in @w; false when it cannot move now. */
static bool order_step(struct order_world *w, unsigned self)
{
	struct order_actor *a = &w->actor[self];
	_Alignas(8) static uint8_t copy[128];

	if (a->done || (a->asleep && !a->pending))
		return false;
	if (a->asleep) {
		a->asleep = a->pending = 0;
		return true;
	}
	order_now = w;
	order_self = self;
	order_acted = false;
	for (;;) {
		enum order_end end;
		int out;

		memcpy(copy, a->program, sizeof(copy));
		order_cursor = 0;
		out = setjmp(order_out);
		if (out)
			return out == 1;
		end = order_run->body[self](copy);
		memcpy(a->program, copy, sizeof(copy));
		memset(a->log, 0, sizeof(a->log));
		a->logged = 0;
		a->asleep = end == ORDER_SLEEP;
		a->done = end == ORDER_DONE;
		if (order_acted || end != ORDER_AGAIN)
			return true;
	}
}

static bool order_flush(struct order_world *w, unsigned self)
{
	struct order_actor *a = &w->actor[self];

	if (!a->queued)
		return false;
	memcpy(w->memory + a->queue[0].at, &a->queue[0].value, 4);
	memmove(a->queue, a->queue + 1, sizeof(a->queue) - sizeof(a->queue[0]));
	memset(&a->queue[--a->queued], 0, sizeof(a->queue[0]));
	return true;
}

/* --- the set of states met, as 128-bit hashes, and the search --- */

struct order_set {
	struct { uint64_t a, b; } *slot;
	uint64_t mask, used;
};

static bool order_new(struct order_set *set, const struct order_world *w)
{
	uint64_t a = 0x9e3779b97f4a7c15, b = 0xc2b2ae3d27d4eb4f, word;

	_Static_assert(sizeof(*w) % 8 == 0, "hashed by words");
	for (size_t i = 0; i < sizeof(*w); i += 8) {
		memcpy(&word, (const uint8_t *)w + i, 8);
		a = (a ^ word) * 0xff51afd7ed558ccd;
		a ^= a >> 32;
		b = (b + word) * 0xc4ceb9fe1a85ec53;
		b ^= b >> 29;
	}
	a |= 1;
	assert_true(set->used < set->mask / 4 * 3);
	for (uint64_t i = b & set->mask;; i = (i + 1) & set->mask) {
		if (set->slot[i].a == a && set->slot[i].b == b)
			return false;
		if (!set->slot[i].a) {
			set->slot[i].a = a;
			set->slot[i].b = b;
			set->used++;
			return true;
		}
	}
}

/* Visit every state that can follow @first; run->failure says what went wrong, if it did. */
static void order_search(struct order_run *run, const struct order_world *first)
{
	struct order_set set = { .mask = (1u << 22) - 1 };
	struct order_world *stack = malloc(sizeof(*stack) * 65536);
	size_t depth = 0;

	set.slot = calloc(set.mask + 1, sizeof(set.slot[0]));
	order_run = run;
	mica_ring_memory = &order_memory;
	stack[depth++] = *first;
	order_new(&set, first);
	while (depth && !run->failure) {
		struct order_world now = stack[--depth];
		unsigned moved = 0;

		for (unsigned choice = 0; choice < 4; choice++) {
			struct order_world next = now;

			if (!(choice < 2 ? order_step(&next, choice) :
					   order_flush(&next, choice - 2)))
				continue;
			moved++;
			run->steps++;
			assert_true(depth < 65536);
			if (order_new(&set, &next))
				stack[depth++] = next;
		}
		if (!moved && !(now.actor[0].done)) {
			run->failure = "nobody can move and work is left";
			run->stuck = now;
		}
	}
	run->states = set.used;
	mica_ring_memory = NULL;
	free(stack);
	free(set.slot);
}

#endif
