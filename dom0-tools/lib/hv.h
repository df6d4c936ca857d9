/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The few things libmica needs from below, as a struct of functions: make a hypercall, memory a
 * hypercall may point to, map frames of another domain.  hv_xen.c implements it over the stable
 * libraries of Debian; tests/unit/lib puts a whole fake hypervisor behind it.
 *
 * Hypercalls return what the hypervisor returned: negative is -errno.
 */
#ifndef MICA_LIB_HV_H
#define MICA_LIB_HV_H

#include <stddef.h>
#include <stdint.h>

struct mica_hv_ops {
	long (*call)(void *ctx, unsigned op, const uint64_t args[5]);
	/* Zeroed memory that a hypercall can read and write; NULL when there is none. */
	void *(*alloc)(void *ctx, size_t bytes);
	void (*free)(void *ctx, void *p);
	/* Map @n frames of @dom in a row, read-write; errs[i] is 0 or -errno.  NULL: errno. */
	void *(*map)(void *ctx, uint16_t dom, size_t n, const uint64_t *mfns, int *errs);
	void (*unmap)(void *ctx, void *p, size_t n);
	/* Map the first frame of @dom's grant table; @cookie goes to unmap_grants. */
	void *(*map_grants)(void *ctx, uint16_t dom, void **cookie);
	void (*unmap_grants)(void *ctx, void *cookie);
	void (*close)(void *ctx);
};

/* A fresh connection to the real hypervisor.  0 or -errno. */
int hv_xen_open(const struct mica_hv_ops **ops, void **ctx);

#endif
