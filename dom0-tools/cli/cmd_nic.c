/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mica nic list, attach, detach, set, limit: network cards of domains that run.  What the switch
 * does with a card is in keys of the back end's directory, which its daemon watches.  `capture` is
 * in cmd_nic_capture.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/device.h"
#include "lib/hotplug.h"

static const struct out_column columns[] = {
	{ "domain", "DOMAIN", false, false }, { "id", NULL, true, false },
	{ "nic", "DEV", false, false }, { "handle", NULL, true, false },
	{ "backend", "BACKEND", false, false }, { "network", "NETWORK", false, false },
	{ "mac", "MAC", false, false }, { "vlan", "VLAN", true, false },
	{ "trunk", "TRUNK", false, true }, { "ip", "IP", false, false },
	{ "isolated", "ISOLATED", false, true }, { "antispoof", "ANTISPOOF", false, true },
	{ "rate_bytes_per_second", "RATE", true, false },
	{ "staged_pages", "STAGED", true, true }, { "state", "STATE", false, false },
	{ "front_state", NULL, false, false }, { "back_state", NULL, false, false },
	{ "stats", NULL, false, false }, { "note", "NOTE", false, false },
	{ NULL, NULL, false, false },
};

/* Of a card with a control ring: pages the guest keeps granted for good. */
static struct out_value staged(const char *stats)
{
	static const char key[] = "\"staged_pages\":";
	const char *at = strstr(stats, key);

	return at ? out_u64(strtoull(at + strlen(key), NULL, 10)) : out_null();
}

static void row(const struct target *t, const struct mica_device *d)
{
	char network[32], mac[32], vlan[16], trunk[256], ip[256], stats[2048], rate_text[24], flag[8];
	uint64_t rate = d->kernel ? 0 : device_number(t->s, d, "rate-bps");
	bool isolated, antispoof;

	device_text(t->s, d, d->kernel ? "bridge" : "network", network, sizeof(network));
	device_text(t->s, d, "mac", mac, sizeof(mac));
	device_text(t->s, d, "vlan", vlan, sizeof(vlan));
	device_text(t->s, d, "trunk", trunk, sizeof(trunk));
	device_text(t->s, d, "ip", ip, sizeof(ip));
	device_text(t->s, d, "stats", stats, sizeof(stats));
	device_text(t->s, d, "isolated", flag, sizeof(flag));
	isolated = flag[0] == '1';
	device_text(t->s, d, "antispoof", flag, sizeof(flag));
	antispoof = flag[0] == '1';
	snprintf(rate_text, sizeof(rate_text), "%.1f MB/s", (double)rate / 1e6);
	out_row((struct out_value[]){
		out_text(t->name), out_u64(t->id), out_text(d->name), out_u64(d->number),
		out_text(d->kernel ? "kernel" : "mica-netd"), out_text(network), out_text(mac),
		vlan[0] ? out_u64(strtoull(vlan, NULL, 10)) : out_null(), out_text(trunk), out_text(ip),
		out_bool(isolated), out_bool(antispoof),
		rate ? out_u64_as(rate, "%s", rate_text) : out_null(), staged(stats),
		out_text(device_state_word(d)),
		out_text(mica_device_state(d->front_state)),
		out_text(mica_device_state(d->back_state)), stats[0] ? out_text(stats) : out_null(),
		out_text(d->error),
	});
}

static int list_run(int argc, char **argv)
{
	out_list("mica/nic-list/1", "nics", columns);
	return device_list_run(argc, argv, MICA_NIC, row);
}

const struct command cmd_nic_list = {
	.noun = "nic", .name = "list", .args = "[DOMAIN...]",
	.summary = "network cards, their networks and states", .run = list_run, .max_args = 1000,
	.complete = "domain",
	.more = "STAGED (--format wide): pages that a card with a control ring keeps granted, mapped by\n"
		"mica-netd.",
};

static int read_nic(const char *what, int argc, char **argv, struct mica_nic *n)
{
	char text[DEVICE_SPEC_BYTES];
	struct mica_spec_error se;

	if (!device_join(argc, argv, text, sizeof(text)))
		return cli_fail("MICA-CFG-009", what, "the specification is too long");
	if (!mica_nic_parse(n, text, &se))
		return device_spec_failed(what, text, &se);
	if (se.ignored[0])
		cli_say("warning: '%s' has no effect", se.ignored);
	return 0;
}

static int attach_nic(struct target *t, struct mica_nic *n, struct mica_error *e)
{
	int rc = mica_nic_check(t->s, n, e);

	if (!rc)
		rc = mica_device_attach_nic(t->s, t->id, n, e);
	if (rc)
		return rc;
	rc = mica_hotplug_nic(t->s, t->id, n, e);
	if (rc) {
		struct mica_error ignored;

		mica_device_detach(t->s, t->id, MICA_NIC, n->handle, true, 0, &ignored);
		mica_undone(e, "the card was taken away again");
		return rc;
	}
	return cli.no_wait ? 0 : mica_device_wait(t->s, t->id, MICA_NIC, n->handle,
						  (unsigned)cli_timeout(DEVICE_WAIT_MS), e);
}

static int attach_run(int argc, char **argv)
{
	autoclean(mica_close) struct mica *m = NULL;
	autoclean(mica_store_close) struct mica_store *s = NULL;
	struct mica_error e;
	struct mica_nic n;
	struct target t;
	int status = read_nic("nic attach", argc - 2, argv + 2, &n);

	if (!status)
		status = device_target(&t, &m, &s, argv[1]);
	if (status)
		return status;
	if (mica_device_free_number(s, t.id, MICA_NIC, &n.handle) < 0)
		return cli_fail("MICA-STORE-002", "nic attach", "cannot list its cards");
	if (!n.mac[0])
		mica_mac_make(t.info.handle, n.handle, n.mac);
	if (cli.plan) {
		cli_plan("attach", t.name, "eth%u, %s, to %s", n.handle, n.mac,
			 n.network[0] ? n.network : "its network");
		return 0;
	}
	if (attach_nic(&t, &n, &e)) {
		mica_what(&e, "cannot attach a network card to '%s'", t.name);
		return cli_report(&e);
	}
	printf("eth%u\n", n.handle);
	return 0;
}

const struct command cmd_nic_attach = {
	.noun = "nic", .name = "attach", .args = "DOMAIN [KEY=VALUE...]",
	.summary = "give a running domain another network card", .run = attach_run, .min_args = 1,
	.max_args = 16, .flags = CMD_CHANGES, .complete = "domain",
	.more = "Keys are xl's (xl-network-configuration) and Mica's: bridge= or net= NETWORK, mac=, ip=\n"
		"ADDRESS[+ADDRESS] (turns antispoof on), rate= 100Mb/s or 10MB/s, vlan= N, trunk= 10+20-30 or\n"
		"all, isolated= 1|0, antispoof= 1|0, mtu=, backend= mica|kernel (then bridge= is one of dom0's\n"
		"kernel).  script= has no effect.",
};

static int detach_run(int argc, char **argv)
{
	return device_detach_run(argv, MICA_NIC);
}

const struct command cmd_nic_detach = {
	.noun = "nic", .name = "detach", .args = "DOMAIN CARD", .summary = "take a network card away",
	.run = detach_run, .options = device_detach_options, .min_args = 2, .max_args = 2,
	.flags = CMD_CHANGES, .complete = "domain",
};

/* The value a key of set has in the store; false: not one that a running card can change. */
static bool setting(const struct mica_nic *n, const char *key, const char **node, char text[256])
{
	*node = key;
	if (!strcmp(key, "vlan"))
		snprintf(text, 256, "%d", n->vlan);
	else if (!strcmp(key, "trunk"))
		snprintf(text, 256, "%s", n->trunk);
	else if (!strcmp(key, "ip"))
		snprintf(text, 256, "%s", n->ip);
	else if (!strcmp(key, "isolated"))
		snprintf(text, 256, "%d", n->isolated);
	else if (!strcmp(key, "antispoof"))
		snprintf(text, 256, "%d", n->antispoof);
	else if (!strcmp(key, "rate")) {
		*node = "rate-bps";
		snprintf(text, 256, "%llu", (unsigned long long)n->rate_bps);
	} else {
		return false;
	}
	return true;
}

/* "vlan=" takes a setting away. */
static int change(struct target *t, const struct mica_device *d, const char *word)
{
	char key[32], node[160], text[256];
	const char *value = strchr(word, '='), *name;
	struct mica_nic n = { .vlan = -1 };
	char *argv[] = { (char *)word };
	int rc;

	if (!value || (size_t)(value - word) >= sizeof(key))
		return cli_fail("MICA-CFG-009", "nic set", "'%s' is not KEY=VALUE", word);
	snprintf(key, sizeof(key), "%.*s", (int)(value - word), word);
	if (value[1]) {
		int status = read_nic("nic set", 1, argv, &n);

		if (status)
			return status;
	}
	if (!setting(&n, key, &name, text))
		return cli_fail("MICA-CFG-009", "nic set", "'%s' cannot be changed while it runs: only vlan, "
				"trunk, ip, isolated, antispoof, rate", key);
	if (cli.plan) {
		cli_plan("set", d->name, "%s of %s", word, t->name);
		return 0;
	}
	snprintf(node, sizeof(node), "%s/%s", d->back, name);
	rc = value[1] ? mica_store_put(t->s, node, "%s", text) : mica_store_rm(t->s, node);
	return rc && rc != -ENOENT ? cli_fail("MICA-STORE-002", "nic set", "cannot write %s: %s", node,
					      strerror(-rc)) : 0;
}

static int set_run(int argc, char **argv)
{
	autoclean(mica_close) struct mica *m = NULL;
	autoclean(mica_store_close) struct mica_store *s = NULL;
	struct mica_device d;
	struct target t;
	int status = device_target(&t, &m, &s, argv[1]);

	if (!status)
		status = device_named(&t, MICA_NIC, argv[2], &d);
	if (!status && d.kernel)
		status = cli_fail("MICA-ABI-001", "nic set", "the kernel's back end has no such settings; set "
				  "them on its bridge");
	for (int i = 3; i < argc && !status; i++)
		status = change(&t, &d, argv[i]);
	return status;
}

const struct command cmd_nic_set = {
	.noun = "nic", .name = "set", .args = "DOMAIN CARD KEY=VALUE...",
	.summary = "VLAN, addresses, isolation of a running card", .run = set_run, .min_args = 3,
	.max_args = 16, .flags = CMD_CHANGES, .complete = "domain",
	.more = "Keys: vlan trunk ip isolated antispoof rate, as in nic attach; KEY= takes one away.",
};

static int limit_run(int argc, char **argv)
{
	autoclean(mica_close) struct mica *m = NULL;
	autoclean(mica_store_close) struct mica_store *s = NULL;
	struct mica_device d;
	struct target t;
	char word[64];
	int status;

	snprintf(word, sizeof(word), "rate=%.40s", !strcmp(argv[3], "none") ? "" :
		 !strncmp(argv[3], "rate=", 5) ? argv[3] + 5 : argv[3]);
	status = device_target(&t, &m, &s, argv[1]);
	if (!status)
		status = device_named(&t, MICA_NIC, argv[2], &d);
	if (!status && d.kernel)
		status = cli_fail("MICA-ABI-001", "nic limit", "the kernel's back end takes its rate when it is "
				  "attached");
	return status ? status : change(&t, &d, word);
}

const struct command cmd_nic_limit = {
	.noun = "nic", .name = "limit", .args = "DOMAIN CARD RATE|none",
	.summary = "what the guest may send: 100Mb/s, 10MB/s", .run = limit_run, .min_args = 3,
	.max_args = 3, .flags = CMD_CHANGES, .complete = "domain",
};
