/* SPDX-License-Identifier: BSD-2-Clause */
/* guest: smp=2 */
/*
 * Question: when two vCPUs of dom0 ask for each other's registers at the same time, for which each is to
 * stop, do both get them?  And when one of them asks for an audit meanwhile, for which all others stop?
 */
#include <mica/mica_op.h>
#include "domu.h"
#include "guest.h"

#define ROUNDS	2000

static struct vcpu_guest_context context[2];
static volatile unsigned int asked[2];

/* The registers of vCPU 1 - @me, over and over, until the other has had as many. */
static void ask(unsigned int me)
{
	struct xen_domctl op = {
		.cmd = XEN_DOMCTL_getvcpucontext, .u.vcpucontext = { !me, .ctxt = PTR(&context[me]) },
	};

	long audit;

	smp_meet();
	while (asked[0] < ROUNDS || asked[1] < ROUNDS) {
		check_ok(domctl(&op));
		check_equal(context[me].ctrlreg[3] >> 12, root_mfn());
		if (++asked[me] % 64 || me)
			continue;
		audit = hypercall(__HYPERVISOR_mica_op, MICA_OP_audit, 0);
		check(!audit || audit == -ENOSYS, "audit: %ld", audit);
	}
}

static void second(void)
{
	ask(1);
}

void test_main(void)
{
	struct xen_domctl own = {
		.cmd = XEN_DOMCTL_getvcpucontext, .u.vcpucontext.ctxt = PTR(&context[0]),
	};

	check_equal(domctl(&own), -EINVAL);
	smp_start(second);
	ask(0);
	smp_wait();
}
