/* SPDX-License-Identifier: BSD-2-Clause */
/* Guests of world.h that ask on a control ring. */
#ifndef TESTS_UNIT_NETD_ASKS_H
#define TESTS_UNIT_NETD_ASKS_H

#include "world.h"

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

#endif
