/* SPDX-License-Identifier: BSD-2-Clause */
/* See echo_role.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sim/echo.h"
#include "sim/echo_role.h"
#include "sim/proc.h"

#define LIMIT_NS	600000000000ull

static bool front_closed(void *ctx)
{
	const struct echo_front_dev *f = ctx;

	return f->finished || f->end.removed;
}

static bool front_removed(void *ctx)
{
	return ((const struct echo_front_dev *)ctx)->end.removed;
}

static bool back_removed(void *ctx)
{
	return ((const struct echo_back_dev *)ctx)->end.removed;
}

int echo_role_front(const char *socket_path, uint64_t total)
{
	static struct echo_front_dev front;
	struct mica_io *io;
	int rc = sim_remote_add(socket_path, "echo", 1, 0, 0);

	if (rc)
		return rc;
	io = sim_connect(socket_path, 1);
	if (!io)
		return -errno;
	echo_front_start(&front, io, 0, total);
	rc = sim_wait(io, front_closed, &front, LIMIT_NS);
	if (!rc)
		rc = sim_remote_detach(socket_path, "echo", 1, 0, 0);
	if (!rc)
		rc = sim_wait(io, front_removed, &front, LIMIT_NS);
	sim_disconnect(io);
	printf("%llu answers, %u connections, %u kicks%s%s\n", (unsigned long long)front.good,
	       front.connects, front.kicks, *front.end.reason ? ": " : "", front.end.reason);
	return rc ? rc : front.good == total ? 0 : -EIO;
}

static struct echo_journal *open_journal(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	void *where = MAP_FAILED;

	if (fd >= 0 && !ftruncate(fd, sizeof(struct echo_journal)))
		where = mmap(NULL, sizeof(struct echo_journal), PROT_READ | PROT_WRITE, MAP_SHARED,
			     fd, 0);
	if (fd >= 0)
		close(fd);
	return where == MAP_FAILED ? NULL : where;
}

int echo_role_back(const char *socket_path, const char *journal_path)
{
	static struct echo_back_dev back;
	static struct echo_journal none;
	struct echo_journal *journal = journal_path ? open_journal(journal_path) : &none;
	struct mica_io *io = journal ? sim_connect(socket_path, 0) : NULL;
	int rc;

	if (!io)
		return -errno;
	echo_back_start(&back, io, 1, 0, journal);
	rc = sim_wait(io, back_removed, &back, LIMIT_NS);
	sim_disconnect(io);
	printf("%llu served, %llu errors%s%s\n", (unsigned long long)back.served,
	       (unsigned long long)back.errors, *back.end.reason ? ": " : "", back.end.reason);
	return rc;
}
