/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sched_op and set_timer_op: yield, block, poll, shut down, watchdogs, pinning (abi-inventory 4.4, 4.6).
 */
#include <mica/sched.h>
#include "call/handlers.h"
#include "cpu/time.h"
#include "dom/event.h"
#include "dom/sched.h"
#include "dom/vtime.h"
#include "ipc/evtchn.h"

#define POLL_PORTS_MAX	128

static long op_shutdown(struct vcpu *self, gva_t arg, uint64_t extra, bool now)
{
	struct sched_shutdown s;

	if (copy_from_guest(&s, arg, sizeof(s)))
		return refuse(-EFAULT, "shutdown: argument at %lx", arg.a);
	if (!now) {
		self->dom->shutdown_code = s.reason;
		return 0;
	}
	domain_shutdown(self->dom, s.reason, extra);
	return 0;
}

/* Sleep until one of these ports is pending, the mask notwithstanding, or the time has come. */
static long op_poll(struct vcpu *self, gva_t arg)
{
	uint32_t ports[POLL_PORTS_MAX];
	struct sched_poll p;
	bool pending = false;

	if (copy_from_guest(&p, arg, sizeof(p)))
		return refuse(-EFAULT, "poll: argument at %lx", arg.a);
	if (p.nr_ports > POLL_PORTS_MAX)
		return refuse(-EINVAL, "poll: %u ports", p.nr_ports);
	if (copy_from_guest(ports, gva(p.ports), p.nr_ports * sizeof(ports[0])))
		return refuse(-EFAULT, "poll: ports at %lx", p.ports);
	for (unsigned i = 0; i < p.nr_ports; i++)
		if (evtchn_is_pending(self->dom, ports[i]) < 0)
			return refuse(-EINVAL, "poll: port %u", ports[i]);

	scan_abort(&self->scan);
	self->polling = true;
	vtime_poll_deadline(self, p.timeout);
	sched_block(self);
	/* A sender looks at polling after it set its bit, we look at the bits after we set polling. */
	smp_fence();
	for (unsigned i = 0; i < p.nr_ports; i++)
		pending |= evtchn_is_pending(self->dom, ports[i]) > 0;
	if (pending || (p.timeout && p.timeout <= now_ns()) || event_deliverable(self))
		sched_wake(self);
	return 0;
}

/* Without the lock: the timer's function takes it.  A deadline that changes under our eyes makes the timer
 * fire early at worst, and watchdog_fire looks again. */
static void watchdog_arm(struct domain *d)
{
	uint64_t first = ~0ul;

	for (unsigned i = 0; i < ARRAY_SIZE(d->watchdog); i++)
		if (read_once(d->watchdog[i].v) && read_once(d->watchdog[i].deadline_ns) < first)
			first = d->watchdog[i].deadline_ns;
	if (first == ~0ul)
		timer_stop(&d->watchdog_timer);
	else
		timer_set(&d->watchdog_timer, first);
}

static void watchdog_fire(void *data)
{
	struct domain *d = data;
	uint64_t now = now_ns();

	for (unsigned i = 0; i < ARRAY_SIZE(d->watchdog); i++) {
		if (!read_once(d->watchdog[i].v) || read_once(d->watchdog[i].deadline_ns) > now)
			continue;
		log_warn("d%u: its watchdog %u expired", d->id, i + 1);
		domain_shutdown(d, SHUTDOWN_watchdog, 0);
		return;
	}
	watchdog_arm(d);
}

static long watchdog_set(struct vcpu *self, uint32_t id, uint32_t seconds)
{
	struct domain *d = self->dom;
	long rc = 0;

	lock_take(&d->life_lock);
	if (!id) {
		while (id < ARRAY_SIZE(d->watchdog) && d->watchdog[id].v)
			id++;
		if (!seconds)
			rc = -EINVAL;
		else if (id == ARRAY_SIZE(d->watchdog))
			rc = -ENOSPC;
		else
			rc = ++id;
	} else if (id > ARRAY_SIZE(d->watchdog)) {
		rc = -EINVAL;
	} else if (!d->watchdog[id - 1].v) {
		rc = -EINVAL;
	}
	if (rc >= 0) {
		d->watchdog[id - 1].v = seconds ? self : NULL;
		d->watchdog[id - 1].deadline_ns = now_ns() + seconds * 1000000000ul;
		if (!d->watchdog_timer.fn)
			timer_init(&d->watchdog_timer, watchdog_fire, d, cpu_id());
	}
	lock_drop(&d->life_lock);
	if (rc >= 0)
		watchdog_arm(d);
	return rc < 0 ? refuse(rc, "watchdog %u", id) : rc;
}

static long op_watchdog(struct vcpu *self, gva_t arg)
{
	struct sched_watchdog w;

	if (copy_from_guest(&w, arg, sizeof(w)))
		return refuse(-EFAULT, "watchdog: argument at %lx", arg.a);
	return watchdog_set(self, w.id, w.timeout);
}

static long op_remote_shutdown(struct vcpu *self, gva_t arg)
{
	struct sched_remote_shutdown r;
	struct domain *d;
	int rc;

	if (copy_from_guest(&r, arg, sizeof(r)))
		return refuse(-EFAULT, "remote_shutdown: argument at %lx", arg.a);
	require_privilege(self, "remote_shutdown");
	d = domain_get_target(self, r.domain_id, &rc);
	if (!d)
		return rc;
	domain_shutdown(d, (uint8_t)r.reason, 0);
	domain_put(d);
	return 0;
}

static long op_pin_override(struct vcpu *self, gva_t arg)
{
	struct sched_pin_override p;
	long rc;

	if (!self->dom->hardware)
		return refuse(-EPERM, "pin_override: not the hardware domain");
	if (copy_from_guest(&p, arg, sizeof(p)))
		return refuse(-EFAULT, "pin_override: argument at %lx", arg.a);
	if (p.pcpu < 0) {
		if (self->pinned_by < 0)
			return 0;
		self->pinned_by = -1;
		return sched_set_affinity(self, self->affinity_saved, self->soft_affinity);
	}
	if ((unsigned)p.pcpu >= nr_cpus)
		return refuse(-EINVAL, "pin_override: CPU %d", p.pcpu);
	if (self->pinned_by >= 0)
		return refuse(-EBUSY, "pin_override: pinned already");
	self->affinity_saved = self->hard_affinity;
	rc = sched_set_affinity(self, BIT(p.pcpu), self->soft_affinity);
	if (!rc)
		self->pinned_by = p.pcpu;
	return rc;
}

/* Who sleeps must not keep a table half checked: others would wait for it meanwhile. */
static long op_block(struct vcpu *self)
{
	scan_abort(&self->scan);
	self->info->evtchn_upcall_mask = 0;
	sched_block(self);
	return 0;
}

long hc_sched_op(struct vcpu *self, uint64_t cmd, gva_t arg, uint64_t extra)
{
	switch (cmd) {
	case SCHEDOP_yield:
		sched_yield();
		return 0;
	case SCHEDOP_block:
		return op_block(self);
	case SCHEDOP_shutdown:
		return op_shutdown(self, arg, extra, true);
	case SCHEDOP_shutdown_code:
		return op_shutdown(self, arg, extra, false);
	case SCHEDOP_poll:
		return op_poll(self, arg);
	case SCHEDOP_remote_shutdown:
		return op_remote_shutdown(self, arg);
	case SCHEDOP_watchdog:
		return op_watchdog(self, arg);
	case SCHEDOP_pin_override:
		return op_pin_override(self, arg);
	default:
		return refuse(-ENOSYS, "sched_op %lu", cmd);
	}
}

/* The old form: the argument by value. */
long hc_sched_op_compat(struct vcpu *self, uint64_t cmd, uint64_t arg)
{
	switch (cmd) {
	case SCHEDOP_yield:
		sched_yield();
		return 0;
	case SCHEDOP_block:
		return op_block(self);
	case SCHEDOP_shutdown:
		domain_shutdown(self->dom, (unsigned)arg, 0);
		return 0;
	default:
		return refuse(-ENOSYS, "sched_op_compat %lu", cmd);
	}
}

long hc_set_timer_op(struct vcpu *self, uint64_t timeout)
{
	if (!timeout)
		vtime_stop_singleshot(self);
	else
		vtime_set_singleshot(self, timeout);
	return 0;
}
