/* unit: dom0-tools/netd/path.c dom0-tools/netd/deliver.c dom0-tools/netd/batch.c dom0-tools/netd/feed.c dom0-tools/netd/drain.c dom0-tools/netd/port.c dom0-tools/netd/config.c dom0-tools/netd/tap.c dom0-tools/netd/switch.c dom0-tools/netd/mac.c dom0-tools/netd/bucket.c dom0-tools/netd/frame.c dom0-tools/netd/guard.c dom0-tools/netd/offload.c dom0-tools/netd/layout.c dom0-tools/netd/capture.c dom0-tools/netd/control.c dom0-tools/netd/multicast.c dom0-tools/netd/staging.c dom0-tools/netd/steer.c tests/unit/netd/world.c tests/unit/netd/world_back.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control ring: every request and every way to get one wrong, staging grants under traffic,
 * hashes and queues as they were asked for; through restarts of the daemon.
 */
#include "world.h"
#include "frames.h"
#include "asks.h"

#define OK		XEN_NETIF_CTRL_STATUS_SUCCESS
#define NOT_THERE	XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED
#define WRONG		XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER
#define TOO_LARGE	XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW
#define NO_REF		1000u	/* never granted */

static unsigned asked, refused;

static uint32_t ask(unsigned type, uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t status = guest_ask(0, type, a, b, c, NULL);

	asked++;
	refused += status != OK;
	return status;
}

#define ASK(type, a, b, c) ask(XEN_NETIF_CTRL_TYPE_##type, a, b, c)

static struct xen_netif_gref *list(void)
{
	return (void *)guests[0].pages[LIST_REF];
}

static void begin(unsigned queues)
{
	world_begin();
	guest_has_control(0);
	guest_connect(0, queues, linux_keys);
	guest_connect(1, 1, linux_keys);
	say_hello();
}

/* --- hashing --- */

static void hashing_is_set_step_by_step(void **state)
{
	uint32_t data, *table;

	begin(2);
	table = (void *)list();
	asked = refused = 0;
	assert_int_equal(ASK(GET_HASH_FLAGS, 0, 0, 0), NOT_THERE);
	assert_int_equal(ASK(SET_HASH_FLAGS, 1, 0, 0), NOT_THERE);
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
	assert_int_equal(net_kind.disconnect(&guests[0].dev), 0);
	guest_has_control(0);
	guest_connect(0, 2, linux_keys);
	assert_int_equal(((struct port *)guests[0].dev.priv)->steer.algorithm, 0);
	assert_string_equal(guest_key(0, "hash"), "");
	world_end();
}

/* A frame waits for pages of one queue, and meanwhile the table sends its kind to another. */
static void a_waiting_frame_stays_where_it_waits(void **state)
{
	begin(2);
	ask_for_hashes();
	guests[0].deaf = true;
	for (unsigned i = 0; i < 600; i++) {
		guest_send(1, 0, frame, tcp(1, 100), 0, NULL);
		path_round(net);
		guest_run(0);
		guest_run(1);
	}
	assert_int_equal(net->waiting, 1);
	assert_int_equal(ASK(SET_HASH_MAPPING_SIZE, 0, 0, 0), OK);
	assert_int_equal(ASK(SET_HASH_KEY, 0, 0, 0), OK);
	guest_forget(0);
	guests[0].deaf = false;
	world_run();
	assert_int_equal(net->waiting, 0);
	assert_int_equal(guests[0].bad, 0);
	world_end();
}

/* --- staging grants --- */

/* The first of guest 0's pages: rx of queue 0 begin at RING_REFS + 200, tx at RING_REFS. */
static void list_pages(unsigned first, unsigned n, bool readonly)
{
	for (unsigned i = 0; i < n; i++) {
		list()[i] = (struct xen_netif_gref){
			.ref = first + i, .flags = readonly ? XEN_NETIF_CTRLF_GREF_readonly : 0,
			.status = 77,
		};
		guests[0].granted[first + i] = true;
	}
}

static int rings;			/* pages of the world's rings */

static unsigned staged(void)
{
	return (unsigned)(world_maps - rings);
}

static void begin_staged(unsigned queues)
{
	begin(queues);
	rings = world_maps;
}

static void lists_are_all_or_nothing(void **state)
{
	uint32_t data;

	begin_staged(1);
	assert_int_equal(guest_ask(0, XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE, 0, 0, 0, &data), OK);
	assert_int_equal(data, STAGING_QUEUE_MOST);
	assert_int_equal(ASK(GET_GREF_MAPPING_SIZE, 1, 0, 0), WRONG);
	list_pages(RING_REFS, 100, true);
	assert_int_equal(ASK(ADD_GREF_MAPPING, 1, LIST_REF, 100), WRONG);	/* no such queue */
	assert_int_equal(ASK(ADD_GREF_MAPPING, 0, NO_REF, 100), WRONG);	/* no such list */
	assert_int_equal(ASK(ADD_GREF_MAPPING, 0, LIST_REF, 513), WRONG);
	assert_int_equal(ASK(ADD_GREF_MAPPING, 0, LIST_REF, ~0u), WRONG);
	assert_int_equal(ASK(ADD_GREF_MAPPING, 0, LIST_REF, 0), OK);
	list()[99].ref = NO_REF;				/* not granted */
	assert_int_equal(ASK(ADD_GREF_MAPPING, 0, LIST_REF, 100), WRONG);
	list()[99].ref = list()[3].ref;			/* twice */
	assert_int_equal(ASK(ADD_GREF_MAPPING, 0, LIST_REF, 100), WRONG);
	list()[99] = (struct xen_netif_gref){ .ref = RING_REFS + 99, .flags = 2 };
	assert_int_equal(ASK(ADD_GREF_MAPPING, 0, LIST_REF, 100), WRONG);
	guests[0].readonly[RING_REFS + 99] = true;
	list()[99].flags = 0;				/* granted for reading only */
	assert_int_equal(ASK(ADD_GREF_MAPPING, 0, LIST_REF, 100), WRONG);
	assert_int_equal(staged(), 0);
	list()[99].flags = XEN_NETIF_CTRLF_GREF_readonly;
	assert_int_equal(ASK(ADD_GREF_MAPPING, 0, LIST_REF, 100), OK);
	assert_int_equal(staged(), 100);
	assert_int_equal(ASK(ADD_GREF_MAPPING, 0, LIST_REF, 1), WRONG);	/* it is there */
	assert_int_equal(staged(), 100);
	list()[1].ref = NO_REF;
	assert_int_equal(guest_ask(0, XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING, 0, LIST_REF, 3, &data), OK);
	assert_int_equal(data, 2);
	assert_int_equal(list()[0].status, OK);
	assert_int_equal(list()[1].status, WRONG);
	assert_int_equal(list()[2].status, OK);
	assert_int_equal(list()[3].status, 77);
	assert_int_equal(guest_ask(0, XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING, 0, LIST_REF, 3, &data), OK);
	assert_int_equal(data, 0);
	assert_int_equal(ASK(DEL_GREF_MAPPING, 1, LIST_REF, 3), WRONG);
	assert_int_equal(ASK(DEL_GREF_MAPPING, 0, NO_REF, 3), WRONG);
	assert_int_equal(ASK(DEL_GREF_MAPPING, 0, LIST_REF, 513), WRONG);
	assert_int_equal(staged(), 98);
	world_end();				/* checks that nothing is mapped */
}

static void the_table_has_an_end(void **state)
{
	begin_staged(2);
	list_pages(RING_REFS, 512, false);
	assert_int_equal(ASK(ADD_GREF_MAPPING, 0, LIST_REF, 512), OK);
	list_pages(900, 1, false);
	assert_int_equal(ASK(ADD_GREF_MAPPING, 0, LIST_REF, 1), WRONG);
	assert_int_equal(ASK(ADD_GREF_MAPPING, 1, LIST_REF, 1), OK);	/* another queue's */
	net->staging.pages += STAGING_MOST;
	list_pages(901, 1, false);
	assert_int_equal(ASK(ADD_GREF_MAPPING, 1, LIST_REF, 1), WRONG);
	net->staging.pages -= STAGING_MOST;
	assert_int_equal(staged(), 513);
	world_end();
}

static void send_both_ways(unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++) {
		unsigned length = 60 + i * 97 % 9000;

		for (unsigned from = 0; from < 2; from++) {
			make(from, from ? 0 : 1, length, i);
			assert_true(guest_send(from, 0, frame, length, 0, NULL));
			world_run();
			assert_int_equal(guests[!from].n_got, 1);
			check_got(!from, 0, length);
			guest_forget(!from);
		}
	}
	assert_int_equal(guests[0].errors + guests[1].errors + guests[0].bad + guests[1].bad, 0);
}

static void staged_pages_need_no_hypervisor(void **state)
{
	unsigned pieces;

	begin_staged(1);
	pieces = world_pieces;
	send_both_ways(60);
	pieces = world_pieces - pieces;
	list_pages(RING_REFS, 456, false);	/* all it sends from and receives into */
	assert_int_equal(ASK(ADD_GREF_MAPPING, 0, LIST_REF, 456), OK);
	world_pieces = 0;
	send_both_ways(60);
	/* Heads on their way from guest 0 and to it; not what guest 1 alone has. */
	assert_true(count(0, COUNT_staged_pieces) >= 120);
	assert_true(world_pieces < pieces);
	/* With pages on both ends nothing is left for the hypervisor but guest 1's own. */
	assert_int_equal(guest_ask(0, XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING, 0, LIST_REF, 456, NULL), OK);
	assert_int_equal(staged(), 0);
	send_both_ways(20);
	world_end();
}

static void between_staged_guests_nothing_is_left(void **state)
{
	world_begin();
	for (unsigned g = 0; g < 2; g++) {
		guest_has_control(g);
		guest_connect(g, 1, linux_keys);
	}
	say_hello();
	for (unsigned g = 0; g < 2; g++) {
		for (unsigned i = 0; i < 456; i++) {
			((struct xen_netif_gref *)guests[g].pages[LIST_REF])[i] =
				(struct xen_netif_gref){ .ref = RING_REFS + i };
			guests[g].granted[RING_REFS + i] = true;
		}
		assert_int_equal(guest_ask(g, XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING, 0, LIST_REF, 456,
					   NULL), OK);
	}
	world_pieces = 0;
	send_both_ways(60);
	assert_int_equal(world_pieces, 0);
	world_end();
}

/* What is mapped for reading is not written through its mapping. */
static void readonly_is_for_reading(void **state)
{
	begin_staged(1);
	list_pages(RING_REFS + 200, 256, true);	/* receives into them */
	assert_int_equal(ASK(ADD_GREF_MAPPING, 0, LIST_REF, 256), OK);
	send_both_ways(10);
	assert_int_equal(count(0, COUNT_staged_pieces), 0);
	world_end();
}

/* DEL while a frame is decided and its payload still in the guest's pages. */
static void unmapped_under_way(void **state)
{
	begin_staged(1);
	world_whole = true;
	for (unsigned i = 0; i < 50; i++) {
		struct xen_netif_ctrl_request r = {
			.type = XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING, .data = { 0, LIST_REF, 456 },
		};
		struct xen_netif_ctrl_response rsp;

		list_pages(RING_REFS, 456, false);
		assert_int_equal(ASK(ADD_GREF_MAPPING, 0, LIST_REF, 456), OK);
		make(0, 1, 3000, i);
		for (unsigned k = 0; k < 20; k++)
			assert_true(guest_send(0, 0, frame, 3000, 0, NULL));
		path_round(net);
		netctl_front_put(&guests[0].control, &r);
		netctl_front_push(&guests[0].control);
		net_kind.event(&guests[0].dev, 0x80);
		world_run();
		while (netctl_front_take(&guests[0].control, &rsp) != 1) {
			world_ns += 100000000;	/* its allowance is used up */
			world_run();
		}
		netctl_front_more(&guests[0].control);
		assert_int_equal(rsp.data, 456);
		assert_int_equal(staged(), 0);
		assert_int_equal(guests[1].n_got, 20);
		for (unsigned k = 0; k < 20; k++)
			check_got(1, k, 3000);
		guest_forget(1);
	}
	world_end();
}

/* The mappings end with the process; grants are what is copied by, and the front end goes on. */
static void a_successor_knows_no_pages(void **state)
{
	uint32_t data;

	begin_staged(1);
	list_pages(RING_REFS, 300, false);
	assert_int_equal(ASK(ADD_GREF_MAPPING, 0, LIST_REF, 300), OK);
	send_both_ways(5);
	world_restart();
	assert_int_equal(staged(), 0);
	say_hello();
	send_both_ways(5);
	assert_int_equal(guest_ask(0, XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING, 0, LIST_REF, 300, &data), OK);
	assert_int_equal(data, 0);
	assert_int_equal(list()[0].status, WRONG);
	assert_int_equal(ASK(ADD_GREF_MAPPING, 0, LIST_REF, 300), OK);
	assert_int_equal(staged(), 300);
	send_both_ways(5);
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

static void impossible_indices_end_the_port(void **state)
{
	static const uint32_t jumps[] = { 1000, 0x80000000, (uint32_t)-3 };

	for (unsigned i = 0; i < 3; i++) {
		begin(2);
		ask_for_hashes();
		list_pages(RING_REFS, 100, false);
		assert_int_equal(ASK(ADD_GREF_MAPPING, 0, LIST_REF, 100), OK);
		((struct ring_header *)guests[0].pages[CONTROL_REF])->req_prod += jumps[i];
		net_kind.event(&guests[0].dev, 0x80);
		world_run();
		assert_int_equal(guests[0].cut_off, 1);
		assert_string_equal(guests[0].why, "a control ring with an impossible request index");
		world_end();			/* nothing is mapped */
	}
}

/* Any request at all, with traffic: the guest harms nobody, and everything is given back. */
static void random_requests_harm_nobody(void **state)
{
	dice_start();
	for (int world = 0; world < 40; world++) {
		begin(1 + world % 2);
		guest_connect(2, 1, linux_keys);
		for (int i = 0; i < 200; i++) {
			struct xen_netif_gref *g = list();

			for (unsigned k = 0; k < 40; k++)
				g[dice(512)] = (struct xen_netif_gref){
					.ref = (uint32_t)dice(dice(9) ? 700 : 5000),
					.flags = (uint16_t)dice(dice(9) ? 2 : 65536) };
			guests[0].granted[RING_REFS + dice(400)] = dice(5);
			guest_ask(0, 1 + (unsigned)dice(10), (uint32_t)dice(dice(2) ? 3 : 20),
				  dice(3) ? LIST_REF : (uint32_t)dice(1100),
				  (uint32_t)dice(dice(5) ? 40 : 600), NULL);
			make(0, 1, 900, (unsigned)i);
			guest_send(0, 0, frame, 900, 0, NULL);
			make(2, 1, 1200, (unsigned)i);
			assert_true(guest_send(2, 0, frame, 1200, 0, NULL));
			world_run();
			assert_true(guests[1].n_got);
			guest_forget(1);
			guest_forget(0);
			guest_forget(2);
		}
		assert_int_equal(guests[1].cut_off + guests[2].cut_off + guests[2].errors, 0);
		world_end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashing_is_set_step_by_step),
		cmocka_unit_test(frames_come_with_hashes_on_their_queue),
		cmocka_unit_test(hashing_outlives_the_daemon),
		cmocka_unit_test(a_waiting_frame_stays_where_it_waits),
		cmocka_unit_test(lists_are_all_or_nothing),
		cmocka_unit_test(the_table_has_an_end),
		cmocka_unit_test(staged_pages_need_no_hypervisor),
		cmocka_unit_test(between_staged_guests_nothing_is_left),
		cmocka_unit_test(readonly_is_for_reading),
		cmocka_unit_test(unmapped_under_way),
		cmocka_unit_test(a_successor_knows_no_pages),
		cmocka_unit_test(a_request_is_not_lost),
		cmocka_unit_test(a_flood_of_requests_waits),
		cmocka_unit_test(impossible_indices_end_the_port),
		cmocka_unit_test(random_requests_harm_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
