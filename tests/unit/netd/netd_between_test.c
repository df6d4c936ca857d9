/* unit: dom0-tools/netd/path.c dom0-tools/netd/deliver.c dom0-tools/netd/batch.c dom0-tools/netd/feed.c dom0-tools/netd/drain.c dom0-tools/netd/drain_resume.c dom0-tools/netd/port.c dom0-tools/netd/config.c dom0-tools/netd/tap.c dom0-tools/netd/switch.c dom0-tools/netd/mac.c dom0-tools/netd/bucket.c dom0-tools/netd/frame.c dom0-tools/netd/guard.c dom0-tools/netd/offload.c dom0-tools/netd/layout.c dom0-tools/netd/capture.c dom0-tools/netd/control.c dom0-tools/netd/multicast.c dom0-tools/netd/staging.c dom0-tools/netd/steer.c tests/unit/netd/world.c tests/unit/netd/world_back.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens between two steps: a daemon killed there leaves rings its successor goes on with, and a
 * guest that moves there is not forgotten.
 */
#include "world.h"

#include <signal.h>
#include <sys/mman.h>

#include "frames.h"

static void a_killed_daemon_goes_on(void **state)
{
	unsigned restarts = 0;

	dice_start();
	world_begin();
	for (unsigned n = 0; n < 3; n++)
		guest_connect(n, 1, linux_keys);
	say_hello();
	for (int i = 0; i < 3000; i++) {
		unsigned from = (unsigned)dice(3), to = (from + 1) % 3;
		unsigned length = 60 + (unsigned)dice(dice(4) ? 200 : 60000);

		make(from, (int)to, length, (unsigned)i);
		guest_send(from, 0, frame, length, 0, NULL);
		if (!dice(3))
			path_round(net);
		if (!dice(5))
			guest_run((unsigned)dice(3));
		if (!dice(40)) {
			world_restart();
			restarts++;
		}
		if (!dice(20))
			world_run();
		for (unsigned n = 0; n < 3; n++)
			if (guests[n].n_got > 200)
				guest_forget(n);
	}
	world_run();
	assert_true(restarts > 30);
	guests[0].bells = 0;
	world_restart();
	path_round(net);
	assert_int_equal(guests[0].bells, 2);	/* tx and rx, asked or not */
	for (unsigned n = 0; n < 3; n++) {
		/* every request was answered, every slot is free again */
		assert_int_equal(nettx_front_room(&guests[n].queue[0].tx), NET_SLOTS);
		assert_true(!guests[n].errors && !guests[n].cut_off);
		for (unsigned id = 0; id < 200; id++)
			assert_false(guests[n].queue[0].tx_busy[id]);
		guest_forget(n);
	}
	make(0, 1, 60, 3);
	assert_true(guest_send(0, 0, frame, 60, 0, NULL));
	world_run();
	check_got(1, guests[1].n_got - 1, 60);
	world_end();
}

/* The first @n outstanding requests of guest 0, as an answer leaves them that is not published. */
static void answer_in_secret(unsigned n)
{
	struct ring_header *ring = (void *)guests[0].pages[0];

	for (uint32_t i = 0; i < n; i++) {
		uint8_t *slot = guests[0].pages[0] + 64 +
			(ring->rsp_prod + i) % NET_SLOTS * sizeof(union nettx_request);
		struct netif_tx_response rsp = { .status = i == 1 ? NETIF_RSP_NULL : NETIF_RSP_OKAY };

		memcpy(&rsp.id, slot + offsetof(struct netif_tx_request, id), sizeof(rsp.id));
		memcpy(slot, &rsp, sizeof(rsp));
	}
}

/* Killed between writing answers and publishing them: what they lie over is not taken for requests. */
static void answers_of_the_dead_are_published(void **state)
{
	struct netif_extra_info gso = { .type = XEN_NETIF_EXTRA_TYPE_GSO,
		.u.gso = { .size = 1000, .type = XEN_NETIF_GSO_TYPE_TCPV4 } };

	dice_start();
	for (unsigned n = 0; n <= 4; n++) {
		unsigned cut, slots;

		world_begin();
		guest_connect(0, 1, linux_keys);
		guest_connect(1, 1, linux_keys);
		say_hello();
		slots = nettx_front_room(&guests[0].queue[0].tx);
		make(0, 1, 12000, n);
		assert_true(guest_send(0, 0, frame, 12000, NETTXF_csum_blank, &gso));
		slots -= nettx_front_room(&guests[0].queue[0].tx);
		cut = n < 4 ? n : slots;
		answer_in_secret(cut);
		make(0, 1, 60, n);
		assert_true(guest_send(0, 0, frame, 60, 0, NULL));
		world_restart();
		world_run();
		assert_false(guests[0].cut_off);
		assert_int_equal(nettx_front_room(&guests[0].queue[0].tx), NET_SLOTS);
		if (cut) {
			assert_int_equal(guests[1].n_got, 1);
			assert_int_equal(guests[0].errors, 0);
		}
		check_got(1, guests[1].n_got - 1, 60);
		world_end();
	}
}

/* A frame of segments goes to guest 1, which looks at nothing.  Of its answers the first @keep stay
 * and none is published; how many there were. */
static unsigned deliver_in_secret(unsigned keep)
{
	struct netif_extra_info gso = { .type = XEN_NETIF_EXTRA_TYPE_GSO,
					.u.gso = { .size = 1448, .type = XEN_NETIF_GSO_TYPE_TCPV4 } };
	struct ring_header *ring = (void *)guests[1].pages[1];
	uint32_t from = ring->rsp_prod, answers;
	uint8_t asked[4096];

	memcpy(asked, ring, sizeof(asked));
	assert_true(guest_send(0, 0, frame, make_tcp(0, 1, 12000), NETTXF_csum_blank, &gso));
	while (path_round(net))
		;
	answers = ring->rsp_prod - from;
	ring->rsp_prod = from;
	for (uint32_t i = keep; i < answers; i++) {
		size_t at = 64 + (from + i) % NET_SLOTS * sizeof(union netrx_response);

		memcpy((uint8_t *)ring + at, asked + at, sizeof(union netrx_response));
	}
	return answers;
}

/* Killed between writing answers to a receiver and publishing them: none is taken for a page, least
 * of all that with the extra info, which reads as reference 1: the page of the ring here. */
static void what_the_dead_delivered_arrives(void **state)
{
	unsigned answers = 2;

	dice_start();
	for (unsigned keep = 0; keep <= answers; keep++) {
		world_begin();
		guest_connect(0, 1, linux_keys);
		guest_connect(1, 1, linux_keys);
		say_hello();
		answers = deliver_in_secret(keep);
		assert_true(answers > 3);
		world_restart();
		world_run();
		assert_int_equal(guests[1].n_got, keep == answers);
		if (keep == answers) {
			check_got(1, 0, 12054);
			assert_int_equal(guests[1].got[0].gso.u.gso.size, 1448);
		}
		/* What was answered, but for the extra info, comes back empty. */
		assert_int_equal(guests[1].bad, keep == answers ? 0 : keep - (keep > 1));
		guest_forget(1);
		make(0, 1, 60, keep);
		assert_true(guest_send(0, 0, frame, 60, 0, NULL));
		world_run();
		assert_int_equal(guests[1].n_got, 1);
		check_got(1, 0, 60);
		assert_int_equal(count(1, COUNT_drop_copy), 0);
		world_end();
	}
}

/* --- a receiver that lends a page while the daemon looks --- */

static uint8_t *guarded;
static unsigned lent;

/* One page of guest 1's; the daemon hears of it if it asked to. */
static bool lend_one(void)
{
	struct netrx_front *rx = &guests[1].queue[0].rx;
	struct netif_rx_request r = { .id = (uint16_t)rx->end.prod };

	r.gref = RING_REFS + 200 + r.id % 256;
	guests[1].granted[r.gref] = true;
	assert_true(netrx_front_put(rx, &r));
	lent++;
	return netrx_front_push(rx);
}

/* The daemon has seen no page and is about to ask for an event. */
static void on_write(int number)
{
	mprotect(guarded, 4096, PROT_READ | PROT_WRITE);
	assert_false(lend_one());
}

/* A frame that waits for two pages, of which one comes between the look and the request to be told. */
static void a_page_that_comes_meanwhile(void **state)
{
	struct sigaction act = { .sa_handler = on_write }, before;

	dice_start();
	world_begin();
	world_whole = true;
	guest_connect(0, 1, linux_keys);
	guest_connect(1, 1, linux_keys);
	say_hello();
	guests[1].deaf = true;
	for (unsigned i = 0; i < NET_SLOTS; i++) {	/* all that were lent are used up */
		make(0, 1, 60, i);
		assert_true(guest_send(0, 0, frame, 60, 0, NULL));
		world_run();
		guest_forget(1);
	}
	make(0, 1, 8000, 1);
	assert_true(guest_send(0, 0, frame, 8000, 0, NULL));
	guarded = (uint8_t *)((uintptr_t)guests[1].pages[1] & ~(uintptr_t)4095);
	lent = 0;
	assert_int_equal(sigaction(SIGSEGV, &act, &before), 0);
	assert_int_equal(mprotect(guarded, 4096, PROT_READ), 0);
	while (path_round(net))
		;
	sigaction(SIGSEGV, &before, NULL);
	assert_int_equal(lent, 1);
	assert_int_equal(net->waiting, 1);
	assert_true(lend_one());
	net_kind.event(&guests[1].dev, 1 << 8 | 2);
	while (path_round(net))
		;
	guest_run(1);
	assert_int_equal(guests[1].n_got, 1);
	check_got(1, 0, 8000);
	world_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_killed_daemon_goes_on),
		cmocka_unit_test(answers_of_the_dead_are_published),
		cmocka_unit_test(what_the_dead_delivered_arrives),
		cmocka_unit_test(a_page_that_comes_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
