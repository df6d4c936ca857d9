/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest time.  The time record of a vCPU is rewritten when it is switched in and about once a second
 * (NetBSD waits for a new version); the readers' protocol is an odd version while we write.
 *
 * Timers live on the CPU that last ran the vCPU and move with it (vtime_switch_in).  Lock: none of our
 * own; a vCPU's time record is written only by the CPU that runs it or before it ever ran.
 */
#include <mica/errno.h>
#include <mica/evtchn.h>
#include <mica/vm_assist.h>
#include "cpu/log.h"
#include "cpu/time.h"
#include "cpu/uaccess.h"
#include "dom/event.h"
#include "dom/sched.h"
#include "dom/vtime.h"
#include "lib/string.h"

#define TICK_NS		10000000ul		/* 100 Hz, the default of every new vCPU */
#define PERIOD_MIN_NS	1000000ul
#define FAR_NS		(365ul * 86400 * 1000000000)

static uint64_t wc_sec;			/* wall clock at system time 0; written by settime only */
static uint32_t wc_nsec;

static void fill(struct vcpu_time_info *t)
{
	uint64_t tsc = rdtsc();

	t->version |= 1;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	t->tsc_timestamp = tsc;
	t->system_time = time_from_tsc(tsc);
	t->tsc_to_system_mul = tsc_scale.mul;
	t->tsc_shift = tsc_scale.shift;
	t->flags = tsc_stable ? XEN_PVCLOCK_TSC_STABLE_BIT : 0;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	t->version++;
}

void vtime_update(struct vcpu *v)
{
	fill(&v->info->time);
	if (!gva_is_null(v->time_area) && v == current && in_kernel(v)) {
		struct vcpu_time_info copy = v->info->time;

		if (copy_to_guest(v->time_area, &copy, sizeof(copy)))
			v->time_area = gva(0);		/* it went away: stop trying */
	}
}

static void tick_single(void *data)
{
	virq_raise(data, VIRQ_TIMER);
}

static void tick_periodic(void *data)
{
	struct vcpu *v = data;
	uint64_t now = now_ns();

	if (!v->period_ns)
		return;
	virq_raise(v, VIRQ_TIMER);
	v->periodic_next_ns += v->period_ns;
	if (v->periodic_next_ns <= now)			/* ticks that were missed are not made up for */
		v->periodic_next_ns = now + v->period_ns;
	timer_set(&v->timer_periodic, v->periodic_next_ns);
}

static void poll_over(void *data)
{
	sched_wake(data);
}

void vtime_init_vcpu(struct vcpu *v)
{
	timer_init(&v->timer_single, tick_single, v, v->cpu);
	timer_init(&v->timer_periodic, tick_periodic, v, v->cpu);
	timer_init(&v->timer_poll, poll_over, v, v->cpu);
	v->runstate.state = RUNSTATE_offline;
	v->runstate.state_entry_time = now_ns();
	if (!v->is_idle) {
		v->period_ns = TICK_NS;
		fill(&v->info->time);
	}
}

void vtime_fini_vcpu(struct vcpu *v)
{
	timer_stop(&v->timer_single);
	timer_stop(&v->timer_periodic);
	timer_stop(&v->timer_poll);
}

static void write_wallclock(struct domain *d)
{
	struct shared_info *s = d->shared;
	uint64_t sec = wc_sec + (uint64_t)d->time_offset_s;
	uint32_t version = s->wc_version | 1;	/* two CPUs may be at it: it must not stay odd */

	s->wc_version = version;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	s->wc_sec = (uint32_t)sec;
	s->wc_sec_hi = (uint32_t)(sec >> 32);
	s->wc_nsec = wc_nsec;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	s->wc_version = version + 1;
}

void vtime_init_domain(struct domain *d)
{
	if (!wc_sec)
		wc_sec = time_boot_wallclock;
	write_wallclock(d);
}

void vtime_set_offset(struct domain *d, int64_t seconds)
{
	d->time_offset_s = seconds;
	write_wallclock(d);
}

void vtime_set_wallclock(uint64_t seconds, uint32_t nanoseconds, uint64_t system_time_ns)
{
	uint64_t total = seconds * 1000000000ul + nanoseconds - system_time_ns;
	struct domain *d;

	wc_sec = total / 1000000000ul;
	wc_nsec = (uint32_t)(total % 1000000000ul);
	for_each_domain(d)
		write_wallclock(d);
}

void vtime_set_singleshot(struct vcpu *v, uint64_t abs_ns)
{
	uint64_t now = now_ns();

	if ((int64_t)abs_ns < 0 || abs_ns > now + FAR_NS)
		abs_ns = now + 100000000ul;		/* nonsense: be late, not dead (ABI fact 4.6) */
	timer_set(&v->timer_single, abs_ns);
}

void vtime_stop_singleshot(struct vcpu *v)
{
	timer_stop(&v->timer_single);
}

int vtime_set_periodic(struct vcpu *v, uint64_t period_ns)
{
	if ((period_ns && period_ns < PERIOD_MIN_NS) || period_ns > FAR_NS)
		return refuse(-EINVAL, "periodic timer of %lu ns", period_ns);
	timer_stop(&v->timer_periodic);
	v->period_ns = period_ns;
	if (period_ns) {
		v->periodic_next_ns = now_ns() + period_ns;
		timer_set(&v->timer_periodic, v->periodic_next_ns);
	}
	return 0;
}

void vtime_switch_in(struct vcpu *v)
{
	struct timer *const timers[] = { &v->timer_single, &v->timer_periodic, &v->timer_poll };

	for (unsigned i = 0; i < ARRAY_SIZE(timers); i++)
		if (timers[i]->cpu != cpu_id())
			timer_migrate(timers[i], cpu_id());
	if (v->period_ns && !timer_armed(&v->timer_periodic))
		vtime_set_periodic(v, v->period_ns);
	fill(&v->info->time);
}

void vtime_poll_deadline(struct vcpu *v, uint64_t abs_ns)
{
	if (abs_ns)
		timer_set(&v->timer_poll, abs_ns);
	else
		timer_stop(&v->timer_poll);
}

/*
 * The guest's copies of its runstate and time are virtual addresses of its kernel: they can be written
 * only while it is current and in kernel mode.  In user mode the write waits: the slow flag makes the
 * next system call come through C, and vcpu_toggle_mode() asks again.
 */
void vtime_push_runstate(struct vcpu *v)
{
	struct vcpu_runstate_info now;
	bool flag = v->dom->vm_assist & 1u << VMASST_TYPE_runstate_update_flag;
	gva_t entry = gva_add(v->runstate_area, offsetof(struct vcpu_runstate_info, state_entry_time));

	if (gva_is_null(v->runstate_area) && gva_is_null(v->time_area))
		return;
	if (!in_kernel(v)) {
		v->runstate_stale = true;
		v->mode |= VMODE_SLOW;
		return;
	}
	v->runstate_stale = false;
	if (!gva_is_null(v->time_area))
		vtime_update(v);
	if (gva_is_null(v->runstate_area))
		return;
	sched_get_runstate(v, &now);
	if (flag && put_guest_u64(entry, now.state_entry_time | XEN_RUNSTATE_UPDATE))
		return;
	if (flag)
		now.state_entry_time |= XEN_RUNSTATE_UPDATE;
	if (copy_to_guest(v->runstate_area, &now, sizeof(now)))
		return;
	if (flag && put_guest_u64(entry, now.state_entry_time & ~XEN_RUNSTATE_UPDATE))
		return;
}
