/* SPDX-License-Identifier: BSD-2-Clause */
/* What dom0 has of a network: its TAP device, address, NAT rules and DHCP server. */
#ifndef MICA_NETD_HOST_H
#define MICA_NETD_HOST_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* As the keys below /mica/net/NAME say. */
struct host_config {
	bool uplink;			/* a TAP device */
	char bridge[IFNAMSIZ];		/* put it into that bridge of dom0; "": no */
	bool routed;			/* dom0 has an address there */
	uint32_t address, mask;		/* IPv4, host order: dom0's, the subnet's first */
	unsigned bits;
	bool nat;			/* the guests reach what dom0 reaches, by its address */
	bool dhcp;			/* dnsmasq serves addresses and names */
	uint32_t mtu;
};

struct host_words {
	char uplink[64], subnet[32], nat[8], dhcp[8], mtu[16];
};

/* NULL, or what is wrong. */
const char *host_parse(struct host_config *c, const struct host_words *w);
/* The device's name: m-NAME. */
void host_device(char device[IFNAMSIZ], const char *name);

/* --- device.c: ioctls --- */
/* Make and configure the device; its descriptor or -errno, *what the step that failed. */
int device_open(const char *name, const struct host_config *c, const char **what);

/* --- hosted.c: programs --- */
/* nft's input that replaces the network's own table; its length, or -1: no room. */
int nat_rules(char *to, size_t room, const char *name, const struct host_config *c);
/* nft's input that removes it. */
int nat_no_rules(char *to, size_t room, const char *name);
/* dnsmasq's arguments, one string each, NULL at the end; kept in @text. */
int dhcp_arguments(const char **argv, size_t args, char *text, size_t room, const char *name,
		   const struct host_config *c);
/* Run nft with @input on its standard input; 0, or its status, or -errno. */
int nat_apply(const char *input);
pid_t dhcp_start(const char *name, const struct host_config *c);
/* Let dom0 forward; 0 or -errno. */
int host_forward(void);

#endif
