/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Grant tables for tests: set one up, write entries, map, unmap, copy - with oneself.
 *
 * grant_init(version) maps the first frames of the table (and, for version 2, of the status
 * array) and empties them.  The other side of every grant here is the domain itself.
 */
#ifndef GUEST_GRANT_H
#define GUEST_GRANT_H
#include "abi.h"

#define NR_GRANTS 256		/* entries that grant_init() maps, whatever the version */

/* test_skip when the version is not offered */
void grant_init(unsigned int version);
/* Version 1: a second frame, references 512 to 1023. */
void grant_grow(void);
/* allow our own domain to use @mfn through @ref; @flags: 0 or GTF_readonly */
void grant_give(unsigned int ref, uint64_t mfn, unsigned int flags);
/* take it back; false while it is in use */
bool grant_take(unsigned int ref);
/* GTF_reading | GTF_writing of an entry */
unsigned int grant_in_use(unsigned int ref);
/* raw access for tests that write nonsense */
struct grant_entry_v1 *grant_v1(unsigned int ref);
union grant_entry_v2 *grant_v2(unsigned int ref);
/* map, returning the status; *handle is valid when it is GNTST_okay */
int grant_map(unsigned int ref, uint64_t host_addr, unsigned int flags, uint32_t *handle);
int grant_unmap(uint64_t host_addr, uint32_t handle);
/* copy from a granted frame to a frame of our own; status */
int grant_copy_from(unsigned int ref, unsigned int offset, uint64_t to_mfn,
		    unsigned int to_offset, unsigned int len);
/* and the other way */
int grant_copy_to(unsigned int ref, unsigned int offset, uint64_t from_mfn,
		  unsigned int from_offset, unsigned int len);

#endif
