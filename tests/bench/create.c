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
 * what one costs is measured before and printed, so that a reader can judge the error.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/mica.h"

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

static uint64_t cost_of_sample(struct mica *m)
{
	uint64_t before = own_time(m);

	for (unsigned i = 0; i < PROBES; i++) {
		new_ran(m, UINT16_MAX / 2);
		pause_us(SAMPLE_US);
	}
	return (own_time(m) - before) / PROBES;
}

int main(int argc, char **argv)
{
	uint64_t before, first = 0, all, sample;
	unsigned samples = 0;
	int status, rc;
	domid_t old;
	struct mica *m;
	pid_t child;

	if (argc < 3) {
		fputs("usage: create-cost LABEL COMMAND [ARGUMENT...]\n", stderr);
		return 2;
	}
	rc = mica_open(&m);
	if (rc)
		die("hypervisor", rc);
	sample = cost_of_sample(m);
	old = newest(m);
	before = own_time(m);
	child = fork();
	if (!child) {
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	while (waitpid(child, &status, WNOHANG) == 0) {
		samples++;
		if (!first && new_ran(m, old))
			first = own_time(m) - before - samples * sample;
		pause_us(SAMPLE_US);
	}
	all = own_time(m) - before - samples * sample;
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		fprintf(stderr, "create-cost: %s failed\n", argv[2]);
		return 1;
	}
	printf("CREATE %s first %llu all %llu sample %llu\n", argv[1],
	       (unsigned long long)(first ? first : all), (unsigned long long)all,
	       (unsigned long long)sample);
	mica_close(m);
	return 0;
}
