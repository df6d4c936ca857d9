/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What creating a guest costs the control domain, hypervisor included:
 *
 *	create-cost LABEL COMMAND [ARGUMENT...]
 *
 * Runs the command and prints two numbers, each the CPU time dom0 used (all its processes and its
 * kernel; what the hypervisor does for it counts as its time, idling does not):
 *
 *	first	from exec to the first sample in which the new domain has run
 *	all	from exec to the command's end
 *
 * Under QEMU's -icount with shift 0 a nanosecond is an instruction.  Samples are SAMPLE_US apart;
 * what one costs is measured before, taken off, and printed, so that a reader can judge the error.
 * Guests that run meanwhile are not counted: their time is theirs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/mica.h"

/* For tests/bench/count.c, which counts between the two: nopl MARK(%rax,%rax) */
#define MARKER(mark) __asm__ volatile(".byte 0x0f, 0x1f, 0x84, 0x00; .long " #mark ::: "memory")

#define SAMPLE_US	250
#define PROBES		64

static void die(const char *what, int rc)
{
	fprintf(stderr, "create-cost: %s: %s\n", what, strerror(rc < 0 ? -rc : rc));
	exit(2);
}

static uint64_t own_time(struct mica *m)
{
	mica_dominfo info;
	int rc = mica_domain_info(m, 0, &info);

	if (rc)
		die("dom0", rc);
	return info.cpu_time;
}

/* Has a domain beyond those of before run? */
static bool new_ran(struct mica *m, domid_t after)
{
	struct xen_domctl op = { 0 };

	/* This call answers for the first domain from the number on. */
	return !mica_domctl(m, XEN_DOMCTL_getdomaininfo, after + 1, &op) &&
		op.u.getdomaininfo.cpu_time;
}

static domid_t newest(struct mica *m)
{
	mica_dominfo *list;
	int n = mica_domain_list(m, &list);
	domid_t id = 0;

	if (n <= 0)
		die("list", n);
	for (int i = 0; i < n; i++)
		if (list[i].domain > id)
			id = list[i].domain;
	free(list);
	return id;
}

static void pause_us(unsigned us)
{
	const struct timespec t = { .tv_nsec = us * 1000l };

	nanosleep(&t, NULL);
}

/* One turn of the loop in measure(), with or without a look for the new domain. */
static bool sample(struct mica *m, bool look, domid_t after)
{
	bool ran = look && new_ran(m, after);

	if (!ran)
		pause_us(SAMPLE_US);
	return ran;
}

static uint64_t cost_of_sample(struct mica *m, bool look, domid_t after)
{
	uint64_t before = own_time(m);
	int status;

	for (unsigned i = 0; i < PROBES; i++) {
		waitpid(-1, &status, WNOHANG);
		sample(m, look, after);
	}
	return (own_time(m) - before) / PROBES;
}

struct cost {
	uint64_t first, all, sample;
	int status;
};

static void measure(struct mica *m, char **command, struct cost *c)
{
	domid_t old = newest(m);
	uint64_t look = cost_of_sample(m, true, old), wait = cost_of_sample(m, false, old);
	uint64_t before = own_time(m), sampling = 0;
	pid_t child;

	MARKER(0x4143494d);
	child = fork();
	if (!child) {
		execvp(command[0], command);
		_exit(127);
	}
	*c = (struct cost){ .sample = look };
	while (waitpid(child, &c->status, WNOHANG) == 0) {
		if (sample(m, !c->first, old)) {
			c->first = own_time(m) - before - sampling;
			MARKER(0x4143494e);
		} else {
			sampling += c->first ? wait : look;
		}
	}
	c->all = own_time(m) - before - sampling;
	if (!c->first)
		c->first = c->all;
}

int main(int argc, char **argv)
{
	struct cost c;
	struct mica *m;
	int rc;

	if (argc < 3) {
		fputs("usage: create-cost LABEL COMMAND [ARGUMENT...]\n", stderr);
		return 2;
	}
	rc = mica_open(&m);
	if (rc)
		die("hypervisor", rc);
	measure(m, argv + 2, &c);
	mica_close(m);
	if (!WIFEXITED(c.status) || WEXITSTATUS(c.status)) {
		fprintf(stderr, "create-cost: %s failed\n", argv[2]);
		return 1;
	}
	printf("CREATE %s first %llu all %llu sample %llu\n", argv[1], (unsigned long long)c.first,
	       (unsigned long long)c.all, (unsigned long long)c.sample);
	return 0;
}
