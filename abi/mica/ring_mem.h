/* SPDX-License-Identifier: MIT */
/*
 * The only accesses the ring library makes to memory a peer can write at any moment.
 *
 *   mica_shared_load        read an index once; what was written before it is visible after
 *   mica_shared_store       write an index; everything written before is visible first
 *   mica_shared_store_full  the same, and no later load of ours is done before it
 *   mica_shared_get         copy a message out; every byte is read exactly once
 *   mica_shared_put         copy a message in
 *
 * "store mine, then look at theirs" needs the full form on both sides, or each may miss
 * what the other has just written and both go to sleep.
 *
 * Built with -DMICA_RING_CHECK every access goes through mica_ring_memory where that is
 * set: a test puts a model of the processor's store buffers there, or a hostile peer that
 * runs between any two accesses; and a rule the caller broke stops the program.
 */
#ifndef MICA_RING_MEM_H
#define MICA_RING_MEM_H

#include <stddef.h>
#include <stdint.h>

/* The peer broke the ring's rules.  No hypercall returns it, so errno.h does not have it. */
#ifndef EPROTO
#define EPROTO		71
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Words of a message, whatever its type and alignment. */
struct mica_word64 {
	uint64_t value;
} __attribute__((packed, may_alias));

struct mica_word32 {
	uint32_t value;
} __attribute__((packed, may_alias));

#ifdef MICA_RING_CHECK
struct mica_ring_memory {
	uint32_t (*load)(const uint32_t *from);
	void (*store)(uint32_t *to, uint32_t value, int full);
	void (*get)(void *to, const void *from, size_t bytes);
	void (*put)(void *to, const void *from, size_t bytes);
};

__attribute__((weak)) const struct mica_ring_memory *mica_ring_memory;
/* Called when our own side breaks a rule; returns only in tests. */
__attribute__((weak)) void (*mica_ring_on_bug)(const char *why);

static inline void mica_ring_bug(const char *why)
{
	if (!mica_ring_on_bug)
		__builtin_trap();
	mica_ring_on_bug(why);
}
#define MICA_RING_HOOK(op)	(mica_ring_memory && mica_ring_memory->op)
#define MICA_RING_CALL(op)	mica_ring_memory->op
#else
static inline void mica_ring_bug(const char *why)
{
	(void)why;
}
#endif

static inline uint32_t mica_shared_load(const uint32_t *from)
{
#ifdef MICA_RING_CHECK
	if (MICA_RING_HOOK(load))
		return MICA_RING_CALL(load)(from);
#endif
	return __atomic_load_n(from, __ATOMIC_SEQ_CST);
}

static inline void mica_shared_store(uint32_t *to, uint32_t value)
{
#ifdef MICA_RING_CHECK
	if (MICA_RING_HOOK(store)) {
		MICA_RING_CALL(store)(to, value, 0);
		return;
	}
#endif
	__atomic_store_n(to, value, __ATOMIC_RELEASE);
}

static inline void mica_shared_store_full(uint32_t *to, uint32_t value)
{
#ifdef MICA_RING_CHECK
	if (MICA_RING_HOOK(store)) {
		MICA_RING_CALL(store)(to, value, 1);
		return;
	}
#endif
	__atomic_store_n(to, value, __ATOMIC_SEQ_CST);
}

/* Volatile, so that no compiler reads a byte again where @to is looked at. */
static inline void mica_shared_get(void *to, const void *from, size_t bytes)
{
	uint8_t *out = (uint8_t *)to;
	const uint8_t *in = (const uint8_t *)from;
	size_t i = 0;

#ifdef MICA_RING_CHECK
	if (MICA_RING_HOOK(get)) {
		MICA_RING_CALL(get)(to, from, bytes);
		return;
	}
#endif
	for (; i + 8 <= bytes; i += 8) {
		uint64_t word = ((const volatile struct mica_word64 *)(const void *)(in + i))->value;

		__builtin_memcpy(out + i, &word, 8);
	}
	for (; i + 4 <= bytes; i += 4) {
		uint32_t word = ((const volatile struct mica_word32 *)(const void *)(in + i))->value;

		__builtin_memcpy(out + i, &word, 4);
	}
	for (; i < bytes; i++)
		out[i] = *(const volatile uint8_t *)(in + i);
}

/*
 * Words in order, from the beginning: whoever is killed half way has written the first ones, so
 * a mark in the first word tells a message that was begun.
 */
static inline void mica_shared_put(void *to, const void *from, size_t bytes)
{
	uint8_t *out = (uint8_t *)to;
	const uint8_t *in = (const uint8_t *)from;
	size_t i = 0;

#ifdef MICA_RING_CHECK
	if (MICA_RING_HOOK(put)) {
		MICA_RING_CALL(put)(to, from, bytes);
		return;
	}
#endif
	for (; i + 8 <= bytes; i += 8) {
		uint64_t word;

		__builtin_memcpy(&word, in + i, 8);
		((volatile struct mica_word64 *)(void *)(out + i))->value = word;
	}
	for (; i < bytes; i++)
		*(volatile uint8_t *)(out + i) = in[i];
}

#ifdef __cplusplus
}
#endif

#endif /* MICA_RING_MEM_H */
