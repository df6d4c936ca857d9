/* SPDX-License-Identifier: BSD-2-Clause */
/* `mica kernel check`: can this file run as a guest, and what does it ask for? */
#include <stdio.h>

#include "cli/cli.h"
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

static int check_run(int argc, char **argv)
{
	int status = 0, bad = 0;

	out_list("mica/kernel-check/1", "kernels", columns);
	for (int i = 1; i < argc; i++) {
		struct mica_kernel k;
		struct mica_error e;

		if (mica_kernel_load(&k, argv[i], &e)) {
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
