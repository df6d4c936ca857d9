/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The three parts of mica-unpack and what they hand to each other: a bzImage names its payload
 * (bzimage.c), the payload becomes a kernel (decompress.c), main.c reads, writes and reports.
 */
#ifndef MICA_UNPACK_H
#define MICA_UNPACK_H

#include <stddef.h>
#include <stdint.h>

#define UNPACK_MAX_INPUT	((size_t)256 << 20)
#define UNPACK_MAX_OUTPUT	((size_t)1 << 30)

struct blob {
	uint8_t *data;
	size_t bytes;
};

/*
 * Find the compressed kernel in @image.  On success @payload points into @image and
 * @kernel_bytes is the size it will have unpacked.  Returns NULL, or what is wrong.
 */
const char *bzimage_find_payload(const struct blob *image, struct blob *payload,
				 size_t *kernel_bytes);

/* Check that @kernel is a 64-bit x86 ELF file with all its segments.  NULL, or what is wrong. */
const char *kernel_check(const struct blob *kernel);

/*
 * Decompress @payload into @kernel, whose buffer of exactly @kernel->bytes the caller gives.
 * The method is told from the payload's first bytes.  Returns NULL, or what is wrong.
 */
const char *payload_decompress(const struct blob *payload, struct blob *kernel);

static inline uint16_t le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t le32(const uint8_t *p)
{
	return le16(p) | (uint32_t)le16(p + 2) << 16;
}

#endif
