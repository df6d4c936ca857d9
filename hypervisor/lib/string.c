/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory and string functions, in 8-byte moves: the hypervisor owns no vector registers while a
 * guest's are live.  Whole pages and long copies go by REP MOVSQ / STOSQ.
 *
 * The last, partial word of a copy is done by one move that overlaps what was moved before, so
 * small sizes take a handful of instructions and no loop.  The empty asm in each loop keeps the
 * compiler from recognising the loop and calling the very function it is compiling.
 */
#include "lib/string.h"

#define WORDS_FROM	512		/* bytes from which REP MOVSQ, with its start-up cost, pays */

typedef struct { uint64_t v; } packed word_t;		/* an unaligned word */
typedef struct { uint32_t v; } packed half_t;
typedef struct { uint16_t v; } packed short_t;

static inline uint64_t get8(const uint8_t *p) { return ((const word_t *)p)->v; }
static inline uint32_t get4(const uint8_t *p) { return ((const half_t *)p)->v; }
static inline uint16_t get2(const uint8_t *p) { return ((const short_t *)p)->v; }
static inline void put8(uint8_t *p, uint64_t v) { ((word_t *)p)->v = v; }
static inline void put4(uint8_t *p, uint32_t v) { ((half_t *)p)->v = v; }
static inline void put2(uint8_t *p, uint16_t v) { ((short_t *)p)->v = v; }

/* At most 16 bytes; every load comes before every store, so overlap does not matter. */
static inline void move_small(uint8_t *d, const uint8_t *s, size_t n)
{
	if (n >= 8) {
		uint64_t first = get8(s), last = get8(s + n - 8);

		put8(d, first);
		put8(d + n - 8, last);
	} else if (n >= 4) {
		uint32_t first = get4(s), last = get4(s + n - 4);

		put4(d, first);
		put4(d + n - 4, last);
	} else if (n >= 2) {
		uint16_t first = get2(s), last = get2(s + n - 2);

		put2(d, first);
		put2(d + n - 2, last);
	} else if (n) {
		*d = *s;
	}
}

static inline void move32(uint8_t *d, const uint8_t *s)
{
	uint64_t a = get8(s), b = get8(s + 8), c = get8(s + 16), e = get8(s + 24);

	put8(d, a);
	put8(d + 8, b);
	put8(d + 16, c);
	put8(d + 24, e);
}

/* Upwards: right whenever @d is not inside [s, s + n).  n > 16. */
static inline void move_up(uint8_t *d, const uint8_t *s, size_t n)
{
	uint64_t last0 = get8(s + n - 16), last1 = get8(s + n - 8);
	uint8_t *end = d + n;

	for (; n > 32; n -= 32, d += 32, s += 32) {
		move32(d, s);
		__asm__("" : "+r"(d), "+r"(s));
	}
	if (n > 16) {
		uint64_t a = get8(s), b = get8(s + 8);

		put8(d, a);
		put8(d + 8, b);
	}
	put8(end - 16, last0);
	put8(end - 8, last1);
}

static inline void move_words(void *d, const void *s, uint64_t n)
{
	__asm__ volatile("rep movsq" : "+D"(d), "+S"(s), "+c"(n) :: "memory");
}

void *memcpy(void *dst, const void *src, size_t n)
{
	if (n <= 16) {
		move_small(dst, src, n);
	} else if (n >= WORDS_FROM) {
		move_words(dst, src, n / 8);
		put8((uint8_t *)dst + n - 8, get8((const uint8_t *)src + n - 8));
	} else {
		move_up(dst, src, n);
	}
	return dst;
}

/* Downwards: right when @d is above @s.  n > 16. */
static void move_down(uint8_t *d, const uint8_t *s, size_t n)
{
	uint64_t first0 = get8(s), first1 = get8(s + 8);

	for (; n > 32; n -= 32) {
		move32(d + n - 32, s + n - 32);
		__asm__("" : "+r"(d), "+r"(s));
	}
	if (n > 16) {
		uint64_t a = get8(s + n - 16), b = get8(s + n - 8);

		put8(d + n - 16, a);
		put8(d + n - 8, b);
	}
	put8(d, first0);
	put8(d + 8, first1);
}

void *memmove(void *dst, const void *src, size_t n)
{
	uint8_t *d = dst;
	const uint8_t *s = src;

	if (n <= 16)
		move_small(d, s, n);
	else if ((uintptr_t)d - (uintptr_t)s >= n)
		move_up(d, s, n);
	else
		move_down(d, s, n);
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	uint64_t v = 0x0101010101010101ul * (uint8_t)c;
	uint8_t *d = dst, *end = d + n;

	if (n < 8) {
		for (; d < end; d++) {
			*d = (uint8_t)c;
			__asm__("" : "+r"(d));
		}
		return dst;
	}
	for (; n >= 32; n -= 32, d += 32) {
		put8(d, v);
		put8(d + 8, v);
		put8(d + 16, v);
		put8(d + 24, v);
		__asm__("" : "+r"(d));
	}
	for (; n > 8; n -= 8, d += 8) {
		put8(d, v);
		__asm__("" : "+r"(d));
	}
	put8(end - 8, v);
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *p = a, *q = b;

	for (; n >= 8 && get8(p) == get8(q); n -= 8)
		p += 8, q += 8;
	for (; n; n--, p++, q++) {
		if (*p != *q)
			return *p - *q;
		__asm__("" : "+r"(p), "+r"(q));
	}
	return 0;
}

size_t strlen(const char *s)
{
	const char *end = s;

	while (*end) {
		end++;
		__asm__("" : "+r"(end));
	}
	return (size_t)(end - s);
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return (uint8_t)*a - (uint8_t)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n && *a && *a == *b; n--)
		a++, b++;
	return n ? (uint8_t)*a - (uint8_t)*b : 0;
}

char *strchr(const char *s, int c)
{
	for (; *s != (char)c; s++)
		if (!*s)
			return NULL;
	return (char *)(uintptr_t)s;
}

const char *strstr(const char *s, const char *word)
{
	size_t n = strlen(word);

	for (; strncmp(s, word, n); s++)
		if (!*s)
			return NULL;
	return s;
}

bool str_copy(char *dst, size_t size, const char *src)
{
	size_t n = strlen(src), room = size ? size - 1 : 0;
	bool fits = n <= room;

	if (!size)
		return false;
	if (!fits)
		n = room;
	memcpy(dst, src, n);
	memset(dst + n, 0, size - n);
	return fits;
}

/* One instruction, which processors do by cache lines; an emulator counts 512. */
void page_clear(void *page)
{
	uint64_t n = PAGE_SIZE / 8;

	__asm__ volatile("rep stosq" : "+D"(page), "+c"(n) : "a"(0ul) : "memory");
}

void page_copy(void *dst, const void *src)
{
	move_words(dst, src, PAGE_SIZE / 8);
}
