/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mica-netd: options.  See docs/netd.md and docs/man/mica-netd.8.
 *
 * Without --network it is the supervisor (super.c): it looks after /mica/net and runs one worker
 * for each network there.  With it, it is such a worker (worker.c).
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "netd/config.h"
#include "netd/worker.h"

struct settings settings = {
	.capture_dir = "/var/lib/mica/capture",
	.user = "mica-netd",
	.lease_dir = "/var/lib/mica",
	.dnsmasq = "dnsmasq",
	.nft = "nft",
	.sandbox = true,
};

void note(const char *fmt, ...)
{
	char stamp[32], line[1024];
	struct tm tm;
	time_t now = time(NULL);
	va_list args;

	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%F %T", &tm);
	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	/* In one write: workers and supervisor have one log. */
	fprintf(stderr, "%s mica-netd: %s\n", stamp, line);
}

__attribute__((noreturn)) static void usage(int status)
{
	fputs("usage: mica-netd [OPTION]...\n"
	      "  --network NAME     serve this one, in the foreground, with no supervisor\n"
	      "  --tap-fd N         with --network: its uplink's open TAP device\n"
	      "  --capture-dir DIR  captures are DIR/NETWORK/*.pcapng; /var/lib/mica/capture\n"
	      "  --lease-dir DIR    dnsmasq's leases; /var/lib/mica\n"
	      "  --user USER        whom workers become; mica-netd\n"
	      "  --poll-us N        look for work that long before sleeping; 0\n"
	      "  --no-sandbox       keep all privileges (to debug)\n",
	      status ? stderr : stdout);
	exit(status);
}

static unsigned number(const char *option, const char *text, unsigned most)
{
	uint64_t value;

	if (config_number(&value, text, 0, most))
		return (unsigned)value;
	fprintf(stderr, "mica-netd: %s '%s' is not a number from 0 to %u\n", option, text, most);
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "network", required_argument, NULL, 'n' },
		{ "tap-fd", required_argument, NULL, 't' },
		{ "capture-dir", required_argument, NULL, 'c' },
		{ "lease-dir", required_argument, NULL, 'l' },
		{ "user", required_argument, NULL, 'u' },
		{ "poll-us", required_argument, NULL, 'P' },
		{ "no-sandbox", no_argument, NULL, 'S' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *network = NULL;
	int c, tap = -1;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'n': network = optarg; break;
		case 't': tap = (int)number("--tap-fd", optarg, 65535); break;
		case 'c': settings.capture_dir = optarg; break;
		case 'l': settings.lease_dir = optarg; break;
		case 'u': settings.user = optarg; break;
		case 'P': settings.poll_us = number("--poll-us", optarg, 10000); break;
		case 'S': settings.sandbox = false; break;
		case 'h': usage(0);
		default: usage(2);
		}
	}
	if (optind < argc)
		usage(2);
	if (!network)
		return super_run();
	if (!config_name(network)) {
		fprintf(stderr, "mica-netd: '%s' is no name of a network\n", network);
		return 2;
	}
	return worker_run(network, tap);
}
