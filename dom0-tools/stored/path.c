/* SPDX-License-Identifier: BSD-2-Clause */
/* See path.h. */
#include <errno.h>

#include "path.h"

#define REL_MAX	2048				/* XENSTORE_REL_PATH_MAX */

static bool char_ok(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '/' || c == '_' || c == '@';
}

/* Legal characters, no empty component, nothing after the last one. */
static bool chars_ok(const char *s)
{
	char before = 0;

	for (; *s; before = *s++)
		if (!char_ok(*s) || (*s == '/' && before == '/'))
			return false;
	return before != '/';
}

#define HOME	"/local/domain/"
#define HOME_ROOM	(sizeof(HOME) + 6)

/* "/local/domain/N/" for a number of 16 bits, not terminated; returns its length.  Every relative path
 * comes here: this is 30 instructions where printf takes 800. */
static size_t home_print(char *out, unsigned home)
{
	char digits[5];
	size_t n = sizeof(HOME) - 1, k = 0;

	memcpy(out, HOME, n);
	do
		digits[k++] = (char)('0' + home % 10);
	while ((home /= 10) && k < sizeof(digits));
	while (k)
		out[n++] = digits[--k];
	out[n++] = '/';
	return n;
}

int path_parse(char out[PATH_ROOM], unsigned home, const char *in, bool special)
{
	size_t len = strlen(in);

	if (!strcmp(in, "/")) {
		out[0] = 0;
		return 0;
	}
	if (!len || !chars_ok(in) || (in[0] == '@' && !special))
		return -EINVAL;
	if (in[0] == '/' || in[0] == '@') {
		if (len >= PATH_ROOM)
			return -EINVAL;
		memcpy(out, in, len + 1);
		return 0;
	}
	if (len > REL_MAX)
		return -EINVAL;
	memcpy(out + home_print(out, home), in, len + 1);
	return 0;
}

size_t path_home(unsigned home, const char *path)
{
	char prefix[HOME_ROOM];
	size_t n = home_print(prefix, home);

	return strncmp(path, prefix, n) ? 0 : n;
}

size_t path_parent(const char *path, size_t len)
{
	while (len && path[len - 1] != '/')
		len--;
	return len ? len - 1 : 0;
}
