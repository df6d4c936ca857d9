/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A network card: key=value words as in xl-network-configuration.  bridge= is the network of
 * Mica's switch, or with backend=kernel a bridge of dom0's kernel.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/spec_priv.h"

static const char *const keys[] = {
	"mac", "bridge", "net", "ip", "rate", "vlan", "trunk", "isolated", "antispoof", "mtu",
	"backend", "backendtype", "script", "vifname", "type", "model", NULL,
};

struct reader {
	struct mica_nic *n;
	struct mica_spec_error *e;
	bool has_antispoof;
};

static bool set_text(struct reader *r, const struct spec_word *w, char *to, size_t room)
{
	if (strlen(w->value) >= room)
		return spec_fail(r->e, w->value_at, "'%.40s' is too long", w->value);
	strcpy(to, w->value);
	return true;
}

static bool set_number(struct reader *r, const struct spec_word *w, long low, long high, int *to)
{
	char *end;
	long n = strtol(w->value, &end, 10);

	*to = (int)n;
	return (isdigit((unsigned char)w->value[0]) && !*end && n >= low && n <= high) ||
		spec_fail(r->e, w->value_at, "'%.40s' is no number from %ld to %ld", w->value, low,
			  high);
}

static bool set_flag(struct reader *r, const struct spec_word *w, bool *to)
{
	*to = !strcmp(w->value, "1") || !strcmp(w->value, "yes") || !strcmp(w->value, "on");
	return *to || !strcmp(w->value, "0") || !strcmp(w->value, "no") ||
		!strcmp(w->value, "off") ||
		spec_fail(r->e, w->value_at, "'%.40s' is neither 1 nor 0", w->value);
}

static bool set_network(struct reader *r, const struct spec_word *w)
{
	if (strlen(w->value) >= sizeof(r->n->network) || !w->value[0] || strpbrk(w->value, "/ \t"))
		return spec_fail(r->e, w->value_at, "'%.40s' is no name of a network", w->value);
	strcpy(r->n->network, w->value);
	return true;
}

/*
 * xl's rate: NUMBER UNIT/s[@INTERVAL] with units b (bits) and B (bytes), k, M, G of a thousand; a
 * plain number is bytes.  The interval shapes bursts, which the switch has its own bucket for.
 */
static bool set_rate(struct reader *r, const struct spec_word *w)
{
	uint64_t unit = 1, n;
	char *end;

	if (!isdigit((unsigned char)w->value[0]) || strlen(w->value) > 32)
		goto bad;
	n = strtoull(w->value, &end, 10);
	if (*end == 'k' || *end == 'K')
		unit = 1000, end++;
	else if (*end == 'm' || *end == 'M')
		unit = 1000000, end++;
	else if (*end == 'g' || *end == 'G')
		unit = 1000000000, end++;
	if (n > (1ull << 50) / unit)
		goto bad;
	n *= unit;
	if (*end == 'b' && !strncmp(end + 1, "/s", 2))
		n /= 8, end += 3;
	else if (*end == 'B' && !strncmp(end + 1, "/s", 2))
		end += 3;
	if (*end == '@')
		end += strlen(end);
	if (*end || !n)
		goto bad;
	r->n->rate_bps = n;
	return true;
bad:
	return spec_fail(r->e, w->value_at, "'%.40s' is no rate such as 100Mb/s or 10MB/s", w->value);
}

static bool set_backend(struct reader *r, const struct spec_word *w)
{
	r->n->kernel = !strcmp(w->value, "kernel");
	return r->n->kernel || !strcmp(w->value, "mica") || !strcmp(w->value, "0") ||
		!strcmp(w->value, "dom0") || !strcmp(w->value, "Domain-0") ||
		spec_fail(r->e, w->value_at, "'%.40s' is no back end: mica or kernel", w->value);
}

static bool set_ignored(struct reader *r, const struct spec_word *w)
{
	snprintf(r->e->ignored, sizeof(r->e->ignored), "%s", w->key);
	return true;
}

/* "10,20-30": the commas are ours, so a list is written with '+' between. */
static bool set_trunk(struct reader *r, const struct spec_word *w)
{
	char *p;

	if (!set_text(r, w, r->n->trunk, sizeof(r->n->trunk)))
		return false;
	if (strcmp(r->n->trunk, "all") && strspn(r->n->trunk, "0123456789-+") !=
	    strlen(r->n->trunk))
		return spec_fail(r->e, w->value_at, "'%.40s' is no list of VLANs such as 10+20-30, nor "
				 "all", w->value);
	for (p = r->n->trunk; (p = strchr(p, '+')); )
		*p = ',';
	return true;
}

static bool set_addresses(struct reader *r, const struct spec_word *w)
{
	char *p;

	if (!set_text(r, w, r->n->ip, sizeof(r->n->ip)))
		return false;
	if (strspn(r->n->ip, "0123456789abcdefABCDEF.:+/ ") != strlen(r->n->ip))
		return spec_fail(r->e, w->value_at, "'%.40s' is no address", w->value);
	for (p = r->n->ip; (p = strpbrk(p, "+ ")); )
		*p = ',';
	return true;
}

static bool set_key(struct reader *r, const struct spec_word *w)
{
	struct mica_nic *n = r->n;
	const char *k = w->key;
	int number;

	if (!strcmp(k, "mac"))
		return mica_mac_parse(w->value, n->mac) ||
			spec_fail(r->e, w->value_at, "'%.40s' is no address of one station such as "
				  "00:16:3e:01:02:03", w->value);
	if (!strcmp(k, "bridge") || !strcmp(k, "net"))
		return set_network(r, w);
	if (!strcmp(k, "ip"))
		return set_addresses(r, w);
	if (!strcmp(k, "rate"))
		return set_rate(r, w);
	if (!strcmp(k, "vlan"))
		return set_number(r, w, 0, 4094, &n->vlan);
	if (!strcmp(k, "trunk"))
		return set_trunk(r, w);
	if (!strcmp(k, "isolated"))
		return set_flag(r, w, &n->isolated);
	if (!strcmp(k, "antispoof")) {
		r->has_antispoof = true;
		return set_flag(r, w, &n->antispoof);
	}
	if (!strcmp(k, "mtu")) {
		if (!set_number(r, w, 576, 65000, &number))
			return false;
		n->mtu = (unsigned)number;
		return true;
	}
	if (!strcmp(k, "backend") || !strcmp(k, "backendtype"))
		return set_backend(r, w);
	if (!strcmp(k, "vifname"))
		return set_text(r, w, n->ifname, sizeof(n->ifname));
	if (!strcmp(k, "script") || !strcmp(k, "model") ||
	    (!strcmp(k, "type") && (!strcmp(w->value, "vif") || !strcmp(w->value, "netfront"))))
		return strcmp(k, "type") ? set_ignored(r, w) : true;
	if (!strcmp(k, "type"))
		return spec_fail(r->e, w->value_at, "cards of type '%.40s' are for HVM guests",
				 w->value);
	return spec_unknown(r->e, w, keys);
}

bool mica_nic_parse(struct mica_nic *n, const char *text, struct mica_spec_error *e)
{
	struct reader r = { .n = n, .e = e };
	struct spec_word w;
	size_t pos = 0;

	memset(n, 0, sizeof(*n));
	memset(e, 0, sizeof(*e));
	n->vlan = -1;
	while (spec_next(text, &pos, NULL, &w)) {
		if (!w.key[0] && !w.value[0])
			continue;
		if (!w.key[0])
			return spec_unknown(e, &w, keys);
		if (!set_key(&r, &w))
			return false;
	}
	/* Who names the addresses wants them kept to. */
	if (n->ip[0] && !r.has_antispoof)
		n->antispoof = true;
	if (n->kernel && (n->vlan >= 0 || n->trunk[0] || n->isolated || n->antispoof))
		return spec_fail(e, 0, "vlan, trunk, isolated, antispoof and ip are the switch's: "
				 "backend=mica");
	if (n->network[0] && !n->kernel && !mica_net_name_is_valid(n->network))
		return spec_fail(e, 0, "'%s' is no name of a network: at most 13 letters, digits and -, a "
				 "letter first", n->network);
	return true;
}
