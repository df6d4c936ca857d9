/* unit: */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon itself, without a hypervisor: Debian's own clients against it (clients.sh), and
 * SIGKILL at random instants under load - what was acknowledged is there afterwards, and two
 * nodes written in one transaction never differ.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "client.h"

#define WRITERS	4
#define KILLS	25

static char dir_name[] = "/tmp/stored-daemon-XXXXXX";
static char binary[512], socket_path[64], state_path[64];
static pid_t server;
static unsigned long long seed = 88172645463325252ull;

static unsigned rnd(unsigned below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)((seed >> 20) % below);
}

static void start(void)
{
	server = fork();
	if (!server) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, 2);
		execl(binary, "mica-stored", "--no-hypervisor", "--state", state_path, "--socket-dir",
		      dir_name, NULL);
		_exit(127);
	}
}

static int reconnect(void)
{
	struct timespec t = { 0, 2000000 };

	for (int i = 0; i < 60000; i++) {
		int fd = client_open(socket_path);

		if (fd >= 0)
			return fd;
		nanosleep(&t, NULL);
	}
	return -1;
}

/* Writes n, n+1 ... to its nodes; reports each acknowledged number to its pipe. */
static void writer(unsigned id, int report)
{
	char data[64], reply[XENSTORE_PAYLOAD_MAX + 1], tx_text[2] = "T";
	int fd = reconnect();

	for (uint32_t n = 1;; n++) {
		int len = snprintf(data, sizeof(data), "/w/%u/a%c%u", id, 0, n), tx;

		if (n % 2) {
			if (client_ask(fd, XS_WRITE, 0, data, (size_t)len, reply) < 0)
				goto again;
			data[strlen(data) - 1] = 'b';
			if (client_ask(fd, XS_WRITE, 0, data, (size_t)len, reply) < 0)
				goto again;
		} else {
			if (client_ask(fd, XS_TRANSACTION_START, 0, "", 1, reply) < 0)
				goto again;
			tx = atoi(reply);
			if (client_ask(fd, XS_WRITE, (uint32_t)tx, data, (size_t)len, reply) < 0)
				goto again;
			data[strlen(data) - 1] = 'b';
			if (client_ask(fd, XS_WRITE, (uint32_t)tx, data, (size_t)len, reply) < 0 ||
			    client_ask(fd, XS_TRANSACTION_END, (uint32_t)tx, tx_text, 2, reply) < 0 ||
			    strcmp(reply, "OK"))
				goto again;
		}
		if (write(report, &n, sizeof(n)) != sizeof(n))
			_exit(0);
		continue;
again:
		close(fd);
		fd = reconnect();
		n--;
	}
}

static uint32_t last_acknowledged(int report, uint32_t known)
{
	uint32_t n;

	while (read(report, &n, sizeof(n)) == sizeof(n))
		known = n;
	return known;
}

static uint32_t value_of(int fd, unsigned id, char which)
{
	char data[64], reply[XENSTORE_PAYLOAD_MAX + 1];
	int len = snprintf(data, sizeof(data), "/w/%u/%c", id, which) + 1;

	assert_true(client_ask(fd, XS_READ, 0, data, (size_t)len, reply) >= 0);
	return (uint32_t)strtoul(reply, NULL, 10);
}

/* Before the daemon dies, what was acknowledged; after its successor came, what is there. */
static void crash_and_check(const int *report, uint32_t *acknowledged)
{
	struct timespec t = { 0, (long)(10 + rnd(60)) * 1000000 };
	int fd;

	nanosleep(&t, NULL);
	for (unsigned i = 0; i < WRITERS; i++)
		acknowledged[i] = last_acknowledged(report[i], acknowledged[i]);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	for (unsigned i = 0; i < WRITERS; i++)
		acknowledged[i] = last_acknowledged(report[i], acknowledged[i]);
	start();
	fd = reconnect();
	assert_true(fd >= 0);
	for (unsigned i = 0; i < WRITERS; i++) {
		uint32_t b = value_of(fd, i, 'b'), a = value_of(fd, i, 'a');

		assert_true(a >= acknowledged[i] && b >= acknowledged[i]);
	}
	close(fd);
}

static void test_sigkill_under_load(void **state)
{
	uint32_t acknowledged[WRITERS] = { 0 }, total = 0;
	pid_t pids[WRITERS];
	int report[WRITERS];

	start();
	close(reconnect());
	for (unsigned i = 0; i < WRITERS; i++) {
		int ends[2];

		assert_int_equal(pipe(ends), 0);
		pids[i] = fork();
		if (!pids[i])
			writer(i, ends[1]);
		close(ends[1]);
		fcntl(ends[0], F_SETFL, O_NONBLOCK);
		report[i] = ends[0];
	}
	for (int n = 0; n < KILLS; n++)
		crash_and_check(report, acknowledged);
	for (unsigned i = 0; i < WRITERS; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
		close(report[i]);
		total += acknowledged[i];
	}
	print_message("%u acknowledged over %d kills\n", total, KILLS);
	assert_true(total > 100);
	kill(server, SIGTERM);
	waitpid(server, NULL, 0);
}

static void test_debian_clients(void **state)
{
	char command[1024];
	int rc;

	if (system("command -v xenstore-ls >/dev/null")) {
		print_message("xenstore-utils is not installed\n");
		skip();
	}
	snprintf(command, sizeof(command), "bash tests/unit/stored/clients.sh '%s' '%s'", binary, dir_name);
	rc = system(command);
	assert_int_equal(rc, 0);
}

static int setup(void **state)
{
	ssize_t n = readlink("/proc/self/exe", binary, sizeof(binary) - 40);
	char *slash;

	/* BUILD/unit/this -> BUILD/tools/mica-stored */
	assert_true(n > 0);
	binary[n] = 0;
	for (int i = 0; i < 2; i++) {
		slash = strrchr(binary, '/');
		assert_non_null(slash);
		*slash = 0;
	}
	strcat(binary, "/tools/mica-stored");
	assert_non_null(mkdtemp(dir_name));
	snprintf(socket_path, sizeof(socket_path), "%s/socket", dir_name);
	snprintf(state_path, sizeof(state_path), "%s/state", dir_name);
	return access(binary, X_OK);
}

static int clean(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", dir_name);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sigkill_under_load),
		cmocka_unit_test(test_debian_clients),
	};

	return cmocka_run_group_tests(tests, setup, clean);
}
