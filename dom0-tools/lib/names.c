/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See names.h.  The file is mapped to be read, so only the pages of domains that exist are
 * touched.  A slot is written with one call and carries a sum, since a reader may look while it
 * changes; a slot that does not fit its sum is none.  Each name that is looked for costs a sum for
 * each domain there is, so it is a small one: nobody but root writes here.
 *
 * A claim is a lock on one byte far behind the slots, chosen by the name or by the image; a hold is one
 * chosen by the domain.  They end with their process, and leave no file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/names.h"

struct slot {
	uint8_t uuid[16];
	char name[MICA_NAME_MAX];
	uint64_t sum;			/* of what stands before */
};

#define CLAIMS_AT	(1ull << 62)	/* where no slot is, and no file reaches */
#define HOLDS_AT	(1ull << 61)
#define IMAGES_AT	(1ull << 60)

const char *mica_names_file = MICA_NAMES_FILE;

struct mica_names {
	const struct slot *slots;
	size_t nr, bytes;
};

#define SUMMED_WORDS	(offsetof(struct slot, sum) / sizeof(uint64_t))
#define SUM_ODD		0x9e3779b97f4a7c15ull	/* any odd number without a pattern */

/* Each step is a bijection of the sum: one word that differs always shows. */
static uint64_t sum_of(const struct slot *s)
{
	uint64_t word[SUMMED_WORDS], sum = SUM_ODD;

	memcpy(word, s, sizeof(word));
	for (size_t i = 0; i < SUMMED_WORDS; i++)
		sum = ((sum << 23 | sum >> 41) ^ word[i]) * SUM_ODD;
	return sum;
}

static int make_directory(const char *path)
{
	char part[256], *end;

	if (strlen(path) >= sizeof(part))
		return -ENAMETOOLONG;
	strcpy(part, path);
	end = strrchr(part, '/');
	if (!end || end == part)
		return 0;
	*end = 0;
	return mkdir(part, 0755) && errno != EEXIST ? -errno : 0;
}

struct mica_names *mica_names_open(const char *path)
{
	int fd = open(path ? path : mica_names_file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct mica_names *t = fd < 0 ? NULL : calloc(1, sizeof(*t));
	struct stat st;
	void *map = MAP_FAILED;

	if (t && !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size) {
		t->bytes = (size_t)st.st_size;
		t->nr = t->bytes / sizeof(struct slot);
		map = mmap(NULL, t->bytes, PROT_READ, MAP_SHARED, fd, 0);
	}
	if (fd >= 0)
		close(fd);
	if (map == MAP_FAILED) {
		free(t);
		return NULL;
	}
	t->slots = map;
	return t;
}

void mica_names_close(struct mica_names *t)
{
	if (!t)
		return;
	munmap((void *)(uintptr_t)t->slots, t->bytes);
	free(t);
}

/* A copy of the domain's slot; false if nobody keeps it up to date. */
static bool slot_of(const struct mica_names *t, domid_t id, const uint8_t uuid[16], struct slot *s)
{
	if (!t || id >= t->nr)
		return false;
	memcpy(s, &t->slots[id], sizeof(*s));
	return !memcmp(s->uuid, uuid, sizeof(s->uuid)) && s->name[0] &&
		!s->name[MICA_NAME_MAX - 1] && sum_of(s) == s->sum;
}

bool mica_names_get(const struct mica_names *t, domid_t id, const uint8_t uuid[16],
		    char name[MICA_NAME_MAX])
{
	struct slot s;

	if (!slot_of(t, id, uuid, &s))
		return false;
	strcpy(name, s.name);
	return true;
}

bool mica_names_is_other(const struct mica_names *t, domid_t id, const uint8_t uuid[16],
			 const char *name)
{
	struct slot s;

	return slot_of(t, id, uuid, &s) && strcmp(s.name, name);
}

/* A descriptor to write with, or -errno. */
static int open_to_write(const char *path)
{
	int fd, rc;

	if (!path)
		path = mica_names_file;
	rc = make_directory(path);
	fd = rc ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	return rc ? rc : fd < 0 ? -errno : fd;
}

/* 0, -EBUSY: somebody else has it, another -errno. */
static int try_lock(int fd, uint64_t at, bool shared)
{
	struct flock lock = {
		.l_type = shared ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)at, .l_len = 1,
	};

	if (!fcntl(fd, F_OFD_SETLK, &lock))
		return 0;
	return errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
}

int mica_names_claim(const char *path, const char *name)
{
	struct slot s = { .uuid = { 0 } };
	int fd, rc;

	if (strlen(name) >= MICA_NAME_MAX)
		return -ENAMETOOLONG;
	strcpy(s.name, name);
	fd = open_to_write(path);
	if (fd < 0)
		return fd;
	rc = try_lock(fd, CLAIMS_AT | (sum_of(&s) & (CLAIMS_AT - 1)) >> 1, false);
	if (!rc)
		return fd;
	close(fd);
	return rc;
}

int mica_names_claim_none(const char *path)
{
	return open_to_write(path);
}

int mica_names_claim_image(int claim, uint64_t image, bool shared)
{
	return try_lock(claim, IMAGES_AT | (image & (IMAGES_AT - 1)), shared);
}

int mica_names_hold(const char *path, domid_t id)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)(HOLDS_AT | id), .l_len = 1,
	};
	int fd = open_to_write(path), rc;

	if (fd < 0)
		return fd;
	while (fcntl(fd, F_OFD_SETLKW, &lock)) {
		rc = -errno;
		if (rc == -EINTR)
			continue;
		close(fd);
		return rc;
	}
	return fd;
}

int mica_names_set(const char *path, domid_t id, const uint8_t uuid[16], const char *name)
{
	struct slot s = { 0 };
	int fd, rc = 0;

	if (name && strlen(name) >= MICA_NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(s.uuid, uuid, sizeof(s.uuid));
	if (name)
		strcpy(s.name, name);
	s.sum = sum_of(&s);
	fd = open_to_write(path);
	if (fd < 0)
		return fd;
	if (pwrite(fd, &s, sizeof(s), (off_t)id * (off_t)sizeof(s)) != sizeof(s))
		rc = -EIO;
	close(fd);
	return rc;
}
