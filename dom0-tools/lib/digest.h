/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A fast keyed digest of 128 bits over memory, to tell whether bytes are still the same bytes.
 * Without the key nobody can choose two inputs with one digest; it is not for signatures.
 */
#ifndef MICA_LIB_DIGEST_H
#define MICA_LIB_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define MICA_DIGEST_KEY_WORDS	4

struct mica_digest {
	uint64_t lo, hi;
};

struct mica_digest mica_digest(const uint64_t key[MICA_DIGEST_KEY_WORDS], const void *data,
			       size_t bytes);

#endif
