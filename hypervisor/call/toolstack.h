/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of domctl and sysctl share.
 *
 * A command of domctl is a row of hc_domctl.c's table.  Its function acts on a domain that is referenced,
 * or on one of its vCPUs, puts the answer into *op, and returns 0, -errno or RESTART.
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

/* The vCPU, or NULL. */
static inline struct vcpu *toolstack_vcpu(struct domain *d, uint32_t id)
{
	return id < d->max_vcpus ? atomic_acquire(&d->vcpu[id]) : NULL;
}

typedef long domctl_fn(struct vcpu *self, struct domain *d, struct xen_domctl *op);
typedef long domctl_vcpu_fn(struct vcpu *self, struct vcpu *v, struct xen_domctl *op);

/* hc_domctl_create.c: a domain's making and its fixed properties; there is no domain for the first */
domctl_fn domctl_create, domctl_max_vcpus, domctl_page_frame_info;
domctl_fn domctl_set_tsc, domctl_get_tsc;
domctl_fn domctl_permission;	/* irq, iomem, ioport */
/* hc_domctl_vcpu.c: the state of its vCPUs */
domctl_vcpu_fn domctl_set_context, domctl_get_context, domctl_set_ext, domctl_get_ext;
domctl_vcpu_fn domctl_set_extstate, domctl_get_extstate, domctl_set_msrs, domctl_get_msrs;
domctl_fn domctl_send_trigger;
/* hc_domctl_place.c: where and how much its vCPUs run */
domctl_vcpu_fn domctl_vcpu_info, domctl_set_affinity, domctl_get_affinity;
domctl_fn domctl_set_nodes, domctl_scheduler_op;

/* hc_policy.c: what CPUID and MSRs tell */
domctl_fn domctl_set_policy, domctl_get_policy;
long sysctl_cpu_policy(struct xen_sysctl_cpu_policy *p);
long sysctl_cpu_featureset(struct xen_sysctl_cpu_featureset *f);

#endif
