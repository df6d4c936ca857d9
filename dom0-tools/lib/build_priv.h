/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the builder share; see build.h for what it does. */
#ifndef MICA_LIB_BUILD_PRIV_H
#define MICA_LIB_BUILD_PRIV_H

#include "lib/build.h"

struct build {
	struct mica *m;
	const struct mica_build_request *r;
	struct mica_built *b;
	struct mica_error *e;
	uint64_t *mfn;			/* the p2m: r->pages entries */
	uint64_t shared_info;		/* mfn */
};

/* build_memory.c: fill in b->mfn.  The domain owns its pages afterwards. */
int build_populate(struct build *b);
/* build_image.c: kernel, initrd, p2m, start_info and rings into the domain's pages. */
int build_contents(struct build *b);
/* build_tables.c: the first page tables, not pinned yet. */
int build_tables(struct build *b);

/* Map @nr pages from @pfn on; unmap with mica_unmap(). */
int build_map(struct build *b, uint64_t pfn, uint64_t nr, void **p);
/* Describe a refused step: "cannot STEP". */
int build_refused(struct build *b, int rc, const char *step);

#endif
