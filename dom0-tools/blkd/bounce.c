/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fixed area: BOUNCE_SMALLS pages, then BOUNCE_LARGES of eleven, each kind in a chain of those
 * that are free, last given first taken.  Whoever finds its chain empty takes from the heap.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "blkd/bounce.h"

#define SMALL_BYTES	((size_t)BOUNCE_SMALLS * BOUNCE_SMALL)

static void chain(void **head, void *at)
{
	*(void **)at = *head;
	*head = at;
}

int bounce_open(struct bounce *b)
{
	void *at = mmap(NULL, BOUNCE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);

	*b = (struct bounce){ 0 };
	if (at == MAP_FAILED)
		return -ENOMEM;
	b->base = at;
	for (size_t i = 0; i < BOUNCE_SMALLS; i++)
		chain(&b->small, b->base + i * BOUNCE_SMALL);
	for (size_t i = 0; i < BOUNCE_LARGES; i++)
		chain(&b->large, b->base + SMALL_BYTES + i * BOUNCE_LARGE);
	return 0;
}

void bounce_close(struct bounce *b)
{
	if (b->base)
		munmap(b->base, BOUNCE_BYTES);
	*b = (struct bounce){ 0 };
}

void *bounce_take(struct bounce *b, size_t bytes)
{
	void **head = bytes <= BOUNCE_SMALL ? &b->small : bytes <= BOUNCE_LARGE ? &b->large : NULL;
	void *at = head ? *head : NULL;

	if (at) {
		*head = *(void **)at;
		return at;
	}
	return posix_memalign(&at, BOUNCE_SMALL, bytes) ? NULL : at;
}

void bounce_give(struct bounce *b, void *at)
{
	size_t offset = (size_t)((char *)at - b->base);

	if (!b->base || (char *)at < b->base || offset >= BOUNCE_BYTES)
		free(at);
	else
		chain(offset < SMALL_BYTES ? &b->small : &b->large, at);
}
