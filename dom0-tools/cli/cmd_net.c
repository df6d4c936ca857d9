/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mica net list, create, delete, show: networks of Mica's switch.  A network is a directory
 * /mica/net/NAME in the store; mica-netd serves each that it finds.  The store ends with dom0, so what
 * create was told is kept in a file as well (net_file.c).
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/device.h"
#include "cli/net.h"

#define NETS	"/mica/net"

static const char *const settings[] = {
	"uplink", "subnet", "nat", "dhcp", "mtu", "uplink-vlan", "uplink-trunk", NULL,
};

static const struct out_column columns[] = {
	{ "network", "NETWORK", false, false }, { "uplink", "UPLINK", false, false },
	{ "subnet", "SUBNET", false, false }, { "nat", "NAT", false, false },
	{ "dhcp", "DHCP", false, false }, { "mtu", "MTU", true, false },
	{ "nics", "CARDS", true, false }, { "stats", NULL, false, false },
	{ "note", "NOTE", false, false }, { NULL, NULL, false, false },
};

static void value_of(struct mica_store *s, const char *net, const char *key, char *text, size_t room)
{
	if (mica_store_get(s, text, room, NETS "/%s/%s", net, key))
		text[0] = 0;
}

/* Cards on a network; the first few of them as DOMAIN/DEV. */
static int users(struct mica_store *s, const char *net, char *who, size_t room)
{
	char path[96], name[MICA_NAME_MAX], network[32], **domains, **handles;
	int n = mica_store_list(s, "/local/domain/0/backend/mnet", &domains), found = 0;
	size_t at = 0;

	who[0] = 0;
	for (int i = 0; i < n; i++) {
		int k;

		snprintf(path, sizeof(path), "/local/domain/0/backend/mnet/%.12s", domains[i]);
		k = mica_store_list(s, path, &handles);
		for (int h = 0; h < k; h++) {
			if (mica_store_get(s, network, sizeof(network), "%s/%.12s/network", path,
					   handles[h]) || strcmp(network, net))
				continue;
			mica_domain_name(s, (domid_t)atoi(domains[i]), name);
			if (at < room)
				at += (size_t)snprintf(who + at, room - at, "%s%s/eth%.12s",
						       found ? ", " : "", name, handles[h]);
			found++;
		}
		if (k >= 0)
			free(handles);
	}
	if (n >= 0)
		free(domains);
	return found;
}

static void row(struct mica_store *s, const char *net)
{
	char uplink[32], subnet[32], nat[8], dhcp[8], mtu[16], stats[300], error[200], who[200];
	int n = users(s, net, who, sizeof(who));

	value_of(s, net, "uplink", uplink, sizeof(uplink));
	value_of(s, net, "subnet", subnet, sizeof(subnet));
	value_of(s, net, "nat", nat, sizeof(nat));
	value_of(s, net, "dhcp", dhcp, sizeof(dhcp));
	value_of(s, net, "mtu", mtu, sizeof(mtu));
	value_of(s, net, "stats", stats, sizeof(stats));
	value_of(s, net, "error", error, sizeof(error));
	out_row((struct out_value[]){
		out_text(net), out_text(uplink[0] ? uplink : "none"),
		subnet[0] ? out_text(subnet) : out_null(), out_bool(nat[0] == '1'),
		out_bool(dhcp[0] == '1'), out_u64(mtu[0] ? strtoull(mtu, NULL, 10) : 1500),
		out_u64((uint64_t)n), stats[0] ? out_text(stats) : out_null(), out_text(error),
	});
}

static int list_run(int argc, char **argv)
{
	autoclean(mica_store_close) struct mica_store *s = NULL;
	int n, status = cli_open_store(&s);
	char **names;

	if (status)
		return status;
	out_list("mica/net-list/1", "networks", columns);
	n = mica_store_list(s, NETS, &names);
	for (int i = 0; i < n; i++)
		row(s, names[i]);
	if (n >= 0)
		free(names);
	return out_end();
}

const struct command cmd_net_list = {
	.noun = "net", .name = "list", .args = "", .summary = "the switch's networks", .run = list_run,
};

bool net_exists(struct mica_store *s, const char *net)
{
	char **names;
	int n = mica_store_list(s, NETS, &names);
	bool found = false;

	for (int i = 0; i < n; i++)
		found |= !strcmp(names[i], net);
	if (n >= 0)
		free(names);
	return found;
}

static int not_there(const char *what, const char *net)
{
	struct mica_error e;

	mica_fail(&e, "MICA-NET-020", "there is no network '%s'", net);
	mica_what(&e, "%s", what);
	mica_hint(&e, "mica net list");
	return cli_report(&e);
}

/* NULL, or what is wrong with a setting; the daemon checks them against each other. */
static const char *check_setting(const char *key, const char *value)
{
	unsigned a, b, c, d, bits;
	int used = 0;

	if (!strcmp(key, "uplink"))
		return !strcmp(value, "none") || !strcmp(value, "tap") ||
			(!strncmp(value, "bridge:", 7) && value[7]) ? NULL : "none, tap or bridge:NAME";
	if (!strcmp(key, "subnet"))
		return sscanf(value, "%u.%u.%u.%u/%u%n", &a, &b, &c, &d, &bits, &used) == 5 &&
			!value[used] && (a | b | c | d) < 256 && bits >= 8 && bits <= 29 ? NULL :
			"an address with 8 to 29 bits, as in 10.1.0.1/24";
	if (!strcmp(key, "nat") || !strcmp(key, "dhcp"))
		return !strcmp(value, "1") || !strcmp(value, "0") ? NULL : "1 or 0";
	if (!strcmp(key, "mtu") || !strcmp(key, "uplink-vlan"))
		return *value && strspn(value, "0123456789") == strlen(value) ? NULL : "a number";
	return NULL;
}

int net_check_word(const char *what, const char *word)
{
	const char *value = strchr(word, '='), *wrong, *near;
	struct mica_error e;
	char key[24];

	snprintf(key, sizeof(key), "%.*s", value ? (int)(value - word) : 20, word);
	for (int i = 0; value && settings[i]; i++) {
		if (strcmp(settings[i], key))
			continue;
		wrong = check_setting(key, value + 1);
		return wrong ? cli_fail("MICA-CFG-003", what, "'%s': %s must be %s", word, key, wrong) : 0;
	}
	near = mica_nearest(key, settings);
	mica_fail(&e, "MICA-CFG-002", "'%s' is no setting of a network", word);
	mica_what(&e, "%s", what);
	if (near)
		mica_hint(&e, "did you mean '%s='?", near);
	return cli_report(&e);
}

int net_write(struct mica_store *s, const char *net, int argc, char **argv)
{
	char path[128];
	int rc = mica_store_begin(s);

	if (rc)
		return rc;
	mica_store_batch(s);
	snprintf(path, sizeof(path), NETS "/%s/uplink", net);
	mica_store_put(s, path, "none");
	for (int i = 0; i < argc; i++) {
		const char *value = strchr(argv[i], '=');

		snprintf(path, sizeof(path), NETS "/%s/%.*s", net, (int)(value - argv[i]), argv[i]);
		mica_store_put(s, path, "%s", value + 1);
	}
	rc = mica_store_batch_end(s);
	if (!rc)
		return mica_store_end(s, true);
	mica_store_end(s, false);
	return rc;
}

static int create_run(int argc, char **argv)
{
	autoclean(mica_store_close) struct mica_store *s = NULL;
	bool transient = cli_opt("transient") != NULL;
	int status = 0, rc;

	if (!mica_net_name_is_valid(argv[1]))
		return cli_fail("MICA-CFG-003", "net create", "'%s' is no name of a network: at most 13 letters, "
				"digits and -, a letter first", argv[1]);
	for (int i = 2; i < argc && !status; i++)
		status = net_check_word("net create", argv[i]);
	if (!status)
		status = cli_open_store(&s);
	if (status)
		return status;
	if (net_exists(s, argv[1]))
		return cli_fail("MICA-NET-022", "net create", "there is a network '%s'", argv[1]);
	if (!transient && net_file_exists(argv[1]))
		return cli_fail("MICA-NET-022", "net create", "'%s' is kept already; mica net start makes it, "
				"mica net delete forgets it", argv[1]);
	if (cli.plan) {
		cli_plan("create network", argv[1], "%s", transient ? "until dom0 ends" : "");
		return 0;
	}
	if (!transient)
		status = net_file_write(argv[1], argc - 2, argv + 2);
	if (status)
		return status;
	do {
		rc = net_write(s, argv[1], argc - 2, argv + 2);
	} while (rc == -EAGAIN);
	if (rc && !transient)
		net_file_remove("net create", argv[1]);
	if (rc)
		return cli_fail("MICA-STORE-002", "net create", "cannot write " NETS "/%s: %s", argv[1],
				strerror(-rc));
	puts(argv[1]);
	return 0;
}

static const struct command_option create_options[] = {
	{ "transient", 0, NULL, "do not keep it: it ends with the store" },
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_net_create = {
	.noun = "net", .name = "create", .args = "NAME [KEY=VALUE...]", .summary = "make a network",
	.run = create_run, .options = create_options, .min_args = 1, .max_args = 1 + NET_SETTINGS_MAX,
	.flags = CMD_CHANGES,
	.more = "uplink=none|tap|bridge:NAME, subnet=10.1.0.1/24 (dom0's address in it), nat=1 and dhcp=1 (for\n"
		"a subnet), mtu=, uplink-vlan=, uplink-trunk=.  mica-netd serves it.  It is kept for `mica net start`.",
};

static int delete_run(int argc, char **argv)
{
	autoclean(mica_store_close) struct mica_store *s = NULL;
	char path[64], who[200];
	int rc, status = cli_open_store(&s);
	bool there;

	if (status)
		return status;
	there = mica_net_name_is_valid(argv[1]) && net_exists(s, argv[1]);
	if (!there && (!mica_net_name_is_valid(argv[1]) || !net_file_exists(argv[1])))
		return not_there("net delete", argv[1]);
	if (users(s, argv[1], who, sizeof(who)))
		return cli_fail("MICA-NET-021", "net delete", "'%s' has cards: %s", argv[1], who);
	if (cli.plan) {
		cli_plan("delete network", argv[1], "%s", "");
		return 0;
	}
	snprintf(path, sizeof(path), NETS "/%s", argv[1]);
	rc = there ? mica_store_rm(s, path) : 0;
	return rc ? cli_fail("MICA-STORE-002", "net delete", "cannot remove %s: %s", path,
			     strerror(-rc)) : net_file_remove("net delete", argv[1]);
}

const struct command cmd_net_delete = {
	.noun = "net", .name = "delete", .args = "NAME", .summary = "remove and forget a network without cards",
	.run = delete_run, .min_args = 1, .max_args = 1, .flags = CMD_CHANGES,
};

static int show_run(int argc, char **argv)
{
	autoclean(mica_store_close) struct mica_store *s = NULL;
	static const struct out_column show[] = {
		{ "setting", "SETTING", false, false }, { "value", "VALUE", false, false },
		{ NULL, NULL, false, false },
	};
	char who[400], text[400], **keys, path[64];
	int n, status = cli_open_store(&s);

	if (status)
		return status;
	if (!mica_net_name_is_valid(argv[1]) || !net_exists(s, argv[1]))
		return not_there("net show", argv[1]);
	out_list("mica/net-show/1", "settings", show);
	snprintf(path, sizeof(path), NETS "/%s", argv[1]);
	n = mica_store_list(s, path, &keys);
	for (int i = 0; i < n; i++) {
		value_of(s, argv[1], keys[i], text, sizeof(text));
		out_row((struct out_value[]){ out_text(keys[i]), out_text(text) });
	}
	if (n >= 0)
		free(keys);
	users(s, argv[1], who, sizeof(who));
	out_row((struct out_value[]){ out_text("cards"), out_text(who) });
	return out_end();
}

const struct command cmd_net_show = {
	.noun = "net", .name = "show", .args = "NAME", .summary = "settings, counters and cards of one",
	.run = show_run, .min_args = 1, .max_args = 1,
};
