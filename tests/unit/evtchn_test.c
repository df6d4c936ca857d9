/* unit: ipc/evtchn_send.c ipc/fifo.c mm/frame.c mm/kind.c mm/buddy.c mm/kmalloc.c mm/space.c mm/scan.c mm/undo.c mm/entry.c mm/pt.c mm/pt_pin.c mm/pt_foreign.c mm/audit.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ports and two-level events of hypervisor/ipc/evtchn*.c: each refusal, random programs of three
 * domains against a model, and senders racing with closers on two threads.
 */
#include "ipc_world.h"
#include "../../hypervisor/ipc/evtchn.c"

#include <pthread.h>

#define LIMIT		40		/* ports 1..LIMIT in the random programs */
static const struct domain_config limited = { .max_vcpus = WORLD_VCPUS, .max_evtchn_port = LIMIT };
static const struct domain_config roomy = { .max_vcpus = WORLD_VCPUS };

/* ---- pirq.c: one interrupt, number 5, per domain ---- */
static uint32_t pirq_port[WORLD_DOMS];
static bool pirq_fires_early;

int pirq_bind(struct domain *d, unsigned pirq, uint32_t flags, uint32_t port)
{
	if (pirq != 5)
		return -EINVAL;
	if (pirq_port[d->id])
		return -EEXIST;
	pirq_port[d->id] = port;
	if (pirq_fires_early)
		evtchn_raise_port(d, port);
	return 0;
}

void pirq_unbind(struct domain *d, unsigned pirq, uint32_t port)
{
	assert_int_equal(pirq, 5);
	assert_int_equal(pirq_port[d->id], port);
	pirq_port[d->id] = 0;
}

/* ---- the model ---- */

struct model_port {
	enum port_state state;
	uint32_t what, peer;
	unsigned vcpu;
	bool pending, masked;
};
static struct model_port model[WORLD_DOMS][LIMIT + 1];

static struct model_port *model_of(domid_t id, uint32_t port)
{
	return port && port <= LIMIT ? &model[id][port] : NULL;
}

static uint32_t model_free_port(domid_t id)
{
	for (uint32_t n = 1; n <= LIMIT; n++)
		if (!model[id][n].state)
			return n;
	return 0;
}

static void model_send(domid_t id, uint32_t port)
{
	model[id][port].pending = true;
}

static bool guest_has(domid_t id, uint32_t port)
{
	return world[id].shared->evtchn_pending[port / 64] & BIT(port % 64);
}

/* A pending, unmasked port must be announced to somebody. */
static bool announced(domid_t id, uint32_t port)
{
	for (unsigned i = 0; i < WORLD_VCPUS; i++)
		if (world_vcpu[id][i].info->evtchn_upcall_pending &&
		    (world_vcpu[id][i].info->evtchn_pending_sel & BIT(port / 64)))
			return true;
	return false;
}

static void check_against_model(void)
{
	static const uint8_t abi[] = { 0, 0, 1, 2, 3, 4, 5 };
	struct evtchn_status st;

	for (domid_t id = 0; id < WORLD_DOMS; id++) {
		for (uint32_t n = 1; n <= LIMIT; n++) {
			struct model_port *m = &model[id][n];

			st = (struct evtchn_status){ .port = n };
			if (evtchn_status(&world[id], &st)) {
				assert_int_equal(m->state, PORT_FREE);
				continue;
			}
			assert_int_equal(st.status, abi[m->state]);
			assert_int_equal(guest_has(id, n), m->pending);
			if (m->state == PORT_FREE)
				continue;
			assert_int_equal(st.vcpu, m->vcpu);
			if (m->state == PORT_INTERDOMAIN) {
				assert_int_equal(st.u.interdomain.dom, m->peer);
				assert_int_equal(st.u.interdomain.port, m->what);
			} else if (m->state == PORT_UNBOUND) {
				assert_int_equal(st.u.unbound.dom, m->what);
			}
			if (m->pending && !m->masked)
				assert_true(announced(id, n));
		}
	}
}

/* The guest takes what is announced, as a kernel does: upcall flag, selector, unmasked pending
 * bits. */
static void guest_takes(domid_t id, unsigned vcpu)
{
	struct vcpu_info *info = world_vcpu[id][vcpu].info;
	struct shared_info *s = world[id].shared;
	uint64_t sel, bits;

	if (!atomic_xchg(&info->evtchn_upcall_pending, 0))
		return;
	for (sel = atomic_xchg(&info->evtchn_pending_sel, 0); sel; sel &= sel - 1) {
		unsigned w = (unsigned)__builtin_ctzl(sel);

		for (bits = s->evtchn_pending[w] & ~s->evtchn_mask[w]; bits; bits &= bits - 1) {
			uint32_t port = w * 64 + (uint32_t)__builtin_ctzl(bits);

			s->evtchn_pending[w] &= ~BIT(port % 64);
			if (port <= LIMIT)
				model[id][port].pending = false;
		}
	}
}

/* ---- steps of a random program: each predicts, acts, updates the model ---- */

static void step_alloc(domid_t id)
{
	uint32_t expect = model_free_port(id), port = 0;
	domid_t remote = (domid_t)unit_below(WORLD_DOMS + 1);
	int rc = evtchn_alloc_unbound(&world[id], remote, &port);

	assert_int_equal(rc, expect ? 0 : -ENOSPC);
	if (rc)
		return;
	assert_int_equal(port, expect);
	model[id][port].state = PORT_UNBOUND;
	model[id][port].what = remote;
	model[id][port].vcpu = 0;
}

static void step_bind(domid_t id)
{
	domid_t remote = (domid_t)unit_below(WORLD_DOMS + 1);
	uint32_t rport = (uint32_t)unit_below(LIMIT + 5), expect = model_free_port(id), port = 0;
	struct model_port *rm = remote < WORLD_DOMS ? model_of(remote, rport) : NULL, *m;
	int want = remote >= WORLD_DOMS					? -ESRCH
		   : !rm || rm->state != PORT_UNBOUND || rm->what != id ? -EINVAL
		   : expect						? 0
									: -ENOSPC;

	assert_int_equal(evtchn_bind_interdomain(&world[id], remote, rport, &port), want);
	if (want)
		return;
	assert_int_equal(port, expect);
	m = &model[id][port];
	m->state = rm->state = PORT_INTERDOMAIN;
	m->vcpu = 0;
	m->what = rport;
	m->peer = remote;
	rm->what = port;
	rm->peer = id;
	model_send(id, port);
}

static void step_bind_local(domid_t id)
{
	unsigned kind = (unsigned)unit_below(3), vcpu = (unsigned)unit_below(WORLD_VCPUS + 1);
	unsigned virq = (unsigned)unit_below(NR_VIRQS + 1);
	uint32_t expect = model_free_port(id), port = 0;
	struct model_port *m;
	int want = expect ? 0 : -ENOSPC, rc;
	bool taken = false;

	if (kind == 0) {
		if (vcpu >= WORLD_VCPUS)
			want = -ENOENT;
		rc = evtchn_bind_ipi(&world[id], vcpu, &port);
	} else if (kind == 1) {
		for (uint32_t n = 1; n <= LIMIT; n++)
			taken |= model[id][n].state == PORT_VIRQ && model[id][n].what == virq &&
				 model[id][n].peer == vcpu;
		if (virq >= NR_VIRQS || (vcpu && !virq_per_vcpu(virq)))
			want = -EINVAL;
		else if (vcpu >= WORLD_VCPUS)
			want = -ENOENT;
		else if (taken)
			want = -EEXIST;
		rc = evtchn_bind_virq(&world[id], virq, vcpu, &port);
	} else {
		if (expect && pirq_port[id])
			want = -EEXIST;
		vcpu = 0;
		rc = evtchn_bind_pirq(&world[id], 5, 0, &port);
	}
	assert_int_equal(rc, want);
	if (rc)
		return;
	m = &model[id][port];
	*m = (struct model_port){ .state = kind == 0   ? PORT_IPI
					   : kind == 1 ? PORT_VIRQ
						       : PORT_PIRQ,
				  .what = kind == 1   ? virq
					  : kind == 2 ? 5
						      : 0,
				  .peer = vcpu,
				  .vcpu = vcpu,
				  .masked = m->masked };
	assert_int_equal(port, expect);
}

static void step_close(domid_t id)
{
	uint32_t port = (uint32_t)unit_below(LIMIT + 5);
	struct model_port *m = model_of(id, port), *rm;

	assert_int_equal(evtchn_close(&world[id], port), m && m->state ? 0 : -EINVAL);
	if (!m || !m->state)
		return;
	if (m->state == PORT_INTERDOMAIN) {
		rm = &model[m->peer][m->what];
		rm->state = PORT_UNBOUND;
		rm->what = id;
	}
	m->state = PORT_FREE;
	m->pending = false;
}

static void step_send(domid_t id)
{
	uint32_t port = (uint32_t)unit_below(LIMIT + 5);
	struct model_port *m = model_of(id, port);
	bool ok = m && (m->state == PORT_INTERDOMAIN || m->state == PORT_IPI ||
			m->state == PORT_UNBOUND);

	assert_int_equal(evtchn_send(&world[id], port), ok ? 0 : -EINVAL);
	if (ok && m->state == PORT_INTERDOMAIN)
		model_send((domid_t)m->peer, m->what);
	else if (ok && m->state == PORT_IPI)
		model_send(id, port);
}

static void step_raise(domid_t id)
{
	unsigned virq = (unsigned)unit_below(NR_VIRQS), vcpu = (unsigned)unit_below(WORLD_VCPUS);

	if (unit_one_in(3) && pirq_port[id]) {
		evtchn_raise_port(&world[id], pirq_port[id]);
		model_send(id, pirq_port[id]);
		return;
	}
	virq_raise(&world_vcpu[id][vcpu], virq);
	for (uint32_t n = 1; n <= LIMIT; n++)
		if (model[id][n].state == PORT_VIRQ && model[id][n].what == virq &&
		    model[id][n].peer == vcpu)
			model_send(id, n);
}

static void step_move(domid_t id)
{
	uint32_t port = (uint32_t)unit_below(LIMIT + 5);
	unsigned vcpu = (unsigned)unit_below(WORLD_VCPUS + 1);
	struct model_port *m = model_of(id, port);
	int want = vcpu >= WORLD_VCPUS ? -ENOENT :
		   !m || !m->state || m->state == PORT_IPI ||
		   (m->state == PORT_VIRQ && virq_per_vcpu(m->what)) ? -EINVAL : 0;

	assert_int_equal(evtchn_bind_vcpu(&world[id], port, vcpu), want);
	if (!want)
		m->vcpu = vcpu;
}

static void step_mask(domid_t id)
{
	uint32_t port = (uint32_t)unit_below(LIMIT + 5);
	struct model_port *m = model_of(id, port);

	if (m && unit_one_in(2)) {
		world[id].shared->evtchn_mask[port / 64] |= BIT(port % 64);
		m->masked = true;
		return;
	}
	assert_int_equal(evtchn_unmask(&world[id], port), m && m->state ? 0 : -EINVAL);
	if (m && m->state)
		m->masked = false;
}

static void step_poll(domid_t id)
{
	uint32_t port = (uint32_t)unit_below(LIMIT + 5);
	struct model_port *m = model_of(id, port);
	bool raise = unit_one_in(4);
	int want = -EINVAL;

	if (m && m->state && (!raise || m->state == PORT_INTERDOMAIN))
		want = (m->pending ? MICA_PORT_PENDING : 0) | (m->masked ? MICA_PORT_MASKED : 0);
	assert_int_equal(evtchn_bits(&world[id], port, raise), want);
	if (raise && want >= 0)
		model_send(id, port);
}

static void random_programs(void **state)
{
	static void (*const step[])(domid_t id) = {
		step_alloc,	 step_alloc, step_bind, step_bind, step_bind,
		step_bind_local, step_close, step_send, step_send, step_send,
		step_raise,	 step_move,  step_mask, step_mask, step_poll,
	};
	uint64_t steps = unit_steps(60000);

	unit_seed("evtchn");
	memset(model, 0, sizeof(model));
	memset(pirq_port, 0, sizeof(pirq_port));
	world_make(&evtchn_service, &limited);
	for (uint64_t i = 0; i < steps; i++) {
		domid_t id = (domid_t)unit_below(WORLD_DOMS);

		if (unit_one_in(12))
			guest_takes(id, (unsigned)unit_below(WORLD_VCPUS));
		else
			step[unit_below(ARRAY_SIZE(step))](id);
		if (unit_one_in(16))
			check_against_model();
	}
	world_end(&evtchn_service);
}

/* ---- single facts ---- */

static void closing_frees_everything(void **state)
{
	struct evtchn_status st = { .port = 0 };
	uint32_t port;

	world_make(&evtchn_service, &roomy);
	assert_int_equal(evtchn_status(&world[1], &st), 0);
	assert_int_equal(st.status, EVTCHNSTAT_closed);
	for (uint32_t n = 1; n < EVTCHN_2L_NR_CHANNELS; n++) {
		assert_int_equal(evtchn_alloc_unbound(&world[1], 2, &port), 0);
		assert_int_equal(port, n);
	}
	assert_int_equal(evtchn_alloc_unbound(&world[1], 2, &port), -ENOSPC);
	assert_int_equal(evtchn_close(&world[1], 77), 0);
	assert_int_equal(evtchn_close(&world[1], 77), -EINVAL);
	assert_int_equal(evtchn_alloc_unbound(&world[1], 2, &port), 0);
	assert_int_equal(port, 77);
	fake_preempt_one_in = 2;
	while (evtchn_reset(&world[1]) == RESTART)
		;
	fake_preempt_one_in = 0;
	assert_int_equal(world[1].evtchn->nr_used, 0);
	world_end(&evtchn_service);
	assert_int_equal(evtchn_service.create(&world[0], &roomy), 0);
	evtchn_service.destroy(&world[0]);
}

static void dying_domains_make_no_ports(void **state)
{
	uint32_t port;

	world_make(&evtchn_service, &roomy);
	assert_int_equal(evtchn_alloc_unbound(&world[1], 2, &port), 0);
	assert_int_equal(evtchn_bind_interdomain(&world[2], 1, port, &port), 0);
	assert_int_equal(evtchn_service.teardown(&world[1]), 0);
	assert_int_equal(evtchn_alloc_unbound(&world[1], 2, &port), -ESRCH);
	assert_int_equal(evtchn_send(&world[2], 1), 0);		/* unbound again: lost */
	world_end(&evtchn_service);
}

static void interrupt_during_bind(void **state)
{
	uint32_t port;

	memset(pirq_port, 0, sizeof(pirq_port));
	world_make(&evtchn_service, &roomy);
	pirq_fires_early = true;
	assert_int_equal(evtchn_bind_pirq(&world[0], 5, 0, &port), 0);
	pirq_fires_early = false;
	assert_true(guest_has(0, port));
	assert_int_equal(evtchn_bind_pirq(&world[0], 6, 0, &port), -EINVAL);
	assert_int_equal(world[0].evtchn->nr_used, 1);
	world_end(&evtchn_service);
}

static void pollers_are_woken(void **state)
{
	uint32_t port;

	world_make(&evtchn_service, &roomy);
	memset(world[1].shared->evtchn_mask, 0xff, sizeof(world[1].shared->evtchn_mask));
	assert_int_equal(evtchn_bind_ipi(&world[1], 0, &port), 0);
	world_kicks = 0;
	assert_int_equal(evtchn_send(&world[1], port), 0);
	assert_int_equal(world_kicks, 0);
	guest_takes(1, 0);
	world[1].shared->evtchn_pending[0] = 0;
	world_vcpu[1][1].polling = true;
	assert_int_equal(evtchn_send(&world[1], port), 0);
	assert_int_equal(world_kicks, 1);
	assert_int_equal(evtchn_send(&world[1], port), 0);	/* pending already: nothing new */
	assert_int_equal(world_kicks, 1);
	world_end(&evtchn_service);
}

static void global_virqs_go_to_dom0(void **state)
{
	uint32_t port, other;

	world_make(&evtchn_service, &roomy);
	assert_int_equal(evtchn_bind_virq(&world[0], VIRQ_DOM_EXC, 0, &port), 0);
	assert_int_equal(evtchn_bind_virq(&world[1], VIRQ_DOM_EXC, 0, &other), 0);
	virq_raise_global(VIRQ_DOM_EXC);
	assert_true(guest_has(0, port));
	assert_false(guest_has(1, other));
	assert_int_equal(evtchn_bind_vcpu(&world[0], port, 1), 0);
	assert_int_equal(evtchn_close(&world[0], port), 0);
	assert_int_equal(evtchn_bind_virq(&world[0], VIRQ_DOM_EXC, 0, &port), 0);
	world_end(&evtchn_service);
}

/* One thread sends both ways, the other binds and closes; nothing may be lost, locked or leaked. */
static volatile bool race_over;

static void *race_sender(void *arg)
{
	fake_run_on(1);
	while (!race_over)
		for (uint32_t n = 1; n < 5; n++)
			for (domid_t id = 0; id < WORLD_DOMS; id++)
				evtchn_send(&world[id], n);
	return NULL;
}

static void senders_race_with_closers(void **state)
{
	uint64_t steps = unit_steps(20000);
	pthread_t thread;
	uint32_t port;

	world_make(&evtchn_service, &roomy);
	race_over = false;
	assert_int_equal(pthread_create(&thread, NULL, race_sender, NULL), 0);
	for (uint64_t i = 0; i < steps; i++) {
		domid_t a = (domid_t)unit_below(WORLD_DOMS), b = (domid_t)unit_below(WORLD_DOMS);

		if (!evtchn_alloc_unbound(&world[a], b, &port))
			evtchn_bind_interdomain(&world[b], a, port, &port);
		evtchn_close(&world[a], 1 + (uint32_t)unit_below(6));
		evtchn_close(&world[b], 1 + (uint32_t)unit_below(6));
	}
	race_over = true;
	pthread_join(thread, NULL);
	world_end(&evtchn_service);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closing_frees_everything),
		cmocka_unit_test(dying_domains_make_no_ports),
		cmocka_unit_test(interrupt_during_bind),
		cmocka_unit_test(pollers_are_woken),
		cmocka_unit_test(global_virqs_go_to_dom0),
		cmocka_unit_test(random_programs),
		cmocka_unit_test(senders_race_with_closers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
