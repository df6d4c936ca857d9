/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames between the guests of world.h, made and checked; for the tests of the data path. */
#ifndef TESTS_UNIT_NETD_FRAMES_H
#define TESTS_UNIT_NETD_FRAMES_H

#include "world.h"

__attribute__((unused)) static const char *const linux_keys[] = { "feature-sg=1", "feature-gso-tcpv4=1",
					  "feature-gso-tcpv6=1", "feature-ipv6-csum-offload=1",
					  NULL };

static uint8_t frame[70000];

/* From guest @from to guest @to (-1: broadcast), filled with @seed's bytes. */
static inline void make(unsigned from, int to, unsigned length, unsigned seed)
{
	static const uint8_t all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	for (unsigned i = 14; i < length; i++)
		frame[i] = (uint8_t)(i * 31 + seed * 7 + i / 256);
	memcpy(frame, "\x02\0\0\0\0", 5);
	frame[5] = (uint8_t)(to + 1);
	if (to < 0)
		memcpy(frame, all, 6);
	memcpy(frame + 6, "\x02\0\0\0\0", 5);
	frame[11] = (uint8_t)(from + 1);
	frame[12] = 0x12;
	frame[13] = 0x34;
}

/* A TCP frame with @payload bytes and the offloads of a Linux guest. */
static inline unsigned make_tcp(unsigned from, unsigned to, unsigned payload)
{
	unsigned length = 54 + payload;

	make(from, (int)to, length, payload);
	memset(frame + 12, 0, 42);
	frame[12] = 8;
	frame[14] = 0x45;
	frame[16] = (uint8_t)((40 + payload) >> 8);
	frame[17] = (uint8_t)(40 + payload);
	frame[22] = 64;
	frame[23] = 6;
	frame[29] = (uint8_t)from;
	frame[33] = (uint8_t)to;
	frame[46] = 0x50;
	return length;
}

static inline void say_hello(void)
{
	for (unsigned n = 0; n < GUESTS; n++) {
		if (!guests[n].dev.priv)
			continue;
		make(n, -1, 60, 0);
		assert_true(guest_send(n, 0, frame, 60, 0, NULL));
	}
	world_run();
	for (unsigned n = 0; n < GUESTS; n++)
		guest_forget(n);
}

static inline void check_got(unsigned n, unsigned nth, unsigned length)
{
	struct got *got = &guests[n].got[nth];

	assert_int_equal(got->length, length);
	assert_memory_equal(got->bytes, frame, length);
}

static inline uint64_t count(unsigned g, enum count c)
{
	struct port *p = guests[g].dev.priv;

	return net->sw.ports[p->number].count[c];
}

#endif
