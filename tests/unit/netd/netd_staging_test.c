/* unit: dom0-tools/netd/path.c dom0-tools/netd/deliver.c dom0-tools/netd/batch.c dom0-tools/netd/feed.c dom0-tools/netd/drain.c dom0-tools/netd/drain_resume.c dom0-tools/netd/port.c dom0-tools/netd/config.c dom0-tools/netd/tap.c dom0-tools/netd/switch.c dom0-tools/netd/mac.c dom0-tools/netd/bucket.c dom0-tools/netd/frame.c dom0-tools/netd/guard.c dom0-tools/netd/offload.c dom0-tools/netd/layout.c dom0-tools/netd/capture.c dom0-tools/netd/control.c dom0-tools/netd/multicast.c dom0-tools/netd/staging.c dom0-tools/netd/steer.c tests/unit/netd/world.c tests/unit/netd/world_back.c -DSTAGING_MOST=1200u */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Staging grants: lists and every way to get one wrong, copies through them under traffic and
 * while they go; in the end nothing is mapped (world_end() looks).
 */
#include "world.h"
#include "frames.h"
#include "asks.h"

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
	assert_int_equal(staged(), 513);
	world_end();
}

/* Guest @g: @n pages from @first on for its queue @q. */
static uint32_t stage(unsigned g, unsigned type, unsigned q, unsigned first, unsigned n, uint32_t *data)
{
	for (unsigned i = 0; i < n; i++) {
		((struct xen_netif_gref *)guests[g].pages[LIST_REF])[i] =
			(struct xen_netif_gref){ .ref = first + i };
		guests[g].granted[first + i] = true;
	}
	return guest_ask(g, type, q, LIST_REF, n, data);
}

#define ADD(g, q, first, n) stage(g, XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING, q, first, n, NULL)

static unsigned staged_of(unsigned g)
{
	return ((struct port *)guests[g].dev.priv)->staged;
}

/* Who came first may have had all; each that comes finds its share, and has no more when all want it. */
static void each_port_has_its_share(void **state)
{
	uint32_t gone, more;

	world_begin();
	for (unsigned g = 0; g < 3; g++) {
		guest_has_control(g);
		guest_connect(g, 2, linux_keys);
	}
	say_hello();
	rings = world_maps;
	assert_int_equal(STAGING_MOST, 1200);
	assert_int_equal(ADD(0, 0, RING_REFS, 512), OK);
	assert_int_equal(ADD(0, 1, RING_REFS + 512, 400), OK);
	/* a list that is refused takes nothing from anybody */
	guests[1].granted[NO_REF] = false;
	((struct xen_netif_gref *)guests[1].pages[LIST_REF])[0].ref = NO_REF;
	assert_int_equal(guest_ask(1, XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING, 0, LIST_REF, 1, NULL), WRONG);
	assert_int_equal(staged_of(0), 912);
	assert_int_equal(ADD(1, 0, RING_REFS, 512), OK);
	assert_int_equal(staged_of(0), 1200 - 512);
	assert_int_equal(staged_of(1), 512);
	assert_int_equal(ADD(2, 1, RING_REFS, 400), OK);
	for (unsigned g = 0; g < 3; g++) {
		assert_int_equal(staged_of(g), 400);
		assert_int_equal(ADD(g, 1, 960, 1), WRONG);
	}
	assert_int_equal(staged(), 1200);
	send_both_ways(20);
	/* a guest finds out what it has no more; what one gives back another may have */
	assert_int_equal(stage(0, XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING, 0, RING_REFS, 512, &gone), OK);
	assert_int_equal(stage(0, XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING, 1, RING_REFS + 512, 400, &more), OK);
	assert_int_equal(gone + more, 400);
	assert_int_equal(staged_of(0), 0);
	assert_int_equal(ADD(2, 0, RING_REFS + 400, 400), OK);
	assert_int_equal(staged_of(1), 400);
	assert_int_equal(staged(), 1200);
	send_both_ways(20);
	world_end();
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

static void impossible_indices_end_the_port(void **state)
{
	static const uint32_t jumps[] = { 1000, 0x80000000, (uint32_t)-3 };

	for (unsigned i = 0; i < 3; i++) {
		begin(1);
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
		cmocka_unit_test(lists_are_all_or_nothing),
		cmocka_unit_test(the_table_has_an_end),
		cmocka_unit_test(each_port_has_its_share),
		cmocka_unit_test(staged_pages_need_no_hypervisor),
		cmocka_unit_test(between_staged_guests_nothing_is_left),
		cmocka_unit_test(readonly_is_for_reading),
		cmocka_unit_test(unmapped_under_way),
		cmocka_unit_test(a_successor_knows_no_pages),
		cmocka_unit_test(impossible_indices_end_the_port),
		cmocka_unit_test(random_requests_harm_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
