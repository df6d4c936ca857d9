/* unit: dom0-tools/netd/path.c dom0-tools/netd/deliver.c dom0-tools/netd/batch.c dom0-tools/netd/feed.c dom0-tools/netd/drain.c dom0-tools/netd/drain_resume.c dom0-tools/netd/port.c dom0-tools/netd/config.c dom0-tools/netd/tap.c dom0-tools/netd/switch.c dom0-tools/netd/mac.c dom0-tools/netd/bucket.c dom0-tools/netd/frame.c dom0-tools/netd/guard.c dom0-tools/netd/offload.c dom0-tools/netd/layout.c dom0-tools/netd/capture.c dom0-tools/netd/control.c dom0-tools/netd/multicast.c dom0-tools/netd/staging.c dom0-tools/netd/steer.c tests/unit/netd/world.c tests/unit/netd/world_back.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The data path between guests that are in this process: every byte arrives, in order, at whom it
 * is for and nobody else.  Kills: netd_between_test.  Hostile guests: netd_hostile_test.
 */
#include "world.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frames.h"

static void every_byte_arrives(void **state)
{
	unsigned sent = 0;

	dice_start();
	world_begin();
	guest_connect(0, 1, linux_keys);
	guest_connect(1, 2, linux_keys);
	guest_connect(2, 1, linux_keys);
	say_hello();
	for (int i = 0; i < 4000; i++) {
		unsigned from = (unsigned)dice(3), to = (from + 1 + (unsigned)dice(2)) % 3;
		unsigned length = dice(3) ? 14 + (unsigned)dice(300) : 14 + (unsigned)dice(65521);

		make(from, (int)to, length, (unsigned)i);
		if (!guest_send(from, guests[from].queues > 1 ? (unsigned)dice(2) : 0, frame, length,
				0, NULL))
			continue;
		sent++;
		world_run();
		assert_int_equal(guests[to].n_got, 1);
		assert_int_equal(guests[3 - from - to].n_got, 0);
		check_got(to, 0, length);
		guest_forget(to);
	}
	assert_true(sent > 3900);
	for (unsigned n = 0; n < 3; n++)
		assert_true(!guests[n].errors && !guests[n].bad && !guests[n].cut_off);
	world_end();
}

static void bursts_stay_in_order(void **state)
{
	dice_start();
	world_begin();
	for (unsigned n = 0; n < 4; n++)
		guest_connect(n, 1, linux_keys);
	say_hello();
	for (int round = 0; round < 100; round++) {
		unsigned sent[4] = { 0 }, seen[4] = { 0 };

		/* Three send to the fourth more than its ring holds. */
		for (unsigned i = 0; i < 90; i++) {
			unsigned from = (unsigned)dice(3), length = 40 + (unsigned)dice(1500);

			make(from, 3, length, 0);
			frame[20] = (uint8_t)sent[from];
			if (guest_send(from, 0, frame, length, 0, NULL))
				sent[from]++;
		}
		world_run();
		assert_int_equal(guests[3].n_got, sent[0] + sent[1] + sent[2]);
		for (unsigned i = 0; i < guests[3].n_got; i++) {
			uint8_t *bytes = guests[3].got[i].bytes;
			unsigned from = bytes[11] - 1u;

			assert_true(from < 3);
			assert_int_equal(bytes[20], seen[from]++);
		}
		guest_forget(3);
	}
	world_end();
}

static void few_notifications_and_copies(void **state)
{
	uint64_t copies;

	world_begin();
	world_whole = true;
	guest_connect(0, 1, linux_keys);
	guest_connect(1, 1, linux_keys);
	say_hello();
	copies = net->copies;
	guests[1].bells = 0;
	for (int i = 0; i < 64; i++) {
		make(0, 1, 100, (unsigned)i);
		assert_true(guest_send(0, 0, frame, 100, 0, NULL));
	}
	world_run();
	assert_int_equal(guests[1].n_got, 64);
	assert_int_equal(net->copies - copies, 2);	/* heads, then frames */
	assert_int_equal(guests[1].bells, 1);
	world_end();
}

static void offloads_pass_or_are_done(void **state)
{
	struct netif_extra_info gso = { .type = XEN_NETIF_EXTRA_TYPE_GSO,
					.u.gso = { .size = 1448, .type = 1 } };
	static const char *const plain[] = { "feature-sg=1", "feature-no-csum-offload=1", NULL };
	static const char *const one_page[] = { NULL };
	unsigned length, payload = 0;

	world_begin();
	guest_connect(0, 1, linux_keys);
	guest_connect(1, 1, linux_keys);
	guest_connect(2, 1, plain);
	guest_connect(3, 1, one_page);
	say_hello();
	length = make_tcp(0, 1, 60000);
	assert_true(guest_send(0, 0, frame, length, NETTXF_csum_blank, &gso));
	world_run();
	check_got(1, 0, length);		/* as it was, checksum blank */
	assert_true(guests[1].got[0].flags & NETRXF_csum_blank);
	assert_int_equal(guests[1].got[0].gso.u.gso.size, 1448);
	for (unsigned to = 2; to < 4; to++) {
		length = make_tcp(0, to, 60000);
		assert_true(guest_send(0, 0, frame, length, NETTXF_csum_blank, &gso));
		world_run();
		assert_int_equal(guests[to].n_got, 42);
		payload = 0;
		for (unsigned i = 0; i < guests[to].n_got; i++) {
			struct got *got = &guests[to].got[i];
			uint8_t sum[2] = { got->bytes[50], got->bytes[51] };

			assert_false(got->flags & (NETRXF_csum_blank | NETRXF_extra_info));
			assert_memory_equal(got->bytes + 54, frame + 54 + payload, got->length - 54);
			payload += got->length - 54;
			assert_true(offload_checksum(got->bytes, got->length));
			assert_memory_equal(sum, got->bytes + 50, 2);
		}
		assert_int_equal(payload, 60000);
	}
	length = make_tcp(0, 2, 1000);		/* a checksum only */
	guest_forget(2);
	guest_forget(3);
	assert_true(guest_send(0, 0, frame, length, NETTXF_csum_blank, NULL));
	world_run();
	assert_true(offload_checksum(frame, length));
	check_got(2, 0, length);
	make(0, 3, 5000, 1);			/* no segments, no second page: lost, counted */
	assert_true(guest_send(0, 0, frame, 5000, 0, NULL));
	world_run();
	assert_int_equal(guests[3].n_got, 0);
	assert_int_equal(count(3, COUNT_drop_offload), 1);
	world_end();
}

static void trunks_get_tags(void **state)
{
	static const char *const access_keys[] = { "feature-sg=1", "vlan=10", NULL };
	static const char *const trunk_keys[] = { "feature-sg=1", "trunk=10,20", NULL };
	static const char *const other_keys[] = { "feature-sg=1", "vlan=20", NULL };
	static const unsigned lengths[] = { 60, 128, 129, 1500, 20000 };
	uint8_t tagged[20004];

	world_begin();
	guest_connect(0, 1, access_keys);
	guest_connect(1, 1, trunk_keys);
	guest_connect(2, 1, other_keys);
	for (unsigned i = 0; i < 5; i++) {
		unsigned length = lengths[i];

		make(0, -1, length, i);
		assert_true(guest_send(0, 0, frame, length, 0, NULL));
		world_run();
		assert_int_equal(guests[2].n_got, 0);
		assert_int_equal(guests[1].n_got, 1);
		memcpy(tagged, frame, 12);
		memcpy(tagged + 12, "\x81\0\0\x0a", 4);
		memcpy(tagged + 16, frame + 12, length - 12);
		assert_int_equal(guests[1].got[0].length, length + 4);
		assert_memory_equal(guests[1].got[0].bytes, tagged, length + 4);
		guest_forget(1);
		tagged[15] = 20;
		tagged[11] = 2;
		frame[11] = 2;
		assert_true(guest_send(1, 0, tagged, length + 4, 0, NULL));
		world_run();
		assert_int_equal(guests[0].n_got, 0);
		assert_int_equal(guests[2].n_got, 1);
		check_got(2, 0, length);
		guest_forget(2);
	}
	world_end();
}

static void a_deaf_guest_stops_nobody(void **state)
{
	unsigned delivered = 0;

	dice_start();
	world_begin();
	world_whole = true;
	for (unsigned n = 0; n < 4; n++)
		guest_connect(n, 1, linux_keys);
	say_hello();
	guests[3].deaf = true;
	for (int i = 0; i < 3000; i++) {
		unsigned from = (unsigned)dice(3);

		make(from, 3, 1000, 0);
		guest_send(from, 0, frame, 1000, 0, NULL);
		if (i % 10 == 0)
			world_run();
		if (i == 1500)
			world_ns += 2 * STALL_NS;
		if (i < 1500)
			continue;
		make(0, 1, 500, (unsigned)i);
		delivered += guest_send(0, 0, frame, 500, 0, NULL);
		if (guests[1].n_got > 400)
			guest_forget(1);
	}
	world_run();
	assert_true(delivered > 1300);
	assert_true(count(3, COUNT_drop_full) > 100);
	assert_true(count(3, COUNT_drop_stalled) > 100);
	guest_forget(1);
	guests[3].deaf = false;			/* it listens again */
	guest_forget(3);
	guest_run(3);
	make(0, 3, 700, 5);
	assert_true(guest_send(0, 0, frame, 700, 0, NULL));
	world_run();
	assert_true(guests[3].n_got >= 1);
	check_got(3, guests[3].n_got - 1, 700);
	assert_int_equal(net->waiting, 0);
	world_end();
}

/* A sender that looks for itself is not told that its frames are answered; one that does not look
 * is, after a while or a number of bytes. */
static void answers_are_announced_late(void **state)
{
	struct guest *g = &guests[0];

	world_begin();
	world_whole = true;
	guest_connect(0, 1, linux_keys);
	guest_connect(1, 1, linux_keys);
	world_run();
	make(0, 1, 60, 0);
	g->bells = 0;
	assert_true(guest_send(0, 0, frame, 60, 0, NULL));
	path_round(net);
	assert_int_equal(nettx_back_rsp_prod(&((struct port *)g->dev.priv)->queue[0]->feed.ring), 1);
	assert_int_equal(g->bells, 0);
	assert_int_equal(path_due(net), world_ns + BELL_LATE_NS);
	world_ns += BELL_LATE_NS;
	path_round(net);
	assert_int_equal(g->bells, 1);
	assert_int_equal(path_due(net), 0);
	guest_run(0);

	/* it looks before the time is over */
	assert_true(guest_send(0, 0, frame, 60, 0, NULL));
	path_round(net);
	guest_run(0);
	world_ns += BELL_LATE_NS;
	path_round(net);
	assert_int_equal(g->bells, 1);
	assert_int_equal(path_due(net), 0);

	/* many bytes */
	make(0, 1, 3000, 0);
	assert_true(guest_send(0, 0, frame, 3000, 0, NULL));
	path_round(net);
	path_round(net);
	assert_int_equal(g->bells, 2);
	guest_run(0);
	guest_run(1);
	world_end();
}

static void push_unheard(unsigned from, unsigned length)
{
	void *priv = guests[from].dev.priv;

	guests[from].dev.priv = NULL;		/* its event does not come */
	make(from, 1, length, 0);
	assert_true(guest_send(from, 0, frame, length, 0, NULL));
	guests[from].dev.priv = priv;
}

static bool armed(unsigned n)
{
	struct nettx_back *ring = &((struct port *)guests[n].dev.priv)->queue[0]->feed.ring;

	return ring->end.shared->req_event == nettx_back_req_cons(ring) + 1;
}

/* Much was moved: guests fill their rings without events until a look finds less. */
static void a_lull_needs_no_event(void **state)
{
	world_begin();
	world_whole = true;
	for (unsigned n = 0; n < 3; n++)
		guest_connect(n, 1, linux_keys);
	say_hello();
	for (int polls = 0; polls < 2; polls++) {
		net->poll_ns = polls ? 1000 : 0;
		for (int i = 0; i < 2; i++) {
			make(0, 1, 60000, (unsigned)i);
			assert_true(guest_send(0, 0, frame, 60000, 0, NULL));
		}
		for (int i = 0; path_round(net) && !net->lull_ns; i++, world_ns += 1000)
			assert_true(i < 10);
		guest_run(0);
		guest_run(1);
		assert_int_equal(guests[1].n_got, 2);
		guest_forget(1);
		assert_int_equal(net->lull_ns, polls ? 0 : 120000);
		assert_int_equal(armed(0), polls);
	}
	net->poll_ns = 0;
	make(0, 1, 60000, 0);
	for (int i = 0; i < 2; i++)
		assert_true(guest_send(0, 0, frame, 60000, 0, NULL));
	for (int i = 0; !net->lull_ns; i++)
		assert_true(path_round(net) && i < 10);
	guest_run(0);
	guest_run(1);
	guest_forget(1);
	push_unheard(0, 200);
	push_unheard(2, 100);
	for (int i = 0; path_round(net); i++)
		assert_true(i < 10 && !net->lull_ns);
	guest_run(1);
	assert_int_equal(guests[1].n_got, 2);
	assert_true(armed(0) && armed(1) && armed(2));
	guest_run(0);
	guest_run(2);
	world_end();
}

/* --- limits and the uplink --- */

static void a_limit_holds_back(void **state)
{
	static const char *const slow[] = { "feature-sg=1", "rate-bps=1000000", NULL };
	unsigned sent = 0;

	world_begin();
	guest_connect(0, 1, slow);
	guest_connect(1, 1, linux_keys);
	say_hello();
	for (int ms = 0; ms < 2000; ms++) {
		world_ns += 1000000;
		make(0, 1, 1500, (unsigned)ms);
		for (int i = 0; i < 4; i++)
			sent += guest_send(0, 0, frame, 1500, 0, NULL);
		world_run();
		guest_forget(1);
	}
	/* 2 s at 1 MB/s and 100 kB at once, of 12 MB offered; nothing is dropped */
	assert_in_range(count(1, COUNT_out_bytes), 1990000, 2110000);
	assert_int_equal(guests[0].errors, 0);
	world_end();
}

static void the_uplink_is_a_port(void **state)
{
	struct netif_extra_info gso = { .type = XEN_NETIF_EXTRA_TYPE_GSO,
					.u.gso = { .size = 1448, .type = 1 } };
	struct switch_config c = { .macs = SWITCH_MACS_UPLINK };
	static uint8_t got[70000];
	struct vnet_header v;
	unsigned length;
	ssize_t n;
	int ends[2];

	world_begin();
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
	assert_int_equal(tap_open(net, ends[0]), 0);
	switch_configure(&net->sw, SWITCH_UPLINK, &c, world_ns);
	guest_connect(0, 1, linux_keys);
	length = make_tcp(0, 9, 30000);
	assert_true(guest_send(0, 0, frame, length, NETTXF_csum_blank, &gso));
	world_run();
	n = read(ends[1], got, sizeof(got));
	assert_int_equal(n, length + sizeof(v));
	memcpy(&v, got, sizeof(v));
	assert_memory_equal(got + sizeof(v), frame, length);
	assert_int_equal(v.gso_type, VNET_GSO_TCPV4);
	assert_int_equal(v.gso_size, 1448);
	assert_int_equal(v.flags, VNET_NEEDS_CHECKSUM);
	assert_int_equal(v.checksum_start, 34);
	assert_int_equal(v.header_bytes, 54);
	/* and the other way */
	length = make_tcp(9, 0, 40000);
	memcpy(got, &v, sizeof(v));
	memcpy(got + sizeof(v), frame, length);
	assert_int_equal(write(ends[1], got, length + sizeof(v)), length + sizeof(v));
	world_run();
	assert_int_equal(guests[0].n_got, 1);
	check_got(0, 0, length);
	assert_int_equal(guests[0].got[0].gso.u.gso.size, 1448);
	assert_true(guests[0].got[0].flags & NETRXF_csum_blank);
	/* nonsense from there is dropped */
	v.gso_type = 3;
	memcpy(got, &v, sizeof(v));
	assert_int_equal(write(ends[1], got, 100), 100);
	assert_int_equal(write(ends[1], got, 13), 13);
	world_run();
	assert_int_equal(guests[0].n_got, 1);
	close(ends[1]);
	net_kind.disconnect(&guests[0].dev);
	net->port[SWITCH_UPLINK] = NULL;
	free(net->tap);
	net->tap = NULL;
	close(ends[0]);
	world_end();
}

static void captures_see_the_port(void **state)
{
	char dir[] = "/tmp/netd_path_XXXXXX";
	uint8_t head[4];
	int fd, back = open(".", O_RDONLY | O_DIRECTORY);

	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	world_begin();
	guest_connect(0, 1, linux_keys);
	guest_connect(1, 1, linux_keys);
	say_hello();
	guest_set(&guests[1], "capture", "snaplen=9000,bytes=100000");
	net_kind.changed(&guests[1].dev, "capture");
	make(0, 1, 5000, 1);
	assert_true(guest_send(0, 0, frame, 5000, 0, NULL));
	world_run();
	check_got(1, guests[1].n_got - 1, 5000);
	assert_int_equal(count(1, COUNT_copied_through), 1);
	guest_set(&guests[1], "capture", "0");
	net_kind.changed(&guests[1].dev, "capture");
	fd = open("2.0.pcapng", O_RDONLY);
	assert_int_equal(read(fd, head, 4), 4);
	assert_memory_equal(head, "\x0a\x0d\x0d\x0a", 4);
	assert_true(lseek(fd, 0, SEEK_END) > 5000);
	close(fd);
	unlink("2.0.pcapng");
	assert_int_equal(fchdir(back), 0);
	rmdir(dir);
	close(back);
	world_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_arrives),
		cmocka_unit_test(bursts_stay_in_order),
		cmocka_unit_test(few_notifications_and_copies),
		cmocka_unit_test(offloads_pass_or_are_done),
		cmocka_unit_test(trunks_get_tags),
		cmocka_unit_test(a_deaf_guest_stops_nobody),
		cmocka_unit_test(answers_are_announced_late),
		cmocka_unit_test(a_lull_needs_no_event),
		cmocka_unit_test(a_limit_holds_back),
		cmocka_unit_test(the_uplink_is_a_port),
		cmocka_unit_test(captures_see_the_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
