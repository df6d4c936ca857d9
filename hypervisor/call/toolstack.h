/* SPDX-License-Identifier: BSD-2-Clause */
/* What domctl and sysctl share. */
#ifndef CALL_TOOLSTACK_H
#define CALL_TOOLSTACK_H

#include <mica/domctl.h>
#include "call/hypercall.h"

#define SCHEDULER_ID	XEN_SCHEDULER_CREDIT2	/* weights and caps are given in its form */

void toolstack_domain_info(struct domain *d, struct xen_domctl_getdomaininfo *info);
/* A CPU mask from and to a guest's bitmap of any length; what does not fit is cut off or cleared. */
int toolstack_get_cpumask(const struct xenctl_bitmap *map, cpumask_t *mask);
int toolstack_put_cpumask(const struct xenctl_bitmap *map, cpumask_t mask);

#endif
