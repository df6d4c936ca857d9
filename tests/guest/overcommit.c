/* SPDX-License-Identifier: BSD-2-Clause */
/* guest: smp=1 hvopts="dom0_max_vcpus=4" xenopts="dom0_max_vcpus=4" */
/*
 * Question: do four vCPUs that never yield share one CPU fairly, do their timers and IPIs still
 * arrive, and does their runstate tell the truth?
 */
#include "guest.h"

#define PLAY_NS	4000000000UL

static volatile bool done;
static volatile unsigned long spins[MAX_VCPUS];
static unsigned int ipi_port[MAX_VCPUS];

static void spin(void)
{
	unsigned int me = this_vcpu();

	event_enable();
	while (!done) {
		spins[me]++;
		asm volatile("pause");
	}
	event_disable();
}

/* Spins are no measure of time on a busy host: the runstates are the fair ones. */
static void check_shares(void)
{
	unsigned long total = 0;

	for (unsigned int i = 0; i < 4; i++)
		total += spins[i];
	for (unsigned int i = 0; i < 4; i++)
		check(spins[i] > total / 40, "vCPU %u: %lu of %lu", i,
		      spins[i], total);
}

static void check_runstate(unsigned int vcpu)
{
	struct vcpu_runstate_info r;
	uint64_t all;

	check_ok(hc_vcpu(VCPUOP_get_runstate_info, vcpu, &r));
	all = r.time[RUNSTATE_running] + r.time[RUNSTATE_runnable];
	check(r.time[RUNSTATE_running] > PLAY_NS / 8 && r.time[RUNSTATE_running] < PLAY_NS / 2 &&
	      all > PLAY_NS * 3 / 4, "vCPU %u ran %lu ns, waited %lu ns", vcpu,
	      r.time[RUNSTATE_running], r.time[RUNSTATE_runnable]);
}

void test_main(void)
{
	uint64_t start, end;

	for (unsigned int i = 1; i < 4; i++) {
		long port = event_bind_ipi(i);

		must(port);
		ipi_port[i] = (unsigned int)port;
	}
	for (unsigned int i = 1; i < 4; i++)
		smp_start_on(i, spin);
	start = time_now_ns();
	end = start + PLAY_NS;
	while (time_now_ns() < end) {
		spins[0]++;
		asm volatile("pause");
	}
	for (unsigned int i = 1; i < 4; i++)
		check_runstate(i);
	for (unsigned int i = 1; i < 4; i++) {
		check_ok(event_send(ipi_port[i]));
		check(wait_change(&event_count[ipi_port[i]], 0, 2000000000UL), "no IPI on vCPU %u",
		      i);
	}
	done = true;
	for (unsigned int i = 1; i < 4; i++)
		smp_wait_on(i);
	check_shares();
}
