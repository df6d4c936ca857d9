/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernels and initrds as files.  They are read, never mapped: a page of a mapped file that is not there
 * any more, because its disk fails or somebody cuts the file off, ends the process by a signal, with half
 * a domain; a read says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/image.h"

int mica_source_open(struct mica_source *f, const char *what, const char *path, size_t limit,
		     struct mica_error *e)
{
	int saved;

	*f = (struct mica_source){ .what = what, .path = path };
	f->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (f->fd < 0 || fstat(f->fd, &f->st)) {
		saved = errno;
		if (f->fd >= 0)
			close(f->fd);
		return mica_fail(e, "MICA-KRN-001", "%s %s: %s", what, path, strerror(saved));
	}
	if (S_ISREG(f->st.st_mode) && (uint64_t)f->st.st_size <= limit && f->st.st_size) {
		f->bytes = (size_t)f->st.st_size;
		return 0;
	}
	close(f->fd);
	return mica_fail(e, "MICA-KRN-001", "%s %s: %s", what, path,
			 !S_ISREG(f->st.st_mode) ? "it is not a regular file" :
			 f->st.st_size ? "it is too large" : "it is empty");
}

int mica_source_read(const struct mica_source *f, size_t at, void *to, size_t bytes,
		     struct mica_error *e)
{
	uint8_t *p = to;

	while (bytes) {
		ssize_t n = pread(f->fd, p, bytes, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mica_fail(e, "MICA-KRN-001", "%s %s: %s at byte %zu", f->what, f->path,
					 strerror(errno), at);
		if (!n)
			return mica_fail(e, "MICA-KRN-001", "%s %s: it was cut off at byte %zu of %zu "
					 "while it was read", f->what, f->path, at, f->bytes);
		p += n;
		at += (size_t)n;
		bytes -= (size_t)n;
	}
	return 0;
}

void mica_source_close(struct mica_source *f)
{
	if (f->bytes)
		close(f->fd);
	f->bytes = 0;
}

int mica_file_read(struct mica_file *f, const char *what, const char *path, size_t limit,
		   struct mica_error *e)
{
	struct mica_source from;
	int rc = mica_source_open(&from, what, path, limit, e);

	*f = (struct mica_file){ .bytes = from.bytes, .st = from.st };
	if (rc)
		return rc;
	f->data = mmap(NULL, f->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
		       -1, 0);
	if (f->data == MAP_FAILED) {
		f->data = NULL;
		rc = mica_fail(e, "MICA-HOST-002", "%s %s: out of memory", what, path);
	} else {
		rc = mica_source_read(&from, 0, f->data, f->bytes, e);
	}
	mica_source_close(&from);
	if (rc)
		mica_file_free(f);
	return rc;
}

void mica_file_free(struct mica_file *f)
{
	if (f->data)
		munmap(f->data, f->bytes);
	f->data = NULL;
}
