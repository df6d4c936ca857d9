/* SPDX-License-Identifier: BSD-2-Clause */
/* Guests of world.h that ask on a control ring. */
#ifndef TESTS_UNIT_NETD_ASKS_H
#define TESTS_UNIT_NETD_ASKS_H

#include "frames.h"

/* Before guest_connect(): with a control ring. */
static inline void guest_has_control(unsigned n)
{
	struct guest *g = &guests[n];
	char text[16];

	netctl_front_attach(&g->control, g->pages[CONTROL_REF], 4096, NULL);
	g->granted[CONTROL_REF] = g->granted[LIST_REF] = true;
	snprintf(text, sizeof(text), "%u", CONTROL_REF);
	guest_set(g, "ctrl-ring-ref", text);
	snprintf(text, sizeof(text), "%u", n << 8 | 0x80);
	guest_set(g, "event-channel-ctrl", text);
}

/* One request, answered; its status, and *data if that is not NULL. */
static inline uint32_t guest_ask(unsigned n, unsigned type, uint32_t a, uint32_t b, uint32_t c,
				 uint32_t *data)
{
	static uint16_t id;
	struct xen_netif_ctrl_request r = { .id = ++id, .type = (uint16_t)type,
					    .data = { a, b, c } };
	struct xen_netif_ctrl_response rsp;
	struct guest *g = &guests[n];

	assert_true(netctl_front_put(&g->control, &r));
	if (netctl_front_push(&g->control))
		net_kind.event(&g->dev, n << 8 | 0x80);
	for (int i = 0; i < 100 && netctl_front_take(&g->control, &rsp) != 1; i++) {
		path_round(net);
		world_ns += path_due(net) > world_ns ? path_due(net) - world_ns : 0;
		assert_true(i < 99);
	}
	assert_int_equal(rsp.id, id);
	assert_int_equal(rsp.type, type);
	assert_false(netctl_front_more(&g->control));
	if (data)
		*data = rsp.data;
	return rsp.status;
}

#define OK		XEN_NETIF_CTRL_STATUS_SUCCESS
#define NOT_THERE	XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED
#define WRONG		XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER
#define TOO_LARGE	XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW
#define NO_REF		1000u	/* never granted */

__attribute__((unused)) static unsigned asked, refused;

static inline uint32_t ask(unsigned type, uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t status = guest_ask(0, type, a, b, c, NULL);

	asked++;
	refused += status != OK;
	return status;
}

#define ASK(type, a, b, c) ask(XEN_NETIF_CTRL_TYPE_##type, a, b, c)

static inline struct xen_netif_gref *list(void)
{
	return (void *)guests[0].pages[LIST_REF];
}

/* Guest 0 with a control ring, guest 1 without. */
static inline void begin(unsigned queues)
{
	world_begin();
	guest_has_control(0);
	guest_connect(0, queues, linux_keys);
	guest_connect(1, 1, linux_keys);
	say_hello();
}

/* Frames of many sizes; each arrives. */
static inline void send_both_ways(unsigned rounds)
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

#endif
