/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: do set_timer_op, the singleshot and the periodic timer raise VIRQ_TIMER at the right
 * time, in the past at once, not after they were stopped, and does a timer wake a blocked vCPU?
 */
#include "guest.h"

#define MS 1000000UL

static unsigned int port;

static long singleshot(uint64_t at)
{
	struct vcpu_set_singleshot_timer op = { .timeout_abs_ns = at };

	return hc_vcpu(VCPUOP_set_singleshot_timer, 0, &op);
}

/* It must fire, not before @at. */
static void check_fires(uint64_t at, unsigned long before, const char *what)
{
	check(wait_change(&event_count[port], before, 5000 * MS), "%s did not fire", what);
	check(time_now_ns() >= at, "%s fired early", what);
}

static void check_set_timer(void)
{
	unsigned long n = event_count[port];
	uint64_t at = time_now_ns() + 5 * MS;

	check_ok(hypercall(__HYPERVISOR_set_timer_op, at));
	check_fires(at, n, "set_timer_op");
	do {					/* once more if it was due before it was stopped */
		n = event_count[port];
		at = time_now_ns() + 10 * MS;
		check_ok(hypercall(__HYPERVISOR_set_timer_op, at));
		check_ok(hypercall(__HYPERVISOR_set_timer_op, 0));
	} while (time_now_ns() >= at);
	check(!wait_change(&event_count[port], n, 50 * MS), "a stopped timer fired");
	check_ok(hypercall(__HYPERVISOR_set_timer_op, time_now_ns() - 1));
	check(wait_change(&event_count[port], n, 5000 * MS), "a past timeout did not fire");
}

static void check_singleshot(void)
{
	unsigned long n = event_count[port];
	uint64_t at = time_now_ns() + 5 * MS;

	check_ok(singleshot(at));
	check_fires(at, n, "singleshot");
	n = event_count[port];
	check_ok(singleshot(1));
	check(wait_change(&event_count[port], n, 5000 * MS), "singleshot in the past");
	do {
		n = event_count[port];
		at = time_now_ns() + 10 * MS;
		check_ok(singleshot(at));
		check_ok(hc_vcpu(VCPUOP_stop_singleshot_timer, 0, NULL));
	} while (time_now_ns() >= at);
	check(!wait_change(&event_count[port], n, 50 * MS), "a stopped singleshot fired");
}

static void check_periodic(void)
{
	struct vcpu_set_periodic_timer op = { .period_ns = 2 * MS };
	unsigned long n = event_count[port], first = n;

	check_ok(hc_vcpu(VCPUOP_set_periodic_timer, 0, &op));
	for (int i = 0; i < 5; i++) {
		check(wait_change(&event_count[port], n, 5000 * MS), "tick %d missing", i);
		n = event_count[port];
	}
	check_ok(hc_vcpu(VCPUOP_stop_periodic_timer, 0, NULL));
	n = event_count[port];
	check(n >= first + 5, "only %lu ticks", n - first);
	check(!wait_change(&event_count[port], n, 50 * MS), "ticks after stop");
	op.period_ns = MS - 1;
	check_equal(hc_vcpu(VCPUOP_set_periodic_timer, 0, &op), -EINVAL);
}

/* SCHEDOP_block clears the mask and sleeps until the timer. */
static void check_block(void)
{
	unsigned long n = event_count[port];
	uint64_t at = time_now_ns() + 20 * MS;

	event_disable();
	check_ok(singleshot(at));
	check_ok(hc_sched(SCHEDOP_block, NULL));
	check_equal(event_count[port], n + 1);
	check(time_now_ns() >= at, "block returned early");
	check_equal(event_mask_get(), 0);
}

void test_main(void)
{
	long rc = event_bind_virq(VIRQ_TIMER, 0);

	must(rc);
	port = (unsigned int)rc;
	event_enable();
	check_set_timer();
	check_singleshot();
	check_periodic();
	check_block();
}
