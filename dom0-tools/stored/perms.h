/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may do what with a node.  A list of entries: the first names the owner, who may do
 * everything, and its letter is what every domain that is not listed may do; each further entry
 * names one domain.  Domain 0 is never asked.  Lists are immutable, counted and shared between
 * nodes, because children inherit their parent's.
 */
#ifndef STORED_PERMS_H
#define STORED_PERMS_H

#include "util.h"

#define MAY_READ	1
#define MAY_WRITE	2
#define MAY_OWN		4

struct perm {
	uint16_t id;
	uint8_t may;			/* MAY_READ, MAY_WRITE */
};

struct perms {
	uint32_t refs;
	uint16_t n;			/* at least 1 */
	struct perm p[];
};

struct perms *perms_new(const struct perm *p, unsigned n);
struct perms *perms_get(struct perms *p);
void perms_put(struct perms *p);		/* NULL is fine */
struct perms *perms_with_owner(struct perms *p, unsigned id);	/* a new reference */

static inline unsigned perms_owner(const struct perms *p) { return p->p[0].id; }
unsigned perms_may(const struct perms *p, unsigned id);		/* MAY_* of a domain */

/* "n0\0r5\0": count of entries, or -EINVAL.  @out has room for @max; more are counted only. */
int perms_parse(struct perm *out, unsigned max, const char *text, size_t len);
void perms_print(const struct perms *p, struct buf *out);

/* Without what @id was given; drops nothing if @id owns it.  Returns a new reference. */
struct perms *perms_without(struct perms *p, unsigned id);
bool perms_name(const struct perms *p, unsigned id);		/* listed after the owner */

#endif
