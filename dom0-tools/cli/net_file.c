/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Networks that outlive dom0: /etc/mica/networks/NAME.net has the words of `mica net create`, one
 * KEY=VALUE a line, and may be edited; empty lines and those that begin with # do not count.
 * `mica net start` makes in the store what is not there yet, so it may run at each start of dom0.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/net.h"

#define SUFFIX		".net"
#define WORD_MAX	128

static const char *directory(void)
{
	const char *given = getenv("MICA_NETWORKS");

	return given ? given : MICA_NETWORK_DIR;
}

static void path_of(char *path, size_t room, const char *net)
{
	snprintf(path, room, "%.200s/%s" SUFFIX, directory(), net);
}

bool net_file_exists(const char *net)
{
	char path[256];

	path_of(path, sizeof(path), net);
	return !access(path, F_OK);
}

static int failure(const char *what, const char *path)
{
	return cli_fail(errno == EACCES || errno == EPERM || errno == EROFS ? "MICA-AUTH-001" :
			"MICA-HOST-002", what, "%s: %s", path, strerror(errno));
}

int net_file_write(const char *net, int argc, char **argv)
{
	char path[256], text[NET_SETTINGS_MAX * WORD_MAX + 1] = "";
	size_t at = 0;

	path_of(path, sizeof(path), net);
	for (int i = 0; i < argc; i++) {
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%.*s\n", WORD_MAX - 2, argv[i]);
		if (strlen(argv[i]) > WORD_MAX - 2)
			return cli_fail("MICA-CFG-003", "net create", "'%.30s...' is too long", argv[i]);
	}
	if ((!getenv("MICA_NETWORKS") && mkdir("/etc/mica", 0755) && errno != EEXIST) ||
	    (mkdir(directory(), 0755) && errno != EEXIST) || cli_write_file(path, text))
		return failure("net create", path);
	return 0;
}

int net_file_remove(const char *what, const char *net)
{
	char path[256];

	path_of(path, sizeof(path), net);
	return unlink(path) && errno != ENOENT ? failure(what, path) : 0;
}

struct words {
	char text[NET_SETTINGS_MAX][WORD_MAX];
	char *argv[NET_SETTINGS_MAX];
	int n;
};

/* One line of a file; 0 or the exit status after reporting. */
static int take_line(struct words *w, const char *path, unsigned nr, char *line)
{
	char *start = line + strspn(line, " \t");
	size_t len = strcspn(start, "\n");
	bool whole = start[len] == '\n' || strlen(line) < WORD_MAX - 1;
	char what[300];

	while (len && (start[len - 1] == ' ' || start[len - 1] == '\t'))
		len--;
	start[len] = 0;
	if (!len || *start == '#')
		return 0;
	snprintf(what, sizeof(what), "net start: %s:%u", path, nr);
	if (!whole || w->n == NET_SETTINGS_MAX)
		return cli_fail("MICA-CFG-003", what, whole ? "too many settings" : "a line is too long");
	memcpy(w->text[w->n], start, len + 1);
	w->argv[w->n] = w->text[w->n];
	return net_check_word(what, w->argv[w->n++]);
}

static int read_words(struct words *w, const char *net)
{
	char path[256], line[WORD_MAX];
	unsigned nr = 0;
	int status = 0;
	FILE *f;

	w->n = 0;
	path_of(path, sizeof(path), net);
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? cli_fail("MICA-NET-020", "net start", "there is no %s", path) :
			failure("net start", path);
	while (!status && fgets(line, sizeof(line), f))
		status = take_line(w, path, ++nr, line);
	if (!status && ferror(f))
		status = failure("net start", path);
	fclose(f);
	return status;
}

static int start_one(struct mica_store *s, const char *net)
{
	struct words w;
	int status, rc;

	if (net_exists(s, net))
		return 0;
	status = read_words(&w, net);
	if (status)
		return status;
	if (cli.plan) {
		cli_plan("start network", net, "%s", "");
		return 0;
	}
	do {
		rc = net_write(s, net, w.n, w.argv);
	} while (rc == -EAGAIN);
	if (rc)
		return cli_fail("MICA-STORE-002", "net start", "cannot write /mica/net/%s: %s", net,
				strerror(-rc));
	puts(net);
	return 0;
}

static int is_definition(const struct dirent *d)
{
	char net[64];
	size_t len = strlen(d->d_name), cut = strlen(SUFFIX);

	if (len <= cut || len >= sizeof(net) || strcmp(d->d_name + len - cut, SUFFIX))
		return 0;
	snprintf(net, sizeof(net), "%.*s", (int)(len - cut), d->d_name);
	return mica_net_name_is_valid(net);
}

/* Every one; a file that is wrong is reported and the others are made. */
static int start_all(struct mica_store *s)
{
	struct dirent **all;
	int n = scandir(directory(), &all, is_definition, alphasort), failed = 0;

	if (n < 0)
		return errno == ENOENT ? 0 : failure("net start", directory());
	for (int i = 0; i < n; i++) {
		int status;

		all[i]->d_name[strlen(all[i]->d_name) - strlen(SUFFIX)] = 0;
		status = start_one(s, all[i]->d_name);
		failed = failed ? failed : status;
		free(all[i]);
	}
	free(all);
	return failed;
}

static int start_run(int argc, char **argv)
{
	autoclean(mica_store_close) struct mica_store *s = NULL;
	int status;

	if (argc > 1 && !mica_net_name_is_valid(argv[1]))
		return cli_fail("MICA-NET-020", "net start", "'%s' is no name of a network", argv[1]);
	status = cli_open_store(&s);
	if (status)
		return status;
	return argc > 1 ? start_one(s, argv[1]) : start_all(s);
}

const struct command cmd_net_start = {
	.noun = "net", .name = "start", .args = "[NAME]", .summary = "make the networks that are kept",
	.run = start_run, .max_args = 1, .flags = CMD_CHANGES,
	.more = "Networks outlive dom0 as files in " MICA_NETWORK_DIR "; this makes those that are not there,\n"
		"or one of them, and names what it made.  For the start of dom0, before its guests.",
};
