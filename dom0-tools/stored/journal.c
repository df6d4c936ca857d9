/* SPDX-License-Identifier: BSD-2-Clause */
/* See journal.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal.h"

#define MAGIC		"micaST1"
#define STEP		((size_t)1 << 20)
#define COMPACT_MIN	((size_t)4 << 20)
#define SLOT_BYTES	8192u
#define SLOTS		32768u

_Static_assert(sizeof(struct slot) <= SLOT_BYTES, "a slot is two pages");

/* Memory for the file is taken before it is mapped: a full tmpfs must not become a SIGBUS. */
static int grow(struct journal *j, size_t want)
{
	size_t size = (want + STEP - 1) & ~(STEP - 1);
	void *map;

	if (posix_fallocate(j->fd, 0, (off_t)size))
		return -ENOSPC;
	map = j->head ? mremap(j->head, j->mapped, size, MREMAP_MAYMOVE) :
			mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, j->fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	j->head = map;
	j->mapped = size;
	return 0;
}

static int start_empty(struct journal *j)
{
	int rc = grow(j, STEP);

	if (rc)
		return rc;
	memset(j->head, 0, sizeof(*j->head));
	j->tail = sizeof(*j->head);
	j->head->used = j->tail;
	memcpy(j->head->magic, MAGIC, sizeof(j->head->magic));
	return 0;
}

/* The first byte of the magic is what makes the file valid; a file without it was never used. */
static void open_existing(struct journal *j)
{
	struct stat st;

	if (fstat(j->fd, &st))
		die("cannot read the journal: %s", strerror(errno));
	j->fresh = st.st_size < (off_t)sizeof(*j->head);
	if (!j->fresh && grow(j, (size_t)st.st_size))
		die("cannot map the journal: %s", strerror(errno));
	if (!j->fresh && !j->head->magic[0])
		j->fresh = true;
	if (j->fresh) {
		if (start_empty(j))
			die("cannot make the journal: no space where it lies");
		return;
	}
	if (memcmp(j->head->magic, MAGIC, sizeof(j->head->magic)) ||
	    j->head->used < sizeof(*j->head) || j->head->used > j->mapped)
		die("the journal is not one that this version wrote; stop all domains, remove it "
		    "and start again");
	j->tail = j->head->used;
}

void journal_open(struct journal *j, int dir)
{
	memset(j, 0, sizeof(*j));
	j->dir = dir;
	if (flock(dir, LOCK_EX | LOCK_NB))
		die("another mica-stored uses this state directory");
	unlinkat(dir, "journal.new", 0);
	j->fd = openat(dir, "journal", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	j->slots_fd = openat(dir, "rings", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (j->fd < 0 || j->slots_fd < 0)
		die("cannot open the journal: %s", strerror(errno));
	open_existing(j);
	if (ftruncate(j->slots_fd, (off_t)SLOTS * SLOT_BYTES))
		die("cannot size the ring slots: %s", strerror(errno));
	j->slots = mmap(NULL, (size_t)SLOTS * SLOT_BYTES, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_NORESERVE, j->slots_fd, 0);
	if (j->slots == MAP_FAILED)
		die("cannot map the ring slots: %s", strerror(errno));
	j->compact_at = COMPACT_MIN;
}

void journal_close(struct journal *j)
{
	munmap(j->head, j->mapped);
	munmap(j->slots, (size_t)SLOTS * SLOT_BYTES);
	close(j->fd);
	close(j->slots_fd);
}

struct slot *journal_slot(struct journal *j, unsigned domid)
{
	off_t at = (off_t)domid * SLOT_BYTES;

	if (domid >= SLOTS || posix_fallocate(j->slots_fd, at, SLOT_BYTES))
		return NULL;
	return (struct slot *)(void *)((char *)j->slots + at);
}

int journal_begin_new(struct journal *j, struct journal *new)
{
	int rc;

	memset(new, 0, sizeof(*new));
	new->dir = j->dir;
	new->fd = openat(j->dir, "journal.new", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (new->fd < 0)
		return -errno;
	rc = start_empty(new);
	if (rc)
		close(new->fd);
	return rc;
}

void journal_replace(struct journal *j, struct journal *new)
{
	if (renameat(j->dir, "journal.new", j->dir, "journal")) {
		say("cannot replace the journal: %s", strerror(errno));
		munmap(new->head, new->mapped);
		close(new->fd);
		j->compact_at = j->tail * 2;
		return;
	}
	munmap(j->head, j->mapped);
	close(j->fd);
	j->fd = new->fd;
	j->head = new->head;
	j->mapped = new->mapped;
	j->tail = new->tail;
	j->compact_at = j->tail * 4 > COMPACT_MIN ? j->tail * 4 : COMPACT_MIN;
}

void journal_put(struct journal *j, const void *p, size_t n)
{
	if (j->tail + n + 8 > j->mapped && grow(j, j->tail + n + STEP))
		die("no space for the journal; what was acknowledged is safe");
	if (n)
		memcpy((char *)j->head + j->tail, p, n);
	j->tail += n;
}

void journal_begin(struct journal *j, uint8_t type, unsigned domid)
{
	struct record r = { .type = type, .domid = (uint16_t)domid };

	j->begun = j->tail;
	journal_put(j, &r, sizeof(r));
}

void journal_end(struct journal *j)
{
	static const char zeros[8];
	size_t pad = -j->tail & 7;
	struct record *r;

	journal_put(j, zeros, pad);
	r = (struct record *)(void *)((char *)j->head + j->begun);
	r->bytes = (uint32_t)(j->tail - j->begun);
	r->pad = (uint8_t)pad;
	j->begun = 0;
}

/* Release order: the records are in the file before the number that covers them. */
void journal_commit(struct journal *j)
{
	__atomic_store_n(&j->head->used, j->tail, __ATOMIC_RELEASE);
}

const struct record *journal_next(const struct journal *j, size_t *at)
{
	const struct record *r = (const void *)((const char *)j->head + *at);

	if (*at + sizeof(*r) > j->head->used || r->bytes < sizeof(*r) + r->pad ||
	    r->bytes > j->head->used - *at || r->pad > 7 || r->bytes % 8)
		return NULL;
	*at += r->bytes;
	return r;
}
