/* SPDX-License-Identifier: BSD-2-Clause */
/* What is behind a disk: a raw file or a block device, opened, measured and locked. */
#ifndef MICA_BLKD_IMAGE_H
#define MICA_BLKD_IMAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "blkd/request.h"

struct image {
	int fd;				/* -1: not open */
	bool block_device, direct;	/* direct: past the host's page cache */
	uint32_t align;			/* of addresses and lengths of direct transfers, else 1 */
	uint32_t physical_bytes;	/* sector the medium writes at once */
	uint32_t discard_bytes;		/* granularity; 0: cannot */
	struct blk_shape shape;
	dev_t dev;			/* identity: of the device itself, or of the file */
	ino_t ino;
};

/* Open @path.  @sector_bytes 512 or 4096, 0: the image's own.  0 or -errno, with *why in words
 * that follow the path. */
int image_open(struct image *im, const char *path, bool read_only, uint32_t sector_bytes,
	       const char **why);
/* Nobody else may write it, and if we write nobody else may use it.  -EBUSY: *holder is the
 * process that has it, 0 when the kernel does not say. */
int image_lock(struct image *im, pid_t *holder);
/* Its size now; 0 or -errno. */
int image_measure(struct image *im, uint64_t *bytes);
bool image_same(const struct image *a, const struct image *b);
void image_close(struct image *im);

#endif
