/* unit: dom0-tools/blkd/disk.c dom0-tools/blkd/queue.c dom0-tools/blkd/job.c dom0-tools/blkd/request.c dom0-tools/blkd/pages.c dom0-tools/blkd/bounce.c dom0-tools/blkd/journal.c dom0-tools/blkd/engine.c dom0-tools/blkd/engine_nbd.c -lnbd */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The NBD engine against the server it is used with: qemu-storage-daemon and a qcow2 image, made
 * here.  What was written is there for another server; a server that dies ends the process.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "guest.h"

static char dir[] = "/tmp/blkd-nbd-XXXXXX";
static char file[64], socket_path[64];
static pid_t server;

static void serve(void)
{
	char blockdev[160], address[160];

	snprintf(blockdev, sizeof(blockdev), "driver=file,node-name=file,filename=%s", file);
	snprintf(address, sizeof(address), "addr.type=unix,addr.path=%s", socket_path);
	unlink(socket_path);
	server = fork();
	if (server)
		return;
	execlp("qemu-storage-daemon", "qemu-storage-daemon", "--blockdev", blockdev, "--blockdev",
	       "driver=qcow2,node-name=disk,file=file,discard=unmap", "--nbd-server", address,
	       "--export", "type=nbd,id=disk,node-name=disk,name=disk,writable=on", (char *)NULL);
	_exit(127);
}

static int reach(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(at.sun_path, socket_path);
	while (connect(fd, (struct sockaddr *)&at, sizeof(at))) {
		assert_int_equal(waitpid(server, NULL, WNOHANG), 0);
		poll(NULL, 0, 10);
	}
	return fd;
}

static void end_server(int how)
{
	kill(server, how);
	assert_int_equal(waitpid(server, NULL, 0), server);
}

static bool have(const char *command)
{
	return system(command) == 0;
}

static int make_image(void **state)
{
	char command[160];

	assert_non_null(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/image", dir);
	snprintf(socket_path, sizeof(socket_path), "%s/nbd", dir);
	if (!have("qemu-storage-daemon --version >/dev/null 2>&1"))
		return 0;
	snprintf(command, sizeof(command), "qemu-img create -q -f qcow2 %s 4M", file);
	return system(command);
}

static int remove_image(void **state)
{
	unlink(file);
	unlink(socket_path);
	return rmdir(dir);
}

static void connect_disk(bool persistent)
{
	world_start();
	serve();
	image = reach();
	rings = rings_at(1, 1, persistent);
	memset(guest_page(0), 0, PAGE);
	blk_front_attach(&front[0], guest_page(0), PAGE, NULL);
	disk_begin(&engine_nbd, image, IMAGE_BYTES);
	assert_int_equal(engine.bytes, IMAGE_BYTES);
	assert_true(engine.can_discard);
	assert_int_equal(disk_connect(&disk, &rings, false), 0);
}

static void what_is_written_is_there(void **state)
{
	struct blkif_request r;
	bool persistent = false;

	if (access(file, R_OK))
		skip();
	for (int round = 0; round < 3; round++, persistent = !persistent) {
		connect_disk(persistent);
		/* what the server before this one was given */
		for (unsigned i = 0; round && i < 200; i += 7) {
			r = request(BLKIF_OP_READ, i, i * 8, 1, DATA_REF);
			assert_int_equal(ask(&r), BLKIF_RSP_OKAY);
			assert_int_equal(guest_page(DATA_REF)[1000], (uint8_t)(round - 1 + i));
		}
		for (unsigned i = 0; i < 200; i++)
			fill(DATA_REF + i, (uint8_t)(round + i));
		r = indirect_request(BLKIF_OP_WRITE, 1, 0, 200, 100, DATA_REF);
		assert_int_equal(ask(&r), BLKIF_RSP_OKAY);
		r = request(BLKIF_OP_FLUSH_DISKCACHE, 2, 0, 0, 0);
		assert_int_equal(ask(&r), BLKIF_RSP_OKAY);
		r = request(BLKIF_OP_WRITE_BARRIER, 3, 300 * 8, 1, DATA_REF + 5);
		assert_int_equal(ask(&r), BLKIF_RSP_OKAY);
		disk.durable = true;			/* as FUA */
		r = request(BLKIF_OP_WRITE, 4, 301 * 8, 1, DATA_REF + 6);
		assert_int_equal(ask(&r), BLKIF_RSP_OKAY);
		struct blkif_request_discard d = { .operation = BLKIF_OP_DISCARD, .id = 5,
						   .sector_number = 512 * 8, .nr_sectors = 512 * 8 };
		memcpy(&r, &d, sizeof(d));
		assert_int_equal(ask(&r), BLKIF_RSP_OKAY);
		r = request(BLKIF_OP_READ, 6, 300 * 8, 2, DATA_REF + 300);
		assert_int_equal(ask(&r), BLKIF_RSP_OKAY);
		assert_int_equal(guest_page(DATA_REF + 300)[0], (uint8_t)(round + 5));
		assert_int_equal(guest_page(DATA_REF + 301)[4095], (uint8_t)(round + 6));
		assert_int_equal(notes, 0);
		disk_finish();
		close(image);
		world_end();
		end_server(SIGTERM);
	}
}

/* The process ends; its journal says what to repeat, which the next one does. */
static void a_server_that_dies(void **state)
{
	struct blkif_request r = request(BLKIF_OP_WRITE, 1, 0, 1, DATA_REF);
	int status;
	pid_t pid;

	if (access(file, R_OK))
		skip();
	pid = fork();
	if (!pid) {
		connect_disk(false);
		put(0, &r);
		end_server(SIGKILL);
		ring_bell(0);
		disk_settle();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EXIT_SERVER_LOST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_there), cmocka_unit_test(a_server_that_dies),
	};

	return cmocka_run_group_tests(tests, make_image, remove_image);
}
