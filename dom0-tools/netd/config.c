/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The operator's words about a port become numbers, or a sentence that says which one is wrong.
 * Pure.  See docs/netd.md for the keys.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netd/config.h"
#include "netd/net.h"

#define STORM_FPS	2000u		/* unless the operator says otherwise */
#define VLAN_MOST	4094u

static char wrong[160];

__attribute__((format(printf, 1, 2))) static const char *say(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(wrong, sizeof(wrong), fmt, args);
	va_end(args);
	return wrong;
}

bool config_number(uint64_t *value, const char *text, uint64_t low, uint64_t high)
{
	char *end;

	if (!isdigit((unsigned char)*text) || strlen(text) > 19)
		return false;
	*value = strtoull(text, &end, 10);
	return !*end && *value >= low && *value <= high;
}

bool config_name(const char *name)
{
	size_t n = strlen(name);

	if (!n || n > NET_NAME || !isalpha((unsigned char)*name))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '-')
			return false;
	return true;
}

static void add_vlans(uint64_t *vlans, uint64_t first, uint64_t last)
{
	for (uint64_t v = first; v <= last; v++)
		vlans[v / 64] |= 1ull << (v % 64);
}

bool config_vlans(uint64_t vlans[SWITCH_VLANS / 64], const char *text)
{
	char one[CONFIG_WORD], *item, *save, *dash;
	uint64_t first, last;

	memset(vlans, 0, SWITCH_VLANS / 8);
	if (!strcmp(text, "all")) {
		add_vlans(vlans, 1, VLAN_MOST);
		return true;
	}
	if (strlen(text) >= sizeof(one))
		return false;
	strcpy(one, text);
	for (item = strtok_r(one, ",+ ", &save); item; item = strtok_r(NULL, ",+ ", &save)) {
		dash = strchr(item, '-');
		if (dash)
			*dash++ = '\0';
		if (!config_number(&first, item, 1, VLAN_MOST) ||
		    !config_number(&last, dash ? dash : item, first, VLAN_MOST))
			return false;
		add_vlans(vlans, first, last);
	}
	return true;
}

static const char *flag(bool *value, const char *name, const char *text, bool otherwise)
{
	*value = *text ? *text == '1' : otherwise;
	if (*text && strcmp(text, "0") && strcmp(text, "1"))
		return say("%s '%.16s' is neither 0 nor 1", name, text);
	return NULL;
}

static const char *number(uint64_t *value, const char *name, const char *text, uint64_t high,
			  uint64_t otherwise)
{
	*value = otherwise;
	if (*text && !config_number(value, text, 0, high))
		return say("%s '%.24s' is not a number from 0 to %llu", name, text,
			   (unsigned long long)high);
	return NULL;
}

static const char *parse_vlans(struct switch_config *c, const struct config_words *w)
{
	uint64_t vlan;
	const char *bad = number(&vlan, "vlan", w->vlan, VLAN_MOST, SWITCH_UNTAGGED);

	if (bad)
		return bad;
	c->vlan = (uint16_t)vlan;
	c->trunk = w->trunk[0];
	c->native = c->trunk && w->vlan[0];
	if (!config_vlans(c->vlans, w->trunk))
		return say("trunk '%.40s' is not a list as in 10,20-30, nor all", w->trunk);
	return NULL;
}

static const char *parse_guard(struct guard *g, const struct config_words *w, bool uplink)
{
	const char *bad = flag(&g->on, "antispoof", w->antispoof, false);

	if (bad || uplink) {
		g->on = false;
		return bad;
	}
	if (!guard_mac(g->mac, w->mac))
		return say("mac '%.24s' is not an address of one station", w->mac);
	if (!guard_addresses(g, w->ip))
		return say("ip '%.40s' is not a list of at most %u addresses", w->ip,
			   GUARD_ADDRESSES);
	return NULL;
}

/* "1", "0" or "snaplen=N,bytes=N" */
static const char *parse_capture(struct config_port *c, const char *text)
{
	char one[128], *item, *save;
	uint64_t value;

	c->capture = *text && strcmp(text, "0");
	c->snaplen = CAPTURE_SNAPLEN;
	c->capture_bytes = CAPTURE_BYTES;
	if (!c->capture || !strcmp(text, "1"))
		return NULL;
	snprintf(one, sizeof(one), "%s", text);
	for (item = strtok_r(one, ",", &save); item; item = strtok_r(NULL, ",", &save)) {
		if (!strncmp(item, "snaplen=", 8) &&
		    config_number(&value, item + 8, 16, CAPTURE_SNAPLEN_MOST))
			c->snaplen = (uint32_t)value;
		else if (!strncmp(item, "bytes=", 6) &&
			 config_number(&value, item + 6, 4096, 1ull << 40))
			c->capture_bytes = value;
		else
			return say("capture '%.40s' is not 0, 1 or snaplen=N,bytes=N", text);
	}
	return NULL;
}

const char *config_parse(struct config_port *c, const struct config_words *w, bool uplink)
{
	const char *bad;
	uint64_t storm;

	memset(c, 0, sizeof(*c));
	bad = parse_vlans(&c->sw, w);
	bad = bad ? bad : flag(&c->sw.isolated, "isolated", w->isolated, false);
	bad = bad ? bad : parse_guard(&c->sw.guard, w, uplink);
	bad = bad ? bad : number(&c->rate_bps, "rate-bps", w->rate_bps, 1ull << 50, 0);
	bad = bad ? bad : number(&storm, "storm-fps", w->storm, 10000000, uplink ? 0 : STORM_FPS);
	bad = bad ? bad : parse_capture(c, w->capture);
	if (bad)
		return bad;
	c->sw.storm_fps = (uint32_t)storm;
	c->sw.macs = uplink ? SWITCH_MACS_UPLINK : c->sw.guard.on && !c->sw.trunk ? 1 : SWITCH_MACS;
	return NULL;
}
