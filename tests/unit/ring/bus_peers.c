/* SPDX-License-Identifier: BSD-2-Clause */
/* What each kind of end writes, given what it has seen: see bus_peers.h. */
#include <stddef.h>
#include <string.h>

#include "bus_peers.h"

static void table_write(struct bus_actor *a, uint8_t next)
{
	a->own = next;
	/* Rings must be gone wherever a new connection may begin. */
	if (a->resources && (next == 1 || next == 2 || next == 6 || next == 0))
		a->fault = 1;
	if (a->role == MICA_BUS_FRONT && next == 3 && !a->resources)
		a->fault = 2;
}

static void table_act(struct bus_actor *a)
{
	const struct mica_bus_rule *rule = mica_bus_step(a->role, a->own, a->view, a->will);

	switch (rule->action) {
	case MICA_BUS_PUBLISH:
	case MICA_BUS_CONNECT:
		a->resources = 1;
		break;
	case MICA_BUS_DISCONNECT:
		a->resources = 0;
		break;
	case MICA_BUS_REMOVE:
		if (a->resources)
			a->fault = 3;
		a->own = a->role == MICA_BUS_BACK ? 0 : a->own;
		return;
	}
	if (rule->next != a->own)
		table_write(a, rule->next);
}

void bus_late(struct bus_actor *a)
{
	const struct mica_bus_rule *rule;

	if (a->kind != BUS_TABLE || !a->looked)
		return;
	rule = mica_bus_step(a->role, a->own, a->view, a->will);
	if (rule->next != a->own || !rule->timeout_s || rule->late == a->own)
		return;
	a->resources = 0;
	a->looked = 0;
	table_write(a, rule->late);
}

static void blkfront(struct bus_actor *a)
{
	switch (a->view) {
	case 2:
		if (a->own == 1)
			a->own = 3;
		break;
	case 4:
		if (a->own == 3)
			a->own = 4;
		break;
	case 5:
	case 6:
		if (a->own == 5)
			a->own = 6;
		else if (a->own != 6)
			a->own = 5;
		break;
	}
}

static void netfront(struct bus_actor *a)
{
	switch (a->script) {		/* module unloaded and loaded again */
	case 1:
		a->own = 5;
		a->script = 2;
		return;
	case 2:
		if (a->view == 5 || a->view == 6 || a->view == 0) {
			a->own = 6;
			a->script = 3;
		}
		return;
	case 3:
		if (a->view == 6 || a->view == 2 || a->view == 0) {
			a->own = 1;
			a->script = 0;
		}
		return;
	}
	if (a->view == 2 && a->own == 1)
		a->own = 4;
	else if (a->view == 5 && a->own != 6)
		a->own = 6;
	else if (a->view == 6 && a->own != 6 && a->own != 1)
		a->own = 6;
}

/* Closes whatever it finds, waiting for each answer, and only then connects. */
static void windows(struct bus_actor *a)
{
	switch (a->script) {
	case 0:
		if (a->view == 5 || a->view == 6) {
			a->own = 5;
			a->script = 2;
		}
		return;
	case 1:
		a->script = a->view == 2 ? 4 : 2;
		if (a->script == 2)
			a->own = 5;
		else
			a->own = 1;
		return;
	case 2:
		if (a->view == 5 || a->view == 6) {
			a->own = 6;
			a->script = 3;
		}
		return;
	case 3:
		if (a->view == 6) {
			a->own = 1;
			a->script = 4;
		}
		return;
	case 4:
		if (a->view == 2) {
			a->own = 4;
			a->script = 5;
		} else if (a->view == 5) {	/* the old connection's end: once more */
			a->script = 1;
		}
		return;
	case 5:
		if (a->view == 4)
			a->script = 0;
		else if (a->view == 5 || a->view == 6)
			a->script = 1;
		return;
	}
}

static void minios(struct bus_actor *a)
{
	switch (a->script) {
	case 1:
		a->own = 5;
		a->script = 2;
		return;
	case 2:
		if (a->view >= 5) {
			a->own = 6;
			a->script = 3;
		}
		return;
	case 3:
		if (a->view >= 6) {
			a->own = 1;
			a->script = 4;
		}
		return;
	case 4:
		if (a->view == 2)
			a->script = 9;		/* handed over: another kernel goes on */
		return;
	case 9:
		a->script = 0;
		a->kind = BUS_TABLE + 100;	/* nothing more from this one */
		return;
	}
	if (a->view == 2 && a->own == 1)
		a->own = 4;
}

static void blkback(struct bus_actor *a)
{
	if (a->own == 1) {
		a->own = 2;
		return;
	}
	switch (a->view) {
	case 1:
		if (a->own == 6)
			a->own = 2;
		break;
	case 3:
	case 4:
		if (a->own == 2)
			a->own = 4;
		break;
	case 5:
		a->own = 5;
		break;
	case 6:
		a->own = 6;
		break;
	}
}

static void netback(struct bus_actor *a)
{
	uint8_t want = a->own;

	switch (a->view) {
	case 1:
		want = 2;
		break;
	case 3:
	case 4:			/* our front end says Initialised first, like a disk's */
		want = 4;
		break;
	case 5:
		want = 5;
		break;
	case 6:
		want = 6;
		break;
	}
	if (a->own == 1)
		a->own = 2;
	else if (a->own == want)
		return;
	else if (a->own == 4)
		a->own = 5;
	else if (a->own == 5)
		a->own = want == 5 ? 5 : 6;
	else if (a->own == 6)
		a->own = want == 5 ? 6 : 2;
	else if (a->own == 2)
		a->own = want;
}

static void act(struct bus_actor *a)
{
	switch (a->kind) {
	case BUS_TABLE:
		table_act(a);
		break;
	case BUS_LINUX_BLKFRONT:
		blkfront(a);
		break;
	case BUS_LINUX_NETFRONT:
		netfront(a);
		break;
	case BUS_WINDOWS:
		windows(a);
		break;
	case BUS_MINIOS:
		minios(a);
		break;
	case BUS_LINUX_BLKBACK:
		blkback(a);
		break;
	case BUS_LINUX_NETBACK:
		netback(a);
		break;
	}
}

void bus_look(struct bus_actor *a, const struct bus_actor *peer)
{
	a->view = peer->own;
	a->looked = 1;
}

void bus_act(struct bus_actor *a)
{
	struct bus_actor before = *a;

	if (!a->looked)
		return;
	act(a);
	/* Whoever has done something reads both keys again before the next step. */
	if (memcmp(a, &before, sizeof(before)))
		a->looked = 0;
}

const char *bus_fault(const struct bus_actor *a)
{
	static const char *const faults[] = {
		NULL, "a new connection over old rings", "rings never published",
		"removed with rings mapped",
	};

	return faults[a->fault];
}
