/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mica-unpack VMLINUZ OUT: takes the kernel out of a bzImage and writes it as an ELF file, which
 * is what the hypervisor boots.  The hypervisor itself holds no decompressor.
 *
 * OUT appears whole or not at all: it is written beside its final name, then renamed.  Whatever
 * is wrong ends in one line on standard error that says what, why and what next, and status 1;
 * a wrong command line is status 2.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unpack.h"

#define MICA_UNPACK_VERSION	"0.1"

static const char usage[] =
	"usage: mica-unpack [-hV] VMLINUZ OUT\n"
	"Write the kernel inside the bzImage VMLINUZ to OUT as an ELF file.\n"
	"  -h  this help\n"
	"  -V  the version\n";

static int fail(const char *file, const char *what, const char *why)
{
	fprintf(stderr, "mica-unpack: %s: %s: %s\n", file, what, why);
	return 1;
}

/* Reads at most UNPACK_MAX_INPUT bytes.  Returns 0, or 1 after saying what is wrong. */
static int read_all(const char *file, struct blob *image)
{
	size_t room = 0;
	ssize_t got = 0;
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return fail(file, "cannot open", strerror(errno));
	image->data = NULL;
	image->bytes = 0;
	do {
		image->bytes += (size_t)got;
		if (image->bytes == room) {
			uint8_t *more;

			room = room ? room * 2 : (size_t)1 << 20;
			more = room <= UNPACK_MAX_INPUT * 2 ? realloc(image->data, room) : NULL;
			if (!more) {
				close(fd);
				return fail(file, "cannot read",
					    "it does not fit in memory, or is above 256 MiB");
			}
			image->data = more;
		}
		got = read(fd, image->data + image->bytes, room - image->bytes);
	} while (got > 0 && image->bytes <= UNPACK_MAX_INPUT);
	close(fd);
	if (got < 0)
		return fail(file, "cannot read", strerror(errno));
	if (image->bytes > UNPACK_MAX_INPUT)
		return fail(file, "cannot unpack", "it is above 256 MiB; give a kernel image");
	return 0;
}

static int write_bytes(int fd, const struct blob *kernel)
{
	for (size_t done = 0; done < kernel->bytes;) {
		ssize_t put = write(fd, kernel->data + done, kernel->bytes - done);

		if (put < 0)
			return -1;
		done += (size_t)put;
	}
	return 0;
}

/* Returns 0, or 1 after saying what is wrong; @file is then as it was. */
static int write_all(const char *file, const struct blob *kernel)
{
	mode_t mask = umask(0);
	char *temp;
	int fd, rc;

	umask(mask);
	if (asprintf(&temp, "%s.XXXXXX", file) < 0)
		return fail(file, "cannot write", "out of memory");
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0) {
		rc = fail(file, "cannot create", strerror(errno));
		free(temp);
		return rc;
	}
	rc = write_bytes(fd, kernel) || fchmod(fd, 0666 & ~mask);
	if (close(fd) || rc || rename(temp, file)) {
		rc = fail(file, "cannot write", strerror(errno));
		unlink(temp);
	}
	free(temp);
	return rc;
}

static int unpack(const char *from, const char *to)
{
	struct blob image = { 0 }, payload, kernel = { 0 };
	const char *wrong;
	int rc = read_all(from, &image);

	if (!rc) {
		wrong = bzimage_find_payload(&image, &payload, &kernel.bytes);
		if (!wrong) {
			kernel.data = malloc(kernel.bytes);
			wrong = kernel.data ? payload_decompress(&payload, &kernel) :
					      "no memory for the kernel; free some";
		}
		if (!wrong)
			wrong = kernel_check(&kernel);
		rc = wrong ? fail(from, "cannot unpack", wrong) : write_all(to, &kernel);
	}
	free(kernel.data);
	free(image.data);
	return rc;
}

int main(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "hV")) != -1) {
		switch (option) {
		case 'h':
			fputs(usage, stdout);
			return 0;
		case 'V':
			puts("mica-unpack " MICA_UNPACK_VERSION);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (argc - optind != 2) {
		fputs(usage, stderr);
		return 2;
	}
	return unpack(argv[optind], argv[optind + 1]);
}
