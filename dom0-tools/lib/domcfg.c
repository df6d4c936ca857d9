/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys of a domain's configuration: one table row each, with the type, the range and where the
 * value goes.  Keys of xl.cfg that a PV guest has no use for, and keys this version does not obey
 * yet, are known too, so that the answer is a reason and not "unknown".
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/config.h"

enum key_kind {
	KEY_NUMBER,	/* unsigned at @offset, from @low to @high */
	KEY_SIGNED,	/* int */
	KEY_SIGNED64,
	KEY_SIZE,	/* uint64_t KiB; a bare number is MiB */
	KEY_STRING,	/* char *, allocated */
	KEY_NAME, KEY_UUID, KEY_CPUS, KEY_WEIGHT,
	KEY_ON_END,	/* struct mica_on_end */
	KEY_WORD,	/* must be one of the words in @help; nothing is kept */
	KEY_DISKS, KEY_NICS,
	KEY_ROOT, KEY_EXTRA,	/* parts of the command line */
	KEY_HVM,	/* not for PV */
	KEY_LATER,	/* not obeyed; harmless when empty or 0 */
};

#define AT(field)	offsetof(struct mica_domain_config, field)

static const struct key {
	const char *name;
	enum key_kind kind;
	size_t offset;
	int64_t low, high;
	const char *help;
} keys[] = {
	{ "name", KEY_NAME, AT(name), 0, 0, "what it is called; must be unique" },
	{ "uuid", KEY_UUID, AT(uuid), 0, 0, "its UUID; without it, a random one" },
	{ "kernel", KEY_STRING, AT(kernel), 0, 0, "path of its kernel: bzImage or ELF" },
	{ "ramdisk", KEY_STRING, AT(ramdisk), 0, 0, "path of its initrd" },
	{ "cmdline", KEY_STRING, AT(cmdline), 0, 0, "its kernel's command line" },
	{ "root", KEY_ROOT, 0, 0, 0, "adds root=... to the command line" },
	{ "extra", KEY_EXTRA, 0, 0, 0, "adds words to the command line" },
	{ "memory", KEY_SIZE, AT(memory_kib), 4 << 10, 1ll << 34, "memory it starts with, MiB" },
	{ "maxmem", KEY_SIZE, AT(maxmem_kib), 4 << 10, 1ll << 34, "memory it may grow to, MiB" },
	{ "vcpus", KEY_NUMBER, AT(vcpus), 1, 32, "vCPUs it starts with" },
	{ "maxvcpus", KEY_NUMBER, AT(maxvcpus), 1, 32, "vCPUs it may bring up" },
	{ "cpus", KEY_CPUS, AT(cpus), 0, 0, "CPUs its vCPUs may run on: \"0-3,6\" or \"all\"" },
	{ "cpu_weight", KEY_WEIGHT, AT(weight), 0, 0, "share of CPU time, 1 to 65535" },
	{ "weight", KEY_WEIGHT, AT(weight), 0, 0, "the same, or background normal interactive system" },
	{ "cap", KEY_NUMBER, AT(cap), 0, 65535, "most CPU time, percent of one CPU; 0: no limit" },
	{ "on_poweroff", KEY_ON_END, AT(on_poweroff), 0, 0, "destroy, restart or preserve" },
	{ "on_reboot", KEY_ON_END, AT(on_reboot), 0, 0, "destroy, restart or preserve" },
	{ "on_crash", KEY_ON_END, AT(on_crash), 0, 0,
	  "destroy, preserve, or restart[:backoff=TIME,max=N]" },
	{ "max_grant_frames", KEY_SIGNED, AT(grant_frames), 1, 65535, "pages of its grant table" },
	{ "max_maptrack_frames", KEY_SIGNED, AT(maptrack_frames), 0, 65535,
	  "pages that track grants it maps" },
	{ "event_channels", KEY_NUMBER, AT(event_channels), 8, 131071, "highest event channel" },
	{ "rtc_timeoffset", KEY_SIGNED64, AT(time_offset_s), -(1ll << 40), 1ll << 40,
	  "seconds added to its clock" },
	{ "disk", KEY_DISKS, 0, 0, 0,
	  "its disks: [ \"/srv/web.raw,xvda,w\", ... ] (mica help disk attach)" },
	{ "vif", KEY_NICS, 0, 0, 0,
	  "its network cards: [ \"bridge=lan,vlan=20\", ... ] (mica help nic attach)" },
	{ "type", KEY_WORD, 0, 0, 0, "pv" },
	{ "builder", KEY_WORD, 0, 0, 0, "generic|linux" },

	{ "hvm", KEY_HVM, 0, 0, 0, NULL }, { "pvh", KEY_HVM, 0, 0, 0, NULL },
	{ "boot", KEY_HVM, 0, 0, 0, NULL }, { "bios", KEY_HVM, 0, 0, 0, NULL },
	{ "hap", KEY_HVM, 0, 0, 0, NULL }, { "nestedhvm", KEY_HVM, 0, 0, 0, NULL },
	{ "viridian", KEY_HVM, 0, 0, 0, NULL }, { "device_model_version", KEY_HVM, 0, 0, 0, NULL },
	{ "device_model_override", KEY_HVM, 0, 0, 0, NULL }, { "vnc", KEY_HVM, 0, 0, 0, NULL },
	{ "vnclisten", KEY_HVM, 0, 0, 0, NULL }, { "sdl", KEY_HVM, 0, 0, 0, NULL },
	{ "spice", KEY_HVM, 0, 0, 0, NULL }, { "stdvga", KEY_HVM, 0, 0, 0, NULL },
	{ "vga", KEY_HVM, 0, 0, 0, NULL }, { "videoram", KEY_HVM, 0, 0, 0, NULL },
	{ "serial", KEY_HVM, 0, 0, 0, NULL }, { "usb", KEY_HVM, 0, 0, 0, NULL },
	{ "usbdevice", KEY_HVM, 0, 0, 0, NULL }, { "acpi", KEY_HVM, 0, 0, 0, NULL },
	{ "apic", KEY_HVM, 0, 0, 0, NULL }, { "pae", KEY_HVM, 0, 0, 0, NULL },
	{ "hpet", KEY_HVM, 0, 0, 0, NULL }, { "firmware", KEY_HVM, 0, 0, 0, NULL },
	{ "shadow_memory", KEY_HVM, 0, 0, 0, NULL }, { "altp2m", KEY_HVM, 0, 0, 0, NULL },
	{ "xen_platform_pci", KEY_HVM, 0, 0, 0, NULL }, { "soundhw", KEY_HVM, 0, 0, 0, NULL },

	{ "vfb", KEY_LATER, 0, 0, 0, NULL }, { "pci", KEY_LATER, 0, 0, 0, NULL },
	{ "bootloader", KEY_LATER, 0, 0, 0, NULL }, { "bootloader_args", KEY_LATER, 0, 0, 0, NULL },
	{ "cpus_soft", KEY_LATER, 0, 0, 0, NULL }, { "pool", KEY_LATER, 0, 0, 0, NULL },
	{ "e820_host", KEY_LATER, 0, 0, 0, NULL }, { "seclabel", KEY_LATER, 0, 0, 0, NULL },
	{ "tsc_mode", KEY_LATER, 0, 0, 0, NULL }, { "localtime", KEY_LATER, 0, 0, 0, NULL },
	{ "driver_domain", KEY_LATER, 0, 0, 0, NULL }, { "channel", KEY_LATER, 0, 0, 0, NULL },
	{ "on_watchdog", KEY_LATER, 0, 0, 0, NULL }, { "on_soft_reset", KEY_LATER, 0, 0, 0, NULL },
	{ "vtpm", KEY_LATER, 0, 0, 0, NULL }, { "p9", KEY_LATER, 0, 0, 0, NULL },
	{ "cpuid", KEY_LATER, 0, 0, 0, NULL }, { "vnuma", KEY_LATER, 0, 0, 0, NULL },
};

#define NR_KEYS	(sizeof(keys) / sizeof(keys[0]))

struct reading {
	const struct mica_config *c;
	const struct cfg_item *item;
	const struct key *key;
	struct mica_domain_config *d;
	struct mica_error *e;
	const char *root, *extra;
};

static int bad(struct reading *r, const char *must)
{
	const struct cfg_value *v = &r->item->value;

	return mica_config_fail(r->c, v->line, v->column, r->e, "MICA-CFG-003", "%s must be %s",
				r->item->key, must);
}

/* A number, or a string that is one. */
static bool number_of(const struct cfg_value *v, int64_t *n)
{
	char *end;

	if (v->kind == CFG_NUMBER) {
		*n = v->number;
		return true;
	}
	if (v->kind != CFG_STRING || !v->text[0])
		return false;
	*n = strtoll(v->text, &end, 0);
	return !*end;
}

static int read_number(struct reading *r, void *to)
{
	char must[80];
	int64_t n;

	if (!number_of(&r->item->value, &n) || n < r->key->low || n > r->key->high) {
		snprintf(must, sizeof(must), "a number from %lld to %lld", (long long)r->key->low,
			 (long long)r->key->high);
		return bad(r, must);
	}
	if (r->key->kind == KEY_SIGNED64)
		*(int64_t *)to = n;
	else
		*(int *)to = (int)n;
	return 0;
}

static int read_size(struct reading *r, uint64_t *kib)
{
	const struct cfg_value *v = &r->item->value;
	bool ok = v->kind == CFG_STRING && mica_parse_size_kib(v->text, kib);

	if (v->kind == CFG_NUMBER && v->number > 0 && v->number < 1ll << 34) {
		*kib = (uint64_t)v->number << 10;
		ok = true;
	}
	if (!ok || (int64_t)*kib < r->key->low || (int64_t)*kib > r->key->high)
		return bad(r, "a size from 4 MiB to 16 TiB: MiB, or \"1.5g\"");
	return 0;
}

/* "restart:backoff=30s,max=5" */
static bool parse_on_end(const char *text, struct mica_on_end *on)
{
	static const char *const words[] = { "destroy", "restart", "preserve" };
	size_t n = strcspn(text, ":");
	unsigned i;

	for (i = 0; i < 3; i++)
		if (strlen(words[i]) == n && !memcmp(words[i], text, n))
			break;
	if (i == 3)
		return false;
	on->action = (enum mica_action)i;
	for (text += n; *text; text += n) {
		char word[32];
		uint64_t ms;

		text++;
		n = strcspn(text, ",");
		snprintf(word, sizeof(word), "%.*s", (int)n, text);
		if (!strncmp(word, "backoff=", 8) && mica_parse_time_ms(word + 8, &ms))
			on->backoff_s = (unsigned)(ms / 1000);
		else if (!strncmp(word, "max=", 4) && word[4] >= '0' && word[4] <= '9')
			on->max = (unsigned)atoi(word + 4);
		else
			return false;
	}
	return true;
}

static int read_word(struct reading *r)
{
	const char *text = r->item->value.text, *at = strstr(r->key->help, text);
	size_t n = strlen(text);

	if (n && at && (at[n] == 0 || at[n] == '|') && (at == r->key->help || at[-1] == '|'))
		return 0;
	if (!strcmp(text, "hvm") || !strcmp(text, "pvh"))
		return mica_config_fail(r->c, r->item->value.line, r->item->value.column, r->e,
					"MICA-CFG-007", "Mica is PV only: %s guests cannot run", text);
	return bad(r, r->key->help);
}

static int read_text(struct reading *r, void *to)
{
	const char *text = r->item->value.text;

	if (r->item->value.kind != CFG_STRING && r->key->kind != KEY_WEIGHT &&
	    r->key->kind != KEY_CPUS)
		return bad(r, "a string in quotes");
	if (!text)
		return bad(r, "a string in quotes, not a list");
	switch (r->key->kind) {
	case KEY_NAME:
		if (!mica_name_is_valid(text))
			return bad(r, "1 to 63 letters, digits and . _ + - with a letter in it");
		strcpy(to, text);
		return 0;
	case KEY_UUID:
		r->d->has_uuid = true;
		return mica_parse_uuid(text, to) ? 0 : bad(r, "a UUID of 32 hexadecimal digits");
	case KEY_CPUS:
		r->d->has_cpus = true;
		return mica_parse_cpus(text, to) ? 0 : bad(r, "a set of CPUs such as \"0-3,6\"");
	case KEY_WEIGHT:
		return mica_parse_weight(text, to) ? 0 :
			bad(r, "1 to 65535, or background, normal, interactive, system");
	case KEY_ON_END:
		return parse_on_end(text, to) ? 0 :
			bad(r, "destroy, preserve, restart, or restart:backoff=30s,max=5");
	case KEY_WORD:
		return read_word(r);
	case KEY_ROOT:
		r->root = text;
		return 0;
	case KEY_EXTRA:
		r->extra = text;
		return 0;
	default:
		*(char **)to = strdup(text);
		return *(char **)to ? 0 : bad(r, "shorter: out of memory");
	}
}

static bool is_empty(const struct cfg_value *v)
{
	return (v->kind == CFG_LIST && !v->nr_items) || (v->kind == CFG_NUMBER && !v->number) ||
		(v->kind == CFG_STRING && !v->text[0]);
}

static int read_item(struct reading *r)
{
	void *to = (char *)r->d + r->key->offset;
	unsigned line = r->item->line, column = r->item->column;

	switch (r->key->kind) {
	case KEY_HVM:
		return mica_config_fail(r->c, line, column, r->e, "MICA-CFG-007",
					"'%s' is for HVM guests; Mica is PV only", r->item->key);
	case KEY_LATER:
		return is_empty(&r->item->value) ? 0 :
			mica_config_fail(r->c, line, column, r->e, "MICA-CFG-008",
					 "'%s' is not offered by this version", r->item->key);
	case KEY_NUMBER: case KEY_SIGNED: case KEY_SIGNED64:
		return read_number(r, to);
	case KEY_SIZE:
		return read_size(r, to);
	case KEY_DISKS:
		return mica_config_disks(r->d, r->c, r->item, r->e);
	case KEY_NICS:
		return mica_config_nics(r->d, r->c, r->item, r->e);
	default:
		return read_text(r, to);
	}
}

static int unknown(struct reading *r)
{
	const char *names[NR_KEYS + 1] = { 0 }, *near;
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < NR_KEYS; i++)
		if (keys[i].help)
			names[n++] = keys[i].name;
	near = mica_nearest(r->item->key, names);
	rc = mica_config_fail(r->c, r->item->line, r->item->column, r->e, "MICA-CFG-002",
			      "unknown key '%s'", r->item->key);
	if (near)
		mica_hint(r->e, "did you mean '%s'?", near);
	mica_hint(r->e, "mica help config     (all keys)");
	return rc;
}

/* The command line is cmdline, or root= and extra. */
static int join_cmdline(struct reading *r)
{
	struct mica_domain_config *d = r->d;

	if (!r->root && !r->extra)
		return 0;
	if (d->cmdline)
		return mica_fail(r->e, "MICA-CFG-003", "cmdline replaces root and extra; give either");
	if (asprintf(&d->cmdline, "%s%s%s%s", r->root ? "root=" : "", r->root ? r->root : "",
		     r->root && r->extra ? " " : "", r->extra ? r->extra : "") < 0)
		d->cmdline = NULL;
	return d->cmdline ? 0 : mica_fail(r->e, "MICA-HOST-002", "out of memory");
}

static int check_whole(struct reading *r)
{
	struct mica_domain_config *d = r->d;
	const char *missing = !d->name[0] ? "name" : !d->kernel ? "kernel" : NULL;
	int rc;

	if (missing) {
		rc = mica_fail(r->e, "MICA-CFG-004", "it has no '%s'", missing);
		mica_what(r->e, "%s", r->c->file);
		return rc;
	}
	if (!d->memory_kib)
		d->memory_kib = d->maxmem_kib ? d->maxmem_kib : 128 << 10;
	if (!d->maxmem_kib)
		d->maxmem_kib = d->memory_kib;
	if (!d->vcpus)
		d->vcpus = d->maxvcpus ? d->maxvcpus : 1;
	if (!d->maxvcpus)
		d->maxvcpus = d->vcpus;
	if (d->maxmem_kib < d->memory_kib)
		return mica_fail(r->e, "MICA-CFG-003", "maxmem is less than memory");
	if (d->maxvcpus < d->vcpus)
		return mica_fail(r->e, "MICA-CFG-003", "maxvcpus is less than vcpus");
	mica_config_mac_seed(d);
	return 0;
}

int mica_domain_config_read(struct mica_domain_config *d, const struct mica_config *c,
			    struct mica_error *e)
{
	struct reading r = { .c = c, .d = d, .e = e };
	int rc = 0;

	memset(d, 0, sizeof(*d));
	d->grant_frames = d->maptrack_frames = -1;
	d->on_reboot.action = ACT_RESTART;
	for (unsigned i = 0; !rc && i < c->nr_items; i++) {
		r.item = &c->items[i];
		r.key = NULL;
		for (size_t k = 0; k < NR_KEYS; k++)
			if (!strcmp(keys[k].name, r.item->key))
				r.key = &keys[k];
		rc = r.key ? read_item(&r) : unknown(&r);
	}
	if (!rc)
		rc = join_cmdline(&r);
	if (!rc)
		rc = check_whole(&r);
	if (rc)
		mica_domain_config_free(d);
	return rc;
}

void mica_domain_config_free(struct mica_domain_config *d)
{
	free(d->kernel);
	free(d->ramdisk);
	free(d->cmdline);
	free(d->disks);
	free(d->nics);
	d->disks = NULL;
	d->nics = NULL;
	d->nr_disks = d->nr_nics = 0;
	d->kernel = d->ramdisk = d->cmdline = NULL;
}

void mica_domain_config_help(void)
{
	for (size_t i = 0; i < NR_KEYS; i++)
		if (keys[i].help)
			printf("  %-20s %s\n", keys[i].name, keys[i].help);
}
