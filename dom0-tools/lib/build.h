/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The domain builder: from a checked kernel to a paused domain that would run it.  It knows
 * nothing of the store, of names or of files; create.c does.  Whatever fails, the domain is
 * destroyed again and its end is waited for.
 */
#ifndef MICA_LIB_BUILD_H
#define MICA_LIB_BUILD_H

#include "lib/image.h"
#include "lib/layout.h"
#include "lib/mica.h"

struct mica_build_request {
	const struct mica_kernel *kernel;
	const struct mica_source *initrd;	/* NULL: none */
	const char *cmdline;			/* NULL: empty */
	uint64_t pages;				/* memory it starts with */
	uint64_t max_kib;			/* how far it may ever grow: its memory map */
	unsigned vcpus;
	uint8_t uuid[16];
	unsigned max_ports;			/* highest event channel; 0: the default */
	int grant_frames, maptrack_frames;	/* -1: the hypervisor's default */
	domid_t want_id;			/* 0: any */
};

struct mica_built {
	domid_t id;
	uint64_t store_mfn, console_mfn;
	uint32_t store_port, console_port;
	struct mica_layout layout;
};

#define MICA_GRANT_CONSOLE	0	/* entries of the grant table seeded by the builder */
#define MICA_GRANT_STORE	1
#define MICA_MAX_VCPUS		32
#define MICA_DEFAULT_PORTS	1023

/* Build it, paused.  On failure nothing is left, or e->undone says what is. */
int mica_build(struct mica *m, const struct mica_build_request *r, struct mica_built *b,
	       struct mica_error *e);

/* Destroy @id and wait until it is gone, at most @timeout_ms.  0, -ETIMEDOUT or -errno. */
int mica_domain_end(struct mica *m, domid_t id, unsigned timeout_ms);

#endif
