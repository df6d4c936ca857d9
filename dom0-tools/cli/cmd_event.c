/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `mica event`: life of domains as it happens, one line or JSON object each, in order.  The store
 * says that something changed; what changed is found by comparing the hypervisor's list with the
 * one before, so nothing is missed and nothing depends on who caused it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"

#define POLL_MS	500		/* pausing tells nobody; this bounds how late it is seen */

struct known {
	mica_dominfo info;
	char name[MICA_NAME_MAX];
};

static uint64_t sequence;

static void emit(const char *what, const struct known *k, const char *detail)
{
	struct timespec now;
	char uuid[37], stamp[40];
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	mica_print_uuid(k->info.handle, uuid);
	if (cli.format == OUT_JSON || cli.format == OUT_JSONL) {
		printf("{\"schema\":\"mica/event/1\",\"sequence\":%llu,\"time_ns\":%llu,"
		       "\"event\":\"%s\",\"id\":%u,\"uuid\":\"%s\",\"name\":",
		       (unsigned long long)++sequence,
		       (unsigned long long)now.tv_sec * 1000000000 + (unsigned long long)now.tv_nsec,
		       what, k->info.domain, uuid);
		out_json_string(stdout, k->name);
		fputs(",\"detail\":", stdout);
		out_json_string(stdout, detail);
		puts("}");
	} else {
		strftime(stamp, sizeof(stamp), "%H:%M:%S", localtime_r(&now.tv_sec, &tm));
		printf("%s.%03ld  %-18s %s (%u)%s%s\n", stamp, now.tv_nsec / 1000000, what, k->name,
		       k->info.domain, detail[0] ? "  " : "", detail);
	}
	fflush(stdout);
}

static void compare(struct known *was, struct known *now)
{
	uint32_t turned_on = now->info.flags & ~was->info.flags;
	uint32_t turned_off = was->info.flags & ~now->info.flags;
	char detail[80];

	/* A dying one has lost its name already. */
	if (now->name[0] == '(')
		strcpy(now->name, was->name);
	if (strcmp(was->name, now->name)) {
		snprintf(detail, sizeof(detail), "was %s", was->name);
		emit("domain.renamed", now, detail);
	}
	/* What ends is stopped too; that is no event of its own. */
	if (turned_on & XEN_DOMINF_paused &&
	    !(now->info.flags & (XEN_DOMINF_dying | XEN_DOMINF_shutdown)))
		emit("domain.paused", now, "");
	if (turned_off & XEN_DOMINF_paused)
		emit("domain.resumed", now, "");
	if (turned_on & XEN_DOMINF_shutdown) {
		const char *reason = reason_word(shutdown_reason(&now->info));

		emit(strcmp(reason, "crash") ? "domain.shutdown" : "domain.crashed", now, reason);
	}
	if (turned_on & XEN_DOMINF_dying)
		emit("domain.dying", now, "");
}

/* Both lists are in order of number. */
static void differences(struct known *was, int nr_was, struct known *now, int nr_now)
{
	int a = 0, b = 0;

	while (a < nr_was || b < nr_now) {
		int da = a < nr_was ? was[a].info.domain : 0x10000;
		int db = b < nr_now ? now[b].info.domain : 0x10000;

		if (da < db) {
			emit("domain.gone", &was[a++], "");
		} else if (db < da) {
			emit("domain.created", &now[b++], "");
		} else if (memcmp(was[a].info.handle, now[b].info.handle, 16)) {
			emit("domain.gone", &was[a++], "");
			emit("domain.created", &now[b++], "");
		} else {
			compare(&was[a++], &now[b++]);
		}
	}
}

static int take(struct mica *m, struct mica_store *s, struct known **list)
{
	mica_dominfo *infos;
	int n = mica_domain_list(m, &infos), kept = 0;

	if (n < 0)
		return n;
	*list = calloc((size_t)n + 1, sizeof(**list));
	for (int i = 0; i < n && *list; i++) {
		struct known *k = &(*list)[kept];

		k->info = infos[i];
		mica_domain_name(s, infos[i].domain, k->name);
		/* Still being built: it has no name yet. */
		kept += k->name[0] != '(' || (infos[i].flags & XEN_DOMINF_dying) ||
			!(infos[i].flags & XEN_DOMINF_paused);
	}
	free(infos);
	return *list ? kept : -1;
}

static int event_run(int argc, char **argv)
{
	autoclean(mica_close) struct mica *m = NULL;
	autoclean(mica_store_close) struct mica_store *s = NULL;
	uint64_t end = cli.timeout_ms ? now_ms() + cli.timeout_ms : 0;
	struct known *was = NULL, *now;
	int nr_was, nr_now, status = cli_open_both(&m, &s);
	char *path, *token;

	if (status)
		return status;
	mica_store_watch(s, "@introduceDomain", "event");
	mica_store_watch(s, "@releaseDomain", "event");
	nr_was = take(m, s, &was);
	for (int i = 0; i < nr_was; i++)
		emit("domain.present", &was[i], state_word(&was[i].info));
	while ((cli_opt("follow") || end) && (!end || now_ms() < end)) {
		int rc = mica_store_event(s, POLL_MS, &path, &token);

		if (rc == 1)
			free(path);
		nr_now = take(m, s, &now);
		if (nr_now < 0)
			break;
		differences(was, nr_was, now, nr_now);
		free(was);
		was = now;
		nr_was = nr_now;
		if (rc < 0)
			return cli_fail("MICA-STORE-001", "event", "the store went away");
	}
	free(was);
	return 0;
}

static const struct command_option event_options[] = {
	{ "follow", 'f', NULL, "go on as things happen" },
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_event = {
	.name = "event", .args = "", .summary = "what happens to domains, as it happens",
	.run = event_run, .options = event_options,
	.more = "Without -f: the domains there are.  --timeout ends -f.",
};
