/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See names.h.  The file is mapped to be read, so only the pages of domains that exist are
 * touched.  A slot is written with one call and carries a digest, since a reader may look while
 * it changes; a slot that does not fit its digest is none.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/digest.h"
#include "lib/names.h"

struct slot {
	uint8_t uuid[16];
	char name[MICA_NAME_MAX];
	struct mica_digest check;	/* of what stands before */
};

struct mica_names {
	const struct slot *slots;
	size_t nr, bytes;
};

#define CHECKED_BYTES	offsetof(struct slot, check)

static struct mica_digest check_of(const struct slot *s)
{
	static const uint64_t no_key[MICA_DIGEST_KEY_WORDS];

	return mica_digest(no_key, s, CHECKED_BYTES);
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
	int fd = open(path ? path : MICA_NAMES_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
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

bool mica_names_get(const struct mica_names *t, domid_t id, const uint8_t uuid[16],
		    char name[MICA_NAME_MAX])
{
	struct mica_digest check;
	struct slot s;

	if (!t || id >= t->nr)
		return false;
	memcpy(&s, &t->slots[id], sizeof(s));
	check = check_of(&s);
	if (memcmp(s.uuid, uuid, sizeof(s.uuid)) || !s.name[0] || s.name[MICA_NAME_MAX - 1] ||
	    check.lo != s.check.lo || check.hi != s.check.hi)
		return false;
	strcpy(name, s.name);
	return true;
}

int mica_names_set(const char *path, domid_t id, const uint8_t uuid[16], const char *name)
{
	struct slot s = { 0 };
	int fd, rc = 0;

	if (!path)
		path = MICA_NAMES_FILE;
	if (name && strlen(name) >= MICA_NAME_MAX)
		return -ENAMETOOLONG;
	rc = make_directory(path);
	if (rc)
		return rc;
	memcpy(s.uuid, uuid, sizeof(s.uuid));
	if (name)
		strcpy(s.name, name);
	s.check = check_of(&s);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	if (pwrite(fd, &s, sizeof(s), (off_t)id * (off_t)sizeof(s)) != sizeof(s))
		rc = -EIO;
	close(fd);
	return rc;
}
