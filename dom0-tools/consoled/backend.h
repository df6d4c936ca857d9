/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the daemon needs from the hypervisor, as a struct of functions: the console page of a
 * domain, and event channels.  backend_xen.c has the real one; tests bring their own.
 */
#ifndef MICA_CONSOLED_BACKEND_H
#define MICA_CONSOLED_BACKEND_H

#include <stdint.h>

struct xencons_interface;	/* <mica/io/console.h>, which does not go with Xen's headers */

struct backend {
	void *ctx;
	/* The page of @domid: granted as reference 0, or frame @mfn.  NULL: errno says why. */
	struct xencons_interface *(*map)(void *ctx, uint16_t domid, uint64_t mfn, int *granted);
	void (*unmap)(void *ctx, struct xencons_interface *page, int granted);
	/* A local port bound to the domain's @port, or -errno. */
	int (*bind)(void *ctx, uint16_t domid, uint32_t port);
	void (*unbind)(void *ctx, uint32_t local);
	void (*notify)(void *ctx, uint32_t local);
	/* The next local port with an event, masked from now on; -errno when there is none. */
	int (*pending)(void *ctx);
	void (*unmask)(void *ctx, uint32_t local);
	int fd;			/* readable when pending() has something */
};

/* Open the real one.  0 or -errno, with *what naming the part that failed. */
int backend_xen_open(struct backend *b, const char **what);

#endif
