/* SPDX-License-Identifier: BSD-2-Clause */
/* Anti-spoofing: may this port send this frame? */
#ifndef MICA_NETD_GUARD_H
#define MICA_NETD_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "netd/frame.h"

#define GUARD_ADDRESSES	8u

struct guard_address {
	bool v6;
	uint8_t bytes[16];		/* the first four for IPv4 */
};

struct guard {
	bool on;
	uint8_t mac[MAC_BYTES];
	unsigned addresses;		/* 0: any */
	struct guard_address address[GUARD_ADDRESSES];
};

enum guard_verdict { GUARD_PASS, GUARD_BAD_MAC, GUARD_BAD_IP };

/*
 * With g->on the source must be g->mac, also as ARP's sender.  With addresses, IPv4's source and
 * ARP's sender must be among them (or unspecified, for DHCP and probes), IPv6's too (or
 * link-local, or unspecified), and an advertised neighbour as well.
 */
enum guard_verdict guard_check(const struct guard *g, const struct frame *f);
/* "10.0.0.2, fe80::1": false when it is not a list of at most GUARD_ADDRESSES addresses. */
bool guard_addresses(struct guard *g, const char *text);
/* "02:00:00:00:00:01"; no group address. */
bool guard_mac(uint8_t mac[MAC_BYTES], const char *text);

#endif
