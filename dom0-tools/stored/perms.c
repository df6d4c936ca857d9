/* SPDX-License-Identifier: BSD-2-Clause */
/* See perms.h. */
#include <errno.h>

#include "perms.h"

static const char letters[] = "nrwb";

struct perms *perms_new(const struct perm *p, unsigned n)
{
	struct perms *new = xmalloc(sizeof(*new) + n * sizeof(*p));

	new->refs = 1;
	new->n = (uint16_t)n;
	memcpy(new->p, p, n * sizeof(*p));
	return new;
}

struct perms *perms_get(struct perms *p)
{
	p->refs++;
	return p;
}

void perms_put(struct perms *p)
{
	if (p && !--p->refs)
		free(p);
}

struct perms *perms_with_owner(struct perms *p, unsigned id)
{
	struct perms *new;

	if (perms_owner(p) == id)
		return perms_get(p);
	new = perms_new(p->p, p->n);
	new->p[0].id = (uint16_t)id;
	return new;
}

unsigned perms_may(const struct perms *p, unsigned id)
{
	if (!id || perms_owner(p) == id)
		return MAY_READ | MAY_WRITE | MAY_OWN;
	for (unsigned i = 1; i < p->n; i++)
		if (p->p[i].id == id)
			return p->p[i].may;
	return p->p[0].may;
}

/* One entry without its NUL. */
static int parse_one(struct perm *out, const char *s, size_t len)
{
	const char *letter = len ? memchr(letters, s[0], 4) : NULL;
	unsigned id = 0;

	if (!letter || len < 2)
		return -EINVAL;
	for (size_t i = 1; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -EINVAL;
		id = id * 10 + (unsigned)(s[i] - '0');
		if (id > 0xffff)
			return -EINVAL;
	}
	*out = (struct perm){ .id = (uint16_t)id, .may = (uint8_t)(letter - letters) };
	return 0;
}

int perms_parse(struct perm *out, unsigned max, const char *text, size_t len)
{
	struct perm one;
	int n = 0;

	while (len) {
		const char *end = memchr(text, 0, len);

		if (!end || parse_one(&one, text, (size_t)(end - text)))
			return -EINVAL;
		if ((unsigned)n < max)
			out[n] = one;
		n++;
		len -= (size_t)(end - text) + 1;
		text = end + 1;
	}
	return n ? n : -EINVAL;
}

void perms_print(const struct perms *p, struct buf *out)
{
	for (unsigned i = 0; i < p->n; i++) {
		buf_printf(out, "%c%u", letters[p->p[i].may & 3], p->p[i].id);
		buf_put(out, "", 1);
	}
}

bool perms_name(const struct perms *p, unsigned id)
{
	for (unsigned i = 1; i < p->n; i++)
		if (p->p[i].id == id)
			return true;
	return false;
}

struct perms *perms_without(struct perms *p, unsigned id)
{
	struct perms *new = perms_new(p->p, p->n);
	uint16_t n = 1;

	for (unsigned i = 1; i < p->n; i++)
		if (p->p[i].id != id)
			new->p[n++] = p->p[i];
	new->n = n;
	return new;
}
