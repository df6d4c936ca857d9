/* unit: dom0-tools/netd/path.c dom0-tools/netd/deliver.c dom0-tools/netd/batch.c dom0-tools/netd/feed.c dom0-tools/netd/drain.c dom0-tools/netd/drain_resume.c dom0-tools/netd/port.c dom0-tools/netd/config.c dom0-tools/netd/tap.c dom0-tools/netd/switch.c dom0-tools/netd/mac.c dom0-tools/netd/bucket.c dom0-tools/netd/frame.c dom0-tools/netd/guard.c dom0-tools/netd/offload.c dom0-tools/netd/layout.c dom0-tools/netd/capture.c dom0-tools/netd/control.c dom0-tools/netd/multicast.c dom0-tools/netd/staging.c dom0-tools/netd/steer.c tests/unit/netd/world.c tests/unit/netd/world_back.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control ring: requests and every way to get one wrong, hashes and queues as they were asked
 * for, through restarts of the daemon.  Staging grants: netd_staging_test.
 */
#include "world.h"

#include <unistd.h>

#include "frames.h"
#include "asks.h"

/* --- hashing --- */

static void hashing_is_set_step_by_step(void **state)
{
	uint32_t data, *table;

	begin(2);
	table = (void *)list();
	asked = refused = 0;
	assert_int_equal(ASK(GET_HASH_FLAGS, 0, 0, 0), NOT_THERE);
	assert_int_equal(ASK(SET_HASH_FLAGS, 1, 0, 0), WRONG);
	assert_int_equal(ASK(SET_HASH_ALGORITHM, 2, 0, 0), WRONG);
	assert_int_equal(ASK(SET_HASH_ALGORITHM, ~0u, 0, 0), WRONG);
	assert_int_equal(ASK(SET_HASH_ALGORITHM, 1, 0, 0), OK);
	assert_int_equal(guest_ask(0, XEN_NETIF_CTRL_TYPE_GET_HASH_FLAGS, 0, 0, 0, &data), OK);
	assert_int_equal(data, 15);
	assert_int_equal(ASK(SET_HASH_FLAGS, 16, 0, 0), WRONG);
	assert_int_equal(ASK(SET_HASH_FLAGS, 0x80000001, 0, 0), WRONG);
	assert_int_equal(ASK(SET_HASH_FLAGS, 15, 0, 0), OK);
	assert_int_equal(ASK(SET_HASH_KEY, LIST_REF, 41, 0), TOO_LARGE);
	assert_int_equal(ASK(SET_HASH_KEY, LIST_REF, ~0u, 0), TOO_LARGE);
	assert_int_equal(ASK(SET_HASH_KEY, NO_REF, 40, 0), WRONG);
	assert_int_equal(ASK(SET_HASH_KEY, ~0u, 40, 0), WRONG);
	assert_int_equal(ASK(SET_HASH_KEY, LIST_REF, 40, 0), OK);
	assert_int_equal(ASK(SET_HASH_KEY, NO_REF, 0, 0), OK);	/* no key, so none is read */
	assert_int_equal(guest_ask(0, XEN_NETIF_CTRL_TYPE_GET_HASH_MAPPING_SIZE, 0, 0, 0, &data), OK);
	assert_int_equal(data, STEER_TABLE);
	assert_int_equal(ASK(SET_HASH_MAPPING, LIST_REF, 1, 0), WRONG);	/* no table yet */
	assert_int_equal(ASK(SET_HASH_MAPPING_SIZE, 129, 0, 0), WRONG);
	assert_int_equal(ASK(SET_HASH_MAPPING_SIZE, 100, 0, 0), OK);
	table[0] = 1;
	table[1] = 0;
	assert_int_equal(ASK(SET_HASH_MAPPING, LIST_REF, 2, 98), OK);
	assert_int_equal(ASK(SET_HASH_MAPPING, LIST_REF, 2, 99), WRONG);
	assert_int_equal(ASK(SET_HASH_MAPPING, LIST_REF, 2, 127), TOO_LARGE);
	assert_int_equal(ASK(SET_HASH_MAPPING, LIST_REF, 2, ~0u), TOO_LARGE);
	assert_int_equal(ASK(SET_HASH_MAPPING, LIST_REF, ~0u, 2), TOO_LARGE);
	assert_int_equal(ASK(SET_HASH_MAPPING, NO_REF, 2, 0), WRONG);
	assert_int_equal(ASK(SET_HASH_MAPPING, LIST_REF, 0, 0), OK);
	table[1] = 2;						/* there are queues 0 and 1 */
	assert_int_equal(ASK(SET_HASH_MAPPING, LIST_REF, 2, 0), WRONG);
	assert_int_equal(((struct port *)guests[0].dev.priv)->steer.table[0], 0);
	assert_int_equal(((struct port *)guests[0].dev.priv)->steer.table[98], 1);
	for (uint32_t type = 11; type < 70000; type = type * 3 + 1)
		assert_int_equal(ask(type & 0xffff, 1, 2, 3), NOT_THERE);
	assert_int_equal(ask(0, 0, 0, 0), NOT_THERE);
	assert_int_equal(count(0, COUNT_control), asked + 2);	/* two that look */
	assert_int_equal(count(0, COUNT_control_refused), refused);
	assert_int_equal(guests[0].cut_off, 0);
	world_end();
}

/* A TCP frame from guest 1 to guest 0, its ports @n. */
static unsigned tcp(unsigned n, unsigned payload)
{
	unsigned length = 54 + payload;

	make(1, 0, length, n);
	memset(frame + 12, 0, 42);
	frame[12] = 8;
	frame[14] = 0x45;
	frame[16] = (uint8_t)((40 + payload) >> 8);
	frame[17] = (uint8_t)(40 + payload);
	frame[22] = 64;
	frame[23] = 6;
	frame[29] = 2;
	frame[33] = 1;
	frame[34] = (uint8_t)(n >> 8);
	frame[35] = (uint8_t)n;
	frame[46] = 0x50;
	return length;
}

static void ask_for_hashes(void)
{
	uint32_t *table = (void *)list();

	for (unsigned i = 0; i < STEER_KEY; i++)
		guests[0].pages[LIST_REF][i] = (uint8_t)(i * 89 + 7);
	assert_int_equal(ASK(SET_HASH_KEY, LIST_REF, STEER_KEY, 0), OK);
	assert_int_equal(ASK(SET_HASH_ALGORITHM, 1, 0, 0), OK);
	assert_int_equal(ASK(SET_HASH_FLAGS, 15, 0, 0), OK);
	assert_int_equal(ASK(SET_HASH_MAPPING_SIZE, 64, 0, 0), OK);
	for (unsigned i = 0; i < 64; i++)
		table[i] = i % 3 == 0;
	assert_int_equal(ASK(SET_HASH_MAPPING, LIST_REF, 64, 0), OK);
}

/* The frame came with its hash, on the queue the table says. */
static void check_hash(unsigned length, struct steer *s)
{
	struct steer_hash h = steer_make(s, frame, 128);
	struct got *got = &guests[0].got[0];
	uint32_t value;

	assert_int_equal(guests[0].n_got, 1);
	check_got(0, 0, length);
	assert_int_equal(got->hash.type, XEN_NETIF_EXTRA_TYPE_HASH);
	assert_int_equal(got->hash.u.hash.algorithm, 1);
	assert_int_equal(got->hash.u.hash.type, 1);
	memcpy(&value, got->hash.u.hash.value, 4);
	assert_int_equal(value, h.value);
	assert_int_equal(got->queue, h.value % 64 % 3 == 0);
}

static void frames_come_with_hashes_on_their_queue(void **state)
{
	struct netif_extra_info gso = { .type = XEN_NETIF_EXTRA_TYPE_GSO,
					.u.gso = { .size = 1000, .type = XEN_NETIF_GSO_TYPE_TCPV4 } };
	unsigned on[2] = { 0 }, length;
	struct steer s;

	begin(2);
	ask_for_hashes();
	s = ((struct port *)guests[0].dev.priv)->steer;
	for (unsigned i = 0; i < 300; i++) {
		length = tcp(i, i % 7 * 1500 + 6);
		assert_true(guest_send(1, 0, frame, length, i % 2 ? NETTXF_csum_blank : 0,
				       i % 7 > 1 ? &gso : NULL));
		world_run();
		check_hash(length, &s);
		assert_int_equal(guests[0].got[0].gso.u.gso.size, i % 7 > 1 ? 1000 : 0);
		on[guests[0].got[0].queue]++;
		guest_forget(0);
	}
	assert_true(on[0] > 100 && on[1] > 50);
	/* One that cannot be hashed goes where a hash of 0 goes: the table says queue 1. */
	make(1, 0, 60, 0);
	assert_true(guest_send(1, 0, frame, 60, 0, NULL));
	world_run();
	assert_int_equal(guests[0].got[0].queue, 1);
	assert_int_equal(guests[0].got[0].hash.type, 0);
	assert_int_equal(guests[0].bad, 0);
	world_end();
}

static void hashing_outlives_the_daemon(void **state)
{
	unsigned length;
	struct steer s;

	begin(2);
	ask_for_hashes();
	s = ((struct port *)guests[0].dev.priv)->steer;
	world_restart();
	assert_memory_equal(&s, &((struct port *)guests[0].dev.priv)->steer, sizeof(s));
	say_hello();
	for (unsigned i = 0; i < 20; i++) {
		length = tcp(i, 100);
		assert_true(guest_send(1, 0, frame, length, 0, NULL));
		world_run();
		check_hash(length, &s);
		guest_forget(0);
	}
	assert_int_equal(ASK(SET_HASH_FLAGS, 0, 0, 0), OK);
	world_restart();
	say_hello();
	tcp(9, 10);
	assert_true(guest_send(1, 0, frame, 64, 0, NULL));
	world_run();
	assert_int_equal(guests[0].got[0].hash.type, 0);
	/* Another life of the device begins without any of it. */
	assert_true(*guest_key(0, "hash"));
	assert_int_equal(net_kind.disconnect(&guests[0].dev), 0);
	assert_string_equal(guest_key(0, "hash"), "");
	guest_set(&guests[0], "hash", "1 f of a life before");
	guest_has_control(0);
	guest_connect(0, 2, linux_keys);
	assert_int_equal(((struct port *)guests[0].dev.priv)->steer.algorithm, 0);
	assert_string_equal(guest_key(0, "hash"), "");
	world_end();
}

/* The first of tcp()'s frames that goes to queue @q. */
static unsigned frame_for(unsigned q)
{
	struct steer *s = &((struct port *)guests[0].dev.priv)->steer;

	for (unsigned n = 0;; n++) {
		struct steer_hash h;

		tcp(n, 100);
		h = steer_make(s, frame, 128);
		if (steer_queue(s, &h, 2) == q)
			return n;
	}
}

static void send_for(unsigned q, unsigned frames)
{
	for (unsigned i = 0, n = frame_for(q); i < frames; i++) {
		assert_true(guest_send(1, 0, frame, tcp(n, 100), 0, NULL));
		path_round(net);
		path_round(net);
		guest_run(0);
		guest_run(1);
	}
}

/*
 * A frame waits for pages of one queue, and meanwhile the table sends its kind to another that
 * has none.  When its own has pages again it is that queue's; alarm() is for a round without end.
 */
static void a_waiting_frame_stays_where_it_waits(void **state)
{
	uint32_t *table;

	begin(2);
	world_whole = true;
	table = (void *)list();
	ask_for_hashes();
	guests[0].deaf = true;
	send_for(1, 130);
	send_for(0, 130);
	assert_true(net->waiting == 2);
	for (unsigned i = 0; i < 64; i++)
		table[i] = 1;
	assert_int_equal(ASK(SET_HASH_MAPPING, LIST_REF, 64, 0), OK);
	guest_forget(0);
	guests[0].deaf = false;
	guests[0].lends = 1;
	guest_run(0);
	alarm(60);
	world_run();
	alarm(0);
	assert_int_equal(net->waiting, 1);
	assert_int_equal(guests[0].n_got, 2);
	assert_int_equal(guests[0].got[0].queue, 0);
	guests[0].lends = 0;
	world_run();
	assert_int_equal(net->waiting, 0);
	assert_int_equal(guests[0].bad, 0);
	world_end();
}

/* --- limits --- */

/* The daemon dies with a request taken and not answered: it is served again. */
static void a_request_is_not_lost(void **state)
{
	struct xen_netif_ctrl_request r = { .id = 7, .type = XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM,
					    .data = { 1 } };
	struct xen_netif_ctrl_response rsp;

	begin(1);
	netctl_front_put(&guests[0].control, &r);
	netctl_front_push(&guests[0].control);		/* nobody is told */
	world_restart();
	world_run();
	assert_int_equal(netctl_front_take(&guests[0].control, &rsp), 1);
	assert_int_equal(rsp.id, 7);
	assert_int_equal(rsp.status, OK);
	assert_int_equal(netctl_front_take(&guests[0].control, &rsp), 0);
	world_end();
}

static uint8_t ring_then[4096];
static char hash_then[VALUE];
static unsigned writes;

/* What a successor would find if the daemon were killed as it writes for the second time. */
static void keep_what_is_left(void)
{
	if (++writes != 2)
		return;
	memcpy(ring_then, guests[0].pages[CONTROL_REF], sizeof(ring_then));
	snprintf(hash_then, sizeof(hash_then), "%s", guest_key(0, "hash"));
}

/* Of two requests the daemon has answered the first, and dies at the second. */
static void an_answered_request_is_not_done_again(void **state)
{
	struct xen_netif_ctrl_request r[2] = {
		{ .id = 7, .type = XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM, .data = { 1 } },
		{ .id = 8, .type = XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS, .data = { 15 } },
	};
	struct xen_netif_ctrl_response rsp;
	struct steer *s;

	begin(1);
	writes = 0;
	world_writes = keep_what_is_left;
	netctl_front_put(&guests[0].control, &r[0]);
	netctl_front_put(&guests[0].control, &r[1]);
	netctl_front_push(&guests[0].control);
	net_kind.event(&guests[0].dev, 0x80);
	world_run();
	assert_true(writes >= 2);
	world_writes = NULL;
	memcpy(guests[0].pages[CONTROL_REF], ring_then, sizeof(ring_then));
	guest_set(&guests[0], "hash", hash_then);
	world_restart();
	world_run();
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(netctl_front_take(&guests[0].control, &rsp), 1);
		assert_int_equal(rsp.id, r[i].id);
		assert_int_equal(rsp.status, OK);
	}
	s = &((struct port *)guests[0].dev.priv)->steer;
	assert_int_equal(s->algorithm, 1);
	assert_int_equal(s->types, 15);
	world_end();
}

static void a_flood_of_requests_waits(void **state)
{
	struct xen_netif_ctrl_request r = { .type = XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM };
	struct xen_netif_ctrl_response rsp;
	unsigned answered = 0, at_once;

	begin(1);
	for (unsigned i = 0; i < 10; i++) {
		while (netctl_front_room(&guests[0].control))
			netctl_front_put(&guests[0].control, &r);
		netctl_front_push(&guests[0].control);
		net_kind.event(&guests[0].dev, 0x80);
		world_run();
		while (netctl_front_take(&guests[0].control, &rsp) == 1)
			answered++;
	}
	at_once = answered;
	assert_true(at_once >= 30 && at_once <= CONTROL_BURST / CONTROL_KEEP + 1);
	assert_true(path_due(net) > world_ns);
	/* Frames go on meanwhile. */
	send_both_ways(3);
	world_ns += 1000000000;
	for (unsigned i = 0; i < 30; i++)
		world_run();
	while (netctl_front_take(&guests[0].control, &rsp) == 1)
		answered++;
	assert_true(answered > at_once + 30);
	assert_int_equal(guests[0].cut_off, 0);
	world_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashing_is_set_step_by_step),
		cmocka_unit_test(frames_come_with_hashes_on_their_queue),
		cmocka_unit_test(hashing_outlives_the_daemon),
		cmocka_unit_test(a_waiting_frame_stays_where_it_waits),
		cmocka_unit_test(a_request_is_not_lost),
		cmocka_unit_test(an_answered_request_is_not_done_again),
		cmocka_unit_test(a_flood_of_requests_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
