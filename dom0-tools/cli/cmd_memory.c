/* SPDX-License-Identifier: BSD-2-Clause */
/* `mica memory`: what domains own, what they should own (balloon target), what they may own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

#define SLACK_KIB	1024
#define SETTLED_KIB	1024		/* a balloon is there when it is this near */

static const struct out_column columns[] = {
	{ "name", "NAME", false, false }, { "id", "ID", true, false },
	{ "memory_kib", "HAS", true, false }, { "target_kib", "TARGET", true, false },
	{ "limit_kib", "LIMIT", true, false }, { "static_max_kib", "MAXMEM", true, false },
	{ NULL, NULL, false, false },
};

static uint64_t store_kib(struct target *t, const char *node)
{
	char text[32];

	if (!t->s || mica_store_get(t->s, text, sizeof(text), "/local/domain/%u/%s", t->id, node))
		return 0;
	return strtoull(text, NULL, 10);
}

static struct out_value size(uint64_t kib)
{
	char text[24];

	if (!kib)
		return out_null();
	human_kib(kib, text);
	return out_u64_as(kib, "%s", text);
}

static void row(struct target *t)
{
	bool unlimited = t->info.max_pages >= UINT32_MAX;

	out_row((struct out_value[]){
		out_text(t->name), out_u64(t->id), size(t->info.tot_pages * KIB_PER_PAGE),
		size(store_kib(t, "memory/target")),
		unlimited ? out_null() : size(t->info.max_pages * KIB_PER_PAGE),
		size(store_kib(t, "memory/static-max")),
	});
}

static int show_run(int argc, char **argv)
{
	autoclean(mica_close) struct mica *m = NULL;
	autoclean(mica_store_close) struct mica_store *s = NULL;
	struct xen_sysctl_physinfo host;
	struct target t;
	mica_dominfo *list;
	char left[24], total[24];
	int n, status = cli_open(&m);

	if (status)
		return status;
	cli_try_store(&s);
	out_list("mica/memory-show/1", "domains", columns);
	for (int i = 1; i < argc && !status; i++) {
		status = cli_target(&t, m, s, argv[i]);
		if (!status)
			row(&t);
	}
	n = argc == 1 ? mica_domain_list(m, &list) : -1;
	for (int i = 0; i < n; i++) {
		t = (struct target){ .m = m, .s = s, .id = list[i].domain, .info = list[i] };
		mica_domain_name(s, t.id, t.name);
		row(&t);
	}
	if (n >= 0) {
		free(list);
		if (!mica_physinfo(m, &host)) {
			human_kib(host.free_pages * KIB_PER_PAGE, left);
			human_kib(host.total_pages * KIB_PER_PAGE, total);
			out_extra("host_free_kib", out_u64(host.free_pages * KIB_PER_PAGE));
			out_note("free %s of %s", left, total);
		}
	}
	return status ? status : out_end();
}

const struct command cmd_memory_show = {
	.noun = "memory", .name = "show", .args = "[DOMAIN...]",
	.summary = "memory the domains have, should have and may have", .run = show_run,
	.max_args = 1000, .complete = "domain",
};

/* The guest's balloon follows its target; wait until it has. */
static int await_balloon(struct target *t, uint64_t kib)
{
	uint64_t end = now_ms() + cli_timeout(30000), has = 0;
	struct mica_error e;
	char *event, *token;

	while (!cli.no_wait) {
		if (mica_domain_info(t->m, t->id, &t->info))
			return 0;
		has = t->info.tot_pages * KIB_PER_PAGE;
		if (has <= kib + SETTLED_KIB && has + SETTLED_KIB >= kib)
			return 0;
		if (now_ms() >= end)
			break;
		if (mica_store_event(t->s, 100, &event, &token) == 1)
			free(event);
	}
	if (cli.no_wait)
		return 0;
	mica_fail(&e, "MICA-GUEST-001", "'%s' has %llu MiB, not %llu", t->name,
		  (unsigned long long)has >> 10, (unsigned long long)kib >> 10);
	mica_hint(&e, "the target stays set; its balloon driver follows when it can");
	return cli_report(&e);
}

static int begin(char **argv, struct mica **m, struct mica_store **s, struct target *t,
		 uint64_t *kib)
{
	int status;

	if (!mica_parse_size_kib(argv[2], kib) || !*kib)
		return cli_fail("MICA-MEM-003", argv[0], "'%s' is not a size such as 512m", argv[2]);
	status = cli_open_both(m, s);
	return status ? status : cli_target(t, *m, *s, argv[1]);
}

static int set_run(int argc, char **argv)
{
	autoclean(mica_close) struct mica *m = NULL;
	autoclean(mica_store_close) struct mica_store *s = NULL;
	struct mica_error e;
	struct target t;
	uint64_t kib, most;
	char path[64];
	int rc, status = begin(argv, &m, &s, &t, &kib);

	if (status)
		return status;
	most = store_kib(&t, "memory/static-max");
	if (most && kib > most)
		return cli_fail("MICA-CFG-003", "memory set", "'%s' was created with maxmem %llu MiB and "
				"cannot have more", t.name, (unsigned long long)most >> 10);
	if (cli.plan) {
		cli_plan("set memory of", t.name, "%llu KiB", (unsigned long long)kib);
		return 0;
	}
	/* The limit comes first; below what it has now it only means "no more". */
	rc = t.id ? mica_domain_max_mem(m, t.id, kib + SLACK_KIB) : 0;
	if (rc) {
		mica_fail_errno(&e, rc, "memory limit of '%s'", t.name);
		return cli_report(&e);
	}
	snprintf(path, sizeof(path), "/local/domain/%u/memory/target", t.id);
	rc = mica_store_put(s, path, "%llu", (unsigned long long)kib);
	if (rc)
		return cli_fail("MICA-STORE-002", "memory set", "cannot write %s: %s", path,
				strerror(-rc));
	return await_balloon(&t, kib);
}

const struct command cmd_memory_set = {
	.noun = "memory", .name = "set", .args = "DOMAIN SIZE",
	.summary = "make it have so much (balloon)", .run = set_run, .min_args = 2, .max_args = 2,
	.flags = CMD_CHANGES, .complete = "domain",
};

static int max_run(int argc, char **argv)
{
	autoclean(mica_close) struct mica *m = NULL;
	autoclean(mica_store_close) struct mica_store *s = NULL;
	struct mica_error e;
	struct target t;
	uint64_t kib;
	char path[64];
	int rc, status = begin(argv, &m, &s, &t, &kib);

	if (status)
		return status;
	if (t.id && kib < t.info.tot_pages * KIB_PER_PAGE)
		return cli_fail("MICA-CFG-003", "memory max", "'%s' has %llu KiB now; set that lower "
				"first", t.name,
				(unsigned long long)t.info.tot_pages * KIB_PER_PAGE);
	if (cli.plan) {
		cli_plan("limit memory of", t.name, "%llu KiB", (unsigned long long)kib);
		return 0;
	}
	rc = mica_domain_max_mem(m, t.id, kib + SLACK_KIB);
	if (rc) {
		mica_fail_errno(&e, rc, "memory limit of '%s'", t.name);
		return cli_report(&e);
	}
	snprintf(path, sizeof(path), "/local/domain/%u/memory/static-max", t.id);
	rc = mica_store_put(s, path, "%llu", (unsigned long long)kib);
	return rc ? cli_fail("MICA-STORE-002", "memory max", "cannot write %s: %s", path,
			     strerror(-rc)) : 0;
}

const struct command cmd_memory_max = {
	.noun = "memory", .name = "max", .args = "DOMAIN SIZE", .summary = "the most it may ever have",
	.run = max_run, .min_args = 2, .max_args = 2, .flags = CMD_CHANGES, .complete = "domain",
};
