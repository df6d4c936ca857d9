/* SPDX-License-Identifier: BSD-2-Clause */
/* vcpu_op: start and stop vCPUs of the calling domain, their timers and shared areas (abi-inventory 4.5). */
#include <mica/regs.h>
#include <mica/vcpu.h>
#include "call/handlers.h"
#include "dom/event.h"
#include "dom/sched.h"
#include "dom/vtime.h"
#include "mm/heap.h"

static long op_initialise(struct vcpu *self, struct vcpu *v, gva_t arg)
{
	struct vcpu_guest_context *c;
	long rc;

	if (v->id >= XEN_LEGACY_MAX_VCPUS && !v->info_frame)
		return refuse(-EINVAL, "vCPU %u has no vcpu_info", v->id);
	c = kmalloc(sizeof(*c));
	if (!c)
		return -ENOMEM;
	if (copy_from_guest(c, arg, sizeof(*c))) {
		rc = refuse(-EFAULT, "vCPU %u: context at %lx", v->id, arg.a);
	} else {
		lock_take(&self->dom->life_lock);	/* one at a time */
		rc = v->initialised ? refuse(-EEXIST, "vCPU %u is initialised", v->id)
				    : vcpu_set_context(v, c);
		lock_drop(&self->dom->life_lock);
		if (rc == RESTART)
			rc = hypercall_again(self, 0);
	}
	kfree(c);
	return rc;
}

/* Under the lock: who is initialising it must be through with it before it runs. */
static long op_up(struct vcpu *v)
{
	bool wake;

	lock_take(&v->dom->life_lock);
	wake = v->initialised && v->offline;
	if (wake) {
		v->blocked = false;
		atomic_release(&v->offline, false);
	}
	lock_drop(&v->dom->life_lock);
	if (wake)
		sched_wake(v);
	return v->initialised ? 0 : refuse(-EINVAL, "vCPU %u has no context", v->id);
}

static bool is_at_rest(const struct vcpu *v)
{
	return !read_once(v->running) && !atomic_acquire(&v->on_cpu);
}

static long op_down(struct vcpu *self, struct vcpu *v)
{
	struct domain *d = self->dom;
	bool gone, last = true;
	struct vcpu *o;

	lock_take(&d->life_lock);
	gone = self->offline;			/* somebody took us down: then we do nothing to others */
	for_each_vcpu(d, o)
		last &= o->offline || o == v;
	if (!gone && !last)
		v->offline = true;
	lock_drop(&d->life_lock);
	if (gone)
		return hypercall_again(self, 0);
	if (last) {				/* nobody is left to start another */
		domain_shutdown(d, SHUTDOWN_poweroff, 0);
		return 0;
	}
	if (v == self) {
		scan_abort(&v->scan);		/* or what it was checking stays busy for the others */
		softirq_raise(SOFTIRQ_SCHED);
		return 0;
	}
	/* It runs nowhere when we return.  Two vCPUs may do this to each other, so do not wait here. */
	softirq_raise_on(read_once(v->cpu), SOFTIRQ_SCHED);
	if (!is_at_rest(v))
		return hypercall_again(self, 0);
	lock_take(&d->life_lock);		/* nobody starts it meanwhile */
	if (v->offline && is_at_rest(v))
		scan_abort(&v->scan);
	lock_drop(&d->life_lock);
	return 0;
}

static long op_register_area(struct vcpu *self, struct vcpu *v, gva_t area, gva_t *where, size_t bytes)
{
	if (!guest_range_ok(area, bytes))
		return refuse(-EFAULT, "register area: %lx", area.a);
	*where = area;
	if (v == self)				/* ours can be written; the other's when it runs next */
		vtime_push_runstate(v);
	return 0;
}

static long op_register_info(struct vcpu *v, const struct vcpu_register_vcpu_info *r)
{
	long rc;

	lock_take(&v->dom->life_lock);
	rc = vcpu_register_info(v, mfn(r->mfn), r->offset);
	lock_drop(&v->dom->life_lock);
	return rc == RESTART ? hypercall_again(current, 0) : rc;
}

static long op_physid(struct vcpu *v, gva_t arg)
{
	struct percpu *pc = percpu_of(v->cpu);
	struct vcpu_get_physid id = { (uint64_t)pc->acpi_id << 32 | pc->apic_id };

	if (!v->dom->hardware || (v->hard_affinity & (v->hard_affinity - 1)))
		return refuse(-EINVAL, "vCPU %u is not pinned", v->id);
	return copy_to_guest(arg, &id, sizeof(id)) ? refuse(-EFAULT, "physid to %lx", arg.a) : 0;
}

union argument {
	gva_t area;
	struct vcpu_set_periodic_timer periodic;
	struct vcpu_set_singleshot_timer single;
	struct vcpu_register_vcpu_info info;
};

/* Of which so much is copied in. */
static const uint8_t argument_bytes[] = {
	[VCPUOP_register_runstate_memory_area] = sizeof(gva_t),
	[VCPUOP_register_vcpu_time_memory_area] = sizeof(gva_t),
	[VCPUOP_set_periodic_timer] = sizeof(struct vcpu_set_periodic_timer),
	[VCPUOP_set_singleshot_timer] = sizeof(struct vcpu_set_singleshot_timer),
	[VCPUOP_register_vcpu_info] = sizeof(struct vcpu_register_vcpu_info),
};

long hc_vcpu_op(struct vcpu *self, uint64_t cmd, uint64_t vcpuid, gva_t arg)
{
	struct vcpu *v = vcpuid < self->dom->max_vcpus ? self->dom->vcpu[vcpuid] : NULL;
	struct vcpu_runstate_info r;
	union argument a;

	if (!v)
		return refuse(-ENOENT, "vCPU %lu", vcpuid);
	if (cmd < ARRAY_SIZE(argument_bytes) &&
	    copy_from_guest(&a, arg, argument_bytes[table_index(cmd, ARRAY_SIZE(argument_bytes))]))
		return refuse(-EFAULT, "vcpu_op %lu: argument at %lx", cmd, arg.a);
	switch (cmd) {
	case VCPUOP_initialise: return op_initialise(self, v, arg);
	case VCPUOP_up: return op_up(v);
	case VCPUOP_down: return op_down(self, v);
	case VCPUOP_is_up: return !v->offline;
	case VCPUOP_get_runstate_info:
		sched_get_runstate(v, &r);
		return copy_to_guest(arg, &r, sizeof(r)) ? refuse(-EFAULT, "runstate to %lx", arg.a) : 0;
	case VCPUOP_register_runstate_memory_area:
		return op_register_area(self, v, a.area, &v->runstate_area, 48);
	case VCPUOP_register_vcpu_time_memory_area:
		return op_register_area(self, v, a.area, &v->time_area, 32);
	case VCPUOP_set_periodic_timer:
		return a.periodic.period_ns ? vtime_set_periodic(v, a.periodic.period_ns) :
					      refuse(-EINVAL, "periodic timer of 0 ns");
	case VCPUOP_stop_periodic_timer: return vtime_set_periodic(v, 0);
	case VCPUOP_set_singleshot_timer: case VCPUOP_stop_singleshot_timer:
		if (v != self)
			return refuse(-EINVAL, "single-shot timer of vCPU %u", v->id);
		if (cmd == VCPUOP_set_singleshot_timer)
			vtime_set_singleshot(v, a.single.timeout_abs_ns);
		else
			vtime_stop_singleshot(v);
		return 0;
	case VCPUOP_register_vcpu_info: return op_register_info(v, &a.info);
	case VCPUOP_send_nmi:
		atomic_or(&v->work, VWORK_NMI);
		event_kick(v);
		return 0;
	case VCPUOP_get_physid: return op_physid(v, arg);
	default: return refuse(-ENOSYS, "vcpu_op %lu", cmd);
	}
}
