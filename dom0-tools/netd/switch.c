/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The decision of the switch, pure: no I/O, time is an argument.
 *
 *	in-port --may it? which VLAN?--> guard --learn--> storm limit --address known?--> out-ports
 *
 * Inside the switch a frame has no tag and belongs to one VLAN.  An access port's frames belong to
 * its VLAN and have no tag outside either; a trunk's have one, but for those of its native VLAN.
 * Frames with two tags are refused everywhere: behind the outer one an inner tag would reach an
 * access port, which is how guests hop between VLANs.
 *
 * A frame never leaves by the port it came from, never passes between isolated ports, and never
 * reaches a port that is not of its VLAN, whatever the address table says: the table only narrows
 * the set that these three rules allow.
 */
#include <string.h>

#include "netd/switch.h"

#define NS_PER_S	1000000000ull
#define VID(tci)	((tci) & 0xfffu)
#define VID_RESERVED	0xfffu

const char *count_name(enum count c)
{
	static const char *const names[] = {
#define COUNT(name, what) #name,
#include "netd/count.def"
#undef COUNT
	};

	return names[c];
}

const char *count_meaning(enum count c)
{
	static const char *const meanings[] = {
#define COUNT(name, what) what,
#include "netd/count.def"
#undef COUNT
	};

	return meanings[c];
}

void switch_init(struct net_switch *s, uint64_t key)
{
	memset(s, 0, sizeof(*s));
	mac_init(&s->macs, key);
}

static void lost_one(void *ctx, unsigned port)
{
	struct net_switch *s = ctx;

	if (s->ports[port].learned)
		s->ports[port].learned--;
}

/* An access port with a guarded address keeps it, whoever else claims it. */
static void pin(struct net_switch *s, unsigned port)
{
	const struct switch_config *c = &s->ports[port].config;
	unsigned old;

	if (!c->guard.on || c->trunk)
		return;
	if (mac_pin(&s->macs, c->guard.mac, c->vlan, port, &old) && old != MAC_NO_PORT)
		lost_one(s, old);
}

void switch_configure(struct net_switch *s, unsigned port, const struct switch_config *config,
		      uint64_t now_ns)
{
	struct switch_port *p = &s->ports[port];

	if (!p->used)
		memset(p, 0, sizeof(*p));
	mac_forget_port(&s->macs, port);
	p->learned = 0;
	p->used = true;
	p->config = *config;
	bucket_set(&p->storm, config->storm_fps, config->storm_fps, now_ns);
	if (port >= s->top)
		s->top = port + 1;
	pin(s, port);
}

void switch_remove(struct net_switch *s, unsigned port)
{
	mac_forget_port(&s->macs, port);
	s->ports[port].used = false;
	while (s->top && !s->ports[s->top - 1].used)
		s->top--;
}

int switch_free_port(const struct net_switch *s)
{
	for (unsigned port = SWITCH_UPLINK + 1; port < SWITCH_PORTS; port++)
		if (!s->ports[port].used)
			return (int)port;
	return -1;
}

static bool carries(const struct switch_config *c, unsigned vid)
{
	if (!c->trunk)
		return c->vlan == vid;
	if (c->native && c->vlan == vid)
		return true;
	return c->vlans[vid / 64] >> (vid % 64) & 1;
}

/* The VLAN a frame belongs to; false: this port may not send it. */
static bool classify(const struct switch_config *c, const struct frame *f, struct verdict *v)
{
	unsigned vid = VID(f->tci);

	if (f->tagged && frame_is_tag(f->type))
		return false;
	if (!f->tagged) {
		v->tci = c->vlan;
		return !frame_is_tag(f->type) && (!c->trunk || c->native);
	}
	v->untag = true;
	if (!vid) {			/* a priority, no VLAN */
		v->tci = (uint16_t)((f->tci & 0xe000) | c->vlan);
		return !c->trunk || c->native;
	}
	v->tci = f->tci & 0xefff;	/* less the drop eligible bit */
	return c->trunk && vid != VID_RESERVED && carries(c, vid) &&
		!(c->native && vid == c->vlan);
}

static enum count check(const struct switch_port *p, const struct frame *f, struct verdict *v)
{
	const uint8_t *mac = f->bytes;

	if (!classify(&p->config, f, v))
		return COUNT_drop_tag;
	if (frame_reserved(mac))
		return COUNT_drop_reserved;
	if (frame_group(mac + MAC_BYTES))
		return COUNT_drop_mac;
	switch (guard_check(&p->config.guard, f)) {
	case GUARD_BAD_MAC:
		return COUNT_drop_mac;
	case GUARD_BAD_IP:
		return COUNT_drop_ip;
	case GUARD_PASS:
		break;
	}
	return COUNTS;
}

static void learn(struct net_switch *s, unsigned in, const struct frame *f, uint16_t vid,
		  uint32_t now_s)
{
	struct switch_port *p = &s->ports[in];
	unsigned old = MAC_NO_PORT;

	switch (mac_learn(&s->macs, f->bytes + MAC_BYTES, vid, in, now_s,
			  p->learned < p->config.macs, &old)) {
	case MAC_MOVED:
		p->count[COUNT_mac_moved]++;
		lost_one(s, old);
		p->learned++;
		break;
	case MAC_NEW:
		p->learned++;
		break;
	case MAC_FULL:
		p->count[COUNT_mac_full]++;
		break;
	case MAC_PINNED:
	case MAC_KNOWN:
		break;
	}
}

/* The three rules no table can change. */
static bool may_reach(const struct net_switch *s, unsigned in, unsigned out, unsigned vid)
{
	const struct switch_port *from = &s->ports[in], *to = &s->ports[out];

	return in != out && to->used && !(from->config.isolated && to->config.isolated) &&
		carries(&to->config, vid);
}

static bool wants_group(const struct switch_port *p, const uint8_t *mac)
{
	if (!p->filter || frame_broadcast(mac))
		return true;
	for (unsigned i = 0; i < p->groups; i++)
		if (!memcmp(p->group[i], mac, MAC_BYTES))
			return true;
	return false;
}

static void add(struct verdict *v, unsigned port)
{
	port_set_add(&v->out, port);
	v->only = port;
	v->outs++;
}

static void flood(const struct net_switch *s, unsigned in, const uint8_t *mac, struct verdict *v)
{
	bool group = frame_group(mac);

	for (unsigned out = 0; out < s->top; out++)
		if (may_reach(s, in, out, VID(v->tci)) &&
		    (!group || wants_group(&s->ports[out], mac)))
			add(v, out);
}

/* Fill v->out; what to count when that is nobody. */
static enum count choose(struct net_switch *s, unsigned in, const uint8_t *mac, uint64_t now_ns,
			 struct verdict *v)
{
	struct switch_port *p = &s->ports[in];
	unsigned out = MAC_NO_PORT;

	if (frame_group(mac))
		p->count[COUNT_in_group]++;
	else
		out = mac_find(&s->macs, mac, (uint16_t)VID(v->tci), (uint32_t)(now_ns / NS_PER_S));
	if (out != MAC_NO_PORT) {
		if (may_reach(s, in, out, VID(v->tci)))
			add(v, out);
		return COUNT_drop_nobody;
	}
	if (!bucket_take(&p->storm, 1, now_ns))
		return COUNT_drop_storm;
	if (!frame_group(mac))
		p->count[COUNT_in_flooded]++;
	flood(s, in, mac, v);
	return COUNT_drop_nobody;
}

void switch_decide(struct net_switch *s, unsigned in, const uint8_t *bytes, unsigned n,
		   unsigned length, uint64_t now_ns, struct verdict *v)
{
	struct switch_port *p = &s->ports[in];
	struct frame f;
	enum count why;

	memset(v, 0, sizeof(*v));
	p->count[COUNT_in_frames]++;
	p->count[COUNT_in_bytes] += length;
	if (!frame_parse(&f, bytes, n)) {
		p->count[COUNT_drop_short]++;
		return;
	}
	why = check(p, &f, v);
	if (why == COUNTS) {
		learn(s, in, &f, (uint16_t)VID(v->tci), (uint32_t)(now_ns / NS_PER_S));
		why = choose(s, in, bytes, now_ns, v);
	}
	if (!v->outs)
		p->count[why]++;
}

bool switch_tags(const struct net_switch *s, unsigned port, uint16_t tci)
{
	const struct switch_config *c = &s->ports[port].config;

	return c->trunk && !(c->native && c->vlan == VID(tci));
}

bool switch_group_add(struct net_switch *s, unsigned port, const uint8_t *mac)
{
	struct switch_port *p = &s->ports[port];

	for (unsigned i = 0; i < p->groups; i++)
		if (!memcmp(p->group[i], mac, MAC_BYTES))
			return true;
	if (p->groups == SWITCH_GROUPS)
		return false;
	memcpy(p->group[p->groups++], mac, MAC_BYTES);
	p->groups_changed = true;
	return true;
}

void switch_group_del(struct net_switch *s, unsigned port, const uint8_t *mac)
{
	struct switch_port *p = &s->ports[port];

	for (unsigned i = 0; i < p->groups; i++) {
		if (memcmp(p->group[i], mac, MAC_BYTES))
			continue;
		memmove(p->group[i], p->group[--p->groups], MAC_BYTES);
		p->groups_changed = true;
		return;
	}
}

void switch_age(struct net_switch *s, uint64_t now_ns)
{
	mac_sweep(&s->macs, MAC_BUCKETS / 16, (uint32_t)(now_ns / NS_PER_S), lost_one, s);
}
