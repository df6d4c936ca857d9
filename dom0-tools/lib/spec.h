/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Disks and network cards as operators write them: one string each, in xl's syntax
 * (xl-disk-configuration, xl-network-configuration) with keys of ours.  Pure: nothing is opened.
 */
#ifndef MICA_LIB_SPEC_H
#define MICA_LIB_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MICA_VDEV_BYTES		24
#define MICA_NET_NAME_BYTES	14	/* "m-NAME" is a network device of dom0 */
#define MICA_MAC_BYTES		18	/* as text */

struct mica_disk {
	char target[1024];		/* path, or what the format takes */
	char format[16];		/* "raw", "qcow2", ... */
	char vdev[MICA_VDEV_BYTES];	/* "xvda"; "": not given */
	uint32_t number;		/* of vdev in the guest's ABI */
	bool read_only, cdrom, no_discard, direct_io_safe;
	bool kernel;			/* served by the kernel's back end */
	bool durable;			/* cache=writethrough */
	unsigned sector_bytes;		/* 0: the image's own */
	uint64_t iops_limit, bps_limit;	/* operations, bytes a second; 0: none */
};

struct mica_nic {
	uint32_t handle;		/* in the order they are given */
	char mac[MICA_MAC_BYTES];	/* "": one is generated */
	char network[16];		/* Mica network, or bridge of the kernel; "": the default */
	char ip[256];			/* addresses it may use */
	int vlan;			/* -1: untagged */
	char trunk[256];		/* VLANs it carries tagged; "": an access port */
	bool isolated, antispoof;
	bool kernel;
	unsigned mtu;			/* 0: the network's */
	uint64_t rate_bps;		/* bytes a second from the guest; 0: no limit */
	char ifname[16];		/* kernel: what dom0's side is called */
};

/* What is wrong with a string, and where: an offset into it. */
struct mica_spec_error {
	size_t at;
	char why[200];
	char suggestion[32];		/* "did you mean"; "": none */
	char ignored[64];		/* no error: a key that has no effect here */
};

bool mica_disk_parse(struct mica_disk *d, const char *text, struct mica_spec_error *e);
bool mica_nic_parse(struct mica_nic *n, const char *text, struct mica_spec_error *e);

/* "xvda1", "sdb", "hda", "d2p3", "51712", "0xca00" to its number.  False: no such name. */
bool mica_vdev_number(const char *name, uint32_t *number);
/* The usual name of a number. */
void mica_vdev_name(uint32_t number, char name[MICA_VDEV_BYTES]);
/* "00:16:3e:01:02:03" in lower case into @mac; false: not the address of one station. */
bool mica_mac_parse(const char *text, char mac[MICA_MAC_BYTES]);
/* The address of card @handle of the domain with this UUID: always the same one. */
void mica_mac_make(const uint8_t uuid[16], uint32_t handle, char mac[MICA_MAC_BYTES]);
/* May a network be called so?  Letters, digits, '-', a letter first, at most 13. */
bool mica_net_name_is_valid(const char *name);
/* "500k", "10m", "1g" (powers of two) or a plain number. */
bool mica_parse_count(const char *text, uint64_t *n);

#endif
