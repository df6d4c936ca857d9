/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One function per compression method, each a thin call into the system's library.
 *
 * The caller knows how large the kernel will be, so every method decompresses in one go into a
 * buffer of that size and fails if the result is longer or shorter.  Memory is bounded by that
 * buffer and by what the libraries take for a dictionary.
 */
#include <lz4.h>
#include <lzma.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "unpack.h"

#define XZ_MEMORY_LIMIT		((uint64_t)512 << 20)
#define GZIP_WRAPPER		16	/* added to zlib's window bits */
#define LZ4_BLOCK_BYTES		((size_t)8 << 20)
#define SIZE_WORD		4	/* the kernel's size, after the stream */

#define DAMAGED		"its compressed kernel is damaged; copy or download it again"

static const char *unpack_xz(const struct blob *in, struct blob *out)
{
	uint64_t limit = XZ_MEMORY_LIMIT;
	size_t from = 0, to = 0;

	if (lzma_stream_buffer_decode(&limit, 0, NULL, in->data, &from, in->bytes, out->data, &to,
				      out->bytes) != LZMA_OK || to != out->bytes)
		return DAMAGED;
	return NULL;
}

static const char *unpack_zstd(const struct blob *in, struct blob *out)
{
	size_t frame = ZSTD_findFrameCompressedSize(in->data, in->bytes);

	if (ZSTD_isError(frame) ||
	    ZSTD_decompress(out->data, out->bytes, in->data, frame) != out->bytes)
		return DAMAGED;
	return NULL;
}

static const char *unpack_gzip(const struct blob *in, struct blob *out)
{
	z_stream stream = {
		.next_in = in->data, .avail_in = (uInt)in->bytes,
		.next_out = out->data, .avail_out = (uInt)out->bytes,
	};
	int rc;

	if (inflateInit2(&stream, MAX_WBITS + GZIP_WRAPPER) != Z_OK)
		return "zlib could not start; is there enough memory?";
	rc = inflate(&stream, Z_FINISH);
	inflateEnd(&stream);
	if (rc != Z_STREAM_END || stream.avail_out)
		return DAMAGED;
	return NULL;
}

/* The "legacy" frame: after the magic, blocks of 8 MiB, each with its compressed size before. */
static const char *unpack_lz4(const struct blob *in, struct blob *out)
{
	size_t from = 4, to = 0;

	while (to < out->bytes) {
		size_t room = out->bytes - to, block;
		int got;

		if (in->bytes - from < SIZE_WORD)
			return DAMAGED;
		block = le32(in->data + from);
		from += SIZE_WORD;
		if (block > in->bytes - from || block > (size_t)LZ4_COMPRESSBOUND(LZ4_BLOCK_BYTES))
			return DAMAGED;
		if (room > LZ4_BLOCK_BYTES)
			room = LZ4_BLOCK_BYTES;
		got = LZ4_decompress_safe((const char *)in->data + from, (char *)out->data + to,
					  (int)block, (int)room);
		if (got <= 0)
			return DAMAGED;
		from += block;
		to += (size_t)got;
	}
	return NULL;
}

static const struct method {
	const char *magic;
	size_t magic_bytes;
	const char *(*unpack)(const struct blob *in, struct blob *out);
	const char *refusal;		/* when there is no unpack */
} methods[] = {
	{ "\xfd""7zXZ", 6, unpack_xz, NULL },
	{ "\x28\xb5\x2f\xfd", 4, unpack_zstd, NULL },
	{ "\x1f\x8b", 2, unpack_gzip, NULL },
	{ "\x02\x21\x4c\x18", 4, unpack_lz4, NULL },
	{ "BZh", 3, NULL, "it is compressed with bzip2; use a kernel in xz, zstd, gzip or lz4" },
	{ "\x5d\x00\x00", 3, NULL, "it is compressed with lzma; use one in xz, zstd, gzip or lz4" },
	{ "\x89LZO", 4, NULL, "it is compressed with lzo; use one in xz, zstd, gzip or lz4" },
};

const char *payload_decompress(const struct blob *payload, struct blob *kernel)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		const struct method *m = &methods[i];

		if (payload->bytes < m->magic_bytes ||
		    memcmp(payload->data, m->magic, m->magic_bytes))
			continue;
		return m->unpack ? m->unpack(payload, kernel) : m->refusal;
	}
	return "its compression is unknown; use a kernel in xz, zstd, gzip or lz4";
}
