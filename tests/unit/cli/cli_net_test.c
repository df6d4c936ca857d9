/* unit: dom0-tools/lib/error.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `mica net` and `mica store` as programs, over a mica-stored that has no hypervisor: networks are
 * made, shown, refused and removed, in each format.
 */
#include "host.h"

#include <libgen.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/error.h"

static char tools[3000], dir[64], said[65536];
static pid_t daemon_;

static int run(const char *args)
{
	char line[8192];
	size_t n;
	FILE *f;
	int status;

	snprintf(line, sizeof(line), "%s/mica %s 2>&1 </dev/null", tools, args);
	f = popen(line, "r");
	assert_non_null(f);
	n = fread(said, 1, sizeof(said) - 1, f);
	said[n] = 0;
	status = pclose(f);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void gives(int status, const char *args, const char *text)
{
	int got = run(args);

	if (got != status || (text && !strstr(said, text)))
		fail_msg("mica %s: %d: %s", args, got, said);
}

static bool answers(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	bool yes;

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	yes = !connect(fd, (struct sockaddr *)&to, sizeof(to));
	close(fd);
	return yes;
}

static int start(void **state)
{
	char stored[4000], state_dir[96], path[96];

	snprintf(dir, sizeof(dir), "/tmp/mica-net-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(stored, sizeof(stored), "%s/mica-stored", tools);
	snprintf(state_dir, sizeof(state_dir), "%s/state", dir);
	snprintf(path, sizeof(path), "%s/socket", dir);
	daemon_ = fork();
	if (!daemon_) {
		execl(stored, stored, "--no-hypervisor", "--no-sandbox", "--state", state_dir,
		      "--socket-dir", dir, (char *)NULL);
		_exit(127);
	}
	setenv("XENSTORED_PATH", path, 1);
	snprintf(state_dir, sizeof(state_dir), "%s/networks", dir);
	setenv("MICA_NETWORKS", state_dir, 1);
	/* Ready when somebody listens at the socket; a daemon that died never does. */
	while (!answers(path))
		if (waitpid(daemon_, NULL, WNOHANG) || usleep(10000))
			return -1;
	return 0;
}

static int stop(void **state)
{
	char line[96];

	kill(daemon_, SIGTERM);
	waitpid(daemon_, NULL, 0);
	snprintf(line, sizeof(line), "rm -rf %s", dir);
	return system(line);
}

static void test_life(void **state)
{
	gives(0, "net list --format json", "\"networks\":[]");
	gives(0, "net create lan uplink=tap subnet=10.1.0.1/24 nat=1 dhcp=1 --plan", "would create");
	gives(0, "net list --format json", "\"networks\":[]");
	gives(0, "net create lan uplink=tap subnet=10.1.0.1/24 nat=1 dhcp=1", "lan\n");
	gives(EXIT_STATE, "net create lan", "MICA-NET-022");
	gives(0, "net create dmz mtu=9000", NULL);
	gives(0, "net list --format csv --columns network,uplink,subnet,nat,mtu,nics",
	      "lan,tap,10.1.0.1/24,true,1500,0");
	gives(0, "net list --format csv --columns network,uplink,mtu --no-header", "dmz,none,9000");
	gives(0, "net show lan --format csv --no-header", "subnet,10.1.0.1/24");
	gives(0, "store read /mica/net/lan/dhcp", "1");
	gives(EXIT_NOT_FOUND, "net show wan", "MICA-NET-020");
	gives(EXIT_NOT_FOUND, "net delete wan", "MICA-NET-020");
	gives(EXIT_NOT_FOUND, "net delete ../..", "MICA-NET-020");
}

/* A network that a card is on stays, and the card is named. */
static void test_in_use(void **state)
{
	gives(0, "store write /local/domain/0/backend/mnet/7/0/network lan", NULL);
	gives(0, "store write /local/domain/7/name web", NULL);
	gives(0, "net list --format csv --columns network,nics --no-header", "lan,1");
	gives(EXIT_STATE, "net delete lan", "'lan' has cards: web/eth0 [MICA-NET-021]");
	gives(0, "store rm /local/domain/0/backend/mnet/7", NULL);
	gives(0, "net delete lan --plan", "would delete network lan");
	gives(0, "net delete lan", NULL);
	gives(EXIT_NOT_FOUND, "net show lan", "MICA-NET-020");
	gives(0, "net list -q", "dmz");
}

/* What create was told outlives the store: here as if dom0 had started again. */
static void test_kept(void **state)
{
	char line[200];

	gives(0, "net create kept uplink=tap subnet=10.2.0.1/24 dhcp=1", "kept\n");
	gives(0, "net create passing --transient", "passing\n");
	gives(0, "store rm /mica/net", NULL);
	gives(0, "net list -q", "");
	gives(EXIT_STATE, "net create kept mtu=9000", "is kept already");
	gives(0, "net start --plan", "would start network kept");
	gives(0, "net start", "dmz\nkept\n");
	assert_null(strstr(said, "passing"));
	gives(0, "store read /mica/net/kept/subnet", "10.2.0.1/24");
	gives(0, "store read /mica/net/dmz/mtu", "9000");
	gives(0, "net start", "");
	assert_string_equal(said, "");
	gives(0, "net delete kept", NULL);
	gives(EXIT_NOT_FOUND, "net start kept", "MICA-NET-020");
	/* files that an operator edited: the wrong one is shown, the other is made */
	snprintf(line, sizeof(line), "printf '# by hand\n\n  mtu=1400 \nuplnk=tap\n' >%s/networks/bad.net", dir);
	assert_int_equal(system(line), 0);
	snprintf(line, sizeof(line), "printf 'mtu=1400' >%s/networks/good.net", dir);
	assert_int_equal(system(line), 0);
	gives(EXIT_USAGE, "net start", "/networks/bad.net:4: 'uplnk=tap' is no setting of a network");
	assert_non_null(strstr(said, "did you mean 'uplink='?"));
	assert_non_null(strstr(said, "good\n"));
	gives(EXIT_NOT_FOUND, "net show bad", "MICA-NET-020");
	gives(0, "net delete bad", NULL);
	gives(0, "net start", "");
	gives(EXIT_NOT_FOUND, "net start ../good", "MICA-NET-020");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life), cmocka_unit_test(test_in_use),
		cmocka_unit_test(test_kept),
	};
	char self[2048];

	snprintf(self, sizeof(self), "%s", argv[0]);
	snprintf(tools, sizeof(tools), "%s/../tools", dirname(self));
	return cmocka_run_group_tests(tests, start, stop);
}
