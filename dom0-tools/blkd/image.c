/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Images.  O_DIRECT is used where the file system has it and its alignment is no coarser than the
 * guest's sectors; else the host's page cache is, and a flush of the guest is what makes data safe.
 *
 * The lock is flock() on the open image: it belongs to the open file, which the disk's process
 * inherits, so it is held until the last of both processes is gone, however they end.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "blkd/image.h"

/* /sys/dev/block/M:N/queue/NAME, for a partition that of its disk. */
static uint64_t queue_number(dev_t dev, const char *name)
{
	static const char *const form[] = { "/sys/dev/block/%u:%u/queue/%s",
					    "/sys/dev/block/%u:%u/../queue/%s" };
	char path[128], text[32] = "";

	for (size_t i = 0; i < 2; i++) {
		FILE *f;

		snprintf(path, sizeof(path), form[i], major(dev), minor(dev), name);
		f = fopen(path, "re");
		if (!f)
			continue;
		if (!fgets(text, sizeof(text), f))
			text[0] = '\0';
		fclose(f);
		return strtoull(text, NULL, 10);
	}
	return 0;
}

/* Alignment that O_DIRECT asks for, 0: it is not known. */
static uint32_t direct_align(const struct image *im)
{
	struct statx st;
	int logical = 0;

	if (im->block_device)
		return ioctl(im->fd, BLKSSZGET, &logical) ? 0 : (uint32_t)logical;
#ifdef STATX_DIOALIGN
	if (!statx(im->fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &st) &&
	    (st.stx_mask & STATX_DIOALIGN) && st.stx_dio_offset_align)
		return st.stx_dio_offset_align > st.stx_dio_mem_align ? st.stx_dio_offset_align :
			st.stx_dio_mem_align;
#else
	(void)st;
#endif
	return 0;
}

/* No answer: a read at a sector says whether it is fine enough. */
static bool reads_directly(const struct image *im, uint32_t bytes)
{
	void *buffer;
	ssize_t n;

	if (posix_memalign(&buffer, 4096, 4096))
		return false;
	/* An address that is aligned to a sector and no more, as a guest's may be. */
	n = pread(im->fd, (char *)buffer + (bytes < 4096 ? bytes : 0), bytes, bytes);
	free(buffer);
	return n >= 0;
}

static void choose_direct(struct image *im, uint32_t sector_bytes)
{
	uint32_t align = direct_align(im);

	if (align ? align <= sector_bytes : reads_directly(im, sector_bytes)) {
		im->align = align ? align : sector_bytes;
		im->direct = true;
		return;
	}
	fcntl(im->fd, F_SETFL, fcntl(im->fd, F_GETFL) & ~O_DIRECT);
}

static void find_discard(struct image *im)
{
	struct stat st;

	im->discard_bytes = 0;
	if (im->shape.read_only)
		return;
	if (im->block_device) {
		im->discard_bytes = (uint32_t)queue_number(im->dev, "discard_granularity");
		if (!queue_number(im->dev, "discard_max_bytes"))
			im->discard_bytes = 0;
	} else if (!fstat(im->fd, &st) &&
		   !fallocate(im->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			      (st.st_size + 4095) & ~4095ll, 4096)) {
		/* Beyond the end there was nothing to punch, but it can be done. */
		im->discard_bytes = (uint32_t)st.st_blksize;
	}
	im->shape.discard = im->discard_bytes != 0;
}

static int identify(struct image *im, const char **why)
{
	struct stat st;

	if (fstat(im->fd, &st)) {
		*why = "cannot be looked at";
		return -errno;
	}
	im->block_device = S_ISBLK(st.st_mode);
	if (!im->block_device && !S_ISREG(st.st_mode)) {
		*why = "is neither a file nor a block device";
		return -EINVAL;
	}
	im->dev = im->block_device ? st.st_rdev : st.st_dev;
	im->ino = im->block_device ? 0 : st.st_ino;
	im->physical_bytes = 4096;
	if (im->block_device)
		ioctl(im->fd, BLKPBSZGET, &im->physical_bytes);
	return 0;
}

int image_measure(struct image *im, uint64_t *bytes)
{
	struct stat st;

	if (im->block_device) {
		if (ioctl(im->fd, BLKGETSIZE64, bytes))
			return -errno;
	} else {
		if (fstat(im->fd, &st))
			return -errno;
		*bytes = (uint64_t)st.st_size;
	}
	*bytes &= ~(uint64_t)(im->shape.sector_bytes - 1);
	return 0;
}

static int open_file(struct image *im, const char *path, bool read_only)
{
	int flags = (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

	im->fd = open(path, flags | O_DIRECT);
	if (im->fd < 0 && errno == EINVAL)
		im->fd = open(path, flags);
	if (im->fd < 0)
		return -errno;
	/* Non-blocking so that a pipe could not hold us; for an image it means nothing. */
	fcntl(im->fd, F_SETFL, fcntl(im->fd, F_GETFL) & ~O_NONBLOCK);
	return 0;
}

int image_open(struct image *im, const char *path, bool read_only, uint32_t sector_bytes,
	       const char **why)
{
	int rc, logical = 512;

	memset(im, 0, sizeof(*im));
	im->align = 1;
	im->shape.read_only = read_only;
	*why = read_only ? "cannot be opened" : "cannot be opened for writing";
	rc = open_file(im, path, read_only);
	if (rc)
		return rc;
	rc = identify(im, why);
	if (!rc && !sector_bytes && im->block_device)
		ioctl(im->fd, BLKSSZGET, &logical);
	im->shape.sector_bytes = sector_bytes ? sector_bytes : logical >= 4096 ? 4096 : 512;
	if (!rc) {
		*why = "cannot be measured";
		rc = image_measure(im, &im->shape.bytes);
	}
	if (!rc && !im->shape.bytes) {
		*why = "is empty";
		rc = -EINVAL;
	}
	if (rc) {
		image_close(im);
		return rc;
	}
	if (fcntl(im->fd, F_GETFL) & O_DIRECT)
		choose_direct(im, im->shape.sector_bytes);
	if (im->physical_bytes < im->shape.sector_bytes)
		im->physical_bytes = im->shape.sector_bytes;
	find_discard(im);
	return 0;
}

/* Who has a lock on it, from the kernel's table; 0: not said. */
static pid_t lock_holder(const struct image *im)
{
	FILE *f = fopen("/proc/locks", "re");
	char line[256], want[64];
	pid_t pid = 0;
	struct stat st;
	int holder;

	if (!f || fstat(im->fd, &st)) {
		if (f)
			fclose(f);
		return 0;
	}
	snprintf(want, sizeof(want), " %02x:%02x:%lu ", major(st.st_dev), minor(st.st_dev),
		 (unsigned long)st.st_ino);
	while (!pid && fgets(line, sizeof(line), f))
		if (strstr(line, want) && !strstr(line, "->") &&
		    sscanf(line, "%*s %*s %*s %*s %d", &holder) == 1)
			pid = holder;
	fclose(f);
	return pid;
}

int image_lock(struct image *im, pid_t *holder)
{
	*holder = 0;
	if (!flock(im->fd, (im->shape.read_only ? LOCK_SH : LOCK_EX) | LOCK_NB))
		return 0;
	if (errno != EWOULDBLOCK)
		return -errno;
	*holder = lock_holder(im);
	return -EBUSY;
}

bool image_same(const struct image *a, const struct image *b)
{
	return a->fd >= 0 && b->fd >= 0 && a->block_device == b->block_device &&
		a->dev == b->dev && a->ino == b->ino;
}

void image_close(struct image *im)
{
	if (im->fd >= 0)
		close(im->fd);
	im->fd = -1;
}
