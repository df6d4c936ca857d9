/* SPDX-License-Identifier: BSD-2-Clause */
/* See spec.h and spec_priv.h: the common part of disk_spec.c and nic_spec.c, and addresses. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/config.h"
#include "lib/digest.h"
#include "lib/spec_priv.h"

bool spec_next(const char *text, size_t *pos, const char *rest, struct spec_word *w)
{
	size_t from = *pos, end, eq;

	if (from > strlen(text))
		return false;
	from += strspn(text + from, " \t");
	end = from + strcspn(text + from, ",");
	*w = (struct spec_word){ .text = text, .at = from };
	eq = from + strspn(text + from, "abcdefghijklmnopqrstuvwxyz_-");
	if (eq > from && eq < end && text[eq] == '=' && eq - from < sizeof(w->key)) {
		memcpy(w->key, text + from, eq - from);
		if (rest && !strcmp(w->key, rest))
			end = strlen(text);
		from = eq + 1;
	}
	*pos = end + 1;
	while (end > from && isblank((unsigned char)text[end - 1]))
		end--;
	w->value_at = from;
	snprintf(w->value, sizeof(w->value), "%.*s", (int)(end - from), text + from);
	return true;
}

bool spec_fail(struct mica_spec_error *e, size_t at, const char *why, ...)
{
	va_list args;

	e->at = at;
	va_start(args, why);
	vsnprintf(e->why, sizeof(e->why), why, args);
	va_end(args);
	return false;
}

bool spec_unknown(struct mica_spec_error *e, const struct spec_word *w, const char *const *keys)
{
	const char *near = mica_nearest(w->key[0] ? w->key : w->value, keys);

	snprintf(e->suggestion, sizeof(e->suggestion), "%s", near ? near : "");
	return spec_fail(e, w->at, "unknown key '%.40s'", w->key[0] ? w->key : w->value);
}

bool mica_mac_parse(const char *text, char mac[MICA_MAC_BYTES])
{
	unsigned b[6];
	int used = 0;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
		   &used) != 6 || text[used] || used != MICA_MAC_BYTES - 1)
		return false;
	/* One station's, and not nobody's. */
	if (b[0] & 1 || !(b[0] | b[1] | b[2] | b[3] | b[4] | b[5]))
		return false;
	for (int i = 0; text[i]; i++)
		mac[i] = (char)tolower((unsigned char)text[i]);
	mac[MICA_MAC_BYTES - 1] = 0;
	return true;
}

void mica_mac_make(const uint8_t uuid[16], uint32_t handle, char mac[MICA_MAC_BYTES])
{
	static const uint64_t key[MICA_DIGEST_KEY_WORDS] = { 'm', 'a', 'c', 0 };
	struct mica_digest d;
	uint8_t from[20];

	memcpy(from, uuid, 16);
	memcpy(from + 16, &handle, sizeof(handle));
	d = mica_digest(key, from, sizeof(from));
	/* Xen's range, where operators look for guests. */
	snprintf(mac, MICA_MAC_BYTES, "00:16:3e:%02x:%02x:%02x", (unsigned)(d.lo & 0x7f),
		 (unsigned)(d.lo >> 8 & 0xff), (unsigned)(d.lo >> 16 & 0xff));
}

bool mica_net_name_is_valid(const char *name)
{
	size_t n = strlen(name);

	return n && n < MICA_NET_NAME_BYTES && isalpha((unsigned char)name[0]) &&
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == n;
}

bool mica_parse_count(const char *text, uint64_t *n)
{
	static const char units[] = "kmgt";
	const char *unit;
	char *end;

	if (!isdigit((unsigned char)text[0]) || strlen(text) > 18)
		return false;
	*n = strtoull(text, &end, 10);
	if (!*end)
		return true;
	unit = strchr(units, tolower((unsigned char)*end));
	if (!unit || end[1] || *n >> (54 - 10 * (unit - units)))
		return false;
	*n <<= 10 * (unit - units + 1);
	return true;
}
