/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: is the time page consistent, monotonic and refreshed about once a second, the runstate
 * complete, and are the secondary areas kept up to date?
 */
#include "guest.h"

#define MS 1000000UL

static struct vcpu_runstate_info area __attribute__((aligned(64)));
static struct vcpu_time_info time_area __attribute__((aligned(64)));

static void check_monotonic(void)
{
	uint64_t last = time_now_ns(), now;

	for (int i = 0; i < 200000; i++) {
		now = time_now_ns();
		if (now < last)
			test_fail("time went back by %lu ns", last - now);
		last = now;
	}
}

static void check_refresh(void)
{
	volatile uint32_t *version = &shared_info->vcpu_info[0].time.version;
	uint32_t old = *version;
	uint64_t end = time_now_ns() + 3000 * MS;

	while (*version == old && time_now_ns() < end)
		hc_sched(SCHEDOP_yield, NULL);
	check(*version != old, "time page not refreshed within 3 s");
}

static uint64_t sum_of(const struct vcpu_runstate_info *r)
{
	return r->time[0] + r->time[1] + r->time[2] + r->time[3];
}

static void check_runstate(void)
{
	struct vcpu_runstate_info before, after;
	struct vcpu_register_runstate_memory_area reg = { .addr = PTR(&area) };
	uint64_t start, end;

	check_ok(hc_vcpu(VCPUOP_get_runstate_info, 0, &before));
	check_equal(before.state, RUNSTATE_running);
	start = time_now_ns();
	while (time_now_ns() < start + 20 * MS)
		;
	end = time_now_ns();
	check_ok(hc_vcpu(VCPUOP_get_runstate_info, 0, &after));
	check(sum_of(&after) - sum_of(&before) >= end - start, "runstate counts %lu of %lu ns",
	      sum_of(&after) - sum_of(&before), end - start);
	check_ok(hc_vcpu(VCPUOP_register_runstate_memory_area, 0, &reg));
	check_equal(area.state, RUNSTATE_running);
	check(area.state_entry_time, "no entry time");
	check_equal(hc_vcpu(VCPUOP_get_runstate_info, 99, &after), -ENOENT);
	check_equal(hc_vcpu(VCPUOP_get_runstate_info, 0, (void *)0xdead000), -EFAULT);
}

static void check_blocked_counts(void)
{
	struct vcpu_set_singleshot_timer timer = { .timeout_abs_ns = time_now_ns() + 30 * MS };
	long port = event_bind_virq(VIRQ_TIMER, 0);
	uint64_t blocked = area.time[RUNSTATE_blocked];

	must(port);
	check_ok(hc_vcpu(VCPUOP_set_singleshot_timer, 0, &timer));
	check_ok(hc_sched(SCHEDOP_block, NULL));
	event_disable();
	check(area.time[RUNSTATE_blocked] - blocked >= 20 * MS, "blocked time grew by %lu",
	      area.time[RUNSTATE_blocked] - blocked);
	check_equal(area.state, RUNSTATE_running);
}

static void check_time_area(void)
{
	struct vcpu_register_time_memory_area reg = { .addr = PTR(&time_area) };

	check_ok(hc_vcpu(VCPUOP_register_vcpu_time_memory_area, 0, &reg));
	check_equal(time_area.tsc_to_system_mul,
		    shared_info->vcpu_info[0].time.tsc_to_system_mul);
	check_equal(time_area.version & 1, 0);
}

void test_main(void)
{
	check_monotonic();
	check_refresh();
	check_runstate();
	check_blocked_counts();
	check_time_area();
}
