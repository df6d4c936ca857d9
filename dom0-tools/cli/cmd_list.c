/* SPDX-License-Identifier: BSD-2-Clause */
/* `mica list`: domains that exist, then those that are only defined; domid, domname for scripts. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cli/device.h"

static const struct out_column columns[] = {
	{ "name", "NAME", false, false }, { "id", "ID", true, false },
	{ "state", "STATE", false, false }, { "vcpus", "VCPUS", true, false },
	{ "memory_kib", "MEMORY", true, false }, { "cpu_ns", "CPU", true, false },
	{ "uptime_s", "UPTIME", true, false }, { "uuid", "UUID", false, true },
	{ "max_memory_kib", "MAXMEM", true, true }, { "claimed_kib", "CLAIMED", true, true },
	{ "disks", "DISKS", false, true }, { "nics", "CARDS", false, true },
	{ "note", "NOTE", false, false }, { NULL, NULL, false, false },
};

/* How long the control domain runs. */
static struct out_value own_uptime(void)
{
	FILE *f = fopen("/proc/uptime", "re");
	unsigned long long age;
	char text[24];
	bool ok = f && fscanf(f, "%llu", &age) == 1;

	if (f)
		fclose(f);
	if (!ok)
		return out_null();
	human_ns(age * 1000000000, text);
	return out_u64_as(age, "%s", text);
}

static struct out_value uptime_of(struct mica_store *s, domid_t id, const char *uuid)
{
	char start[32], text[24];
	long long age;

	if (!id)
		return own_uptime();

	if (!s || mica_store_get(s, start, sizeof(start), "/vm/%s/start_time", uuid))
		return out_null();
	/* Toolstacks write seconds, some with a fraction. */
	age = (long long)time(NULL) - atoll(start);
	if (age < 0)
		return out_null();
	human_ns((uint64_t)age * 1000000000, text);
	return out_u64_as((uint64_t)age, "%s", text);
}

static struct out_value note_of(domid_t id, const mica_dominfo *info)
{
	char text[400], holders[300];
	char *kept;
	struct out_value v;

	if (info->flags & XEN_DOMINF_dying) {
		int n = mica_holders(NULL, holders, sizeof(holders));

		snprintf(text, sizeof(text), "%llu pages held%s%s",
			 (unsigned long long)info->tot_pages, n ? "; who maps pages of guests: " :
			 " by another guest", holders);
		return out_text(text);
	}
	kept = mica_run_read(id, "note");
	if (!kept && info->flags & XEN_DOMINF_shutdown) {
		snprintf(text, sizeof(text), "ended by itself: %s",
			 reason_word(shutdown_reason(info)));
		return out_text(text);
	}
	v = out_text(kept ? kept : "");
	free(kept);
	return v;
}

/* Plain tables do not show them, and need not ask. */
static struct out_value devices_of(struct mica_store *s, domid_t id, enum mica_device_kind kind)
{
	return s && id && cli.format != OUT_TABLE ? device_summary(s, id, kind) : out_null();
}

static void row(struct mica_store *s, const mica_dominfo *info)
{
	char name[MICA_NAME_MAX], uuid[37], memory[24], most[24], claimed[24], cpu[24];
	uint64_t kib = info->tot_pages * KIB_PER_PAGE, max = info->max_pages * KIB_PER_PAGE;
	uint64_t out = info->outstanding_pages * KIB_PER_PAGE;
	bool unlimited = info->max_pages >= UINT32_MAX;

	mica_domain_name(s, info->domain, name);
	mica_print_uuid(info->handle, uuid);
	human_kib(kib, memory);
	human_kib(max, most);
	human_kib(out, claimed);
	human_ns(info->cpu_time, cpu);
	out_row((struct out_value[]){
		out_text(name), out_u64(info->domain), out_text(state_word(info)),
		out_u64(info->nr_online_vcpus), out_u64_as(kib, "%s", memory),
		out_u64_as(info->cpu_time, "%s", cpu), uptime_of(s, info->domain, uuid), out_text(uuid),
		unlimited ? out_null() : out_u64_as(max, "%s", most),
		out_u64_as(out, "%s", claimed), devices_of(s, info->domain, MICA_DISK),
		devices_of(s, info->domain, MICA_NIC), note_of(info->domain, info),
	});
}

static bool is_running(struct mica_store *s, const mica_dominfo *list, int n, const char *name)
{
	char other[MICA_NAME_MAX];

	for (int i = 0; i < n; i++) {
		mica_domain_name(s, list[i].domain, other);
		if (!strcmp(other, name))
			return true;
	}
	return false;
}

/* Definitions without a domain. */
static void defined(struct mica_store *s, const mica_dominfo *list, int n)
{
	struct dirent **files;
	int found = scandir(MICA_DEFINE_DIR, &files, NULL, alphasort);

	for (int i = 0; i < found; i++) {
		char name[MICA_NAME_MAX];
		size_t len = strlen(files[i]->d_name);

		if (len > 4 && len - 4 < sizeof(name) &&
		    !strcmp(files[i]->d_name + len - 4, ".cfg")) {
			snprintf(name, sizeof(name), "%.*s", (int)len - 4, files[i]->d_name);
			if (!is_running(s, list, n, name))
				out_row((struct out_value[]){
					out_text(name), out_null(), out_text("stopped"), out_null(),
					out_null(), out_null(), out_null(), out_null(), out_null(),
					out_null(), out_null(), out_null(), out_text(""),
				});
		}
		free(files[i]);
	}
	if (found >= 0)
		free(files);
}

/* Those that ended and wait to be started again. */
static void restarting(void)
{
	struct dirent **files;
	int found = scandir(mica_run_dir, &files, NULL, alphasort);
	size_t tail = strlen(MICA_RESTART_SUFFIX);

	for (int i = 0; i < found; i++) {
		char name[MICA_NAME_MAX], note[80], *when;
		size_t len = strlen(files[i]->d_name);
		long long left;

		if (len > tail && len - tail < sizeof(name) &&
		    !strcmp(files[i]->d_name + len - tail, MICA_RESTART_SUFFIX)) {
			snprintf(name, sizeof(name), "%.*s", (int)(len - tail), files[i]->d_name);
			when = mica_restart_read(name);
			left = when ? atoll(when) - (long long)time(NULL) : 0;
			snprintf(note, sizeof(note), "starts again in %lld s; mica destroy calls it "
				 "off", left > 0 ? left : 0);
			free(when);
			out_row((struct out_value[]){
				out_text(name), out_null(), out_text("restarting"), out_null(),
				out_null(), out_null(), out_null(), out_null(), out_null(),
				out_null(), out_null(), out_null(), out_text(note),
			});
		}
		free(files[i]);
	}
	if (found >= 0)
		free(files);
}

static void host_line(struct mica *m)
{
	struct xen_sysctl_physinfo host;
	char total[24], left[24];

	if (mica_physinfo(m, &host))
		return;
	human_kib(host.total_pages * KIB_PER_PAGE, total);
	human_kib(host.free_pages * KIB_PER_PAGE, left);
	out_extra("host_total_kib", out_u64(host.total_pages * KIB_PER_PAGE));
	out_extra("host_free_kib", out_u64(host.free_pages * KIB_PER_PAGE));
	out_extra("host_claimed_kib", out_u64(host.outstanding_pages * KIB_PER_PAGE));
	out_note("free %s of %s", left, total);
}

static int list_run(int argc, char **argv)
{
	autoclean(mica_close) struct mica *m = NULL;
	autoclean(mica_store_close) struct mica_store *s = NULL;
	mica_dominfo *list = NULL;
	struct mica_error e;
	struct target t;
	int n, status = cli_open(&m);

	if (status)
		return status;
	cli_try_store(&s);
	n = mica_domain_list(m, &list);
	if (n < 0) {
		mica_fail_errno(&e, n, "cannot list domains");
		return cli_report(&e);
	}
	out_list("mica/list/1", "domains", columns);
	for (int i = 1; i < argc && !status; i++) {
		status = cli_target(&t, m, s, argv[i]);
		if (!status)
			row(s, &t.info);
	}
	for (int i = 0; i < n && argc == 1; i++)
		row(s, &list[i]);
	if (argc == 1) {
		restarting();
		defined(s, list, n);
	}
	if (argc == 1)
		host_line(m);
	free(list);
	return status ? status : out_end();
}

const struct command cmd_list = {
	.name = "list", .args = "[DOMAIN...]", .summary = "the domains and their states",
	.run = list_run, .max_args = 1000, .flags = CMD_COMMON, .complete = "domain",
};

static int domid_run(int argc, char **argv)
{
	autoclean(mica_close) struct mica *m = NULL;
	autoclean(mica_store_close) struct mica_store *s = NULL;
	struct target t;
	int status = cli_open(&m);

	if (status)
		return status;
	cli_try_store(&s);
	status = cli_target(&t, m, s, argv[1]);
	if (!status && !strcmp(argv[0], "domid"))
		printf("%u\n", t.id);
	else if (!status)
		puts(t.name);
	return status;
}

const struct command cmd_domid = {
	.name = "domid", .args = "NAME", .summary = "the number of a domain", .run = domid_run,
	.min_args = 1, .max_args = 1, .flags = CMD_HIDDEN, .complete = "domain",
};
const struct command cmd_domname = {
	.name = "domname", .args = "ID", .summary = "the name of a domain", .run = domid_run,
	.min_args = 1, .max_args = 1, .flags = CMD_HIDDEN, .complete = "domain",
};
