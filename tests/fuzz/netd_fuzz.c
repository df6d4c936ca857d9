/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arbitrary bytes where netd reads a guest's: frames through headers, anti-spoofing, the switch
 * and offloads; and an operator's words.  Nothing may be read outside, and no frame may reach a
 * port it must not.  Input: a byte of port and mode, then the frame.
 *
 * tests/unit/netd/netd_fuzz_test.c runs it for a bounded time; for a long one:
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Idom0-tools -Iabi \
 *	    tests/fuzz/netd_fuzz.c dom0-tools/netd/{switch,mac,bucket,frame,guard,offload,config}.c \
 *	    -o netd_fuzz
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netd/config.h"
#include "netd/offload.h"

#define FUZZ_NAME	"netd_fuzz"
#include "fuzz.h"

static struct net_switch sw;

/* Port 1: VLAN 10; 2: VLAN 20; 3: trunk of both; 4, 5: VLAN 10 and isolated, 4 guarded. */
static void start(void)
{
	struct switch_config c[6] = { { .macs = 8 }, { .vlan = 10, .macs = 8 },
				      { .vlan = 20, .macs = 8 }, { .trunk = true, .macs = 8 },
				      { .vlan = 10, .isolated = true, .macs = 8 },
				      { .vlan = 10, .isolated = true, .macs = 8 } };

	config_vlans(c[3].vlans, "10,20");
	c[4].guard.on = true;
	guard_mac(c[4].guard.mac, "02:00:00:00:00:04");
	guard_addresses(&c[4].guard, "10.0.0.4,fd00::4");
	switch_init(&sw, 1);
	for (unsigned i = 1; i < 6; i++)
		switch_configure(&sw, i, &c[i], 1);
}

static void try_switch(unsigned in, const uint8_t *bytes, unsigned n)
{
	unsigned look = n < FRAME_HEADER_BYTES ? n : FRAME_HEADER_BYTES;
	struct verdict v;

	switch_decide(&sw, in, bytes, look, n, 1000000000, &v);
	for (unsigned out = 0; out < SWITCH_PORTS; out++) {
		unsigned vid = v.tci & 0xfff;

		if (!port_set_has(&v.out, out))
			continue;
		must(out >= 1 && out < 6 && out != in, "a port that is none");
		must(in < 4 || out < 4, "isolated ports talked");
		must(out == 3 || vid == (out == 2 ? 20 : 10), "a frame left its VLAN");
	}
}

static void try_words(const uint8_t *bytes, size_t n)
{
	struct config_words w = { 0 };
	struct config_port c;

	memcpy(w.trunk, bytes, n < sizeof(w.trunk) - 1 ? n : sizeof(w.trunk) - 1);
	memcpy(w.ip, w.trunk, sizeof(w.ip));
	memcpy(w.mac, w.trunk, sizeof(w.mac) - 1);
	memcpy(w.capture, w.trunk, sizeof(w.capture) - 1);
	config_parse(&c, &w, false);
	w.trunk[0] = '\0';
	strcpy(w.mac, "02:00:00:00:00:01");
	config_parse(&c, &w, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool started;
	static uint8_t out[96 << 10];
	static uint32_t ends[OFFLOAD_SEGMENTS];
	struct offload o = { .blank = true, .gso_type = 1, .gso_size = 300 };
	struct vnet_header v;
	unsigned n = (unsigned)size;
	uint8_t *copy;

	if (!started)
		start();
	started = true;
	if (size < 1 || size > 65536)
		return 0;
	copy = malloc(size);
	memcpy(copy, data + 1, --n);
	if (data[0] & 0x80) {
		try_words(copy, n);
	} else {
		try_switch(1 + data[0] % 5, copy, n);
		offload_to_vnet(&o, copy, n < 128 ? n : 128, n, &v);
		offload_segment(copy, n, &o, out, sizeof(out), ends);
		offload_from_vnet(&v, copy, n, &o);
		offload_checksum(copy, n);
	}
	free(copy);
	return 0;
}
