/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of domctl and sysctl share.
 *
 * A command of domctl is  long domctl_NAME(struct vcpu *self, struct domain *d, struct xen_domctl *op):
 * @d is referenced, the answer goes into *op, and 0, -errno or RESTART comes back.  *op goes to the
 * guest when the answer is 0, and with those few errors that say something there (answers()).
 */
#ifndef CALL_TOOLSTACK_H
#define CALL_TOOLSTACK_H

#include <mica/domctl.h>
#include <mica/sysctl.h>
#include "call/hypercall.h"

#define SCHEDULER_ID	XEN_SCHEDULER_CREDIT2	/* weights and caps are given in its form */

/* hc_domctl.c */
void toolstack_domain_info(struct domain *d, struct xen_domctl_getdomaininfo *info);
/* A CPU mask from and to a guest's bitmap of any length; what does not fit is cut off or cleared. */
int toolstack_get_cpumask(const struct xenctl_bitmap *map, cpumask_t *mask);
int toolstack_put_cpumask(const struct xenctl_bitmap *map, cpumask_t mask);

/* hc_domctl_create.c: a domain's making and its fixed properties */
long domctl_create(struct xen_domctl *op);
long domctl_max_vcpus(struct vcpu *self, struct domain *d, uint32_t max);
long domctl_property(struct vcpu *self, struct domain *d, struct xen_domctl *op);
/* hc_domctl_vcpu.c: the state of its vCPUs */
long domctl_vcpu_state(struct vcpu *self, struct domain *d, struct xen_domctl *op);
/* hc_domctl_place.c: where and how much its vCPUs run */
long domctl_placement(struct vcpu *self, struct domain *d, struct xen_domctl *op);
/* The vCPU, or NULL. */
static inline struct vcpu *toolstack_vcpu(struct domain *d, uint32_t id)
{
	return id < d->max_vcpus ? atomic_acquire(&d->vcpu[id]) : NULL;
}

/* hc_policy.c: what CPUID and MSRs tell */
long domctl_cpu_policy(struct domain *d, struct xen_domctl *op);
long sysctl_cpu_policy(struct xen_sysctl_cpu_policy *p);
long sysctl_cpu_featureset(struct xen_sysctl_cpu_featureset *f);

#endif
