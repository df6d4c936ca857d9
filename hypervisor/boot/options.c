/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hypervisor's command line: words separated by blanks, NAME or NAME=VALUE, in any order; of
 * two the later one counts.  Each option is one row of the table: how to read its value, and what
 * to tell an operator whose value does not parse.
 */
#include "boot/options.h"
#include "cpu/features.h"
#include "cpu/image.h"
#include "cpu/log.h"
#include "cpu/panic.h"
#include "cpu/uart.h"
#include "lib/fmt.h"
#include "lib/string.h"

#define WORD_BYTES	128

struct options options boot_bss;

/* Lowest first; loglvl and guest_loglvl are places in it. */
static const char *const levels[] = { "none", "error", "warning", "info", "debug", "all" };
#define LEVEL_WARNING	2
#define LEVEL_INFO	3
static boot_data unsigned level = LEVEL_INFO, guest_level;

/* Takes the word up to the next @separator off *s.  False: only its beginning fits. */
static boot_text bool take_item(const char **s, char separator, char *item, size_t size)
{
	bool fits = true;
	size_t n = 0;

	for (; **s && **s != separator; (*s)++) {
		fits = n + 1 < size;
		if (fits)
			item[n++] = **s;
	}
	item[n] = '\0';
	*s += **s != '\0';
	return fits;
}

static boot_text bool read_bool(const char *v, void *out)
{
	static const struct {
		const char *word;
		bool means;
	} words[] = {
		{ "", true }, { "1", true }, { "yes", true }, { "on", true }, { "true", true },
		{ "0", false }, { "no", false }, { "off", false }, { "false", false },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(v, words[i].word)) {
			*(bool *)out = words[i].means;
			return true;
		}
	return false;
}

static boot_text bool read_positive(const char *v, void *out)
{
	const char *end;
	uint64_t n = fmt_parse_u64(v, &end);

	*(uint32_t *)out = (uint32_t)n;
	return end != v && !*end && n && n <= ~0u;
}

static boot_text bool read_nosmp(const char *v, void *maxcpus)
{
	bool yes;

	if (!read_bool(v, &yes))
		return false;
	if (yes)
		*(uint32_t *)maxcpus = 1;
	return true;
}

/* One of options.com. */
static boot_text bool read_com(const char *v, void *out)
{
	return uart_spec_ok(v) && str_copy(out, sizeof(options.com[0]), v);
}

static boot_text bool read_console(const char *v, void *out)
{
	struct options *o = out;
	char item[8];

	o->console_com[0] = o->console_com[1] = o->console_vga = false;
	while (*v) {
		take_item(&v, ',', item, sizeof(item));
		if (!strcmp(item, "com1"))
			o->console_com[0] = true;
		else if (!strcmp(item, "com2"))
			o->console_com[1] = true;
		else if (!strcmp(item, "vga"))
			o->console_vga = true;
		else if (strcmp(item, "none"))
			return false;
	}
	return true;
}

static boot_text bool read_dom0_mem(const char *v, void *out)
{
	struct options *o = out;
	char item[40];

	while (*v) {
		const char *at = item, *end;
		uint64_t *to;

		take_item(&v, ',', item, sizeof(item));
		to = !strncmp(item, "min:", 4) ? &o->dom0_mem_min :
		     !strncmp(item, "max:", 4) ? &o->dom0_mem_max : &o->dom0_mem;
		if (to != &o->dom0_mem)
			at += 4;
		*to = fmt_parse_size(at, &end);
		if (end == at || *end || !*to)
			return false;
	}
	return o->dom0_mem || o->dom0_mem_min || o->dom0_mem_max;
}

/* LEVEL or LEVEL/LEVEL: what is always shown, and what at most at a limited rate; the higher
 * counts. */
static boot_text bool read_level(const char *v, void *out)
{
	unsigned highest = 0;
	char name[12];

	for (unsigned n = 0; n < 2 && (*v || !n); n++) {
		unsigned l = 0;

		take_item(&v, '/', name, sizeof(name));
		while (l < ARRAY_SIZE(levels) && strcmp(name, levels[l]))
			l++;
		highest = MAX(highest, l);
	}
	*(unsigned *)out = MIN(highest, (unsigned)ARRAY_SIZE(levels) - 1);
	return !*v && highest < ARRAY_SIZE(levels);
}

#define YES_NO	"nothing, or yes or no"
#define LEVELS	"none, error, warning, info, debug or all"
#define COM	"BAUD,WORD such as 115200,8n1"

static const struct option {
	const char *name;
	bool (*read)(const char *value, void *to);	/* false: does not parse */
	void *to;
	const char *expected;
} table[] = {
	{ "console", read_console, &options, "a list of com1, com2, vga or none" },
	{ "com1", read_com, options.com[0], COM },
	{ "com2", read_com, options.com[1], COM },
	{ "dom0_mem", read_dom0_mem, &options,
	  "a size such as 512M, and bounds such as min:256M,max:1G" },
	{ "dom0_max_vcpus", read_positive, &options.dom0_max_vcpus, "a number from 1 on" },
	{ "maxcpus", read_positive, &options.maxcpus, "a number from 1 on" },
	{ "nosmp", read_nosmp, &options.maxcpus, YES_NO },
	{ "loglvl", read_level, &level, LEVELS },
	{ "guest_loglvl", read_level, &guest_level, LEVELS },
	{ "noreboot", read_bool, &opt_noreboot, YES_NO },
	{ "qemu-exit", read_bool, &opt_qemu_exit, YES_NO },
	{ "pcid", read_bool, &opt_pcid, YES_NO },
	{ "watchdog", read_bool, &options.watchdog, YES_NO },
};

static boot_text void parse_word(char *word, bool early)
{
	char *eq = strchr(word, '=');
	const char *value = eq ? eq + 1 : "";

	if (eq)
		*eq = '\0';
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		if (strcmp(word, table[i].name))
			continue;
		if (!table[i].read(value, table[i].to) && !early)
			boot_fail("option %s has the value \"%s\", expected %s", word, value,
				  table[i].expected);
		return;
	}
	if (!early)
		log_warn("option %s is unknown and has no effect", word);
}

static boot_text void set_defaults(void)
{
	memset(&options, 0, sizeof(options));
	options.console_com[0] = options.console_vga = true;
	options.maxcpus = ~0u;
	options.watchdog = true;
}

boot_text void options_parse(const char *cmdline, bool early)
{
	char word[WORD_BYTES];

	set_defaults();
	while (*cmdline) {
		if (!take_item(&cmdline, ' ', word, sizeof(word)) && !early)
			boot_fail("option %.20s... is too long", word);
		if (*word)
			parse_word(word, early);
	}
	log_set_levels(MIN(MAX(level, 1u) - 1, (unsigned)LOG_DEBUG), guest_level >= LEVEL_WARNING);
}
