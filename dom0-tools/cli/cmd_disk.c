/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mica disk list, attach, detach, resize, limit: disks of domains that run.  What is attached here
 * lasts until the domain ends; a configuration keeps it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/device.h"
#include "lib/hotplug.h"
#include "lib/names.h"

#define RESIZE_MS	30000
#define GROW_MS		60000		/* its processes are ended and started again */
#define SECTOR		512ull

static const struct out_column columns[] = {
	{ "domain", "DOMAIN", false, false }, { "id", NULL, true, false },
	{ "disk", "DEV", false, false }, { "number", NULL, true, false },
	{ "backend", "BACKEND", false, false }, { "source", "SOURCE", false, false },
	{ "format", "FORMAT", false, true }, { "mode", "MODE", false, false },
	{ "size_bytes", "SIZE", true, false }, { "state", "STATE", false, false },
	{ "front_state", NULL, false, false }, { "back_state", NULL, false, false },
	{ "iops_limit", NULL, true, false }, { "bytes_per_second_limit", NULL, true, false },
	{ "limit", "LIMIT", false, false }, { "stats", NULL, false, false },
	{ "note", "NOTE", false, false }, { NULL, NULL, false, false },
};

static struct out_value size_of(struct mica_store *s, const struct mica_device *d)
{
	uint64_t bytes = device_number(s, d, "sectors") * SECTOR;
	char shown[24];

	if (!bytes)
		return out_null();
	human_kib(bytes / 1024, shown);
	return out_u64_as(bytes, "%s", shown);
}

static void row(const struct target *t, const struct mica_device *d)
{
	uint64_t iops = device_number(t->s, d, "iops-limit"), bps = device_number(t->s, d, "bps-limit");
	char limit[64] = "", rate[24], source[1024], format[24], mode[8], stats[400];

	human_kib(bps / 1024, rate);
	if (iops)
		snprintf(limit, sizeof(limit), "%llu iops", (unsigned long long)iops);
	if (bps)
		snprintf(limit + strlen(limit), sizeof(limit) - strlen(limit), "%s%s/s", iops ? ", " : "",
			 rate);
	device_text(t->s, d, "params", source, sizeof(source));
	device_text(t->s, d, "type", format, sizeof(format));
	device_text(t->s, d, "mode", mode, sizeof(mode));
	device_text(t->s, d, "stats", stats, sizeof(stats));
	out_row((struct out_value[]){
		out_text(t->name), out_u64(t->id), out_text(d->name), out_u64(d->number),
		out_text(d->kernel ? "kernel" : "mica-blkd"), out_text(source), out_text(format),
		out_text(mode[0] == 'r' ? "ro" : "rw"), size_of(t->s, d),
		out_text(device_state_word(d)), out_text(mica_device_state(d->front_state)),
		out_text(mica_device_state(d->back_state)), out_u64(iops), out_u64(bps),
		out_text(limit[0] ? limit : ""), stats[0] ? out_text(stats) : out_null(),
		out_text(d->error),
	});
}

static int list_run(int argc, char **argv)
{
	out_list("mica/disk-list/1", "disks", columns);
	return device_list_run(argc, argv, MICA_DISK, row);
}

const struct command cmd_disk_list = {
	.noun = "disk", .name = "list", .args = "[DOMAIN...]", .summary = "disks and what serves them",
	.run = list_run, .max_args = 1000, .complete = "domain",
};

/* The words behind the domain are one specification, as xl takes it. */
static int read_disk(int argc, char **argv, struct mica_disk *d)
{
	char text[DEVICE_SPEC_BYTES];
	struct mica_spec_error se;

	if (!device_join(argc, argv, text, sizeof(text)))
		return cli_fail("MICA-CFG-009", "disk attach", "the specification is too long");
	if (!mica_disk_parse(d, text, &se))
		return device_spec_failed("disk attach", text, &se);
	if (se.ignored[0])
		cli_say("warning: '%s' has no effect", se.ignored);
	return 0;
}

static int attach_disk(struct target *t, struct mica_disk *d, struct mica_error *e)
{
	int claim = mica_names_claim_none(NULL), rc;

	if (claim < 0)
		return mica_fail_errno(e, claim, "cannot write %s", mica_names_file);
	rc = mica_disks_claim(claim, d, 1, NULL, e);
	if (!rc)
		rc = mica_disk_check(t->s, d, e);
	if (!rc)
		rc = mica_device_attach_disk(t->s, t->id, d, e);
	close(claim);
	if (rc)
		return rc;
	rc = mica_hotplug_disk(t->s, t->id, d, e);
	if (rc) {
		struct mica_error ignored;

		mica_device_detach(t->s, t->id, MICA_DISK, d->number, true, 0, &ignored);
		mica_undone(e, "the disk was taken away again");
		return rc;
	}
	return cli.no_wait ? 0 : mica_device_wait(t->s, t->id, MICA_DISK, d->number,
						  (unsigned)cli_timeout(DEVICE_WAIT_MS), e);
}

static int attach_run(int argc, char **argv)
{
	autoclean(mica_close) struct mica *m = NULL;
	autoclean(mica_store_close) struct mica_store *s = NULL;
	struct mica_error e;
	struct mica_disk d;
	struct target t;
	int status = read_disk(argc - 2, argv + 2, &d);

	if (!status)
		status = device_target(&t, &m, &s, argv[1]);
	if (status)
		return status;
	if (!d.vdev[0]) {
		if (mica_device_free_number(s, t.id, MICA_DISK, &d.number) < 0)
			return cli_fail("MICA-STORE-002", "disk attach", "cannot list its disks");
		mica_vdev_name(d.number, d.vdev);
	}
	if (cli.plan) {
		cli_plan("attach", t.name, "%s as %s, %s, %s", d.target, d.vdev, d.format,
			 d.read_only ? "read-only" : "read-write");
		return 0;
	}
	if (attach_disk(&t, &d, &e)) {
		mica_what(&e, "cannot attach %s to '%s'", d.vdev, t.name);
		return cli_report(&e);
	}
	puts(d.vdev);
	return 0;
}

const struct command cmd_disk_attach = {
	.noun = "disk", .name = "attach", .args = "DOMAIN TARGET[,FORMAT][,VDEV][,ACCESS][,KEY=VALUE...]",
	.summary = "give a running domain another disk", .run = attach_run, .min_args = 2,
	.max_args = 16, .flags = CMD_CHANGES, .complete = "domain",
	.more = "The specification is xl's (xl-disk-configuration), in one word or several: a path, then\n"
		"raw, qcow2, vhd, vmdk, vdi, ..., a name such as xvdb (the next free one without it), r or w;\n"
		"or target= (last) format= vdev= access= devtype=cdrom discard no-discard direct-io-safe.\n"
		"Mica's: iops=N, bps=SIZE a second, cache=writeback|writethrough, sector=512|4096,\n"
		"backend=mica|kernel.  Waits until the guest has connected (--no-wait does not).",
};

static int detach_run(int argc, char **argv)
{
	return device_detach_run(argv, MICA_DISK);
}

const struct command cmd_disk_detach = {
	.noun = "disk", .name = "detach", .args = "DOMAIN DISK", .summary = "take a disk away",
	.run = detach_run, .options = device_detach_options, .min_args = 2, .max_args = 2,
	.flags = CMD_CHANGES, .complete = "domain",
	.more = "Waits until the guest has let go; if it does not, says what each end does.",
};

/* --- resize --- */

static int grow_file(const char *path, const char *size, bool shrink)
{
	uint64_t kib;
	struct stat st;

	if (!mica_parse_size_kib(size, &kib))
		return cli_fail("MICA-CFG-003", "disk resize", "'%s' is not a size such as 20g", size);
	if (stat(path, &st))
		return cli_fail("MICA-DISK-003", "disk resize", "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return cli_fail("MICA-CFG-003", "disk resize", "%s is no file; resize it with its own tools, "
				"then run this without a size", path);
	if (kib << 10 < (uint64_t)st.st_size && !shrink)
		return cli_fail("MICA-CFG-003", "disk resize", "%s has %llu bytes; --shrink cuts off what is "
				"beyond, which the guest must not use any more", path,
				(unsigned long long)st.st_size);
	if (truncate(path, (off_t)(kib << 10)))
		return cli_fail("MICA-HOST-002", "disk resize", "%s: %s", path, strerror(errno));
	return 0;
}

/* Until the guest is told another size than @was sectors, which is printed. */
static int wait_for_size(struct target *t, const struct mica_device *d, uint64_t was, uint64_t ms)
{
	uint64_t end = now_ms() + ms, now;

	while ((now = device_number(t->s, d, "sectors")) == was) {
		if (now_ms() >= end)
			return cli_fail("MICA-DEV-004", "disk resize", "%s still has %llu bytes; the log of"
					" mica-blkd may say why", d->name,
					(unsigned long long)(was * SECTOR));
		usleep(50000);
	}
	printf("%llu\n", (unsigned long long)(now * SECTOR));
	return 0;
}

/* An image of a format: the daemon has its storage server make it so large. */
static int ask_for_size(struct target *t, const struct mica_device *d, const char *size)
{
	uint64_t was = device_number(t->s, d, "sectors"), kib;
	char node[160];
	int rc;

	if (!mica_parse_size_kib(size, &kib))
		return cli_fail("MICA-CFG-003", "disk resize", "'%s' is not a size such as 20g", size);
	if (kib << 10 < was * SECTOR)
		return cli_fail("MICA-CFG-003", "disk resize", "%s has %llu bytes; only raw files are made "
				"smaller here", d->name, (unsigned long long)(was * SECTOR));
	snprintf(node, sizeof(node), "%s/size", d->back);
	rc = mica_store_put(t->s, node, "%llu", (unsigned long long)kib << 10);
	if (rc)
		return cli_fail("MICA-STORE-002", "disk resize", "cannot write %s: %s", node,
				strerror(-rc));
	if (cli.no_wait || kib << 10 == was * SECTOR)
		return 0;
	return wait_for_size(t, d, was, cli_timeout(GROW_MS));
}

/* The daemon measures when the key changes, and tells the guest. */
static int measure_again(struct target *t, const struct mica_device *d, const char *path,
			 const char *size)
{
	uint64_t was = device_number(t->s, d, "sectors");
	struct stat st;
	char node[160];
	int rc;

	snprintf(node, sizeof(node), "%s/resize", d->back);
	rc = mica_store_put(t->s, node, "%llu", (unsigned long long)time(NULL));
	if (rc)
		return cli_fail("MICA-STORE-002", "disk resize", "cannot write %s: %s", node,
				strerror(-rc));
	if (cli.no_wait || (size && !stat(path, &st) && (uint64_t)st.st_size == was * SECTOR))
		return 0;
	return wait_for_size(t, d, was, cli_timeout(RESIZE_MS));
}

static int resize_run(int argc, char **argv)
{
	autoclean(mica_close) struct mica *m = NULL;
	autoclean(mica_store_close) struct mica_store *s = NULL;
	char path[1024], format[24];
	struct mica_device d;
	struct target t;
	int status = device_target(&t, &m, &s, argv[1]);

	if (!status)
		status = device_named(&t, MICA_DISK, argv[2], &d);
	if (status)
		return status;
	device_text(s, &d, "params", path, sizeof(path));
	device_text(s, &d, "type", format, sizeof(format));
	if (d.kernel)
		return cli_fail("MICA-ABI-001", "disk resize", "the kernel's back end measures by itself; "
				"resize the device");
	if (cli.plan) {
		cli_plan("resize", d.name, "%s%s%s", path, argc > 3 ? " to " : "",
			 argc > 3 ? argv[3] : " as it is now");
		return 0;
	}
	if (argc > 3 && !strcmp(format, "phy"))
		return cli_fail("MICA-ABI-001", "disk resize", "%s is a device; resize it with its own tools,"
				" then run this without a size", path);
	if (argc > 3 && strcmp(format, "file") && strcmp(format, "raw"))
		return ask_for_size(&t, &d, argv[3]);
	if (argc > 3)
		status = grow_file(path, argv[3], cli_opt("shrink") != NULL);
	return status ? status : measure_again(&t, &d, path, argc > 3 ? argv[3] : NULL);
}

static const struct command_option resize_options[] = {
	{ "shrink", 0, NULL, "allow a smaller size: what lies beyond is lost" },
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_disk_resize = {
	.noun = "disk", .name = "resize", .args = "DOMAIN DISK [SIZE]",
	.summary = "another size, seen by the running guest", .run = resize_run,
	.options = resize_options, .min_args = 2, .max_args = 3, .flags = CMD_CHANGES,
	.complete = "domain",
	.more = "With SIZE a raw file is made so large first, and an image of another format is grown while\n"
		"its disk pauses; without, the image is measured as it is (after lvextend, for instance).",
};

/* --- limit --- */

static int limit_run(int argc, char **argv)
{
	autoclean(mica_close) struct mica *m = NULL;
	autoclean(mica_store_close) struct mica_store *s = NULL;
	struct mica_device d;
	struct target t;
	int status = 0, rc = 0;
	uint64_t n;

	for (int i = 3; i < argc; i++)
		if ((strncmp(argv[i], "iops=", 5) && strncmp(argv[i], "bps=", 4)) ||
		    !mica_parse_count(strchr(argv[i], '=') + 1, &n))
			return cli_fail("MICA-CFG-003", "disk limit", "'%s' is neither iops=N nor bps=SIZE (0: no "
					"limit)", argv[i]);
	status = device_target(&t, &m, &s, argv[1]);
	if (!status)
		status = device_named(&t, MICA_DISK, argv[2], &d);
	if (!status && d.kernel)
		status = cli_fail("MICA-ABI-001", "disk limit", "the kernel's back end knows no limits");
	for (int i = 3; i < argc && !status && !rc; i++) {
		char node[160];

		mica_parse_count(strchr(argv[i], '=') + 1, &n);
		snprintf(node, sizeof(node), "%s/%s-limit", d.back, argv[i][0] == 'i' ? "iops" : "bps");
		if (cli.plan)
			cli_plan("limit", d.name, "%s", argv[i]);
		else
			rc = mica_store_put(s, node, "%llu", (unsigned long long)n);
	}
	return rc ? cli_fail("MICA-STORE-002", "disk limit", "%s", strerror(-rc)) : status;
}

const struct command cmd_disk_limit = {
	.noun = "disk", .name = "limit", .args = "DOMAIN DISK iops=N|bps=SIZE...",
	.summary = "operations and bytes a second; 0 takes a limit away", .run = limit_run,
	.min_args = 3, .max_args = 4, .flags = CMD_CHANGES, .complete = "domain",
};
