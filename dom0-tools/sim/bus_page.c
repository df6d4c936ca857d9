/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes docs/handshake.md from <mica/bus.def>: for each end a matrix of own state against peer
 * state, then every rule with its words, then the quirks of other implementations.
 */
#include <string.h>

#include <mica/bus.h>
#include "sim/bus_page.h"

static const char *const role_names[] = { "front end", "back end" };

static void cell(FILE *out, unsigned role, unsigned own, unsigned peer)
{
	const struct mica_bus_rule *r = mica_bus_step(role, own, peer, MICA_BUS_UP);

	if (r->action != MICA_BUS_STAY)
		fprintf(out, " %s", mica_bus_action_name(r->action));
	if (r->next != r->own)
		fprintf(out, " **%u**", r->next);
	else if (r->timeout_s && r->late != r->own)
		fprintf(out, " %us: %u", r->timeout_s, r->late);
	else if (r->timeout_s)
		fprintf(out, " %us", r->timeout_s);
	else if (r->action == MICA_BUS_STAY)
		fprintf(out, " -");
	fprintf(out, " |");
}

static void matrix(FILE *out, unsigned role)
{
	fprintf(out, "\n## The %s, while it wants to be connected\n\n| own \\ peer |",
		role_names[role]);
	for (unsigned peer = 0; peer < MICA_BUS_STATES; peer++)
		fprintf(out, " %u %s |", peer, mica_bus_state_name(peer));
	fprintf(out, "\n|--|");
	for (unsigned peer = 0; peer < MICA_BUS_STATES; peer++)
		fprintf(out, "--|");
	fprintf(out, "\n");
	for (unsigned own = 0; own < 9; own++) {
		fprintf(out, "| %u %s |", own, mica_bus_state_name(own));
		for (unsigned peer = 0; peer < MICA_BUS_STATES; peer++)
			cell(out, role, own, peer);
		fprintf(out, "\n");
	}
}

static void rules(FILE *out, unsigned role)
{
	static const char *const wills[] = { "u", "up", "d", "down", "b", "broken" };

	fprintf(out, "\n## Every rule of the %s\n\n"
		"| own | peer | will | action | next | after | words |\n|--|--|--|--|--|--|--|\n",
		role_names[role]);
	for (unsigned i = 0; i < MICA_BUS_RULES; i++) {
		const struct mica_bus_rule *r = &mica_bus_table[i];
		const char *between = "";

		if (r->role != role)
			continue;
		fprintf(out, "| %u | ", r->own);
		if (strlen(r->peers) == MICA_BUS_STATES)
			fprintf(out, "any");
		else
			for (const char *p = r->peers; *p; p++, between = " ")
				fprintf(out, "%s%c", between, *p);
		fprintf(out, " | ");
		between = "";
		for (unsigned w = 0; w < 6; w += 2)
			if (strchr(r->will, wills[w][0])) {
				fprintf(out, "%s%s", between, wills[w + 1]);
				between = ", ";
			}
		fprintf(out, " | %s | %u | ", mica_bus_action_name(r->action), r->next);
		if (r->timeout_s && r->late != r->own)
			fprintf(out, "%u s: %u", r->timeout_s, r->late);
		else if (r->timeout_s)
			fprintf(out, "%u s: tell", r->timeout_s);
		fprintf(out, " | %s |\n", r->words);
	}
}

void bus_page(FILE *out)
{
	fprintf(out,
		"# The handshake of a device\n\n"
		"Made from `abi/mica/bus.def` by `make handshake-page`; do not edit. The same table is\n"
		"what the code follows (`mica_bus_step()` in `<mica/bus.h>`) and what\n"
		"`tests/unit/ring/bus_test.c` checks in every order of events.\n\n"
		"Each end of a device writes its own `state` key in the store and watches the other's.\n"
		"An end looks up its rule, does the action, writes the next state and asks again until\n"
		"nothing changes. An action that was done already changes nothing, so an end that was\n"
		"killed reads both keys and goes on. *Up* is a device that is wanted (back end: `online`\n"
		"is 1; front end: its driver runs), *down* one that is to go, *broken* one whose last\n"
		"action failed and where nothing has changed since.\n\n"
		"In the matrices **bold** is the state written next; `30s: 6` means that after 30 seconds\n"
		"without a change the end gives up and goes to 6, `60s` that it tells the operator and\n"
		"goes on waiting, `-` that it waits for ever.\n\n"
		"The usual way: back 1 probes, **2**; front publishes, **3** (a network card: **4** at\n"
		"once); back connects, **4**; front starts, **4**. And back: front **5**, back **5**,\n"
		"front **6**, back **6**.\n");
	matrix(out, MICA_BUS_BACK);
	matrix(out, MICA_BUS_FRONT);
	rules(out, MICA_BUS_BACK);
	rules(out, MICA_BUS_FRONT);
	fprintf(out, "\n## What other implementations do\n\n| who | does | the rules' answer |\n"
		"|--|--|--|\n");
	for (unsigned i = 0; i < MICA_BUS_QUIRKS; i++)
		fprintf(out, "| %s | %s | %s |\n", mica_bus_quirks[i].peer, mica_bus_quirks[i].does,
			mica_bus_quirks[i].answer);
}
