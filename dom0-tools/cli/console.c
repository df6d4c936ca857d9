/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attaching to a guest's console.  mica-consoled owns the ring and serves any number of readers on
 * a socket, each of which sees every byte, from the oldest it still has.  Where another daemon runs
 * there is the terminal that the store names (console/tty), which only one reader gets whole.
 *
 * Ctrl-] leaves.  Standard input need not be a terminal: a script can feed a guest and read what
 * it says.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "cli/cli.h"

#define LEAVE		0x1d		/* Ctrl-] */
#define WAIT_MS		30000
#define LAST_MS		10000
#define CONSOLE_SOCKET	"/run/mica/console.sock"

static void tty_path(char *path, size_t room, domid_t id, unsigned number)
{
	if (number)
		snprintf(path, room, "/local/domain/%u/device/console/%u/tty", id, number);
	else
		snprintf(path, room, "/local/domain/%u/console/tty", id);
}

/* Wait until the store names a terminal.  0, or the exit status after reporting. */
static int find_tty(struct mica_store *s, domid_t id, unsigned number, bool wait_for_it, char *tty,
		    size_t room)
{
	uint64_t end = now_ms() + (wait_for_it ? cli_timeout(WAIT_MS) : 0);
	char path[96], *event, *token;

	tty_path(path, sizeof(path), id, number);
	mica_store_watch(s, path, "tty");
	for (;;) {
		uint64_t now = now_ms();
		int rc;

		if (!mica_store_get(s, tty, room, "%s", path) && tty[0])
			break;
		rc = now < end ? mica_store_event(s, (int)(end - now), &event, &token) : -ETIMEDOUT;
		if (rc < 0) {
			tty[0] = 0;
			break;
		}
		if (rc)
			free(event);
	}
	mica_store_unwatch(s, path, "tty");
	if (tty[0])
		return 0;
	return cli_fail("MICA-CON-001", "console", "the store has no terminal in %s; does the console "
			"daemon run?", path);
}

/*
 * Ask the daemon for the console of @id; its answer is a line, then the bytes follow.  -ENOENT: no
 * such daemon, or it does not serve this domain.  Else the socket, or -errno.
 */
static int open_socket(domid_t id, bool read_only, bool replay, char *why, size_t room)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const char *path = getenv("MICA_CONSOLE_SOCKET");
	char request[48];
	size_t at = 0;
	int fd, n;

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path ? path : CONSOLE_SOCKET);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		n = errno == EACCES ? -EACCES : -ENOENT;
		goto failed;
	}
	n = snprintf(request, sizeof(request), "%u%s%s\n", id, read_only ? " ro" : "",
		     replay ? " replay" : "");
	if (write(fd, request, (size_t)n) != n) {
		n = -ENOENT;
		goto failed;
	}
	/* Byte by byte: what follows the line is the guest's. */
	while (at < room - 1 && read(fd, why + at, 1) == 1 && why[at] != '\n')
		at++;
	why[at] = 0;
	if (!strncmp(why, "ok ", 3))
		return fd;
	n = !at || !strcmp(why, "error no such console") ? -ENOENT : -EBUSY;
failed:
	close(fd);
	return n;
}

static bool put_all(int fd, const char *data, ssize_t n)
{
	while (n > 0) {
		ssize_t put = write(fd, data, (size_t)n);

		if (put < 0 && errno == EAGAIN) {
			struct pollfd wait = { .fd = fd, .events = POLLOUT };

			poll(&wait, 1, 1000);
			continue;
		}
		if (put <= 0)
			return false;
		data += put;
		n -= put;
	}
	return true;
}

/*
 * The store says that the domain is gone, maybe before the daemon, which hears of it when we do, has
 * read its last bytes: until that one hangs up, or hangs.
 */
static void copy_last(int tty)
{
	struct pollfd fd = { .fd = tty, .events = POLLIN };
	char buffer[4096];
	ssize_t n;

	while (poll(&fd, 1, LAST_MS) > 0) {
		n = read(tty, buffer, sizeof(buffer));
		if (n <= 0 || !put_all(1, buffer, n))
			return;
	}
}

/* Copies until the guest's side ends, Ctrl-] is typed, or the store says the domain is gone. */
static void copy(int tty, struct mica_store *s, domid_t id, bool read_only)
{
	struct pollfd fds[3] = {
		{ .fd = tty, .events = POLLIN },
		{ .fd = mica_store_fd(s), .events = POLLIN },
		{ .fd = read_only ? -1 : 0, .events = POLLIN },
	};
	char buffer[4096], home[48], *leave, *event, *token;
	ssize_t n;

	snprintf(home, sizeof(home), "/local/domain/%u", id);
	for (;;) {
		if (poll(fds, 3, -1) < 0 && errno != EINTR)
			return;
		if (fds[0].revents) {
			n = read(tty, buffer, sizeof(buffer));
			if (n <= 0 || !put_all(1, buffer, n))
				return;
			continue;	/* what it said comes before what happened to it */
		}
		if (fds[1].revents) {
			if (mica_store_event(s, 0, &event, &token) == 1)
				free(event);
			else if (fds[1].revents & (POLLHUP | POLLERR))
				fds[1].fd = -1;
			if (mica_store_get(s, buffer, sizeof(buffer), "%s/domid", home) == -ENOENT) {
				copy_last(tty);
				return;
			}
		}
		if (fds[2].revents) {
			n = read(0, buffer, sizeof(buffer));
			if (n <= 0) {
				fds[2].fd = -1;
				continue;
			}
			leave = isatty(0) ? memchr(buffer, LEAVE, (size_t)n) : NULL;
			if (!put_all(tty, buffer, leave ? leave - buffer : n) || leave)
				return;
		}
	}
}

static void raw(int fd, struct termios *before)
{
	struct termios now;

	if (tcgetattr(fd, before))
		return;
	now = *before;
	cfmakeraw(&now);
	tcsetattr(fd, TCSANOW, &now);
}

/* The console as a file: the daemon's socket or the terminal @tty.  Negative: reported. */
static int open_console(domid_t id, unsigned number, bool read_only, bool replay, const char *tty,
			int *status)
{
	char why[256] = "";
	int fd = number ? -ENOENT : open_socket(id, read_only, replay, why, sizeof(why));
	struct termios its;

	if (fd >= 0)
		return fd;
	if (fd == -EBUSY) {
		*status = cli_fail("MICA-CON-001", "console", "the console daemon says: %s", why);
		return -1;
	}
	fd = open(tty, (read_only ? O_RDONLY : O_RDWR) | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		*status = cli_fail(errno == EACCES ? "MICA-AUTH-001" : "MICA-CON-001", "console",
				   "cannot open %s: %s", tty, strerror(errno));
	else
		raw(fd, &its);
	return fd;
}

int console_attach(struct mica_store *s, domid_t id, unsigned number, bool read_only, bool replay,
		   bool wait_for_it)
{
	struct termios ours;
	struct winsize size;
	bool terminal = isatty(0) && !read_only;
	char tty[256], home[48];
	int fd, status = find_tty(s, id, number, wait_for_it, tty, sizeof(tty));

	if (status)
		return status;
	fd = open_console(id, number, read_only, replay, tty, &status);
	if (fd < 0)
		return status;
	if (terminal) {
		cli_say("Connected; Ctrl-] leaves.");
		if (!ioctl(0, TIOCGWINSZ, &size))
			ioctl(fd, TIOCSWINSZ, &size);
		raw(0, &ours);
	}
	snprintf(home, sizeof(home), "/local/domain/%u", id);
	mica_store_watch(s, home, "home");
	copy(fd, s, id, read_only);
	if (terminal) {
		tcsetattr(0, TCSANOW, &ours);
		fputs("\r\n", stderr);
	}
	close(fd);
	return 0;
}

static int console_run(int argc, char **argv)
{
	autoclean(mica_close) struct mica *m = NULL;
	autoclean(mica_store_close) struct mica_store *s = NULL;
	const char *number = cli_opt("number");
	struct target t;
	int status = cli_open_both(&m, &s);

	if (!status)
		status = cli_target(&t, m, s, argv[1]);
	if (status)
		return status;
	if (!t.id)
		return cli_fail("MICA-CON-001", "console", "domain 0's console is where you are, or the "
				"machine's own");
	return console_attach(s, t.id, number ? (unsigned)atoi(number) : 0,
			      cli_opt("read-only") != NULL, cli_opt("no-replay") == NULL, true);
}

static const struct command_option console_options[] = {
	{ "read-only", 'r', NULL, "show, but do not type" },
	{ "no-replay", 0, NULL, "from now on, not from the oldest byte the daemon has" },
	{ "number", 'n', "N", "its N-th console" },
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_console = {
	.name = "console", .args = "DOMAIN", .summary = "attach to its console; Ctrl-] leaves",
	.run = console_run, .options = console_options, .min_args = 1, .max_args = 1,
	.flags = CMD_COMMON, .complete = "domain",
	.more = "Any number may attach; each sees all.  What was said before comes first, as far as the\n"
		"daemon kept it (mica log has everything).",
};
