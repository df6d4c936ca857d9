/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Of two who give a domain the same image at the same time, each would find in the store that nobody
 * has it.  So an image is claimed before it is looked for there and until it stands there; who comes
 * second waits, and then finds the first one's domain, or that it came to nothing.
 *
 * Each takes his claims in the order of the numbers that stand for images, so no two wait for each other.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "lib/device.h"
#include "lib/digest.h"
#include "lib/names.h"

#define TICK_MS	20

struct image {
	uint64_t number;
	const struct mica_disk *disk;
};

/* The same for one image, whatever path leads to it. */
static uint64_t image_number(const char *target)
{
	static const uint64_t key[MICA_DIGEST_KEY_WORDS];
	uint64_t what[2];
	struct stat st;

	if (stat(target, &st))
		return mica_digest(key, target, strlen(target)).lo;
	what[0] = S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev;
	what[1] = S_ISBLK(st.st_mode) ? 0 : st.st_ino;
	return mica_digest(key, what, sizeof(what)).lo;
}

static int by_number(const void *a, const void *b)
{
	const struct image *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

/* One writer for each image: one domain that has it twice would be two. */
static int check_twice(const struct image *list, unsigned nr, struct mica_error *e)
{
	for (unsigned i = 1; i < nr; i++) {
		const struct mica_disk *a = list[i - 1].disk, *b = list[i].disk;

		if (list[i].number != list[i - 1].number || (a->read_only && b->read_only))
			continue;
		mica_fail(e, "MICA-DISK-010", "disk %s is in use as %s of the same domain", b->vdev,
			  a->vdev);
		mica_fact(e, "both are %s, and one may write", a->target);
		mica_hint(e, "read-only (access=ro) in both, it may be used so");
		return -e->code->errnum;
	}
	return 0;
}

static int claim_image(int claim, const struct image *im, bool (*interrupted)(void),
		       struct mica_error *e)
{
	const struct timespec tick = { .tv_nsec = TICK_MS * 1000 * 1000 };
	int rc;

	while ((rc = mica_names_claim_image(claim, im->number, im->disk->read_only)) == -EBUSY) {
		if (interrupted && interrupted())
			return mica_fail(e, "MICA-OP-002", "interrupted while another domain got %s",
					 im->disk->target);
		nanosleep(&tick, NULL);
	}
	return rc ? mica_fail_errno(e, rc, "cannot lock a part of %s", mica_names_file) : 0;
}

int mica_disks_claim(int claim, const struct mica_disk *disks, unsigned nr, bool (*interrupted)(void),
		     struct mica_error *e)
{
	struct image *list = calloc(nr + 1, sizeof(*list));
	int rc;

	if (!list)
		return mica_fail(e, "MICA-HOST-002", "out of memory");
	for (unsigned i = 0; i < nr; i++)
		list[i] = (struct image){ image_number(disks[i].target), &disks[i] };
	qsort(list, nr, sizeof(*list), by_number);
	rc = check_twice(list, nr, e);
	for (unsigned i = 0; !rc && i < nr; i++)
		rc = claim_image(claim, &list[i], interrupted, e);
	free(list);
	return rc;
}
