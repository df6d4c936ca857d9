/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unpacked kernels kept between creates, so that only the first guest of a kernel pays for its
 * decompressor.  An entry is found by what the packed file is (device, inode, size, times) and by
 * a digest of every byte of it, so that a file that changed is never mistaken for what it was; the
 * image in it carries a digest of its own that is checked each time it is used.
 *
 * The directory belongs to root alone and is refused otherwise.  It is a cache: whatever is wrong
 * with it, a create goes on without.
 */
#ifndef MICA_LIB_CACHE_H
#define MICA_LIB_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "lib/digest.h"

#define MICA_CACHE_DIR		"/var/cache/mica/kernels"
#define MICA_CACHE_BYTES	((uint64_t)512 << 20)	/* on disk, all entries together */

struct mica_cache {
	int dir;			/* -1: not usable */
	uint64_t key[MICA_DIGEST_KEY_WORDS];
	uint64_t limit_bytes;
};

/* The packed file as it was when it was read. */
struct mica_cache_file {
	struct stat st;
	struct mica_digest digest;
};

/* An image out of the cache; unmap with munmap(data, bytes). */
struct mica_cache_image {
	uint8_t *data;			/* read only */
	size_t bytes;
	char packing[8];		/* how the file was packed: "xz" */
};

/* Open the cache in @path, making it if need be.  0, or -errno and c->dir is -1. */
int mica_cache_open(struct mica_cache *c, const char *path, uint64_t limit_bytes);
void mica_cache_close(struct mica_cache *c);

struct mica_cache_file mica_cache_file(const struct mica_cache *c, const struct stat *st,
				       const void *data, size_t bytes);
/* True: @image is the unpacked @f.  A damaged entry is removed. */
bool mica_cache_get(const struct mica_cache *c, const struct mica_cache_file *f,
		    struct mica_cache_image *image);
/* Keep @image; entries unused for longest make room.  0 or -errno; the cache is whole either way. */
int mica_cache_put(const struct mica_cache *c, const struct mica_cache_file *f,
		   const struct mica_cache_image *image);

/* Call @each for every entry: name, bytes on disk, last use.  Returns how many, or -errno. */
int mica_cache_list(const struct mica_cache *c,
		    void (*each)(void *ctx, const char *name, uint64_t disk_bytes, int64_t used_s),
		    void *ctx);
/* Remove all entries.  How many, or -errno. */
int mica_cache_clear(const struct mica_cache *c);

#endif
