/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Four lanes that each take every fourth word: xor, multiply by an odd number, rotate.  Each step
 * is a bijection of the lane, so one changed word always changes its lane; what the lanes hold at
 * the end is mixed into two words.  The key is where the lanes start and what they multiply by.
 */
#include <string.h>

#include "lib/digest.h"

#define LANES		4
#define STRIDE		(LANES * sizeof(uint64_t))
#define MIX_1		0xff51afd7ed558ccdull	/* any odd numbers without a pattern will do */
#define MIX_2		0xc4ceb9fe1a85ec53ull

static inline uint64_t rotate(uint64_t x, unsigned by)
{
	return x << by | x >> (64 - by);
}

static uint64_t finish(uint64_t x)
{
	x = (x ^ x >> 33) * MIX_1;
	x = (x ^ x >> 29) * MIX_2;
	return x ^ x >> 32;
}

struct mica_digest mica_digest(const uint64_t key[MICA_DIGEST_KEY_WORDS], const void *data,
			       size_t bytes)
{
	const uint8_t *p = data;
	uint64_t lane[LANES], odd[LANES], w[LANES], lo, hi;
	size_t left = bytes;

	for (unsigned i = 0; i < LANES; i++) {
		lane[i] = key[i] ^ (i + 1) * MIX_2;
		odd[i] = finish(key[(i + 1) % LANES] + i) | 1;
	}
	for (; left >= STRIDE; left -= STRIDE, p += STRIDE) {
		memcpy(w, p, STRIDE);
		for (unsigned i = 0; i < LANES; i++)
			lane[i] = rotate((lane[i] ^ w[i]) * odd[i], 29);
	}
	memset(w, 0, sizeof(w));
	memcpy(w, p, left);
	lo = finish(bytes ^ key[0]);
	hi = finish(bytes + key[1]);
	for (unsigned i = 0; i < LANES; i++) {
		uint64_t last = finish(rotate((lane[i] ^ w[i]) * odd[i], 29));

		lo = finish(lo * MIX_1 + last);
		hi = finish((hi ^ last) * MIX_2 + key[i]);
	}
	return (struct mica_digest){ lo, hi };
}
