/* SPDX-License-Identifier: BSD-2-Clause */
/* `mica info`: the host; `mica info DOMAIN`: one domain.  `mica version`, `dmesg`, `keys`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <mica/version.h>

#include "cli/device.h"

static const struct out_column host_columns[] = {
	{ "hypervisor", "hypervisor", false, false }, { "cpus", "CPUs", false, false },
	{ "cpu_khz", "CPU speed", false, false }, { "threads_per_core", NULL, false, false },
	{ "cores_per_socket", NULL, false, false }, { "nodes", "NUMA nodes", false, false },
	{ "total_kib", "memory", false, false }, { "free_kib", "free", false, false },
	{ "claimed_kib", "claimed", false, false }, { "domains", "domains", false, false },
	{ "scheduler", "scheduler", false, false }, { "commandline", "options", false, false },
	{ NULL, NULL, false, false },
};

static void hypervisor_version(struct mica *m, char *text, size_t room)
{
	xen_extraversion_t extra = "";
	long v = mica_xen_version(m, XENVER_version, NULL, 0);

	mica_xen_version(m, XENVER_extraversion, extra, sizeof(extra));
	snprintf(text, room, "%ld.%ld%.15s", v >> 16, v & 0xffff, extra);
}

static const char *scheduler_name(struct mica *m)
{
	uint32_t id;

	if (mica_sched_id(m, &id))
		return "unknown";
	return id == XEN_SCHEDULER_CREDIT2 ? "credit2" : id == XEN_SCHEDULER_CREDIT ? "credit" :
		id == XEN_SCHEDULER_NULL ? "null" : "other";
}

static int host_info(struct mica *m)
{
	struct xen_sysctl_physinfo host;
	char version[64], total[24], left[24], claimed[24];
	xen_commandline_t options = "";
	mica_dominfo *list;
	int n = mica_domain_list(m, &list), rc = mica_physinfo(m, &host);
	struct mica_error e;

	if (n >= 0)
		free(list);
	if (rc) {
		mica_fail_errno(&e, rc, "cannot ask about the host");
		return cli_report(&e);
	}
	hypervisor_version(m, version, sizeof(version));
	mica_xen_version(m, XENVER_commandline, options, sizeof(options));
	human_kib(host.total_pages * KIB_PER_PAGE, total);
	human_kib(host.free_pages * KIB_PER_PAGE, left);
	human_kib(host.outstanding_pages * KIB_PER_PAGE, claimed);
	out_record("mica/host/1", host_columns);
	out_row((struct out_value[]){
		out_text(version), out_u64(host.nr_cpus),
		out_u64_as(host.cpu_khz, "%u MHz", host.cpu_khz / 1000),
		out_u64(host.threads_per_core), out_u64(host.cores_per_socket),
		out_u64(host.nr_nodes), out_u64_as(host.total_pages * KIB_PER_PAGE, "%s", total),
		out_u64_as(host.free_pages * KIB_PER_PAGE, "%s", left),
		out_u64_as(host.outstanding_pages * KIB_PER_PAGE, "%s", claimed),
		out_u64(n < 0 ? 0 : (uint64_t)n), out_text(scheduler_name(m)), out_text(options),
	});
	return out_end();
}

static const struct out_column domain_columns[] = {
	{ "name", "name", false, false }, { "id", "id", false, false },
	{ "uuid", "UUID", false, false }, { "state", "state", false, false },
	{ "reason", "ended by", false, false }, { "vcpus_online", "vCPUs", false, false },
	{ "vcpus_max", "vCPUs at most", false, false }, { "memory_kib", "memory", false, false },
	{ "target_kib", "memory target", false, false },
	{ "max_memory_kib", "memory limit", false, false }, { "cpu_ns", "CPU time", false, false },
	{ "weight", "CPU weight", false, false }, { "cap_percent", "CPU cap", false, false },
	{ "disks", "disks", false, false }, { "nics", "network cards", false, false },
	{ "console", "console", false, false }, { "os_suspend", "can suspend", false, false },
	{ "monitor_pid", "monitor", false, false }, { NULL, NULL, false, false },
};

static struct out_value store_number(struct target *t, const char *node)
{
	char text[32], shown[24];

	if (!t->s || mica_store_get(t->s, text, sizeof(text), "/local/domain/%u/%s", t->id, node))
		return out_null();
	human_kib(strtoull(text, NULL, 10), shown);
	return out_u64_as(strtoull(text, NULL, 10), "%s", shown);
}

static struct out_value store_text(struct target *t, const char *node)
{
	char text[256];

	if (!t->s || mica_store_get(t->s, text, sizeof(text), "/local/domain/%u/%s", t->id, node))
		return out_null();
	return out_text(text);
}

static int domain_info(struct target *t)
{
	uint64_t kib = t->info.tot_pages * KIB_PER_PAGE, max = t->info.max_pages * KIB_PER_PAGE;
	unsigned weight = 0, cap = 0;
	char uuid[37], now[24], limit[24], cpu[24];
	char *monitor = mica_run_read(t->id, "monitor");
	bool ended = t->info.flags & XEN_DOMINF_shutdown;

	mica_sched_get(t->m, t->id, &weight, &cap);
	mica_print_uuid(t->info.handle, uuid);
	human_kib(kib, now);
	human_kib(max, limit);
	human_ns(t->info.cpu_time, cpu);
	out_record("mica/domain/1", domain_columns);
	out_row((struct out_value[]){
		out_text(t->name), out_u64(t->id), out_text(uuid), out_text(state_word(&t->info)),
		ended ? out_text(reason_word(shutdown_reason(&t->info))) : out_null(),
		out_u64(t->info.nr_online_vcpus), out_u64(t->info.max_vcpu_id + 1ull),
		out_u64_as(kib, "%s", now), store_number(t, "memory/target"),
		t->info.max_pages >= UINT32_MAX ? out_null() : out_u64_as(max, "%s", limit),
		out_u64_as(t->info.cpu_time, "%s", cpu), out_u64(weight),
		out_u64_as(cap, cap ? "%u %%" : "none", cap),
		t->s ? device_summary(t->s, t->id, MICA_DISK) : out_null(),
		t->s ? device_summary(t->s, t->id, MICA_NIC) : out_null(), store_text(t, "console/tty"),
		store_text(t, "control/feature-suspend"),
		monitor ? out_u64(strtoull(monitor, NULL, 10)) : out_null(),
	});
	free(monitor);
	return out_end();
}

static int info_run(int argc, char **argv)
{
	autoclean(mica_close) struct mica *m = NULL;
	autoclean(mica_store_close) struct mica_store *s = NULL;
	struct target t;
	int status = cli_open(&m);

	if (status)
		return status;
	if (argc == 1)
		return host_info(m);
	cli_try_store(&s);
	status = cli_target(&t, m, s, argv[1]);
	return status ? status : domain_info(&t);
}

const struct command cmd_info = {
	.name = "info", .args = "[DOMAIN]", .summary = "about the host, or one domain",
	.run = info_run, .max_args = 1, .flags = CMD_COMMON, .complete = "domain",
};

static int version_run(int argc, char **argv)
{
	static const struct out_column columns[] = {
		{ "tools", "tools", false, false }, { "hypervisor", "hypervisor", false, false },
		{ "capabilities", "capabilities", false, false },
		{ "control_interface", "control interface", false, false },
		{ NULL, NULL, false, false },
	};
	autoclean(mica_close) struct mica *m = NULL;
	xen_capabilities_info_t caps = "";
	char version[64] = "none";

	if (!mica_open(&m)) {
		hypervisor_version(m, version, sizeof(version));
		mica_xen_version(m, XENVER_capabilities, caps, sizeof(caps));
	}
	out_record("mica/version/1", columns);
	out_row((struct out_value[]){ out_text(MICA_VERSION), out_text(version), out_text(caps),
		out_u64_as(XEN_DOMCTL_INTERFACE_VERSION, "0x%x", XEN_DOMCTL_INTERFACE_VERSION) });
	return out_end();
}

const struct command cmd_version = {
	.name = "version", .args = "", .summary = "of the tools and the hypervisor",
	.run = version_run,
};

#define DMESG_BYTES	(64u << 10)

static int dmesg_run(int argc, char **argv)
{
	autoclean(mica_close) struct mica *m = NULL;
	bool follow = cli_opt("follow") != NULL, again = false;
	uint32_t index = 0;
	struct mica_error e;
	char *text = malloc(DMESG_BYTES);
	int n, status = cli_open(&m);

	while (!status && text) {
		n = mica_dmesg(m, text, DMESG_BYTES, cli_opt("clear") != NULL, again, &index);
		if (n < 0) {
			mica_fail_errno(&e, n, "cannot read the hypervisor's log");
			status = cli_report(&e);
		} else if (n) {
			fwrite(text, 1, (size_t)n, stdout);
			fflush(stdout);
		}
		again = true;
		if (!status && (unsigned)n < DMESG_BYTES) {
			if (!follow)
				break;
			usleep(500000);
		}
	}
	free(text);
	return status;
}

static const struct command_option dmesg_options[] = {
	{ "follow", 'f', NULL, "go on as more comes" },
	{ "clear", 'c', NULL, "forget what was printed" },
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_dmesg = {
	.name = "dmesg", .args = "", .summary = "the hypervisor's log", .run = dmesg_run,
	.options = dmesg_options,
};

static int keys_run(int argc, char **argv)
{
	autoclean(mica_close) struct mica *m = NULL;
	struct mica_error e;
	int rc, status = cli_open(&m);

	if (status)
		return status;
	if (cli.plan) {
		cli_plan("press", argv[1], "in the hypervisor");
		return 0;
	}
	rc = mica_keys(m, argv[1]);
	if (!rc)
		return 0;
	mica_fail_errno(&e, rc, "keys '%s'", argv[1]);
	return cli_report(&e);
}

const struct command cmd_keys = {
	.name = "keys", .args = "KEYS",
	.summary = "press debug keys in the hypervisor; mica dmesg has the answers",
	.run = keys_run, .min_args = 1, .max_args = 1, .flags = CMD_CHANGES,
};
