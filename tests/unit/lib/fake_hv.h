/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A whole hypervisor behind libmica's hv.h, small enough to look at: some frames with owners, one
 * table of domains, ports, grants.  It checks what a real one would (no table pinned while it is
 * mapped, nothing of a dead domain left) and can be told to fail the n-th call.
 */
#ifndef FAKE_HV_H
#define FAKE_HV_H

#include <mica/regs.h>

#include "lib/build.h"

#define FAKE_FRAMES	65536u		/* 256 MiB; frame 0 is nobody's */
#define FAKE_DOMAINS	8

struct fake_domain {
	bool exists, dying;
	int paused;
	uint8_t handle[16];
	unsigned vcpus;
	bool vcpus_made;
	uint64_t max_pages, pages, claimed, map_bytes;
	uint64_t shared_info;		/* frame */
	uint64_t grants;		/* frame */
	uint32_t ports;
	uint64_t pinned_l4, hypercall_page;
	bool has_context;
	struct vcpu_guest_context context;
};

struct fake_hv {
	uint8_t (*ram)[4096];
	uint16_t owner[FAKE_FRAMES];	/* domain + 1, 0: free */
	uint64_t m2p[FAKE_FRAMES];
	uint16_t mapped[FAKE_FRAMES];
	struct fake_domain dom[FAKE_DOMAINS];
	unsigned calls, fail_at;	/* the fail_at-th call returns fail_with */
	int fail_with;
	unsigned maps, buffers;		/* outstanding */
	unsigned large_left;		/* extents of 2 MiB it still has; ~0: any */
	unsigned stuck_ticks;		/* how often a dead domain is still seen */
};

struct fake_hv *fake_hv_new(void);
void fake_hv_free(struct fake_hv *f);
extern const struct mica_hv_ops fake_hv_ops;
uint64_t fake_hv_free_frames(const struct fake_hv *f);

#endif
