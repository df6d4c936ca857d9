/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hypervisor's command line: words separated by blanks, NAME or NAME=VALUE, in any order; of
 * two the later one counts.  Each option is one row of the table: how to read its value, and what
 * to tell an operator whose value does not parse.
 */
#include "boot/options.h"
#include "cpu/image.h"
#include "cpu/log.h"
#include "cpu/panic.h"
#include "lib/fmt.h"
#include "lib/string.h"

#define WORD_BYTES	128

struct options options boot_bss;

static boot_data enum log_level level = LOG_INFO;
static boot_data bool guest_level;

/* Takes the word up to the next ',' off *s. */
static boot_text void take_item(const char **s, char *item, size_t size)
{
	size_t n = 0;

	for (; **s && **s != ','; (*s)++)
		if (n + 1 < size)
			item[n++] = **s;
	item[n] = '\0';
	if (**s)
		(*s)++;
}

static boot_text bool read_bool(const char *v, bool *out)
{
	static const char *const yes[] = { "", "1", "yes", "on", "true" };
	static const char *const no[] = { "0", "no", "off", "false" };

	for (unsigned i = 0; i < ARRAY_SIZE(yes); i++)
		if (!strcmp(v, yes[i]))
			return *out = true;
	for (unsigned i = 0; i < ARRAY_SIZE(no); i++) {
		if (!strcmp(v, no[i])) {
			*out = false;
			return true;
		}
	}
	return false;
}

static boot_text bool read_u32(const char *v, uint32_t *out)
{
	const char *end;
	uint64_t n = fmt_parse_u64(v, &end);

	*out = (uint32_t)n;
	return end != v && !*end && n <= ~0u;
}

static boot_text bool opt_console(const char *v)
{
	char item[8];

	options.console_com[0] = options.console_com[1] = options.console_vga = false;
	while (*v) {
		take_item(&v, item, sizeof(item));
		if (!strcmp(item, "com1"))
			options.console_com[0] = true;
		else if (!strcmp(item, "com2"))
			options.console_com[1] = true;
		else if (!strcmp(item, "vga"))
			options.console_vga = true;
		else if (strcmp(item, "none"))
			return false;
	}
	return true;
}

static boot_text bool opt_com1(const char *v)
{
	return str_copy(options.com[0], sizeof(options.com[0]), v);
}

static boot_text bool opt_com2(const char *v)
{
	return str_copy(options.com[1], sizeof(options.com[1]), v);
}

static boot_text bool opt_dom0_mem(const char *v)
{
	char item[40];

	while (*v) {
		uint64_t *to = &options.dom0_mem;
		const char *at = item, *end;

		take_item(&v, item, sizeof(item));
		if (!strncmp(item, "min:", 4))
			to = &options.dom0_mem_min;
		else if (!strncmp(item, "max:", 4))
			to = &options.dom0_mem_max;
		if (to != &options.dom0_mem)
			at += 4;
		*to = fmt_parse_size(at, &end);
		if (end == at || *end || !*to)
			return false;
	}
	return options.dom0_mem || options.dom0_mem_min || options.dom0_mem_max;
}

static boot_text bool opt_dom0_max_vcpus(const char *v)
{
	return read_u32(v, &options.dom0_max_vcpus) && options.dom0_max_vcpus;
}

static boot_text bool opt_maxcpus(const char *v)
{
	return read_u32(v, &options.maxcpus);
}

static boot_text bool opt_nosmp(const char *v)
{
	bool yes;

	if (!read_bool(v, &yes))
		return false;
	if (yes)
		options.maxcpus = 1;
	return true;
}

/* Place of the level's name among these, -1 if it is none. */
static boot_text int level_index(const char *text, size_t n)
{
	static const char *const name[] = { "none", "error", "warning", "info", "debug", "all" };

	for (unsigned i = 0; i < ARRAY_SIZE(name); i++)
		if (strlen(name[i]) == n && !strncmp(text, name[i], n))
			return (int)i;
	return -1;
}

/* LEVEL or LEVEL/LEVEL: what is always shown, and what at most at a limited rate; the higher
 * counts. */
static boot_text bool read_level(const char *v, int *out)
{
	const char *slash = strchr(v, '/');
	int first = level_index(v, slash ? (size_t)(slash - v) : strlen(v));
	int second = slash ? level_index(slash + 1, strlen(slash + 1)) : first;

	*out = MAX(first, second);
	return first >= 0 && second >= 0;
}

static boot_text bool opt_loglvl(const char *v)
{
	static const enum log_level to[] = {
		LOG_ERR, LOG_ERR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_DEBUG,
	};
	int i = 0;

	if (!read_level(v, &i))
		return false;
	level = to[i];
	return true;
}

static boot_text bool opt_guest_loglvl(const char *v)
{
	int i = 0;

	if (!read_level(v, &i))
		return false;
	guest_level = i > 1;		/* refusals are warnings */
	return true;
}

static boot_text bool opt_noreboot_read(const char *v) { return read_bool(v, &opt_noreboot); }
static boot_text bool opt_qemu_exit_read(const char *v) { return read_bool(v, &opt_qemu_exit); }
static boot_text bool opt_watchdog(const char *v) { return read_bool(v, &options.watchdog); }

#define YES_NO	"nothing, or yes or no"
#define LEVELS	"none, error, warning, info, debug or all"

static const struct option {
	const char *name;
	bool (*read)(const char *value);	/* false: does not parse */
	const char *expected;
} table[] = {
	{ "console", opt_console, "a list of com1, com2, vga or none" },
	{ "com1", opt_com1, "BAUD,WORD such as 115200,8n1" },
	{ "com2", opt_com2, "BAUD,WORD such as 115200,8n1" },
	{ "dom0_mem", opt_dom0_mem, "a size such as 512M, and bounds such as min:256M,max:1G" },
	{ "dom0_max_vcpus", opt_dom0_max_vcpus, "a number from 1 on" },
	{ "maxcpus", opt_maxcpus, "a number" },
	{ "nosmp", opt_nosmp, YES_NO },
	{ "loglvl", opt_loglvl, LEVELS },
	{ "guest_loglvl", opt_guest_loglvl, LEVELS },
	{ "noreboot", opt_noreboot_read, YES_NO },
	{ "qemu-exit", opt_qemu_exit_read, YES_NO },
	{ "watchdog", opt_watchdog, YES_NO },
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
		if (!table[i].read(value) && !early)
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
		size_t n = 0;

		while (*cmdline == ' ')
			cmdline++;
		for (; *cmdline && *cmdline != ' '; cmdline++)
			if (n < sizeof(word))
				word[n++] = *cmdline;
		if (n == sizeof(word)) {
			word[--n] = '\0';
			if (!early)
				boot_fail("option %.20s... is too long", word);
		}
		word[n] = '\0';
		if (n)
			parse_word(word, early);
	}
	log_set_levels(level, guest_level);
}
