/* SPDX-License-Identifier: BSD-2-Clause */
/* `mica cpu`: vCPUs - where they run, how many, what share of the CPUs they get. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static const struct out_column columns[] = {
	{ "name", "NAME", false, false }, { "id", "ID", true, false },
	{ "vcpu", "VCPU", true, false }, { "cpu", "CPU", true, false },
	{ "state", "STATE", false, false }, { "cpu_ns", "TIME", true, false },
	{ "affinity", "MAY RUN ON", false, false }, { "weight", "WEIGHT", true, true },
	{ "cap_percent", "CAP", true, true }, { NULL, NULL, false, false },
};

static void show_domain(struct target *t, unsigned nr_cpus)
{
	unsigned weight = 0, cap = 0;

	mica_sched_get(t->m, t->id, &weight, &cap);
	for (unsigned v = 0; v <= t->info.max_vcpu_id && v < 8192; v++) {
		struct xen_domctl_getvcpuinfo info;
		uint8_t cpus[MICA_CPUSET_BYTES];
		char set[128] = "?", time[24];

		if (mica_vcpu_info(t->m, t->id, v, &info))
			continue;
		if (!mica_vcpu_get_affinity(t->m, t->id, v, cpus))
			human_cpus(cpus, nr_cpus, set, sizeof(set));
		human_ns(info.cpu_time, time);
		out_row((struct out_value[]){
			out_text(t->name), out_u64(t->id), out_u64(v),
			info.online ? out_u64(info.cpu) : out_null(),
			out_text(!info.online ? "offline" : info.running ? "running" :
				 info.blocked ? "blocked" : "waiting"),
			out_u64_as(info.cpu_time, "%s", time), out_text(set), out_u64(weight),
			out_u64_as(cap, cap ? "%u %%" : "none", cap),
		});
	}
}

static int show_run(int argc, char **argv)
{
	autoclean(mica_close) struct mica *m = NULL;
	autoclean(mica_store_close) struct mica_store *s = NULL;
	struct xen_sysctl_physinfo host = { .max_cpu_id = 0 };
	struct target t;
	mica_dominfo *list;
	int n, status = cli_open(&m);

	if (status)
		return status;
	cli_try_store(&s);
	mica_physinfo(m, &host);
	out_list("mica/cpu-show/1", "vcpus", columns);
	for (int i = 1; i < argc && !status; i++) {
		status = cli_target(&t, m, s, argv[i]);
		if (!status)
			show_domain(&t, host.max_cpu_id + 1);
	}
	n = argc == 1 ? mica_domain_list(m, &list) : -1;
	for (int i = 0; i < n; i++) {
		t = (struct target){ .m = m, .s = s, .id = list[i].domain, .info = list[i] };
		mica_domain_name(s, t.id, t.name);
		show_domain(&t, host.max_cpu_id + 1);
	}
	if (n >= 0)
		free(list);
	return status ? status : out_end();
}

const struct command cmd_cpu_show = {
	.noun = "cpu", .name = "show", .args = "[DOMAIN...]", .summary = "vCPUs and where they run",
	.run = show_run, .max_args = 1000, .complete = "domain",
};

/* Opens all and finds argv[1]. */
static int begin(char **argv, struct mica **m, struct mica_store **s, struct target *t)
{
	int status = cli_open(m);

	if (status)
		return status;
	cli_try_store(s);
	return cli_target(t, *m, *s, argv[1]);
}

static int pin_run(int argc, char **argv)
{
	autoclean(mica_close) struct mica *m = NULL;
	autoclean(mica_store_close) struct mica_store *s = NULL;
	uint8_t cpus[MICA_CPUSET_BYTES];
	bool every = !strcmp(argv[2], "all");
	unsigned first = every ? 0 : (unsigned)strtoul(argv[2], NULL, 10), last = first;
	struct target t;
	int rc, status;

	if (!every && !isdigit((unsigned char)argv[2][0]))
		return cli_fail("MICA-CPU-001", "cpu pin", "'%s' is not the number of a vCPU, or all",
				argv[2]);
	if (!mica_parse_cpus(argv[3], cpus))
		return cli_fail("MICA-CPU-001", "cpu pin", "'%s' is not a set of CPUs such as 0-3,6",
				argv[3]);
	status = begin(argv, &m, &s, &t);
	if (status)
		return status;
	if (every)
		last = t.info.max_vcpu_id;
	if (cli.plan) {
		cli_plan("pin", t.name, "vCPU %s to CPUs %s", argv[2], argv[3]);
		return 0;
	}
	for (unsigned v = first; v <= last; v++) {
		rc = mica_vcpu_set_affinity(m, t.id, v, cpus);
		if (rc)
			return cli_fail("MICA-CPU-002", "cpu pin", "vCPU %u of '%s' to CPUs %s: %s", v,
					t.name, argv[3], strerror(-rc));
	}
	return 0;
}

const struct command cmd_cpu_pin = {
	.noun = "cpu", .name = "pin", .args = "DOMAIN VCPU CPUS",
	.summary = "let a vCPU (or all) run only on some CPUs", .run = pin_run, .min_args = 3,
	.max_args = 4, .flags = CMD_CHANGES, .complete = "domain",
};

/* How many vCPUs the guest brings up; it answers by doing so. */
static int set_run(int argc, char **argv)
{
	autoclean(mica_close) struct mica *m = NULL;
	autoclean(mica_store_close) struct mica_store *s = NULL;
	unsigned n = (unsigned)strtoul(argv[2], NULL, 10);
	struct mica_error e;
	struct target t;
	uint64_t end;
	int rc = 0, status = begin(argv, &m, &s, &t);

	if (status)
		return status;
	if (!n || n > t.info.max_vcpu_id + 1)
		return cli_fail("MICA-CFG-003", "cpu set", "'%s' can have 1 to %u vCPUs", t.name,
				t.info.max_vcpu_id + 1);
	if (!s)
		return cli_open_store(&s);
	if (cli.plan) {
		cli_plan("set vCPUs of", t.name, "%u", n);
		return 0;
	}
	for (unsigned v = 0; v <= t.info.max_vcpu_id && !rc; v++) {
		char path[80];

		snprintf(path, sizeof(path), "/local/domain/%u/cpu/%u/availability", t.id, v);
		rc = mica_store_put(s, path, "%s", v < n ? "online" : "offline");
	}
	if (rc)
		return cli_fail("MICA-STORE-002", "cpu set", "cannot write to the store: %s",
				strerror(-rc));
	for (end = now_ms() + cli_timeout(30000); !cli.no_wait;) {
		char *event, *token;

		if (mica_domain_info(m, t.id, &t.info) || t.info.nr_online_vcpus == n)
			return 0;
		if (now_ms() >= end)
			break;
		if (mica_store_event(s, 100, &event, &token) == 1)
			free(event);
	}
	if (cli.no_wait)
		return 0;
	mica_fail(&e, "MICA-GUEST-001", "'%s' has %u vCPUs on, not %u", t.name,
		  t.info.nr_online_vcpus, n);
	mica_hint(&e, "the guest decides; in it: echo 1 >/sys/devices/system/cpu/cpuN/online");
	mica_hint(&e, "mica console %s", t.name);
	return cli_report(&e);
}

const struct command cmd_cpu_set = {
	.noun = "cpu", .name = "set", .args = "DOMAIN N", .summary = "how many vCPUs it brings up",
	.run = set_run, .min_args = 2, .max_args = 2, .flags = CMD_CHANGES, .complete = "domain",
};

/* weight and cap: print it without a value, else set it. */
static int share(int argc, char **argv, bool is_cap)
{
	static const struct out_column share_columns[] = {
		{ "name", "NAME", false, false }, { "id", "ID", true, false },
		{ "weight", "WEIGHT", true, false }, { "cap_percent", "CAP", true, false },
		{ NULL, NULL, false, false },
	};
	autoclean(mica_close) struct mica *m = NULL;
	autoclean(mica_store_close) struct mica_store *s = NULL;
	unsigned weight = 0, cap = 0;
	struct mica_error e;
	struct target t;
	char *end;
	int rc, status = begin(argv, &m, &s, &t);

	if (status)
		return status;
	if (argc == 3 && is_cap) {
		cap = (unsigned)strtoul(argv[2], &end, 10);
		if (!isdigit((unsigned char)argv[2][0]) || (*end && strcmp(end, "%")) || cap > 65535)
			return cli_fail("MICA-CFG-003", "cpu cap", "'%s' is not percent of one CPU, 0 "
					"for none", argv[2]);
	} else if (argc == 3 && !mica_parse_weight(argv[2], &weight)) {
		return cli_fail("MICA-CFG-003", "cpu weight", "'%s' is not 1 to 65535, background, "
				"normal, interactive or system", argv[2]);
	}
	if (argc == 3 && cli.plan) {
		cli_plan(is_cap ? "cap" : "weigh", t.name, "%s", argv[2]);
		return 0;
	}
	rc = argc == 3 ? mica_sched_set(m, t.id, weight, is_cap ? (int)cap : -1) : 0;
	if (!rc)
		rc = mica_sched_get(m, t.id, &weight, &cap);
	if (rc) {
		mica_fail_errno(&e, rc, "share of CPU time of '%s'", t.name);
		return cli_report(&e);
	}
	if (argc == 3 && cli.format == OUT_TABLE)
		return 0;
	out_list("mica/cpu-share/1", "domains", share_columns);
	out_row((struct out_value[]){ out_text(t.name), out_u64(t.id), out_u64(weight),
				      out_u64_as(cap, cap ? "%u %%" : "none", cap) });
	return out_end();
}

static int weight_run(int argc, char **argv)
{
	return share(argc, argv, false);
}

static int cap_run(int argc, char **argv)
{
	return share(argc, argv, true);
}

const struct command cmd_cpu_weight = {
	.noun = "cpu", .name = "weight", .args = "DOMAIN [WEIGHT]",
	.summary = "its share of CPU time against the others", .run = weight_run, .min_args = 1,
	.max_args = 2, .flags = CMD_CHANGES, .complete = "domain",
	.more = "1 to 65535, or background (64), normal (256), interactive (512), system (1024).",
};

const struct command cmd_cpu_cap = {
	.noun = "cpu", .name = "cap", .args = "DOMAIN [PERCENT]",
	.summary = "most CPU time it may use, percent of one CPU", .run = cap_run, .min_args = 1,
	.max_args = 2, .flags = CMD_CHANGES, .complete = "domain",
};

static int ratelimit_run(int argc, char **argv)
{
	static const struct out_column limit_columns[] = {
		{ "ratelimit_us", "RATE LIMIT", true, false }, { NULL, NULL, false, false },
	};
	autoclean(mica_close) struct mica *m = NULL;
	struct mica_error e;
	unsigned long us = 0;
	unsigned now = 0;
	char *end;
	int rc;

	if (argc == 2) {
		us = strtoul(argv[1], &end, 10);
		if (!isdigit((unsigned char)argv[1][0]) || (*end && strcmp(end, "us")) ||
		    (us && (us < XEN_SYSCTL_SCHED_RATELIMIT_MIN || us > XEN_SYSCTL_SCHED_RATELIMIT_MAX)))
			return cli_fail("MICA-CFG-003", "cpu ratelimit", "'%s' is not %u to %u "
					"microseconds, or 0 for none", argv[1], XEN_SYSCTL_SCHED_RATELIMIT_MIN,
					XEN_SYSCTL_SCHED_RATELIMIT_MAX);
		if (cli.plan) {
			cli_plan("limit", "the rate of preemption", "%lu us", us);
			return 0;
		}
	}
	rc = cli_open(&m);
	if (rc)
		return rc;
	rc = argc == 2 ? mica_ratelimit_set(m, (unsigned)us) : 0;
	rc = rc ? rc : mica_ratelimit_get(m, &now);
	if (rc) {
		mica_fail_errno(&e, rc, "rate limit of the scheduler");
		return cli_report(&e);
	}
	if (argc == 2 && cli.format == OUT_TABLE)
		return 0;
	out_list("mica/cpu-ratelimit/1", "schedulers", limit_columns);
	out_row((struct out_value[]){ out_u64_as(now, now ? "%u us" : "none", now) });
	return out_end();
}

const struct command cmd_cpu_ratelimit = {
	.noun = "cpu", .name = "ratelimit", .args = "[MICROSECONDS]",
	.summary = "how long a guest runs before it is preempted for one that woke",
	.run = ratelimit_run, .max_args = 1, .flags = CMD_CHANGES,
	.more = "0, the default, is the shortest way to an answer.  200 and more let guests fill their rings "
		"before a back end runs: best with the kernel's own back ends.",
};
