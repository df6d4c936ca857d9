/* SPDX-License-Identifier: BSD-2-Clause */
/* `mica doctor`: checks everything guests depend on, says what to do about what is wrong. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <mica/version.h>

#include "cli/cli.h"

static const struct out_column columns[] = {
	{ "result", "", false, false }, { "check", "CHECK", false, false },
	{ "found", "FOUND", false, false }, { "remedy", "REMEDY", false, false },
	{ NULL, NULL, false, false },
};

static int worst;			/* 0 ok, 1 warnings, 2 failures */

static void verdict(int bad, const char *check, const char *found, const char *remedy)
{
	static const char *const words[] = { "ok", "warn", "fail" };

	if (bad > worst)
		worst = bad;
	out_row((struct out_value[]){ out_text(words[bad]), out_text(check), out_text(found),
				      out_text(bad ? remedy : "") });
}

/* Is a process of this name running? */
static bool process_runs(const char *name)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	bool found = false;

	while (proc && !found && (entry = readdir(proc))) {
		char path[300], comm[32] = "";
		int fd;

		if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (read(fd, comm, sizeof(comm) - 1) > 0)
			comm[strcspn(comm, "\n")] = 0;
		close(fd);
		found = !strcmp(comm, name);
	}
	if (proc)
		closedir(proc);
	return found;
}

static void check_hypervisor(struct mica *m)
{
	xen_extraversion_t extra = "";
	struct utsname kernel;
	char text[256];
	long v = mica_xen_version(m, XENVER_version, NULL, 0);

	mica_xen_version(m, XENVER_extraversion, extra, sizeof(extra));
	uname(&kernel);
	snprintf(text, sizeof(text), "%ld.%ld%.15s, dom0 %s %s", v >> 16, v & 0xffff, extra,
		 kernel.sysname, kernel.release);
	verdict(strstr(extra, "mica") ? 0 : 1, "hypervisor", text,
		"this is another hypervisor; the tools work, but this is not Mica");
}

static void check_control(struct mica *m)
{
	struct xen_sysctl_physinfo host;
	int rc = mica_physinfo(m, &host);
	char text[128];

	if (rc) {
		snprintf(text, sizeof(text), "control calls fail: %s", strerror(-rc));
		verdict(2, "control interface", text, rc == -EACCES ?
			"tools and hypervisor are of different releases" : "run as root in dom0");
		return;
	}
	snprintf(text, sizeof(text), "%u CPUs, %llu of %llu MiB free", host.nr_cpus,
		 (unsigned long long)host.free_pages >> 8,
		 (unsigned long long)host.total_pages >> 8);
	verdict(host.free_pages < 64 << 8, "memory", text,
		"no room for guests: restart with dom0_mem=, or mica memory set dom0 SIZE");
}

static void check_devices(void)
{
	static const struct { const char *path, *module; } devices[] = {
		{ "/dev/xen/privcmd", "modprobe xen-privcmd" },
		{ "/dev/xen/evtchn", "modprobe xen-evtchn" },
		{ "/dev/xen/gntdev", "modprobe xen-gntdev" },
		{ "/dev/xen/xenbus", "modprobe xenfs" },
	};

	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		verdict(access(devices[i].path, F_OK) ? 2 : 0, "device", devices[i].path,
			devices[i].module);
}

static void check_store(void)
{
	autoclean(mica_store_close) struct mica_store *s = NULL;
	bool other = process_runs("xenstored") || process_runs("oxenstored");
	bool ours = process_runs("mica-stored");
	char **names, text[96];
	int rc;

	if (ours && other)
		verdict(2, "store", "two store daemons run",
			"stop one: systemctl disable --now xenstored");
	cli_try_store(&s);
	if (!s) {
		verdict(2, "store", "its socket /run/xenstored/socket does not answer",
			"start mica-stored");
		return;
	}
	rc = mica_store_list(s, "/", &names);
	if (rc >= 0)
		free(names);
	snprintf(text, sizeof(text), "%s at %s", ours ? "mica-stored" : other ? "xenstored" :
		 "a daemon", mica_store_place(s));
	verdict(rc < 0 ? 2 : 0, "store", text, "it answers with an error; restart it");
}

/* Guests without disks or cards do without them. */
static void check_devices_served(void)
{
	verdict(process_runs("mica-blkd") ? 0 : 1, "disks", process_runs("mica-blkd") ? "mica-blkd" :
		"mica-blkd does not run", "start mica-blkd, or use backend=kernel");
	verdict(process_runs("mica-netd") ? 0 : 1, "networks", process_runs("mica-netd") ? "mica-netd" :
		"mica-netd does not run", "start mica-netd, or use backend=kernel");
}

static void check_console(void)
{
	const char *who = process_runs("mica-consoled") ? "mica-consoled" :
		process_runs("xenconsoled") ? "xenconsoled" : NULL;

	verdict(who ? 0 : 2, "consoles", who ? who : "no console daemon runs",
		"start mica-consoled; guests' consoles are lost without it");
}

static void check_leftovers(struct mica *m)
{
	mica_dominfo *list;
	int n = mica_domain_list(m, &list), dying = 0;
	char text[64];

	for (int i = 0; i < n; i++)
		dying += (list[i].flags & XEN_DOMINF_dying) != 0;
	if (n >= 0)
		free(list);
	snprintf(text, sizeof(text), "%d of %d cannot die", dying, n);
	verdict(dying ? 1 : 0, "domains", text,
		"something in dom0 still maps their pages: mica list");
}

static int doctor_run(int argc, char **argv)
{
	autoclean(mica_close) struct mica *m = NULL;
	int rc = mica_open(&m), status;

	out_list("mica/doctor/1", "checks", columns);
	out_set_header(false);
	if (rc) {
		verdict(2, "hypervisor", strerror(-rc), "restart under Mica, or modprobe xen-privcmd");
	} else {
		check_hypervisor(m);
		check_control(m);
		check_devices();
		check_store();
		check_console();
	check_devices_served();
		check_leftovers(m);
	}
	status = out_end();
	return status ? status : rc ? EXIT_NO_HOST : worst == 2 ? EXIT_FAILED : 0;
}

const struct command cmd_doctor = {
	.name = "doctor", .args = "", .summary = "is this system fit to run guests?",
	.run = doctor_run, .flags = CMD_COMMON,
};
