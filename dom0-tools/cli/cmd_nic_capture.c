/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mica nic capture: the frames of a running card as pcapng, to a file or to standard output.
 *
 * The switch writes the capture, into its own directory, for as long as the card's key `capture`
 * says so; this follows that file and takes the key away at the end.  One that was killed leaves
 * the key behind: --stop.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/device.h"
#include "lib/config.h"
#include "lib/pcapng.h"

#define CAPTURE_DIR	"/var/lib/mica/capture"
#define BEGIN_MS	30000		/* for the daemon to make its file */
#define LOOK_US		20000
#define KEY_LOOKS	25u		/* looks at the file between two at the store */

static volatile sig_atomic_t ending;

static void on_signal(int number)
{
	ending = 1;
}

struct wanted {
	uint64_t snaplen, bytes, frames, until_ms;	/* 0: as the daemon likes; no end */
	const char *dir, *file;
};

static const struct command_option capture_options[] = {
	{ "snaplen", 0, "BYTES", "keep so much of a frame; 128, at most 65535" },
	{ "bytes", 0, "SIZE", "end of the capture; 16m" },
	{ "frames", 'n', "N", "stop after so many" },
	{ "seconds", 0, "N", "stop after so long" },
	{ "dir", 0, "DIR", "mica-netd's --capture-dir; " CAPTURE_DIR },
	{ "stop", 0, NULL, "end one that was left behind" },
	{ NULL, 0, NULL, NULL },
};

static int number(const char *name, uint64_t least, uint64_t most, uint64_t *n)
{
	const char *text = cli_opt(name);
	char *end;

	if (!text)
		return 0;
	*n = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || *n < least || *n > most)
		return cli_fail("MICA-CFG-003", "nic capture", "--%s '%s' is not a number from %llu to %llu",
				name, text, (unsigned long long)least, (unsigned long long)most);
	return 0;
}

static int read_options(struct wanted *w, int argc, char **argv)
{
	uint64_t kib = 0, seconds = 0;
	int status = number("snaplen", 1, 65535, &w->snaplen);

	if (!status)
		status = number("frames", 1, UINT64_MAX, &w->frames);
	if (!status)
		status = number("seconds", 1, 1000000, &seconds);
	if (!status && cli_opt("bytes") && !mica_parse_size_kib(cli_opt("bytes"), &kib))
		status = cli_fail("MICA-MEM-003", "nic capture", "--bytes '%s'", cli_opt("bytes"));
	w->bytes = kib << 10;
	w->until_ms = seconds ? now_ms() + seconds * 1000 : 0;
	w->dir = cli_opt("dir") ? cli_opt("dir") : CAPTURE_DIR;
	w->file = argc > 3 && strcmp(argv[3], "-") ? argv[3] : NULL;
	if (!status && !w->file && isatty(1))
		status = cli_fail("MICA-CFG-003", "nic capture", "a capture is not for a terminal: name a "
				  "file, or send the output to a program");
	return status;
}

/* What the key says: false, nobody captures. */
static bool captured(const struct target *t, const struct mica_device *d)
{
	char text[64];

	device_text(t->s, d, "capture", text, sizeof(text));
	return text[0] && strcmp(text, "0");
}

static int set_key(const struct target *t, const struct mica_device *d, const struct wanted *w)
{
	char node[160], text[64];
	int rc;

	snprintf(node, sizeof(node), "%s/capture", d->back);
	if (!w)
		return mica_store_rm(t->s, node);
	snprintf(text, sizeof(text), "snaplen=%llu,bytes=%llu",
		 (unsigned long long)(w->snaplen ? w->snaplen : 128),
		 (unsigned long long)(w->bytes ? w->bytes : 16u << 20));
	rc = mica_store_put(t->s, node, "%s", text);
	return rc ? cli_fail("MICA-STORE-002", "nic capture", "cannot write %s: %s", node,
			     strerror(-rc)) : 0;
}

/* The daemon's file, once it is there; -1: it is not. */
static int open_source(const char *path)
{
	uint64_t end = now_ms() + cli_timeout(BEGIN_MS);

	for (;;) {
		int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

		if (fd >= 0 || ending || now_ms() >= end)
			return fd;
		usleep(LOOK_US);
	}
}

static int follow(const struct target *t, const struct mica_device *d, const struct wanted *w,
		  struct pcapng_tail *tail)
{
	int rc = 0;

	for (unsigned looks = 1; !rc && !ending; looks++) {
		rc = pcapng_copy(tail);
		if (rc || (w->until_ms && now_ms() >= w->until_ms))
			break;
		/* Somebody stopped it, or the card is gone. */
		if (looks % KEY_LOOKS == 0 && !captured(t, d))
			break;
		usleep(LOOK_US);
	}
	return rc;
}

static int copy_all(const struct target *t, const struct mica_device *d, const struct wanted *w,
		    const char *path, int to)
{
	struct pcapng_tail tail = { .to = to, .most = w->frames };
	int rc;

	tail.from = open_source(path);
	if (tail.from < 0) {
		set_key(t, d, NULL);
		return ending ? 0 : cli_fail("MICA-OP-001", "nic capture", "mica-netd made no %s; does it "
					     "run, with this --capture-dir?", path);
	}
	rc = follow(t, d, w, &tail);
	set_key(t, d, NULL);
	if (!rc)
		rc = pcapng_copy(&tail);
	close(tail.from);
	cli_say("%llu frame%s", (unsigned long long)tail.frames, tail.frames == 1 ? "" : "s");
	if (rc < 0 && rc != -EPIPE)	/* a reader that has seen enough is no failure */
		return cli_fail("MICA-NET-024", "nic capture", "the capture broke off: %s",
				strerror(-rc));
	return 0;
}

static int capture(const struct target *t, const struct mica_device *d, const struct wanted *w)
{
	struct sigaction act = { .sa_handler = on_signal };
	char path[512], network[32];
	int to = 1, status;

	device_text(t->s, d, "network", network, sizeof(network));
	snprintf(path, sizeof(path), "%s/%s/%u.%u.pcapng", w->dir, network, t->id, d->number);
	if (captured(t, d))
		return cli_fail("MICA-NET-023", "nic capture", "%s of %s is being captured already, to %s",
				d->name, t->name, path);
	if (cli.plan) {
		cli_plan("capture", d->name, "of %s to %s", t->name,
			 w->file ? w->file : "standard output");
		return 0;
	}
	if (w->file)
		to = open(w->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (to < 0)
		return cli_fail("MICA-NET-024", "nic capture", "cannot write %s: %s", w->file,
				strerror(errno));
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	signal(SIGPIPE, SIG_IGN);
	unlink(path);			/* of an earlier capture */
	status = set_key(t, d, w);
	if (!status)
		status = copy_all(t, d, w, path, to);
	if (w->file)
		close(to);
	return status;
}

static int capture_run(int argc, char **argv)
{
	autoclean(mica_close) struct mica *m = NULL;
	autoclean(mica_store_close) struct mica_store *s = NULL;
	struct mica_device d;
	struct wanted w = { 0 };
	struct target t;
	int status = cli_opt("stop") ? 0 : read_options(&w, argc, argv);

	if (!status)
		status = device_target(&t, &m, &s, argv[1]);
	if (!status)
		status = device_named(&t, MICA_NIC, argv[2], &d);
	if (!status && d.kernel)
		status = cli_fail("MICA-ABI-001", "nic capture", "the kernel's back end does not capture; its "
				  "interface in dom0 is one for tcpdump");
	if (status || !cli_opt("stop"))
		return status ? status : capture(&t, &d, &w);
	if (!cli.plan)
		set_key(&t, &d, NULL);
	return 0;
}

const struct command cmd_nic_capture = {
	.noun = "nic", .name = "capture", .args = "DOMAIN CARD [FILE|-]",
	.summary = "frames of a running card as pcapng", .run = capture_run,
	.options = capture_options, .min_args = 2, .max_args = 3, .flags = CMD_CHANGES,
	.complete = "domain",
	.more = "Without FILE, and with -, to standard output: mica nic capture web eth0 | tshark -r -\n"
		"It ends with Ctrl-C, --frames, --seconds, or when the card goes.  A frame is marked inbound\n"
		"when it comes from the guest.",
};
