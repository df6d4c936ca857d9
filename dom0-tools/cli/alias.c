/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spellings of xl, kept so that hands and scripts go on working: each stands for a command of ours.
 * xl's commands for HVM guests and devices we do not have answer with one sentence, exit 11.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static const struct {
	const char *xl, *noun, *name;
} aliases[] = {
	{ "ls", NULL, "list" }, { "unpause", NULL, "resume" },
	{ "vcpu-list", "cpu", "show" }, { "vcpu-pin", "cpu", "pin" }, { "vcpu-set", "cpu", "set" },
	{ "mem-set", "memory", "set" }, { "mem-max", "memory", "max" },
	{ "block-attach", "disk", "attach" }, { "block-list", "disk", "list" },
	{ "block-detach", "disk", "detach" }, { "network-attach", "nic", "attach" },
	{ "network-list", "nic", "list" }, { "network-detach", "nic", "detach" },
	{ "debug-keys", NULL, "keys" }, { "uptime", NULL, "list" }, { "vm-list", NULL, "list" },
};

static const struct {
	const char *xl, *why;
} refused[] = {
	{ "cd-insert", "CD drives belong to HVM guests; Mica is PV only" },
	{ "cd-eject", "CD drives belong to HVM guests; Mica is PV only" },
	{ "vncviewer", "guests have no screen; use: mica console NAME" },
	{ "button-press", "PV guests have no buttons; use: mica shutdown NAME" },
	{ "cpupool-create", "there is one pool of CPUs; use: mica cpu pin" },
	{ "cpupool-split", "there is one pool of CPUs; use: mica cpu pin" },
	{ "cpupool-numa-split", "there is one pool of CPUs; use: mica cpu pin" },
	{ "pci-attach", "PCI devices cannot be given to guests" },
	{ "pci-detach", "PCI devices cannot be given to guests" },
	{ "remus", "there is no continuous replication" },
	{ "usbctrl-attach", "USB devices cannot be given to guests" },
	{ "sched-credit", "the scheduler is another; use: mica cpu weight, mica cpu cap" },
	{ "sched-rtds", "the scheduler is another; use: mica cpu weight, mica cpu cap" },
	{ "save", "saving guests is not offered by this version" },
	{ "restore", "restoring guests is not offered by this version" },
	{ "migrate", "migration is not offered by this version" },
	{ "dump-core", "core dumps are not offered by this version" },
	{ "loadpolicy", "there are no security labels" }, { "getenforce", "there are no security labels" },
	{ "psr-hwinfo", "cache allocation is not offered" },
	{ "devd", "device backends run as services of their own" },
};

/* New argv: "mica", noun, name, then what followed the alias. */
static char **rewrite(int *argc, char **argv, const char *noun, const char *name)
{
	char **new = calloc((size_t)*argc + 3, sizeof(*new));
	int n = 0;

	if (!new)
		return NULL;
	new[n++] = argv[0];
	if (noun)
		new[n++] = (char *)noun;
	new[n++] = (char *)name;
	for (int i = 2; i < *argc; i++)
		new[n++] = argv[i];
	*argc = n;
	return new;
}

/* sched-credit2 -d DOM [-w WEIGHT] [-c CAP] */
static char **credit2(int *argc, char **argv, int *status)
{
	const char *domain = NULL, *weight = NULL, *cap = NULL;
	char **new;

	for (int i = 2; i < *argc; i++) {
		const char **to = !strncmp(argv[i], "-d", 2) ? &domain :
			!strncmp(argv[i], "-w", 2) ? &weight :
			!strncmp(argv[i], "-c", 2) ? &cap : NULL;

		if (!to || (!argv[i][2] && i + 1 == *argc)) {
			*status = cli_fail("MICA-CFG-002", "sched-credit2", "only -d, -w and -c are "
					   "known; use: mica cpu weight, mica cpu cap, mica cpu ratelimit");
			return NULL;
		}
		*to = argv[i][2] ? argv[i] + 2 : argv[++i];
	}
	new = calloc(6, sizeof(*new));
	if (!new)
		return NULL;
	*argc = 0;
	new[(*argc)++] = argv[0];
	new[(*argc)++] = (char *)"cpu";
	new[(*argc)++] = (char *)(cap && !weight ? "cap" : weight ? "weight" : "show");
	if (domain)
		new[(*argc)++] = (char *)domain;
	if (weight || cap)
		new[(*argc)++] = (char *)(weight ? weight : cap);
	return new;
}

static void show_new_spelling(char **argv)
{
	if (!isatty(2))
		return;
	fputs("\033[2mmica's spelling: mica", stderr);
	for (argv++; *argv; argv++)
		fprintf(stderr, " %s", *argv);
	fputs("\033[0m\n", stderr);
}

char **cli_xl_alias(int *argc, char **argv, int *status)
{
	char **new = NULL;

	*status = -1;
	if (!strcmp(argv[1], "sched-credit2"))
		new = credit2(argc, argv, status);
	for (size_t i = 0; !new && i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (!strcmp(argv[1], aliases[i].xl))
			new = rewrite(argc, argv, aliases[i].noun, aliases[i].name);
	for (size_t i = 0; !new && i < sizeof(refused) / sizeof(refused[0]); i++)
		if (!strcmp(argv[1], refused[i].xl))
			*status = cli_fail("MICA-ABI-001", argv[1], "%s", refused[i].why);
	if (new)
		show_new_spelling(new);
	return new;
}
