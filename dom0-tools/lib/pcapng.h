/* SPDX-License-Identifier: BSD-2-Clause */
/* Following a capture file that somebody writes. */
#ifndef MICA_LIB_PCAPNG_H
#define MICA_LIB_PCAPNG_H

#include <stdint.h>

/* One reader of one file. */
struct pcapng_tail {
	int from, to;			/* descriptors; @to need not be a file */
	uint64_t at;			/* bytes of @from copied */
	uint64_t frames;		/* copied */
	uint64_t most;			/* stop after so many; 0: never */
};

/*
 * Copy the whole blocks there are now.  A file that has become shorter was begun anew and is copied
 * from its start: sections may follow one another.  1: the last frame wanted is copied; 0: go on;
 * -EPROTO: not a capture; else -errno of reading or writing.
 */
int pcapng_copy(struct pcapng_tail *t);

#endif
