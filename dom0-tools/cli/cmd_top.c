/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `mica top`: CPU use of each domain, again and again.  On a terminal the model (top_model.h) is
 * painted by ncurses and obeys keys; elsewhere, with -b and in every other format it is printed as
 * lines, one list for each sample.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/top_screen.h"

#define PRESET_MS	2000

static const struct out_column columns[] = {
	{ "name", "NAME", false, false }, { "id", "ID", true, false },
	{ "state", "STATE", false, false }, { "cpu_percent", "CPU%", true, false },
	{ "cpu_ns", "TIME", true, false }, { "memory_kib", "MEMORY", true, false },
	{ "vcpus", "VCPUS", true, false }, { NULL, NULL, false, false },
};

struct top {
	struct mica *m;
	struct mica_store *s;
	struct top_model model;
	uint64_t delay_ms;
	long left;			/* samples to show; -1: until q */
};

/* One look at all domains.  0 or -errno. */
static int sample(struct top *t)
{
	struct xen_sysctl_physinfo host;
	char (*names)[MICA_NAME_MAX];
	mica_dominfo *list;
	int n = mica_domain_list(t->m, &list);
	bool fine;

	if (n < 0)
		return n;
	if (!mica_physinfo(t->m, &host)) {
		t->model.host_cpus = host.nr_cpus;
		t->model.host_kib = host.total_pages * KIB_PER_PAGE;
		t->model.free_kib = host.free_pages * KIB_PER_PAGE;
	}
	names = mica_domain_names(t->s, list, n);
	fine = names && top_model_sample(&t->model, now_ms(), list, n, names);
	free(names);
	free(list);
	return fine ? 0 : -1;
}

static int print(const struct top_model *t)
{
	char left[24], total[24];

	out_list("mica/top/1", "domains", columns);
	for (int i = 0; i < t->nr; i++) {
		const struct top_row *r = &t->rows[i];
		char memory[24], cpu[24];

		human_kib(r->memory_kib, memory);
		human_ns(r->cpu_ns, cpu);
		out_row((struct out_value[]){
			out_text(r->name), out_u64(r->id), out_text(r->state),
			r->fresh ? out_null() : out_real(r->percent, "%.1f", r->percent),
			out_u64_as(r->cpu_ns, "%s", cpu), out_u64_as(r->memory_kib, "%s", memory),
			out_u64(r->vcpus),
		});
	}
	human_kib(t->free_kib, left);
	human_kib(t->host_kib, total);
	out_note("%u CPUs, free %s of %s", t->host_cpus, left, total);
	return out_end();
}

static int run_lines(struct top *t)
{
	int status = 0;

	for (; !status && t->left; t->left -= t->left > 0) {
		usleep((useconds_t)t->delay_ms * 1000);
		if (sample(t))
			return cli_fail("MICA-HV-001", "top", "cannot list domains");
		status = print(&t->model);
		fflush(stdout);
	}
	return status;
}

/* Keys until it is time for the next sample; false: q. */
static bool wait_for_keys(struct top *t)
{
	uint64_t end = now_ms() + t->delay_ms;

	for (;;) {
		uint64_t now = now_ms();
		enum top_key what;

		if (now >= end)
			return true;
		what = top_model_key(&t->model, top_screen_key((int)(end - now)),
				     top_screen_height());
		if (what == TOP_QUIT)
			return false;
		if (what == TOP_SAMPLE)
			return true;
		top_screen_paint(&t->model);
	}
}

static int run_screen(struct top *t)
{
	int rc = 0;

	for (; !rc && t->left; t->left -= t->left > 0) {
		top_screen_paint(&t->model);
		if (!wait_for_keys(t))
			break;
		rc = sample(t);
	}
	top_screen_close();
	return rc ? cli_fail("MICA-HV-001", "top", "cannot list domains") : 0;
}

static int top_run(int argc, char **argv)
{
	autoclean(mica_close) struct mica *m = NULL;
	autoclean(mica_store_close) struct mica_store *s = NULL;
	const char *count = cli_opt("count"), *delay = cli_opt("delay"), *end;
	struct top t = { .delay_ms = PRESET_MS };
	bool screen = isatty(0) && isatty(1) && cli.format == OUT_TABLE && !cli_opt("batch");
	int status;

	if (delay && (!mica_parse_time_ms(delay, &t.delay_ms) || t.delay_ms < 100))
		return cli_fail("MICA-CFG-003", "top", "'%s' is not a time of at least 0.1s", delay);
	t.left = count ? strtol(count, (char **)&end, 10) : screen ? -1 : 1;
	if (count && (*end || t.left < 1))
		return cli_fail("MICA-CFG-003", "top", "'%s' is not a number of samples", count);
	status = cli_open(&m);
	if (status)
		return status;
	cli_try_store(&s);
	t.m = m;
	t.s = s;
	if (sample(&t))
		return cli_fail("MICA-HV-001", "top", "cannot list domains");
	if (screen && top_screen_open())
		status = run_screen(&t);
	else
		status = run_lines(&t);
	top_model_free(&t.model);
	return status;
}

static const struct command_option top_options[] = {
	{ "delay", 'd', "TIME", "between samples (2s)" },
	{ "count", 'n', "N", "so many samples, then end" },
	{ "batch", 'b', NULL, "lines, even on a terminal" },
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_top = {
	.name = "top", .args = "", .summary = "which domain uses the CPUs; q ends",
	.run = top_run, .options = top_options,
	.more = "Keys: c t m n i sort by CPU, time, memory, name, number; r the other way round; arrows\n"
		"and page keys move; space looks at once; q ends.",
};
