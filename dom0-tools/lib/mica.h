/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libmica's view of the hypervisor: one handle, one function per control operation.  Functions
 * return 0 or -errno as the hypervisor gave it; a positive result is documented where it occurs.
 * Sizes carry their unit in the name.  A handle belongs to one thread.
 */
#ifndef MICA_LIB_MICA_H
#define MICA_LIB_MICA_H

#include <stdbool.h>
#include <mica/domctl.h>
#include <mica/sysctl.h>
#include <mica/mmu.h>

#include "lib/hv.h"

#define MICA_MAX_CPUS		256	/* bits of a CPU set */
#define MICA_CPUSET_BYTES	(MICA_MAX_CPUS / 8)
#define MICA_SCRATCH_BYTES	4096
#define MICA_PAGE_BYTES		4096ul
#define KIB_PER_PAGE		4

struct mica {
	const struct mica_hv_ops *hv;
	void *ctx;
	void *scratch;			/* hypercall-safe, MICA_SCRATCH_BYTES; one call's argument */
};

/* Run @f on the variable when it goes out of scope; steal by setting it to NULL. */
#define autoclean(f)		__attribute__((cleanup(f##_cleanup)))

/* Open the real hypervisor, or any other through @ops. */
int mica_open(struct mica **m);
int mica_open_with(struct mica **m, const struct mica_hv_ops *ops, void *ctx);
void mica_close(struct mica *m);
static inline void mica_close_cleanup(struct mica **m)
{
	mica_close(*m);
}

void *mica_alloc(struct mica *m, size_t bytes);
void mica_free(struct mica *m, void *p);

/* Raw calls: the version field is filled in, answers are copied back. */
int mica_domctl(struct mica *m, uint32_t cmd, domid_t id, struct xen_domctl *op);
int mica_sysctl(struct mica *m, uint32_t cmd, struct xen_sysctl *op);
long mica_memory_op(struct mica *m, unsigned cmd, void *arg, size_t bytes);
int mica_mmuext(struct mica *m, domid_t id, struct mmuext_op *ops, unsigned n);
long mica_xen_version(struct mica *m, unsigned cmd, void *arg, size_t bytes);

/* --- domains --- */
typedef struct xen_domctl_getdomaininfo mica_dominfo;

/* Exactly domain @id: -ESRCH when it does not exist. */
int mica_domain_info(struct mica *m, domid_t id, mica_dominfo *info);
/* All domains in order of number; the caller frees *list.  Returns how many, or -errno. */
int mica_domain_list(struct mica *m, mica_dominfo **list);
int mica_domain_create(struct mica *m, const struct xen_domctl_createdomain *how, domid_t *id);
int mica_domain_destroy(struct mica *m, domid_t id);
int mica_domain_pause(struct mica *m, domid_t id);
int mica_domain_resume(struct mica *m, domid_t id);
int mica_domain_max_vcpus(struct mica *m, domid_t id, unsigned n);
int mica_domain_max_mem(struct mica *m, domid_t id, uint64_t kib);
int mica_domain_set_context(struct mica *m, domid_t id, unsigned vcpu, const void *context,
			    size_t bytes);
int mica_domain_hypercall_page(struct mica *m, domid_t id, uint64_t mfn);
int mica_domain_time_offset(struct mica *m, domid_t id, int64_t seconds);
/* End it from outside with a reason, SHUTDOWN_*. */
int mica_domain_shutdown(struct mica *m, domid_t id, unsigned reason);
int mica_domain_trigger(struct mica *m, domid_t id, unsigned trigger, unsigned vcpu);

/* --- vCPUs and the scheduler --- */
int mica_vcpu_info(struct mica *m, domid_t id, unsigned vcpu, struct xen_domctl_getvcpuinfo *info);
/* @cpus: MICA_CPUSET_BYTES; get fills in the hard set. */
int mica_vcpu_set_affinity(struct mica *m, domid_t id, unsigned vcpu, const uint8_t *cpus);
int mica_vcpu_get_affinity(struct mica *m, domid_t id, unsigned vcpu, uint8_t *cpus);
int mica_sched_id(struct mica *m, uint32_t *id);
/* How long a guest that has begun to run is not preempted by a woken vCPU, in us; 0: not at all. */
int mica_ratelimit_get(struct mica *m, unsigned *us);
/* 0, or 100 to 500,000; else -EINVAL */
int mica_ratelimit_set(struct mica *m, unsigned us);
/* Weight and cap (percent of one CPU, 0 none).  Setting: weight 0 keeps it, cap -1 keeps it. */
int mica_sched_get(struct mica *m, domid_t id, unsigned *weight, unsigned *cap);
int mica_sched_set(struct mica *m, domid_t id, unsigned weight, int cap);

/* --- host --- */
int mica_physinfo(struct mica *m, struct xen_sysctl_physinfo *info);
/* Busy time is what idletime leaves: ns per CPU.  Returns entries stored. */
int mica_cpu_idle(struct mica *m, uint64_t *idle_ns, unsigned max);
/* Read the hypervisor's log from *index on; returns bytes stored. */
int mica_dmesg(struct mica *m, char *text, size_t room, bool clear, bool from_index,
	       uint32_t *index);
int mica_keys(struct mica *m, const char *keys);

/* --- memory --- */
/* Populate extents of 2^order pages at pfns list[]; mfns come back.  Returns extents done. */
long mica_populate(struct mica *m, domid_t id, uint64_t *list, uint64_t n, unsigned order);
int mica_claim(struct mica *m, domid_t id, uint64_t pages);
int mica_set_memory_limit_map(struct mica *m, domid_t id, uint64_t bytes);
/* Map frames; -errno of the first that failed (nothing stays mapped then). */
int mica_map(struct mica *m, domid_t id, size_t n, const uint64_t *mfns, void **p);
void mica_unmap(struct mica *m, void *p, size_t n);
/* A port of @id that dom0 may connect to. */
int mica_alloc_port(struct mica *m, domid_t id, uint32_t *port);

#endif
