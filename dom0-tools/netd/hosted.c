/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hosted networks: NAT by nftables and DHCP by dnsmasq.  What they are told is made here, from
 * checked numbers and names only; the programs are Debian's.  The rules are a table of our own
 * that is replaced as a whole, atomically; nobody else's is touched.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "netd/config.h"
#include "netd/host.h"
#include "netd/worker.h"

#define ADDRESS(a)	(a) >> 24, (a) >> 16 & 255, (a) >> 8 & 255, (a) & 255
#define DHCP_ARGUMENTS	20
#define DHCP_BYTES	1024
#define LEASE_TIME	"1h"

void host_device(char device[IFNAMSIZ], const char *name)
{
	snprintf(device, IFNAMSIZ, "m-%.13s", name);
}

static const char *parse_subnet(struct host_config *c, const char *text)
{
	unsigned a[4], bits;
	int used = 0;

	if (!*text)
		return NULL;
	if (sscanf(text, "%3u.%3u.%3u.%3u/%2u%n", &a[0], &a[1], &a[2], &a[3], &bits, &used) != 5 ||
	    text[used] || a[0] > 255 || a[1] > 255 || a[2] > 255 || a[3] > 255 || bits < 8 ||
	    bits > 29)
		return "subnet is not as in 10.1.0.0/24, with 8 to 29 bits";
	c->bits = bits;
	c->mask = ~0u << (32 - bits);
	c->address = a[0] << 24 | a[1] << 16 | a[2] << 8 | a[3];
	if (!(c->address & ~c->mask))
		c->address |= 1;	/* the network's own: take the first station's */
	c->routed = true;
	return NULL;
}

static const char *parse_uplink(struct host_config *c, const char *text)
{
	if (!*text || !strcmp(text, "none"))
		return NULL;
	c->uplink = true;
	if (!strcmp(text, "tap"))
		return NULL;
	if (strncmp(text, "bridge:", 7) || !text[7] || strlen(text + 7) >= IFNAMSIZ ||
	    strpbrk(text + 7, "/ \t\n"))
		return "uplink is neither none, tap nor bridge:NAME";
	strcpy(c->bridge, text + 7);
	return NULL;
}

const char *host_parse(struct host_config *c, const struct host_words *w)
{
	const char *bad;
	uint64_t mtu = 1500;

	memset(c, 0, sizeof(*c));
	bad = parse_uplink(c, w->uplink);
	if (!bad)
		bad = parse_subnet(c, w->subnet);
	if (bad)
		return bad;
	c->nat = !strcmp(w->nat, "1");
	c->dhcp = !strcmp(w->dhcp, "1");
	if (*w->mtu && !config_number(&mtu, w->mtu, 576, 65000))
		return "mtu is not a number from 576 to 65000";
	c->mtu = (uint32_t)mtu;
	if ((c->nat || c->dhcp) && !c->routed)
		return "nat and dhcp need a subnet";
	if (c->bridge[0] && c->routed)
		return "a bridged uplink has no subnet of its own; give the bridge the address";
	c->uplink |= c->routed;
	return NULL;
}

/* nftables' names have no '-', networks' have no '_'. */
static void table_name(char *to, size_t room, const char *name)
{
	snprintf(to, room, "mica_%s", name);
	for (; *to; to++)
		if (*to == '-')
			*to = '_';
}

int nat_no_rules(char *to, size_t room, const char *name)
{
	char table[32];
	int n;

	table_name(table, sizeof(table), name);
	/* Adding what may be there makes deleting it never fail. */
	n = snprintf(to, room, "add table ip %s\ndelete table ip %s\n", table, table);
	return (size_t)n < room ? n : -1;
}

int nat_rules(char *to, size_t room, const char *name, const struct host_config *c)
{
	char table[32], device[IFNAMSIZ], net[32];
	int at = nat_no_rules(to, room, name), n;

	if (at < 0)
		return -1;
	table_name(table, sizeof(table), name);
	host_device(device, name);
	snprintf(net, sizeof(net), "%u.%u.%u.%u/%u", ADDRESS(c->address & c->mask), c->bits);
	n = snprintf(to + at, room - (size_t)at,
		     "table ip %s {\n"
		     "	chain out {\n"
		     "		type nat hook postrouting priority 100; policy accept;\n"
		     "		ip saddr %s ip daddr != %s masquerade\n"
		     "	}\n"
		     "	chain in {\n"
		     "		type filter hook forward priority 0; policy accept;\n"
		     "		oifname \"%s\" ct state established,related accept\n"
		     "		oifname \"%s\" drop\n"
		     "		iifname \"%s\" ip saddr != %s drop\n"
		     "	}\n"
		     "}\n", table, net, net, device, device, device, net);
	return (size_t)(at + n) < room ? at + n : -1;
}

__attribute__((format(printf, 4, 5))) static bool add(const char **argv, char **text, char *end,
						      const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(*text, (size_t)(end - *text), fmt, args);
	va_end(args);
	*argv = *text;
	*text += n + 1;
	return *text < end;
}

int dhcp_arguments(const char **argv, size_t args, char *text, size_t room, const char *name,
		   const struct host_config *c)
{
	uint32_t first = (c->address & c->mask) + 1, last = (c->address | ~c->mask) - 1;
	char device[IFNAMSIZ], *end = text + room;
	size_t n = 0;

	/* The larger part beside dom0's own address. */
	if (last - c->address >= c->address - first)
		first = c->address + 1;
	else
		last = c->address - 1;
	host_device(device, name);
	if (args < DHCP_ARGUMENTS)
		return -1;
	argv[n++] = settings.dnsmasq;
	argv[n++] = "--keep-in-foreground";
	argv[n++] = "--conf-file=/dev/null";
	argv[n++] = "--no-hosts";
	argv[n++] = "--bind-interfaces";
	argv[n++] = "--except-interface=lo";
	argv[n++] = "--dhcp-authoritative";
	argv[n++] = "--pid-file=";
	argv[n++] = "--log-facility=-";
	if (!add(&argv[n++], &text, end, "--interface=%s", device) ||
	    !add(&argv[n++], &text, end, "--dhcp-leasefile=%s/%s.leases", settings.lease_dir, name) ||
	    !add(&argv[n++], &text, end, "--dhcp-range=%u.%u.%u.%u,%u.%u.%u.%u," LEASE_TIME,
		 ADDRESS(first), ADDRESS(last)) ||
	    !add(&argv[n++], &text, end, "--dhcp-option=26,%u", c->mtu))
		return -1;
	argv[n] = NULL;
	return (int)n;
}

/* In the child: nothing inherited but standard error, and gone with the supervisor. */
__attribute__((noreturn)) static void run(const char *const *argv, int in)
{
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(in, 0);
	dup2(2, 1);
	execvp(argv[0], (char *const *)argv);
	fprintf(stderr, "mica-netd: cannot run %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

int nat_apply(const char *input)
{
	const char *argv[] = { settings.nft, "-f", "-", NULL };
	size_t n = strlen(input);
	int ends[2], status = 0;
	pid_t pid = -1;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	/* All of it, or an error, before anybody reads: a program that ends at once breaks no pipe. */
	if (write(ends[1], input, n) != (ssize_t)n || fcntl(ends[0], F_SETFL, 0))
		status = -EMSGSIZE;
	close(ends[1]);
	if (!status) {
		pid = fork();
		if (!pid)
			run(argv, ends[0]);
		status = -errno;
	}
	close(ends[0]);
	if (pid < 0)
		return status;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

pid_t dhcp_start(const char *name, const struct host_config *c)
{
	const char *argv[DHCP_ARGUMENTS];
	char text[DHCP_BYTES];
	int null;
	pid_t pid;

	if (dhcp_arguments(argv, DHCP_ARGUMENTS, text, sizeof(text), name, c) < 0)
		return -ENAMETOOLONG;
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	pid = fork();
	if (!pid)
		run(argv, null);
	close(null);
	return pid < 0 ? -errno : pid;
}

int host_forward(void)
{
	int fd = open("/proc/sys/net/ipv4/ip_forward", O_WRONLY | O_CLOEXEC), rc = 0;

	if (fd < 0 || write(fd, "1\n", 2) != 2)
		rc = -errno;
	if (fd >= 0)
		close(fd);
	return rc;
}
