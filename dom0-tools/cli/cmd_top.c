/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `mica top`: CPU use of each domain, again and again.  The model is two samples and their
 * difference; the screen is plain escape sequences, or nothing but lines when output is no
 * terminal, so it needs no terminal database.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/cli.h"

#define PRESET_MS	2000

static const struct out_column columns[] = {
	{ "name", "NAME", false, false }, { "id", "ID", true, false },
	{ "state", "STATE", false, false }, { "cpu_percent", "CPU%", true, false },
	{ "cpu_ns", "TIME", true, false }, { "memory_kib", "MEMORY", true, false },
	{ "vcpus", "VCPUS", true, false }, { NULL, NULL, false, false },
};

struct sample {
	uint64_t at_ms;
	mica_dominfo *list;
	int n;
};

struct line {
	const mica_dominfo *info;
	double percent;
};

static uint64_t cpu_before(const struct sample *s, const mica_dominfo *info)
{
	for (int i = 0; i < s->n; i++)
		if (s->list[i].domain == info->domain &&
		    !memcmp(s->list[i].handle, info->handle, sizeof(info->handle)))
			return s->list[i].cpu_time;
	return info->cpu_time;
}

static int by_use(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->percent != y->percent)
		return x->percent < y->percent ? 1 : -1;
	return x->info->domain - y->info->domain;
}

static int show(struct mica *m, struct mica_store *s, const struct sample *was,
		const struct sample *now)
{
	struct line *lines = calloc((size_t)now->n + 1, sizeof(*lines));
	double ns = (double)(now->at_ms - was->at_ms) * 1e6;
	struct xen_sysctl_physinfo host;
	char left[24], total[24];

	for (int i = 0; lines && i < now->n; i++) {
		uint64_t used = now->list[i].cpu_time - cpu_before(was, &now->list[i]);

		lines[i] = (struct line){ &now->list[i], ns > 0 ? (double)used / ns * 100 : 0 };
	}
	if (lines)
		qsort(lines, (size_t)now->n, sizeof(*lines), by_use);
	out_list("mica/top/1", "domains", columns);
	for (int i = 0; lines && i < now->n; i++) {
		const mica_dominfo *info = lines[i].info;
		char name[MICA_NAME_MAX], memory[24], cpu[24];

		mica_domain_name(s, info->domain, name);
		human_kib(info->tot_pages * KIB_PER_PAGE, memory);
		human_ns(info->cpu_time, cpu);
		out_row((struct out_value[]){
			out_text(name), out_u64(info->domain), out_text(state_word(info)),
			out_real(lines[i].percent, "%.1f", lines[i].percent),
			out_u64_as(info->cpu_time, "%s", cpu),
			out_u64_as(info->tot_pages * KIB_PER_PAGE, "%s", memory),
			out_u64(info->nr_online_vcpus),
		});
	}
	if (!mica_physinfo(m, &host)) {
		human_kib(host.free_pages * KIB_PER_PAGE, left);
		human_kib(host.total_pages * KIB_PER_PAGE, total);
		out_note("%u CPUs, free %s of %s", host.nr_cpus, left, total);
	}
	free(lines);
	return out_end();
}

/* True: q was typed, or there is nothing to type on and it is time. */
static bool wait_or_quit(uint64_t ms, bool keyboard)
{
	struct pollfd key = { .fd = keyboard ? 0 : -1, .events = POLLIN };
	char c;

	if (poll(&key, 1, (int)ms) <= 0)
		return false;
	return read(0, &c, 1) <= 0 || c == 'q' || c == 'Q' || c == 3;
}

static int top_run(int argc, char **argv)
{
	autoclean(mica_close) struct mica *m = NULL;
	autoclean(mica_store_close) struct mica_store *s = NULL;
	const char *count = cli_opt("count"), *delay = cli_opt("delay");
	bool screen = isatty(1) && cli.format == OUT_TABLE && !cli_opt("batch");
	bool keyboard = screen && isatty(0);
	long left = count ? atol(count) : screen ? -1 : 1;
	uint64_t pause_ms = PRESET_MS;
	struct sample was, now;
	struct termios before, raw;
	int status = cli_open(&m);

	if (status)
		return status;
	if (delay && (!mica_parse_time_ms(delay, &pause_ms) || pause_ms < 100))
		return cli_fail("MICA-CFG-003", "top", "'%s' is not a time of at least 0.1s", delay);
	cli_try_store(&s);
	if (keyboard && !tcgetattr(0, &before)) {
		raw = before;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		tcsetattr(0, TCSANOW, &raw);
	}
	was.at_ms = now_ms();
	was.n = mica_domain_list(m, &was.list);
	while (!status && left && was.n >= 0) {
		if (wait_or_quit(pause_ms, keyboard))
			break;
		now.at_ms = now_ms();
		now.n = mica_domain_list(m, &now.list);
		if (now.n < 0)
			break;
		if (screen)
			fputs("\033[H\033[2J", stdout);
		status = show(m, s, &was, &now);
		free(was.list);
		was = now;
		left -= left > 0;
	}
	if (was.n >= 0)
		free(was.list);
	if (keyboard)
		tcsetattr(0, TCSANOW, &before);
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
};
