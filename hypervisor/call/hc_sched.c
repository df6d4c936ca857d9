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

static long op_shutdown_code(struct vcpu *self, struct domain *d, unsigned cmd, void *arg, gva_t at)
{
	d->shutdown_code = ((struct sched_shutdown *)arg)->reason;
	return 0;
}

/* Sleep until one of these ports is pending, the mask notwithstanding, or the time has come. */
static long op_poll(struct vcpu *self, struct domain *d, unsigned cmd, void *arg, gva_t at)
{
	uint32_t ports[POLL_PORTS_MAX];
	struct sched_poll *p = arg;
	bool pending = false;

	if (p->nr_ports > POLL_PORTS_MAX)
		return refuse(-EINVAL, "poll: %u ports", p->nr_ports);
	if (copy_from_guest(ports, gva(p->ports), p->nr_ports * sizeof(ports[0])))
		return refuse(-EFAULT, "poll: ports at %lx", p->ports);
	for (unsigned i = 0; i < p->nr_ports; i++)
		if (evtchn_bits(d, ports[i], false) < 0)
			return refuse(-EINVAL, "poll: port %u", ports[i]);

	scan_abort(&self->scan);
	self->polling = true;
	vtime_poll_deadline(self, p->timeout);
	sched_block(self);
	/* A sender looks at polling after it set its bit, we look at the bits after we set polling. */
	smp_fence();
	for (unsigned i = 0; i < p->nr_ports; i++)
		pending |= evtchn_bits(d, ports[i], false) & MICA_PORT_PENDING;
	if (pending || (p->timeout && p->timeout <= now_ns()) || event_deliverable(self))
		sched_wake(self);
	return 0;
}

static void watchdog_fire(void *data)
{
	struct domain *d = data;

	log_warn("d%u: its watchdog expired", d->id);
	domain_shutdown(d, SHUTDOWN_watchdog, 0);
}

/* The slot of watchdog @id; 0 makes one, if it is to run.  Negative: there is none.  life_lock is held. */
static int watchdog_slot(const struct domain *d, uint32_t id, uint32_t seconds)
{
	if (id)
		return id <= ARRAY_SIZE(d->watchdog) && timer_armed(&d->watchdog[id - 1]) ? (int)id - 1
											 : -EINVAL;
	if (!seconds)
		return -EINVAL;
	while (id < ARRAY_SIZE(d->watchdog) && timer_armed(&d->watchdog[id]))
		id++;
	return id < ARRAY_SIZE(d->watchdog) ? (int)id : -ENOSPC;
}

static long op_watchdog(struct vcpu *self, struct domain *d, unsigned cmd, void *arg, gva_t at)
{
	struct sched_watchdog *w = arg;
	int slot;

	lock_take(&d->life_lock);
	slot = watchdog_slot(d, w->id, w->timeout);
	if (slot >= 0 && !d->watchdog[slot].fn)
		timer_init(&d->watchdog[slot], watchdog_fire, d, cpu_id());
	if (slot >= 0 && w->timeout)
		timer_set(&d->watchdog[slot], now_ns() + w->timeout * 1000000000ul);
	lock_drop(&d->life_lock);
	if (slot < 0)
		return refuse(slot, "watchdog %u", w->id);
	if (!w->timeout)			/* without the lock: the timer's function takes it */
		timer_stop(&d->watchdog[slot]);
	return w->id ? 0 : slot + 1;
}

static long remote_shutdown(struct vcpu *self, struct domain *d, unsigned cmd, void *arg, gva_t at)
{
	domain_shutdown(d, (uint8_t)((struct sched_remote_shutdown *)arg)->reason, 0);
	return 0;
}

static long op_pin_override(struct vcpu *self, struct domain *d, unsigned cmd, void *arg, gva_t at)
{
	int32_t pcpu = ((struct sched_pin_override *)arg)->pcpu;
	long rc;

	if (pcpu < 0) {
		if (self->pinned_by < 0)
			return 0;
		self->pinned_by = -1;
		return sched_set_affinity(self, self->affinity_saved, self->soft_affinity);
	}
	if ((unsigned)pcpu >= nr_cpus)
		return refuse(-EINVAL, "pin_override: CPU %d", pcpu);
	if (self->pinned_by >= 0)
		return refuse(-EBUSY, "pin_override: pinned already");
	self->affinity_saved = self->hard_affinity;
	rc = sched_set_affinity(self, BIT(pcpu), self->soft_affinity);
	if (!rc)
		self->pinned_by = pcpu;
	return rc;
}

static const struct command commands[] = {
	COMMAND(SCHEDOP_poll, op_poll, struct sched_poll, 0),
	COMMAND_OF(SCHEDOP_remote_shutdown, remote_shutdown, struct sched_remote_shutdown, domain_id,
		   CMD_CONTROL),
	COMMAND(SCHEDOP_shutdown_code, op_shutdown_code, struct sched_shutdown, 0),
	COMMAND(SCHEDOP_watchdog, op_watchdog, struct sched_watchdog, 0),
	COMMAND(SCHEDOP_pin_override, op_pin_override, struct sched_pin_override, CMD_HARDWARE),
};

/* Who sleeps must not keep a table half checked: others would wait for it meanwhile. */
static long op_block(struct vcpu *self)
{
	scan_abort(&self->scan);
	self->info->evtchn_upcall_mask = 0;
	sched_block(self);
	return 0;
}

/* The old form: the argument by value. */
long hc_sched_op_compat(struct vcpu *self, uint64_t cmd, uint64_t arg)
{
	switch (cmd) {
	case SCHEDOP_yield:
		sched_yield();
		return 0;
	case SCHEDOP_block: return op_block(self);
	case SCHEDOP_shutdown:
		domain_shutdown(self->dom, (unsigned)arg, 0);
		return 0;
	default: return refuse(-ENOSYS, "sched_op_compat %lu", cmd);
	}
}

long hc_sched_op(struct vcpu *self, uint64_t cmd, gva_t arg, uint64_t extra)
{
	struct sched_shutdown s;

	if (cmd < SCHEDOP_shutdown)
		return hc_sched_op_compat(self, cmd, 0);	/* without an argument */
	if (cmd != SCHEDOP_shutdown)
		return command_run(commands, ARRAY_SIZE(commands), "sched_op", self, cmd, arg);
	if (copy_from_guest(&s, arg, sizeof(s)))
		return refuse(-EFAULT, "shutdown: argument at %lx", arg.a);
	domain_shutdown(self->dom, s.reason, extra);
	return 0;
}

long hc_set_timer_op(struct vcpu *self, uint64_t timeout)
{
	if (!timeout)
		vtime_stop_singleshot(self);
	else
		vtime_set_singleshot(self, timeout);
	return 0;
}
