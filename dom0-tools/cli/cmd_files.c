/* SPDX-License-Identifier: BSD-2-Clause */
/* define, undefine, rename, log: what a domain has beside itself - a file, a name, a log. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

static void definition_path(char *path, size_t room, const char *name)
{
	snprintf(path, room, MICA_DEFINE_DIR "/%s.cfg", name);
}

static int host_failure(const char *what, const char *path)
{
	return cli_fail(errno == EACCES || errno == EPERM ? "MICA-AUTH-001" : "MICA-HOST-002", what,
			"%s: %s", path, strerror(errno));
}

int cli_write_file(const char *path, const char *text)
{
	char temp[300];
	FILE *f;

	snprintf(temp, sizeof(temp), "%s.new", path);
	f = fopen(temp, "we");
	if (!f)
		return -1;
	if (fputs(text, f) < 0 || fflush(f) || fsync(fileno(f)) || fclose(f) || rename(temp, path)) {
		unlink(temp);
		return -1;
	}
	return 0;
}

static int define_run(int argc, char **argv)
{
	struct mica_domain_config d;
	struct mica_config c;
	struct mica_error e;
	char path[256];
	int status = 0;

	if (mica_config_read(&c, argv[1], &e))
		return cli_report(&e);
	if (mica_domain_config_read(&d, &c, &e)) {
		status = cli_report(&e);
		mica_config_free(&c);
		return status;
	}
	definition_path(path, sizeof(path), d.name);
	if (!access(path, F_OK) && !cli_opt("replace"))
		status = cli_fail("MICA-DOM-007", "define", "'%s' is defined already: %s", d.name,
				  path);
	else if (cli.plan)
		cli_plan("define", d.name, "%s", path);
	else if ((mkdir("/etc/mica", 0755) && errno != EEXIST) ||
		 (mkdir(MICA_DEFINE_DIR, 0755) && errno != EEXIST) || cli_write_file(path, c.text))
		status = host_failure("define", path);
	else
		puts(d.name);
	mica_domain_config_free(&d);
	mica_config_free(&c);
	return status;
}

static const struct command_option define_options[] = {
	{ "replace", 0, NULL, "one that is defined already" },
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_define = {
	.name = "define", .args = "FILE", .summary = "keep a configuration for `mica start`",
	.run = define_run, .options = define_options, .min_args = 1, .max_args = 1,
	.flags = CMD_CHANGES, .complete = "file",
};

static int undefine_run(int argc, char **argv)
{
	char path[256];

	if (!mica_name_is_valid(argv[1]))
		return cli_fail("MICA-DOM-006", "undefine", "'%s' is not a name", argv[1]);
	definition_path(path, sizeof(path), argv[1]);
	if (access(path, F_OK))
		return cli_fail("MICA-DOM-006", "undefine", "'%s' is not defined", argv[1]);
	if (cli.plan) {
		cli_plan("remove", path, "%s", "");
		return 0;
	}
	return unlink(path) ? host_failure("undefine", path) : 0;
}

const struct command cmd_undefine = {
	.name = "undefine", .args = "NAME", .summary = "forget a configuration; a domain runs on",
	.run = undefine_run, .min_args = 1, .max_args = 1, .flags = CMD_CHANGES,
	.complete = "defined",
};

static int rename_run(int argc, char **argv)
{
	autoclean(mica_close) struct mica *m = NULL;
	autoclean(mica_store_close) struct mica_store *s = NULL;
	struct mica_error e;
	struct target t;
	int status = cli_open_both(&m, &s);

	if (!status)
		status = cli_target(&t, m, s, argv[1]);
	if (status)
		return status;
	if (!t.id)
		return cli_fail("MICA-DOM-004", "rename", "domain 0 is always called dom0");
	if (cli.plan) {
		cli_plan("rename", t.name, "to %s", argv[2]);
		return 0;
	}
	if (!mica_domain_rename(m, s, t.id, argv[2], &e))
		return 0;
	mica_what(&e, "cannot rename '%s'", t.name);
	return cli_report(&e);
}

const struct command cmd_rename = {
	.name = "rename", .args = "DOMAIN NAME", .summary = "give it another name",
	.run = rename_run, .min_args = 2, .max_args = 2, .flags = CMD_CHANGES, .complete = "domain",
};

/* Prints what is left of the file; false at an error. */
static bool print_rest(int fd)
{
	char buffer[16384];
	ssize_t n;

	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		fwrite(buffer, 1, (size_t)n, stdout);
	fflush(stdout);
	return n == 0;
}

/* The file was rotated or emptied under us? */
static bool is_other_file(int fd, const char *path)
{
	struct stat ours, now;

	return fstat(fd, &ours) || stat(path, &now) || ours.st_ino != now.st_ino ||
		now.st_size < lseek(fd, 0, SEEK_CUR);
}

static int open_log(char *path, size_t room, const char *name)
{
	int fd;

	snprintf(path, room, MICA_CONSOLE_LOG, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	/* As Debian's xenconsoled writes it when told to. */
	snprintf(path, room, "/var/log/xen/console/guest-%s.log", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		snprintf(path, room, MICA_CONSOLE_LOG, name);
	return fd;
}

static int log_run(int argc, char **argv)
{
	bool follow = cli_opt("follow") != NULL;
	char path[256];
	int fd;

	if (!mica_name_is_valid(argv[1]))
		return cli_fail("MICA-DOM-001", "log", "'%s' is not a name", argv[1]);
	fd = open_log(path, sizeof(path), argv[1]);
	if (fd < 0)
		return cli_fail("MICA-CON-002", "log", "%s: %s", path, strerror(errno));
	for (;;) {
		if (!print_rest(fd)) {
			close(fd);
			return host_failure("log", path);
		}
		if (!follow)
			break;
		usleep(200000);
		if (is_other_file(fd, path)) {
			int other = open(path, O_RDONLY | O_CLOEXEC);

			if (other >= 0) {
				print_rest(fd);
				close(fd);
				fd = other;
			}
		}
	}
	close(fd);
	return 0;
}

static const struct command_option log_options[] = {
	{ "follow", 'f', NULL, "go on as more comes" },
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_log = {
	.name = "log", .args = "NAME", .summary = "what its console said so far",
	.run = log_run, .options = log_options, .min_args = 1, .max_args = 1, .complete = "domain",
};
