/* unit: ipc/evtchn_send.c ipc/fifo.c mm/frame.c mm/kind.c mm/buddy.c mm/kmalloc.c mm/space.c mm/scan.c mm/undo.c mm/entry.c mm/pt.c mm/pt_pin.c mm/pt_foreign.c mm/audit.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FIFO events of hypervisor/ipc/fifo.c with a guest that takes its queues apart as a kernel does:
 * every event arrives once, on the right vCPU and in order of priority; broken words mislead the
 * guest only.
 */
#include "ipc_world.h"
#include "../../hypervisor/ipc/evtchn.c"

#include <pthread.h>

int pirq_bind(struct domain *d, unsigned pirq, uint32_t flags, uint32_t port) { return -EINVAL; }
void pirq_unbind(struct domain *d, unsigned pirq, uint32_t port) { }

static const struct domain_config cfg = { .max_vcpus = WORLD_VCPUS };

#define PENDING		(1u << EVTCHN_FIFO_PENDING)
#define MASKED		(1u << EVTCHN_FIFO_MASKED)
#define LINKED		(1u << EVTCHN_FIFO_LINKED)

/* ---- the guest: domain 1 ---- */
static struct evtchn_fifo_control_block *block[WORLD_VCPUS];
static uint32_t *words[2];
static unsigned nr_pages;
static uint32_t head[WORLD_VCPUS][EVTCHN_FIFO_MAX_QUEUES];

static uint32_t *word(uint32_t port)
{
	return &words[port / 1024][port % 1024];
}

static int init_control(unsigned vcpu, uint32_t offset, uint32_t *link_bits)
{
	struct evtchn_init_control ic = { .vcpu = vcpu, .offset = offset };
	void *page;
	int rc;

	ic.control_gfn = world_page(&world[1], &page).n;
	rc = evtchn_init_control(&world_vcpu[1][0], &ic);
	*link_bits = ic.link_bits;
	if (!rc)
		block[vcpu] = (void *)((char *)page + offset);
	return rc;
}

static int expand(void)
{
	void *page;
	uint64_t m = world_page(&world[1], &page).n;
	int rc = evtchn_expand_array(&world_vcpu[1][0], m);

	if (!rc)
		words[nr_pages++] = page;
	return rc;
}

static void guest_starts(void)
{
	uint32_t bits;

	memset(head, 0, sizeof(head));
	nr_pages = 0;
	assert_int_equal(init_control(0, 0, &bits), 0);
	assert_int_equal(bits, EVTCHN_FIFO_LINK_BITS);
	assert_int_equal(init_control(1, 72, &bits), 0);
	assert_int_equal(expand(), 0);
}

/* Takes the link and clears LINKED in one step. */
static uint32_t clear_linked(uint32_t *w)
{
	uint32_t now = atomic_read(w);

	while (!atomic_cmpxchg(w, &now, now & ~(LINKED | EVTCHN_FIFO_LINK_MASK)))
		;
	return now & EVTCHN_FIFO_LINK_MASK;
}

/* One round of the upcall on @vcpu; @seen is told each event in order. */
static unsigned guest_handles(unsigned vcpu,
			      void (*seen)(unsigned vcpu, unsigned prio, uint32_t port))
{
	uint32_t ready = atomic_xchg(&block[vcpu]->ready, 0);
	unsigned n = 0;

	atomic_set(&world_vcpu[1][vcpu].info->evtchn_upcall_pending, 0);
	while (ready) {
		unsigned q = (unsigned)__builtin_ctz(ready);
		uint32_t port = head[vcpu][q] ? head[vcpu][q] : read_once(block[vcpu]->head[q]);
		uint32_t next = port ? clear_linked(word(port)) : 0;

		if (!next)
			ready &= ~(1u << q);
		if (port && (atomic_read(word(port)) & (PENDING | MASKED)) == PENDING) {
			atomic_and(word(port), ~PENDING);
			n++;
			if (seen)
				seen(vcpu, q, port);
		}
		head[vcpu][q] = next;
		ready |= atomic_xchg(&block[vcpu]->ready, 0);
	}
	return n;
}

/* ---- single facts ---- */

static uint32_t order[8];
static unsigned nr_order;

static void note_order(unsigned vcpu, unsigned prio, uint32_t port)
{
	if (nr_order < ARRAY_SIZE(order))
		order[nr_order++] = port;
}

static void priorities_order_events(void **state)
{
	uint32_t p[4];

	world_make(&evtchn_service, &cfg);
	guest_starts();
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(evtchn_bind_ipi(&world[1], 0, &p[i]), 0);
	assert_int_equal(evtchn_set_priority(&world[1], p[2], 0), 0);
	assert_int_equal(evtchn_set_priority(&world[1], p[0], 15), 0);
	assert_int_equal(evtchn_set_priority(&world[1], p[0], 16), -EINVAL);
	assert_int_equal(evtchn_set_priority(&world[1], 999, 1), -EINVAL);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(evtchn_send(&world[1], p[i]), 0);
	assert_int_equal(world_vcpu[1][0].info->evtchn_upcall_pending, 1);
	nr_order = 0;
	assert_int_equal(guest_handles(0, note_order), 4);
	assert_int_equal(order[0], p[2]);
	assert_int_equal(order[1], p[1]);
	assert_int_equal(order[2], p[3]);
	assert_int_equal(order[3], p[0]);
	world_end(&evtchn_service);
}

static void bad_arguments(void **state)
{
	struct evtchn_init_control ic = { .vcpu = 0 };
	uint32_t bits;
	mfn_t theirs;

	world_make(&evtchn_service, &cfg);
	assert_int_equal(evtchn_expand_array(&world_vcpu[1][0], 300), -EOPNOTSUPP);
	assert_int_equal(evtchn_set_priority(&world[1], 1, 1), -ENOSYS);
	assert_int_equal(init_control(2, 0, &bits), -ENOENT);
	assert_int_equal(init_control(0, 4, &bits), -EINVAL);
	assert_int_equal(init_control(0, PAGE_SIZE - 64, &bits), -EINVAL);
	theirs = world_page(&world[2], NULL);
	ic.control_gfn = theirs.n;
	assert_int_equal(evtchn_init_control(&world_vcpu[1][0], &ic), -EINVAL);
	ic.control_gfn = ~0ul;
	assert_int_equal(evtchn_init_control(&world_vcpu[1][0], &ic), -EINVAL);
	assert_null(world[1].evtchn->fifo);
	guest_starts();
	assert_int_equal(init_control(0, 0, &bits), -EINVAL);
	assert_int_equal(evtchn_expand_array(&world_vcpu[1][0], theirs.n), -EINVAL);
	assert_int_equal(frame_of(theirs)->word.refs, 1);
	world_end(&evtchn_service);
}

/* Pending before there is a word, before there is a control block, and while two-level. */
static void early_events_arrive(void **state)
{
	uint32_t a, b, c, bits;

	world_make(&evtchn_service, &cfg);
	memset(head, 0, sizeof(head));
	nr_pages = 0;
	assert_int_equal(evtchn_bind_ipi(&world[1], 0, &a), 0);
	assert_int_equal(evtchn_bind_ipi(&world[1], 1, &b), 0);
	assert_int_equal(evtchn_bind_ipi(&world[1], 0, &c), 0);
	assert_int_equal(evtchn_send(&world[1], a), 0);
	assert_int_equal(init_control(0, 0, &bits), 0);
	assert_int_equal(evtchn_send(&world[1], c), 0);
	assert_int_equal(evtchn_bits(&world[1], a, false), 1);
	assert_int_equal(evtchn_bits(&world[1], b, false), 0);
	assert_int_equal(evtchn_bits(&world[1], c, false), 1);
	assert_int_equal(expand(), 0);
	assert_int_equal(evtchn_send(&world[1], b), 0);
	assert_int_equal(guest_handles(0, NULL), 2);
	assert_int_equal(*word(b) & (PENDING | LINKED), PENDING);
	assert_int_equal(init_control(1, 0, &bits), 0);
	assert_int_equal(guest_handles(1, NULL), 1);
	world_end(&evtchn_service);
}

/* A port moved while it is a queue's tail must not drag later events along. */
static void moved_tail(void **state)
{
	uint32_t a, b;

	world_make(&evtchn_service, &cfg);
	guest_starts();
	assert_int_equal(evtchn_alloc_unbound(&world[1], 2, &a), 0);
	assert_int_equal(evtchn_alloc_unbound(&world[1], 2, &b), 0);
	assert_int_equal(evtchn_bind_interdomain(&world[2], 1, a, &a), 0);
	assert_int_equal(evtchn_bind_interdomain(&world[2], 1, b, &b), 0);
	evtchn_send(&world[2], a);
	assert_int_equal(guest_handles(0, NULL), 1);		/* a was tail of v0's queue */
	assert_int_equal(evtchn_bind_vcpu(&world[1], a, 1), 0);
	evtchn_send(&world[2], a);				/* now linked on v1 */
	evtchn_send(&world[2], b);				/* v0: must not hang behind a */
	assert_int_equal(guest_handles(0, NULL), 1);
	assert_int_equal(guest_handles(1, NULL), 1);
	world_end(&evtchn_service);
}

static void linked_ports_are_not_reused(void **state)
{
	uint32_t a, b;

	world_make(&evtchn_service, &cfg);
	guest_starts();
	assert_int_equal(evtchn_bind_ipi(&world[1], 0, &a), 0);
	assert_int_equal(evtchn_send(&world[1], a), 0);
	assert_int_equal(evtchn_close(&world[1], a), 0);
	assert_int_equal(evtchn_bind_ipi(&world[1], 0, &b), 0);
	assert_int_not_equal(a, b);
	assert_int_equal(guest_handles(0, NULL), 0);		/* closing took it back */
	assert_int_equal(evtchn_close(&world[1], b), 0);
	assert_int_equal(evtchn_bind_ipi(&world[1], 0, &b), 0);
	assert_int_equal(a, b);
	world_end(&evtchn_service);
}

static void reset_gives_pages_back(void **state)
{
	uint64_t frames = 0;
	uint32_t a;

	world_make(&evtchn_service, &cfg);
	guest_starts();
	frames = world[1].mem.tot_frames;
	assert_int_equal(expand(), 0);
	assert_int_equal(evtchn_bind_ipi(&world[1], 0, &a), 0);
	assert_int_equal(evtchn_reset(&world[1]), 0);
	assert_null(world[1].evtchn->fifo);
	assert_null(world_vcpu[1][0].evtchn_fifo);
	assert_int_equal(frame_of(virt_to_mfn(words[0]))->word.refs, 1);
	assert_int_equal(frame_of(virt_to_mfn(block[0]))->word.users, 0);
	assert_int_equal(world[1].mem.tot_frames, frames + 1);
	guest_starts();
	world_end(&evtchn_service);
}

static void array_has_an_end(void **state)
{
	mfn_t m;

	world_make(&evtchn_service, &cfg);
	guest_starts();
	m = world_page(&world[1], NULL);
	for (unsigned i = 1; i < 128; i++)
		assert_int_equal(evtchn_expand_array(&world_vcpu[1][0], m.n), 0);
	assert_int_equal(evtchn_expand_array(&world_vcpu[1][0], m.n), -ENOSPC);
	assert_int_equal(frame_of(m)->word.users, 127);
	world_end(&evtchn_service);
	assert_int_equal(frame_of(m)->word.users, 0);
}

/* ---- random ---- */

#define PORTS	24
static unsigned arrived[PORTS + 1];

static void note_arrival(unsigned vcpu, unsigned prio, uint32_t port)
{
	assert_in_range(port, 1, PORTS);
	arrived[port]++;
}

/* Domain 2 sends through ports 1..PORTS to domain 1's ports of the same numbers. */
static void connect(void)
{
	uint32_t port;

	for (uint32_t n = 1; n <= PORTS; n++) {
		assert_int_equal(evtchn_alloc_unbound(&world[1], 2, &port), 0);
		assert_int_equal(port, n);
		assert_int_equal(evtchn_bind_interdomain(&world[2], 1, port, &port), 0);
		assert_int_equal(port, n);
	}
}

static void drain(void)
{
	while (guest_handles(0, note_arrival) + guest_handles(1, note_arrival))
		;
}

/* A masked event waits for unmask, everything else arrives by the next drain, once per send. */
static void random_events(void **state)
{
	bool sent[PORTS + 1] = { false }, masked[PORTS + 1] = { false };
	uint64_t steps = unit_steps(100000);

	unit_seed("fifo");
	memset(arrived, 0, sizeof(arrived));
	world_make(&evtchn_service, &cfg);
	guest_starts();
	connect();
	for (uint64_t i = 0; i < steps; i++) {
		uint32_t n = 1 + (uint32_t)unit_below(PORTS);

		switch (unit_below(8)) {
		case 0:
			assert_int_equal(
				evtchn_set_priority(&world[1], n, (uint32_t)unit_below(16)), 0);
			break;
		case 1:
			assert_int_equal(evtchn_bind_vcpu(&world[1], n, (unsigned)unit_below(2)),
					 0);
			break;
		case 2:
			atomic_or(word(n), MASKED);
			masked[n] = true;
			break;
		case 3:
			assert_int_equal(evtchn_unmask(&world[1], n), 0);
			masked[n] = false;
			break;
		case 4:
			guest_handles((unsigned)unit_below(2), note_arrival);
			break;
		default:
			assert_int_equal(evtchn_send(&world[2], n), 0);
			sent[n] = true;
		}
		if (!unit_one_in(10))
			continue;
		drain();
		for (n = 1; n <= PORTS; n++) {
			assert_int_equal(*word(n) & LINKED, 0);
			assert_int_equal(evtchn_bits(&world[1], n, false),
					 (*word(n) & PENDING ? MICA_PORT_PENDING : 0) |
					 (*word(n) & MASKED ? MICA_PORT_MASKED : 0));
			if (masked[n])
				continue;
			assert_int_equal(*word(n) & PENDING, 0);
			if (sent[n])
				assert_true(arrived[n] > 0);
			sent[n] = false;
			arrived[n] = 0;
		}
	}
	world_end(&evtchn_service);
}

/* A guest that scribbles over its words and heads: we stay in bounds, and it ends. */
static void hostile_words(void **state)
{
	uint64_t steps = unit_steps(50000);

	world_make(&evtchn_service, &cfg);
	guest_starts();
	connect();
	for (uint64_t i = 0; i < steps; i++) {
		uint32_t n = 1 + (uint32_t)unit_below(PORTS);

		if (unit_one_in(2))
			*word(n) = (uint32_t)unit_random();
		block[unit_below(2)]->head[unit_below(16)] = (uint32_t)unit_random();
		block[unit_below(2)]->ready = (uint32_t)unit_random();
		evtchn_send(&world[2], n);
		evtchn_unmask(&world[1], n);
		evtchn_bind_vcpu(&world[1], n, (unsigned)unit_below(2));
		evtchn_set_priority(&world[1], n, (uint32_t)unit_below(16));
	}
	for (unsigned i = 0; i < 1024; i++)
		words[0][i] = 0;
	world_end(&evtchn_service);
}

/* Sender and receiver on two CPUs: after the last send, everything sent has arrived. */
static void *race_receiver(void *over)
{
	fake_run_on(1);
	while (!*(volatile bool *)over)
		drain();
	return NULL;
}

static void events_race_with_handling(void **state)
{
	uint64_t steps = unit_steps(200000);
	pthread_t thread;
	bool over = false;

	world_make(&evtchn_service, &cfg);
	guest_starts();
	connect();
	assert_int_equal(pthread_create(&thread, NULL, race_receiver, &over), 0);
	for (uint64_t i = 0; i < steps; i++) {
		uint32_t n = 1 + (uint32_t)unit_below(PORTS);

		evtchn_send(&world[2], n);
		if (unit_one_in(50))
			evtchn_bind_vcpu(&world[1], n, (unsigned)unit_below(2));
		if (unit_one_in(50))
			evtchn_set_priority(&world[1], n, (uint32_t)unit_below(16));
	}
	*(volatile bool *)&over = true;
	pthread_join(thread, NULL);
	drain();
	for (uint32_t n = 1; n <= PORTS; n++)
		assert_int_equal(*word(n) & (PENDING | LINKED), 0);
	world_end(&evtchn_service);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(priorities_order_events),
		cmocka_unit_test(bad_arguments),
		cmocka_unit_test(early_events_arrive),
		cmocka_unit_test(moved_tail),
		cmocka_unit_test(linked_ports_are_not_reused),
		cmocka_unit_test(reset_gives_pages_back),
		cmocka_unit_test(array_has_an_end),
		cmocka_unit_test(random_events),
		cmocka_unit_test(hostile_words),
		cmocka_unit_test(events_race_with_handling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
