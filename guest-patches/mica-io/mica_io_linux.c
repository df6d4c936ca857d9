// SPDX-License-Identifier: GPL-2.0
/*
 * The world of io.h inside a Linux kernel: event channels, time, and the worker all callbacks
 * come from.  An interrupt only queues work; a port that is notified again meanwhile is served
 * once more.
 */
#include <linux/interrupt.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <xen/events.h>
#include <xen/interface/event_channel.h>
#include <asm/xen/hypercall.h>

#include "mica_io_priv.h"

struct port {
	struct list_head list;
	struct mica_io_linux *l;
	struct work_struct work;
	uint32_t number;
	int irq;
};

static void port_work(struct work_struct *work)
{
	struct port *p = container_of(work, struct port, work);
	struct mica_io *io = &p->l->io;

	if (io->driver.event)
		io->driver.event(io->driver.ctx, p->number);
}

static irqreturn_t port_interrupt(int irq, void *ctx)
{
	struct port *p = ctx;

	queue_work(p->l->worker, &p->work);
	return IRQ_HANDLED;
}

static void close_number(uint32_t number)
{
	struct evtchn_close op = { .port = number };

	HYPERVISOR_event_channel_op(EVTCHNOP_close, &op);
}

/* The port is ours in the hypervisor: make it an interrupt, or close it again. */
static int port_add(struct mica_io_linux *l, uint32_t number)
{
	struct port *p = kzalloc(sizeof(*p), GFP_KERNEL);

	if (!p) {
		close_number(number);
		return -ENOMEM;
	}
	p->l = l;
	p->number = number;
	INIT_WORK(&p->work, port_work);
	p->irq = bind_evtchn_to_irqhandler(number, port_interrupt, 0, "mica-io", p);
	if (p->irq < 0) {
		int rc = p->irq;

		close_number(number);
		kfree(p);
		return rc;
	}
	list_add(&p->list, &l->ports);
	return 0;
}

static int linux_port_offer(struct mica_io *io, domid_t peer, uint32_t *port)
{
	struct evtchn_alloc_unbound op = { .dom = DOMID_SELF, .remote_dom = peer };
	int rc = HYPERVISOR_event_channel_op(EVTCHNOP_alloc_unbound, &op);

	*port = op.port;
	return rc ? rc : port_add(linux_of(io), op.port);
}

static int linux_port_bind(struct mica_io *io, domid_t peer, uint32_t remote, uint32_t *port)
{
	struct evtchn_bind_interdomain op = { .remote_dom = peer, .remote_port = remote };
	int rc = HYPERVISOR_event_channel_op(EVTCHNOP_bind_interdomain, &op);

	*port = op.local_port;
	return rc ? rc : port_add(linux_of(io), op.local_port);
}

/* Unbinding closes the port.  Called on the worker, perhaps from this very port's event(). */
static void port_drop(struct port *p)
{
	list_del(&p->list);
	unbind_from_irqhandler(p->irq, p);
	if (current_work() != &p->work)
		cancel_work_sync(&p->work);
	else
		cancel_work(&p->work);
	kfree(p);
}

static void linux_port_close(struct mica_io *io, uint32_t number)
{
	struct port *p, *next;

	list_for_each_entry_safe(p, next, &linux_of(io)->ports, list)
		if (p->number == number)
			port_drop(p);
}

static void linux_port_notify(struct mica_io *io, uint32_t number)
{
	notify_remote_via_evtchn(number);
}

static uint64_t linux_now_ns(struct mica_io *io)
{
	return ktime_get_ns();
}

static void timer_work(struct work_struct *work)
{
	struct mica_io_linux *l = container_of(to_delayed_work(work), struct mica_io_linux, timer);

	if (l->io.driver.timer)
		l->io.driver.timer(l->io.driver.ctx);
}

static void linux_timer_set(struct mica_io *io, uint64_t at_ns)
{
	struct mica_io_linux *l = linux_of(io);
	uint64_t now = ktime_get_ns();

	if (at_ns)
		mod_delayed_work(l->worker, &l->timer,
				 nsecs_to_jiffies64(at_ns > now ? at_ns - now : 0));
	else
		cancel_delayed_work(&l->timer);
}

static domid_t linux_self(struct mica_io *io)
{
	char *text = xenbus_read(XBT_NIL, "domid", "", NULL);
	unsigned int id = 0;

	if (!IS_ERR(text)) {
		if (kstrtouint(text, 10, &id))
			id = 0;
		kfree(text);
	}
	return id;
}

static const struct mica_io_ops linux_ops = {
	.port_offer = linux_port_offer, .port_bind = linux_port_bind,
	.port_close = linux_port_close, .port_notify = linux_port_notify,
	.map = linux_map, .unmap = linux_unmap, .copy = linux_copy,
	.lend = linux_lend, .reclaim = linux_reclaim,
	.read = linux_read, .write = linux_write, .remove = linux_remove, .list = linux_list,
	.watch = linux_watch, .unwatch = linux_unwatch, .begin = linux_begin, .end = linux_end,
	.now_ns = linux_now_ns, .timer_set = linux_timer_set, .self = linux_self,
};

int mica_io_linux_open(struct mica_io **io, const char *name)
{
	struct mica_io_linux *l = kzalloc(sizeof(*l), GFP_KERNEL);

	if (!l)
		return -ENOMEM;
	l->worker = alloc_ordered_workqueue("%s", 0, name);
	if (!l->worker) {
		kfree(l);
		return -ENOMEM;
	}
	l->io.ops = &linux_ops;
	INIT_LIST_HEAD(&l->ports);
	INIT_LIST_HEAD(&l->watches);
	INIT_LIST_HEAD(&l->loans);
	INIT_DELAYED_WORK(&l->timer, timer_work);
	linux_store_open(l);
	*io = &l->io;
	return 0;
}

static int drop_ports(void *ctx)
{
	struct mica_io_linux *l = ctx;
	struct port *p, *next;

	list_for_each_entry_safe(p, next, &l->ports, list)
		port_drop(p);
	return 0;
}

void mica_io_linux_close(struct mica_io *io)
{
	struct mica_io_linux *l = linux_of(io);

	linux_store_close(l);
	cancel_delayed_work_sync(&l->timer);
	mica_io_linux_call(io, drop_ports, l);
	destroy_workqueue(l->worker);
	kfree(l);
}

struct call {
	struct work_struct work;
	int (*fn)(void *ctx);
	void *ctx;
	int rc;
};

static void call_work(struct work_struct *work)
{
	struct call *c = container_of(work, struct call, work);

	c->rc = c->fn(c->ctx);
}

int mica_io_linux_call(struct mica_io *io, int (*fn)(void *ctx), void *ctx)
{
	struct call c = { .fn = fn, .ctx = ctx };

	INIT_WORK_ONSTACK(&c.work, call_work);
	queue_work(linux_of(io)->worker, &c.work);
	flush_work(&c.work);
	destroy_work_on_stack(&c.work);
	return c.rc;
}
