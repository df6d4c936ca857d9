/* SPDX-License-Identifier: BSD-2-Clause */
/* The switch: from the first bytes of a frame to the ports it goes to. */
#ifndef MICA_NETD_SWITCH_H
#define MICA_NETD_SWITCH_H

#include <stdbool.h>
#include <stdint.h>

#include "netd/bucket.h"
#include "netd/frame.h"
#include "netd/guard.h"
#include "netd/mac.h"

#define SWITCH_PORTS		256u
#define SWITCH_UPLINK		0u	/* port 0 is the network's way out, if it has one */
#define SWITCH_MACS		48u	/* addresses of one port, unless it says otherwise */
#define SWITCH_MACS_UPLINK	2048u
#define SWITCH_GROUPS		64u	/* multicast groups one port asks for */
#define SWITCH_VLANS		4096u
#define SWITCH_UNTAGGED		0u	/* the VLAN of those who have none */

enum count {
#define COUNT(name, what) COUNT_##name,
#include "netd/count.def"
#undef COUNT
	COUNTS
};

struct port_set {
	uint64_t bits[SWITCH_PORTS / 64];
};

static inline void port_set_add(struct port_set *s, unsigned port)
{
	s->bits[port / 64] |= 1ull << (port % 64);
}

static inline bool port_set_has(const struct port_set *s, unsigned port)
{
	return s->bits[port / 64] >> (port % 64) & 1;
}

/* What the operator chose; switch_configure() copies it. */
struct switch_config {
	bool trunk;			/* tagged frames of vlans[]; else one VLAN, no tags */
	uint16_t vlan;			/* access: the VLAN; trunk: that of untagged frames */
	bool native;			/* trunk: untagged frames are taken and given */
	uint64_t vlans[SWITCH_VLANS / 64];
	bool isolated;			/* talks only to ports that are not */
	struct guard guard;
	uint32_t storm_fps;		/* group and unknown frames a second; 0: no limit */
	unsigned macs;			/* most addresses learned */
};

struct switch_port {
	bool used;
	struct switch_config config;
	struct bucket storm;
	unsigned learned;
	bool filter;			/* the guest lists its groups itself */
	bool groups_changed;		/* since multicast_keep() */
	unsigned groups;
	uint8_t group[SWITCH_GROUPS][MAC_BYTES];
	uint64_t count[COUNTS];
};

struct net_switch {
	struct mac_table macs;
	struct switch_port ports[SWITCH_PORTS];
	unsigned top;			/* ports in use are below this */
};

struct verdict {
	struct port_set out;
	unsigned outs;			/* 0: dropped, and counted */
	unsigned only;			/* the port, when outs is 1 */
	uint16_t tci;			/* priority and VLAN inside the switch */
	bool untag;			/* take the tag out first: frame_untag() */
};

void switch_init(struct net_switch *s, uint64_t key);
/* Make @port carry frames; again to change it while it does. */
void switch_configure(struct net_switch *s, unsigned port, const struct switch_config *config,
		      uint64_t now_ns);
void switch_remove(struct net_switch *s, unsigned port);
/* A port number that is free, or -1.  Never SWITCH_UPLINK. */
int switch_free_port(const struct net_switch *s);
/*
 * The decision.  @bytes: the first @n of a frame of @length bytes that came from @in; a private
 * copy.  Counts, learns, and fills @v.
 */
void switch_decide(struct net_switch *s, unsigned in, const uint8_t *bytes, unsigned n,
		   unsigned length, uint64_t now_ns, struct verdict *v);
/* Whether @port gets frames of @tci's VLAN with a tag. */
bool switch_tags(const struct net_switch *s, unsigned port, uint16_t tci);
/* A guest's list of multicast groups.  False: the list is full. */
bool switch_group_add(struct net_switch *s, unsigned port, const uint8_t *mac);
void switch_group_del(struct net_switch *s, unsigned port, const uint8_t *mac);
/* Once a second or so: forget old addresses. */
void switch_age(struct net_switch *s, uint64_t now_ns);

const char *count_name(enum count c);
const char *count_meaning(enum count c);

static inline void switch_count(struct net_switch *s, unsigned port, enum count c, uint64_t n)
{
	s->ports[port].count[c] += n;
}

#endif
