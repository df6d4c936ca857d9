/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `mica kernel check`: can this file run as a guest, and what does it ask for?  `mica kernel cache`:
 * the unpacked kernels that create keeps.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "lib/cache.h"
#include "lib/image.h"

static const struct out_column columns[] = {
	{ "file", "FILE", false, false }, { "fit", "FIT", false, false },
	{ "os", "OS", false, false }, { "version", NULL, false, false },
	{ "packing", "PACKING", false, false }, { "image_kib", "SIZE", true, false },
	{ "suspend", "SUSPEND", false, false }, { "control_domain", "DOM0", false, false },
	{ "entry", NULL, false, false }, { "virt_base", NULL, false, false },
	{ "init_p2m", NULL, false, false }, { "hypercall_page", NULL, false, false },
	{ "code", NULL, false, false }, { "why", "WHY NOT", false, false },
	{ NULL, NULL, false, false },
};

static struct out_value address(bool there, uint64_t va)
{
	char text[24];

	if (!there)
		return out_null();
	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)va);
	return out_text(text);
}

static void bad_row(const char *file, const struct mica_error *e)
{
	out_row((struct out_value[]){
		out_text(file), out_bool(false), out_null(), out_null(), out_null(), out_null(),
		out_null(), out_null(), out_null(), out_null(), out_null(), out_null(),
		out_text(e->code->name), out_text(e->why),
	});
}

static void good_row(const char *file, const struct mica_kernel *k)
{
	uint64_t kib = (k->end - k->start + 1023) / 1024;
	char size[24];

	human_kib(kib, size);
	out_row((struct out_value[]){
		out_text(file), out_bool(true), out_text(k->guest_os), out_text(k->version),
		out_text(k->packing), out_u64_as(kib, "%s", size), out_bool(k->suspend_cancel),
		out_bool(k->dom0_capable), address(true, k->entry), address(true, k->virt_base),
		address(k->has_init_p2m, k->init_p2m),
		address(k->has_hypercall_page, k->hypercall_page), out_null(), out_text(""),
	});
}

extern const struct command cmd_kernel_cache;

static int check_run(int argc, char **argv)
{
	int status = 0, bad = 0;

	out_list("mica/kernel-check/1", "kernels", columns);
	for (int i = 1; i < argc; i++) {
		struct mica_kernel k;
		struct mica_error e;

		if (mica_kernel_load(&k, argv[i], NULL, &e)) {
			bad_row(argv[i], &e);
			bad = e.code->exit;
			for (int h = 0; h < e.hints; h++)
				cli_say("hint: %s", e.hint[h]);
			continue;
		}
		good_row(argv[i], &k);
		mica_kernel_free(&k);
	}
	status = out_end();
	return status ? status : bad;
}

const struct command cmd_kernel_check = {
	.noun = "kernel", .name = "check", .args = "FILE...",
	.summary = "can it run as a guest, and what does it ask for", .run = check_run,
	.min_args = 1, .max_args = 1000, .complete = "file",
};

static const struct out_column cache_columns[] = {
	{ "entry", "ENTRY", false, false }, { "disk_kib", "ON DISK", true, false },
	{ "unused_s", "UNUSED FOR", true, false }, { NULL, NULL, false, false },
};

static void cache_row(void *ctx, const char *name, uint64_t disk_bytes, int64_t used_s)
{
	int64_t age = (int64_t)time(NULL) - used_s;
	char size[24], unused[24];

	human_kib(disk_bytes / 1024, size);
	human_ns(age > 0 ? (uint64_t)age * 1000000000 : 0, unused);
	out_row((struct out_value[]){
		out_text(name), out_u64_as(disk_bytes / 1024, "%s", size),
		out_u64_as(age > 0 ? (uint64_t)age : 0, "%s", unused),
	});
}

static int cache_run(int argc, char **argv)
{
	const char *dir = cli_opt("dir") ? cli_opt("dir") : MICA_CACHE_DIR;
	struct mica_cache c;
	int n, rc;

	if (cli.plan && !cli_opt("clear"))
		return cli_usage(&cmd_kernel_cache, "without --clear it changes nothing");
	if (cli.plan) {
		cli_plan("remove", dir, "every unpacked kernel");
		return 0;
	}
	rc = mica_cache_open(&c, dir, MICA_CACHE_BYTES);
	if (rc)
		return cli_fail(rc == -EACCES || rc == -EPERM ? "MICA-AUTH-001" : "MICA-HOST-002",
				"kernel cache", "%s: %s", dir,
				rc == -EPERM ? "it must belong to you and be closed to others" :
				strerror(-rc));
	if (cli_opt("clear")) {
		n = mica_cache_clear(&c);
		mica_cache_close(&c);
		if (n < 0)
			return cli_fail("MICA-HOST-002", "kernel cache", "%s: %s", dir, strerror(-n));
		cli_say("%d removed", n);
		return 0;
	}
	out_list("mica/kernel-cache/1", "entries", cache_columns);
	n = mica_cache_list(&c, cache_row, NULL);
	mica_cache_close(&c);
	rc = out_end();
	return n < 0 ? cli_fail("MICA-HOST-002", "kernel cache", "%s: %s", dir, strerror(-n)) : rc;
}

static const struct command_option cache_options[] = {
	{ "clear", 0, NULL, "remove all entries" },
	{ "dir", 0, "DIR", "another directory than " MICA_CACHE_DIR },
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_kernel_cache = {
	.noun = "kernel", .name = "cache", .args = "", .summary = "the unpacked kernels kept for create",
	.run = cache_run, .options = cache_options, .flags = CMD_CHANGES,
	.more = "The first create of a packed kernel keeps it unpacked; later ones only check that the\n"
		"file still has the same bytes.  At most 512 MiB; what was unused for longest goes first.\n"
		"create --no-cache neither uses nor fills it.",
};
