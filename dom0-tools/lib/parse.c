/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words that operators write, in files and on the command line: sizes, times, CPU sets, weights,
 * UUIDs, names; and which known word they probably meant.  Pure.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/config.h"

/* A decimal fraction: "1.5" times @unit.  Exact to a thousandth. */
static bool scaled(const char *text, uint64_t unit, const char *units, const uint64_t *factor,
		   uint64_t *result)
{
	uint64_t whole, thousandth = 0, scale = 100;
	const char *found;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	whole = strtoull(text, &end, 10);
	if (*end == '.') {
		for (end++; isdigit((unsigned char)*end); end++, scale /= 10)
			thousandth += (uint64_t)(*end - '0') * scale;
	}
	if (*end) {
		found = strchr(units, tolower((unsigned char)*end));
		if (!found || end[1])
			return false;
		unit = factor[found - units];
	}
	if (errno || whole > UINT64_MAX / 2000 / unit)
		return false;
	*result = (whole * 1000 + thousandth) * unit / 1000;
	return true;
}

bool mica_parse_size_kib(const char *text, uint64_t *kib)
{
	static const uint64_t factor[] = { 1, 1 << 10, 1 << 20, 1 << 30 };

	return scaled(text, 1 << 10, "kmgt", factor, kib);
}

bool mica_parse_time_ms(const char *text, uint64_t *ms)
{
	static const uint64_t factor[] = { 1000, 60000, 3600000 };

	return scaled(text, 1000, "smh", factor, ms);
}

/* "3" or "2-5"; moves *text behind it. */
static bool cpu_range(const char **text, unsigned *from, unsigned *to)
{
	char *end;

	if (!isdigit((unsigned char)**text))
		return false;
	*from = *to = (unsigned)strtoul(*text, &end, 10);
	if (*end == '-') {
		if (!isdigit((unsigned char)end[1]))
			return false;
		*to = (unsigned)strtoul(end + 1, &end, 10);
	}
	*text = end;
	return *from <= *to && *to < MICA_MAX_CPUS;
}

bool mica_parse_cpus(const char *text, uint8_t cpus[MICA_CPUSET_BYTES])
{
	bool first = true;

	memset(cpus, 0, MICA_CPUSET_BYTES);
	for (;; first = false) {
		unsigned from = 0, to = MICA_MAX_CPUS - 1;
		bool away = *text == '^';

		text += away;
		if (away && first)
			memset(cpus, 0xff, MICA_CPUSET_BYTES);
		if (!strncmp(text, "all", 3))
			text += 3;
		else if (!cpu_range(&text, &from, &to))
			return false;
		for (unsigned i = from; i <= to; i++) {
			if (away)
				cpus[i / 8] &= (uint8_t)~(1u << i % 8);
			else
				cpus[i / 8] |= (uint8_t)(1u << i % 8);
		}
		if (!*text)
			return true;
		if (*text++ != ',')
			return false;
	}
}

bool mica_parse_weight(const char *text, unsigned *weight)
{
	static const struct { const char *name; unsigned weight; } classes[] = {
		{ "background", 64 }, { "normal", 256 }, { "interactive", 512 }, { "system", 1024 },
	};
	char *end;

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		if (!strcmp(text, classes[i].name)) {
			*weight = classes[i].weight;
			return true;
		}
	}
	if (!isdigit((unsigned char)*text))
		return false;
	*weight = (unsigned)strtoul(text, &end, 10);
	return !*end && *weight >= 1 && *weight <= 65535;
}

bool mica_parse_uuid(const char *text, uint8_t uuid[16])
{
	unsigned nibbles = 0;

	memset(uuid, 0, 16);
	for (; *text; text++) {
		if (*text == '-')
			continue;
		if (!isxdigit((unsigned char)*text) || nibbles == 32)
			return false;
		uuid[nibbles / 2] = (uint8_t)(uuid[nibbles / 2] << 4 |
			(isdigit((unsigned char)*text) ? *text - '0' :
			 tolower((unsigned char)*text) - 'a' + 10));
		nibbles++;
	}
	return nibbles == 32;
}

void mica_print_uuid(const uint8_t u[16], char text[37])
{
	snprintf(text, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12],
		 u[13], u[14], u[15]);
}

bool mica_name_is_valid(const char *name)
{
	size_t n = strlen(name);

	return n && n < MICA_NAME_MAX && name[0] != '-' && name[0] != '.' &&
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-") ==
		n && strspn(name, "0123456789") != n;
}

/* Edits (one letter changed, added, taken away, or two neighbours swapped) from @a to @b. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[3][MICA_NAME_MAX + 1];
	size_t n = strlen(a), m = strlen(b);

	if (n > MICA_NAME_MAX || m > MICA_NAME_MAX)
		return UINT32_MAX;
	for (size_t j = 0; j <= m; j++)
		row[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			unsigned best = last[j - 1] + (a[i - 1] != b[j - 1]);

			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
	}
	return row[n % 3][m];
}

const char *mica_nearest(const char *word, const char *const *list)
{
	unsigned best = (unsigned)(strlen(word) / 3 + 1), d;
	const char *near = NULL;

	for (; *list; list++) {
		d = distance(word, *list);
		if (d < best || (d == best && !near)) {
			best = d;
			near = *list;
		}
	}
	return near;
}
