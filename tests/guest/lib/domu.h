/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A second domain: made, filled with a copy of this very kernel, run, watched and destroyed.
 *
 * domu_build() gives the new domain the image of the test (text and data as they are now, .bss
 * empty), page tables, a p2m and a start_info, so that all of lib/ works in it, too.  It runs one
 * function of the test, then powers off.  What it wants to tell it leaves in a page of its .bss, which
 * dom0 looks at through domu_map_va().
 */
#ifndef GUEST_DOMU_H
#define GUEST_DOMU_H
#include <mica/domctl.h>
#include <mica/sysctl.h>
#include "abi.h"

#define DOMU_PFNS	2048
#define DOMU_SPARE	32		/* frames behind everything else, mapped nowhere */
#define DOMU_SLOT	500		/* window() slots from here on are ours */

struct domu {
	unsigned int vcpus;		/* set it before domu_build(); 0 stands for 1 */
	unsigned int id;
	unsigned int nr_pfns;		/* pfns below 256 do not exist */
	unsigned int spare;		/* pfn of the first spare frame */
	uint64_t mfn[DOMU_PFNS];
};

/* op->interface_version is filled in. */
long domctl(struct xen_domctl *op);
long sysctl(struct xen_sysctl *op);
/* a command without arguments about a domain */
long domctl_simple(unsigned int cmd, unsigned int domid);
/* createdomain with usual values and @vcpus vCPUs; the number, or an error */
long domu_create(unsigned int vcpus);
long domu_max_vcpus(unsigned int id, unsigned int vcpus);
long domu_max_mem(unsigned int id, uint64_t pages);
/* populate pfns @pfn.. of domain @id, one frame each, numbers to @mfn; how many were done */
long domu_populate(unsigned int id, uint64_t pfn, unsigned int n, uint64_t *mfn);
/* its getdomaininfo; -ESRCH when it is gone */
long domu_info(unsigned int id, struct xen_domctl_getdomaininfo *info);
uint64_t free_pages(void);
/* maps a frame of another domain at window(@slot); NULL and *error (may be NULL) when refused */
void *domu_map(unsigned int id, uint64_t mfn, unsigned int slot, bool writable, long *error);
void domu_unmap(unsigned int slot);
/* the page behind address @va of the domain, at window(@slot) */
void *domu_map_va(const struct domu *d, const volatile void *va, unsigned int slot);
/* create and build, ready to be unpaused; runs @main on vCPU 0 */
void domu_build(struct domu *d, void (*main)(void));
void domu_run(const struct domu *d);
/* wait for its shutdown; the reason, or test_error after 20 s */
unsigned int domu_wait_shutdown(const struct domu *d);
/* destroydomain; whether it is gone now */
bool domu_destroy(unsigned int id);
/* in the new domain: its number */
unsigned int domu_number(void);
void domu_poweroff(void) __attribute__((noreturn));

#endif
