/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See cache.h.  Entry DIR/<32 hex digits>: a page of header, then the image with holes for its
 * zero pages.  Written beside its name and renamed, so a reader sees a whole entry or none; the
 * time of last change is the time of last use.  DIR/key holds the random key of the digests.
 * No lock: two that write the same entry write the same bytes, and one rename wins.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "lib/cache.h"

#define MAGIC		"micaKC1"
#define HEAD_BYTES	4096
#define PAGE		4096
#define NAME_DIGITS	32
#define MAX_ENTRIES	64
#define MAX_IMAGE	((uint64_t)1 << 30)

struct head {
	char magic[8];
	uint64_t bytes;			/* of the image */
	struct mica_digest source, image;
	char packing[8];
	struct mica_digest check;	/* of what stands before */
};

#define CHECKED_BYTES	offsetof(struct head, check)

/* Every directory of @path, the last one for root alone. */
static int make_directory(const char *path)
{
	char part[256], *p;

	if (strlen(path) >= sizeof(part))
		return -ENAMETOOLONG;
	strcpy(part, path);
	for (p = part + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = 0;
		if (mkdir(part, 0755) && errno != EEXIST)
			return -errno;
	}
	return mkdir(part, 0700) && errno != EEXIST ? -errno : 0;
}

/* Ours and nobody else's, or it proves nothing. */
static bool is_private(int fd, mode_t kind)
{
	struct stat st;

	return !fstat(fd, &st) && (st.st_mode & S_IFMT) == kind && st.st_uid == geteuid() &&
		!(st.st_mode & 077);
}

static int read_key(struct mica_cache *c)
{
	int fd = openat(c->dir, "key", O_RDONLY | O_CLOEXEC | O_NOFOLLOW), rc = 0;

	if (fd < 0)
		return -errno;
	if (!is_private(fd, S_IFREG))
		rc = -EPERM;
	else if (read(fd, c->key, sizeof(c->key)) != sizeof(c->key))
		rc = -EIO;
	close(fd);
	return rc;
}

static int make_key(struct mica_cache *c)
{
	char name[32];
	int fd, rc = 0;

	if (getrandom(c->key, sizeof(c->key), 0) != sizeof(c->key))
		return -EIO;
	snprintf(name, sizeof(name), "key.%d", (int)getpid());
	fd = openat(c->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (write(fd, c->key, sizeof(c->key)) != sizeof(c->key) || fsync(fd))
		rc = -EIO;
	close(fd);
	/* Not rename: of two that make it, the first one's stays. */
	if (!rc && linkat(c->dir, name, c->dir, "key", 0) && errno != EEXIST)
		rc = -errno;
	unlinkat(c->dir, name, 0);
	return rc ? rc : read_key(c);
}

int mica_cache_open(struct mica_cache *c, const char *path, uint64_t limit_bytes)
{
	int rc = make_directory(path);

	*c = (struct mica_cache){ .dir = -1, .limit_bytes = limit_bytes };
	if (rc)
		return rc;
	c->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (c->dir < 0)
		return -errno;
	rc = is_private(c->dir, S_IFDIR) ? read_key(c) : -EPERM;
	if (rc == -ENOENT)
		rc = make_key(c);
	if (rc)
		mica_cache_close(c);
	return rc;
}

void mica_cache_close(struct mica_cache *c)
{
	if (c->dir >= 0)
		close(c->dir);
	c->dir = -1;
}

struct mica_cache_file mica_cache_file(const struct mica_cache *c, const struct stat *st,
				       const void *data, size_t bytes)
{
	return (struct mica_cache_file){ .st = *st, .digest = mica_digest(c->key, data, bytes) };
}

static void entry_name(const struct mica_cache *c, const struct mica_cache_file *f,
		       char name[NAME_DIGITS + 1])
{
	const uint64_t what[] = {
		f->st.st_dev, f->st.st_ino, (uint64_t)f->st.st_size,
		(uint64_t)f->st.st_mtim.tv_sec, (uint64_t)f->st.st_mtim.tv_nsec,
		(uint64_t)f->st.st_ctim.tv_sec, (uint64_t)f->st.st_ctim.tv_nsec,
		f->digest.lo, f->digest.hi,
	};
	struct mica_digest d = mica_digest(c->key, what, sizeof(what));

	snprintf(name, NAME_DIGITS + 1, "%016llx%016llx", (unsigned long long)d.hi,
		 (unsigned long long)d.lo);
}

static bool same(const struct mica_digest *a, const struct mica_digest *b)
{
	return a->lo == b->lo && a->hi == b->hi;
}

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ	22	/* Linux 5.14 */
#endif

/*
 * The image of an entry, all of it in memory.  A hole takes a page when it is read from a tmpfs, and that
 * may be full; a block may not be readable.  Better told here, with NULL, than by SIGBUS.
 */
static void *map_image(int fd, size_t bytes)
{
	void *map = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, HEAD_BYTES);

	if (map == MAP_FAILED)
		return NULL;
	if (madvise(map, bytes, MADV_POPULATE_READ) && errno != EINVAL) {
		munmap(map, bytes);
		return NULL;
	}
	return map;
}

/* The image of an entry that is open, checked; false: something is wrong with it. */
static bool load(const struct mica_cache *c, int fd, const struct mica_cache_file *f,
		 struct mica_cache_image *image)
{
	struct mica_digest now, check;
	struct head head;
	struct stat st;
	void *map;

	if (!is_private(fd, S_IFREG) || fstat(fd, &st) ||
	    pread(fd, &head, sizeof(head), 0) != sizeof(head) ||
	    memcmp(head.magic, MAGIC, sizeof(MAGIC)) || !head.bytes || head.bytes > MAX_IMAGE ||
	    (uint64_t)st.st_size != HEAD_BYTES + head.bytes || !same(&head.source, &f->digest))
		return false;
	check = mica_digest(c->key, &head, CHECKED_BYTES);
	if (!same(&check, &head.check))
		return false;
	map = map_image(fd, head.bytes);
	if (!map)
		return false;
	now = mica_digest(c->key, map, head.bytes);
	if (!same(&now, &head.image)) {
		munmap(map, head.bytes);
		return false;
	}
	*image = (struct mica_cache_image){ .data = map, .bytes = head.bytes };
	memcpy(image->packing, head.packing, sizeof(image->packing) - 1);
	return true;
}

bool mica_cache_get(const struct mica_cache *c, const struct mica_cache_file *f,
		    struct mica_cache_image *image)
{
	char name[NAME_DIGITS + 1];
	bool good;
	int fd;

	if (c->dir < 0)
		return false;
	entry_name(c, f, name);
	fd = openat(c->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	good = load(c, fd, f, image);
	if (good)
		futimens(fd, NULL);
	else
		unlinkat(c->dir, name, 0);
	close(fd);
	return good;
}

struct entry {
	char name[NAME_DIGITS + 16];
	uint64_t disk_bytes;
	struct timespec used;
};

/* Up to MAX_ENTRIES of them, whole or left half written by one that was killed. */
static int read_entries(const struct mica_cache *c, struct entry *list)
{
	int copy = openat(c->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), n = 0;
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *de;
	struct stat st;

	if (!d) {
		n = -errno;
		if (copy >= 0)
			close(copy);
		return n;
	}
	while (n < MAX_ENTRIES && (de = readdir(d))) {
		if (strspn(de->d_name, "0123456789abcdef") < NAME_DIGITS ||
		    strlen(de->d_name) >= sizeof(list[n].name) ||
		    fstatat(c->dir, de->d_name, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		strcpy(list[n].name, de->d_name);
		list[n].disk_bytes = (uint64_t)st.st_blocks * 512;
		list[n++].used = st.st_mtim;
	}
	closedir(d);
	return n;
}

static int by_age(const void *a, const void *b)
{
	const struct timespec *x = &((const struct entry *)a)->used;
	const struct timespec *y = &((const struct entry *)b)->used;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? -1 : 1;
	return x->tv_nsec < y->tv_nsec ? -1 : x->tv_nsec > y->tv_nsec;
}

/* Remove the oldest until @more bytes and one entry fit.  0 or -errno. */
static int make_room(const struct mica_cache *c, uint64_t more)
{
	struct entry *list = calloc(MAX_ENTRIES, sizeof(*list));
	int n = list ? read_entries(c, list) : -ENOMEM;
	uint64_t sum = more;

	for (int i = 0; i < n; i++)
		sum += list[i].disk_bytes;
	if (n > 0)
		qsort(list, (size_t)n, sizeof(*list), by_age);
	for (int i = 0; i < n && (sum > c->limit_bytes || n - i >= MAX_ENTRIES); i++) {
		unlinkat(c->dir, list[i].name, 0);
		sum -= list[i].disk_bytes;
	}
	free(list);
	return n < 0 ? n : sum > c->limit_bytes ? -EFBIG : 0;
}

static bool is_zero(const uint8_t *p, size_t n)
{
	return !p[0] && !memcmp(p, p + 1, n - 1);
}

static int write_at(int fd, const void *data, size_t bytes, off_t at)
{
	const char *p = data;

	while (bytes) {
		ssize_t n = pwrite(fd, p, bytes, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		p += n;
		at += n;
		bytes -= (size_t)n;
	}
	return 0;
}

/* All but the zero pages, in runs. */
static int write_sparse(int fd, const uint8_t *data, size_t bytes, off_t at)
{
	size_t from = 0, to;
	int rc = 0;

	while (!rc && from < bytes) {
		for (to = from; to < bytes; to += PAGE)
			if (is_zero(data + to, bytes - to < PAGE ? bytes - to : PAGE))
				break;
		if (to > bytes)
			to = bytes;
		rc = write_at(fd, data + from, to - from, at + (off_t)from);
		for (from = to; from < bytes; from += PAGE)
			if (!is_zero(data + from, bytes - from < PAGE ? bytes - from : PAGE))
				break;
	}
	return rc;
}

int mica_cache_put(const struct mica_cache *c, const struct mica_cache_file *f,
		   const struct mica_cache_image *image)
{
	struct head head = { .magic = MAGIC, .bytes = image->bytes, .source = f->digest };
	char name[NAME_DIGITS + 1], temp[sizeof(name) + 12];
	int fd, rc;

	if (c->dir < 0 || !image->bytes || image->bytes > MAX_IMAGE)
		return -EINVAL;
	rc = make_room(c, image->bytes);
	if (rc)
		return rc;
	head.image = mica_digest(c->key, image->data, image->bytes);
	memcpy(head.packing, image->packing, sizeof(head.packing) - 1);
	head.check = mica_digest(c->key, &head, CHECKED_BYTES);
	entry_name(c, f, name);
	snprintf(temp, sizeof(temp), "%s.%d", name, (int)getpid());
	unlinkat(c->dir, temp, 0);
	fd = openat(c->dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	rc = write_at(fd, &head, sizeof(head), 0);
	if (!rc)
		rc = write_sparse(fd, image->data, image->bytes, HEAD_BYTES);
	if (!rc && ftruncate(fd, (off_t)(HEAD_BYTES + image->bytes)))
		rc = -errno;
	/* No fsync: what power takes away the digest shows. */
	if (close(fd) && !rc)
		rc = -errno;
	if (!rc && renameat(c->dir, temp, c->dir, name))
		rc = -errno;
	if (rc)
		unlinkat(c->dir, temp, 0);
	return rc;
}

int mica_cache_list(const struct mica_cache *c,
		    void (*each)(void *ctx, const char *name, uint64_t disk_bytes, int64_t used_s),
		    void *ctx)
{
	struct entry *list = calloc(MAX_ENTRIES, sizeof(*list));
	int n = list ? read_entries(c, list) : -ENOMEM;

	if (n > 0)
		qsort(list, (size_t)n, sizeof(*list), by_age);
	for (int i = 0; i < n; i++)
		each(ctx, list[i].name, list[i].disk_bytes, list[i].used.tv_sec);
	free(list);
	return n;
}

int mica_cache_clear(const struct mica_cache *c)
{
	struct entry *list = calloc(MAX_ENTRIES, sizeof(*list));
	int n, gone = 0;

	if (!list)
		return -ENOMEM;
	do {
		n = read_entries(c, list);
		for (int i = 0; i < n; i++)
			gone += !unlinkat(c->dir, list[i].name, 0);
	} while (n == MAX_ENTRIES);
	free(list);
	return n < 0 ? n : gone;
}
