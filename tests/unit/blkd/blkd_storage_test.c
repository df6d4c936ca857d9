/* unit: dom0-tools/blkd/storage_sandbox.c dom0-tools/blkd/storage.c dom0-tools/blkd/engine.c dom0-tools/blkd/engine_nbd.c -lnbd */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a storage server can still do, tried by a process that gave the rest up: it writes its image
 * and makes its socket, and nothing else of what lies beside them.  And a real one, given a new size.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"
#include "blkd/blkd.h"
#include "blkd/engine.h"
#include "blkd/sandbox.h"
#include "blkd/storage.h"

struct settings settings = { .storage_program = "qemu-storage-daemon" };

static char dir[64], image[96], other[96], sockets[96], journal[128], path[160];

static void make(const char *name, const void *bytes, size_t n)
{
	int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

static int begin(void **state)
{
	uint8_t header[80] = { 'Q', 'F', 'I', 0xfb, 0, 0, 0, 3 };

	strcpy(dir, "/tmp/blkd-storage-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(image, sizeof(image), "%s/image", dir);
	snprintf(other, sizeof(other), "%s/other", dir);
	snprintf(sockets, sizeof(sockets), "%s/run", dir);
	snprintf(journal, sizeof(journal), "%s/3-51712.journal", sockets);
	assert_int_equal(mkdir(sockets, 0700), 0);
	make(image, header, sizeof(header));
	make(other, "x", 1);
	make(journal, "x", 1);
	return 0;
}

static int end(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static int try_open(const char *name, int flags)
{
	int fd = open(name, flags, 0600);

	return fd < 0 ? errno : close(fd);
}

static int try_socket(const char *name)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", name);
	return bind(s, (struct sockaddr *)&at, sizeof(at)) ? errno : close(s);
}

static bool has_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0;
}

/* The number of the first of @tries that ends otherwise than it should, 0: none. */
static int first_wrong(int (*tries)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(tries());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int tries_of_an_image(void)
{
	bool root = !geteuid(), lock = has_landlock();

	if (sandbox_storage("qcow2", image, sockets))
		return 1;
	if (root && (geteuid() != STORAGE_UID || getuid() != STORAGE_UID || !setuid(0)))
		return 2;
	if (try_open(image, O_RDWR))
		return 3;
	if (try_open(other, O_RDONLY))		/* what it builds on may lie anywhere */
		return 4;
	snprintf(path, sizeof(path), "%s/socket", sockets);
	if (try_socket(path))
		return 5;
	if (try_open("/dev/null", O_RDWR))
		return 6;
	if (!lock)
		return 0;
	if (try_open(other, O_RDWR) != EACCES)
		return 7;
	if (try_open(journal, O_RDWR) != EACCES || !unlink(journal))
		return 8;
	snprintf(path, sizeof(path), "%s/new", dir);
	if (try_open(path, O_RDWR | O_CREAT) != EACCES || !mkdir(path, 0700))
		return 9;
	return try_socket(path) == EACCES ? 0 : 10;
}

static void an_image(void **state)
{
	assert_int_equal(first_wrong(tries_of_an_image), 0);
}

static int tries_of_read_only(void)
{
	bool lock = has_landlock();

	if (sandbox_storage("qcow2", NULL, sockets))
		return 1;
	if (try_open(image, O_RDONLY))
		return 2;
	return !lock || try_open(image, O_RDWR) == EACCES ? 0 : 3;
}

static void read_only(void **state)
{
	assert_int_equal(first_wrong(tries_of_read_only), 0);
}

/* An image in several files: those beside it, too. */
static int tries_of_more_files(void)
{
	if (sandbox_storage("qcow2", image, sockets))
		return 1;
	return try_open(other, O_RDWR) ? 2 : 0;
}

static int tries_of_vmdk(void)
{
	if (sandbox_storage("vmdk", image, sockets))
		return 1;
	return try_open(other, O_RDWR) ? 2 : 0;
}

static void more_files(void **state)
{
	uint8_t header[80] = { 'Q', 'F', 'I', 0xfb, 0, 0, 0, 3, [79] = 4 };

	assert_int_equal(first_wrong(tries_of_vmdk), 0);
	make(image, header, sizeof(header));
	assert_int_equal(first_wrong(tries_of_more_files), 0);
}

static int tries_without_image(void)
{
	return sandbox_storage("qcow2", "/nowhere/image", sockets) == -ENOENT || !has_landlock() ?
		0 : 1;
}

static void no_image(void **state)
{
	assert_int_equal(first_wrong(tries_without_image), 0);
}

/* --- a server --- */

static struct storage *server;

/* Of the disk it serves; its server has to come up first. */
static uint64_t bytes_served(void)
{
	struct engine e = { .ops = &engine_nbd, .depth = 4 };

	for (unsigned i = 0; i < 2000; i++) {
		int status, fd = storage_connect(server);

		if (fd < 0) {
			usleep(10000);
			continue;
		}
		e.image = fd;
		/* The export comes a moment after the socket. */
		if (!e.ops->start(&e)) {
			e.ops->stop(&e);
			return e.bytes;
		}
		assert_int_equal(waitpid(-1, &status, WNOHANG), 0);
	}
	fail_msg("no server");
	return 0;
}

static void end_server(void)
{
	int status;
	pid_t pid;

	while (!storage_end(server)) {
		pid = waitpid(-1, &status, 0);
		assert_true(storage_died(server, pid));
	}
}

static void make_qcow2(void)
{
	char command[160];

	snprintf(command, sizeof(command), "qemu-img create -q -f qcow2 %s 4M", image);
	assert_int_equal(system(command), 0);
}

static void begin_server(void)
{
	const char *why;

	settings.run_dir = sockets;
	snprintf(path, sizeof(path), "%s/3-51712", sockets);
	assert_int_equal(storage_start(&server, "qcow2", image, false, path, &why), 0);
	assert_int_equal(bytes_served(), 4 << 20);
}

static void grows(void **state)
{
	char why[200];

	if (system("qemu-storage-daemon --version >/dev/null 2>&1"))
		skip();
	make_qcow2();
	begin_server();
	storage_resize(server, 16 << 20);
	end_server();
	assert_int_equal(storage_restart(server), 0);
	assert_int_equal(bytes_served(), 16 << 20);
	/* It stays so, and a server that has nothing to resize is an ordinary one. */
	end_server();
	assert_int_equal(storage_restart(server), 0);
	assert_int_equal(bytes_served(), 16 << 20);
	/* More than the format can: it says so and serves what there is. */
	storage_resize(server, 1ull << 61);
	end_server();
	assert_int_equal(storage_restart(server), 0);
	assert_int_equal(bytes_served(), 16 << 20);
	storage_complaint(server, why, sizeof(why));
	assert_null(strstr(why, "does not say"));
	print_message("it says: %s\n", why);
	end_server();
	storage_stop(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_image, begin, end),
		cmocka_unit_test_setup_teardown(read_only, begin, end),
		cmocka_unit_test_setup_teardown(more_files, begin, end),
		cmocka_unit_test_setup_teardown(no_image, begin, end),
		cmocka_unit_test_setup_teardown(grows, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
