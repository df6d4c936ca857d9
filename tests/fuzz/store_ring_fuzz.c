/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that writes anything anywhere in its store page, at any moment, also between any two reads
 * the daemon makes of an index; whole requests and pieces of them among that, and a daemon that is
 * killed and goes on from its journal.  An index that cannot be is never believed, nothing is read or
 * written outside page and slot, memory stays bounded, another guest has every answer as if nothing
 * had been, and whoever starts over is served.
 *
 * tests/unit/stored/store_ring_fuzz_test.c runs it for a bounded time; for a long one:
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Idom0-tools -Iabi \
 *	    tests/fuzz/store_ring_fuzz.c dom0-tools/lib/confine.c \
 *	    $(ls dom0-tools/stored/[!mxr]*.c) -o store_ring_fuzz
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FUZZ_NAME	"store_ring_fuzz"
#include "fuzz.h"

/* The page is touched through this alone: see READ_ONCE in ring.c. */
static uint32_t load(const uint32_t *from);
#define __atomic_load_n(from, order)	load(from)
#include "stored/ring.c"
#undef __atomic_load_n

#define BAD	1u
#define GOOD	2u
#define TURNS	200		/* of the daemon's loop; more is for ever */

static struct xenstore_domain_interface *pages[3];	/* of their exact size */
static char dir_name[64];
static struct store store;
static struct journal journal;
static bool meddling;		/* the bad guest writes while the daemon reads */
static unsigned written;	/* by the good one */

/* --- the machine --- */

static void *map(struct machine *m, unsigned domid) { return pages[domid]; }
static void unmap(struct machine *m, unsigned domid, void *page) { }
static int bind_port(struct machine *m, unsigned domid, uint32_t port) { return (int)domid; }
static void unbind_port(struct machine *m, int port) { }
static void notify_port(struct machine *m, int port) { }
static enum dom_state state_of(struct machine *m, unsigned domid) { return DOM_ALIVE; }

static struct machine machine = { map, unmap, bind_port, unbind_port, notify_port, state_of };

/* --- the bad guest --- */

static void poke(void)
{
	struct xenstore_domain_interface *p = pages[BAD];
	uint32_t *index[] = { &p->req_prod, &p->req_cons, &p->rsp_prod, &p->rsp_cons };
	uint32_t *i = index[byte() & 3];
	uint8_t how = byte();

	if (how < 100)
		*i += how & 15 ? how & 15 : 1024;
	else if (how < 160)
		*i -= how & 31;
	else if (how < 200)
		*i = word();
	else
		p->req[word() % sizeof(p->req)] = (char)byte();
}

static uint32_t load(const uint32_t *from)
{
	uint32_t value = *(const volatile uint32_t *)from;

	if (meddling && left && (*input & 7) == 5)
		poke();
	return value;
}

static void put(unsigned domid, uint32_t type, const void *payload, uint32_t len, uint32_t claimed)
{
	struct xenstore_domain_interface *p = pages[domid];
	struct xsd_sockmsg h = { .type = type, .req_id = 7, .len = claimed };
	uint32_t at = p->req_prod;

	for (uint32_t i = 0; i < sizeof(h); i++)
		p->req[MASK_XENSTORE_IDX(at++)] = ((char *)&h)[i];
	for (uint32_t i = 0; i < len; i++)
		p->req[MASK_XENSTORE_IDX(at++)] = ((const char *)payload)[i];
	p->req_prod = at;
}

static void ask_something(void)
{
	static const uint8_t types[] = { XS_WRITE, XS_READ, XS_MKDIR, XS_WATCH, XS_TRANSACTION_START,
					 XS_DIRECTORY, XS_RM, XS_RESET_WATCHES };
	static const char text[] = "a\0b\0/local/domain/1\0c/d\0/local/domain/2/n\0";
	uint32_t len = byte() % sizeof(text), type = byte();

	put(BAD, type < 200 ? types[type & 7] : type, text, len, type % 16 ? len : word() % 6000);
}

static void act(void)
{
	struct xenstore_domain_interface *p = pages[BAD];

	switch (byte() % 8) {
	case 0:
		poke();
		break;
	case 1:
		p->connection = byte() & 1 ? XENSTORE_RECONNECT : word();
		break;
	case 2:
		p->error = p->server_features = word();
		break;
	case 3:				/* an honest reader, so that there is room again */
	case 4:
		p->rsp_cons = p->rsp_prod;
		break;
	default:
		ask_something();
	}
}

/* --- the daemon --- */

static void open_store(void)
{
	store_init(&store);
	store.machine = &machine;
	journal_open(&journal, open(dir_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	store.journal = &journal;
	must(journal.fresh || !state_replay(&store), "the journal cannot be read");
}

static void close_store(void)
{
	store_free(&store);
	journal_close(&journal);
	close(journal.dir);
}

/* What a turn may make of the bad guest's ring, judged by what lay there when nobody meddled. */
static void turn(struct domain *d)
{
	struct xenstore_domain_interface *p = d->page;
	uint32_t cons = d->cons, prod = d->prod, there = p->req_prod - d->cons, used = d->prod - p->rsp_cons;
	bool was_broken = d->broken, anew = p->connection == XENSTORE_RECONNECT;
	bool choked = conn_choked(&store, &d->conn);

	ring_work(d);
	must(d->cons - d->start <= sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX,
	     "more of a request than there can be");
	must(conn_pending(&d->conn) <= store.quotas.limit[QUOTA_OUTSTANDING] + 2 * XENSTORE_PAYLOAD_MAX,
	     "its answers are without limit");
	if (meddling || anew)
		return;
	must(!was_broken || d->cons == cons, "a broken ring is read");
	must(choked || there <= XENSTORE_RING_SIZE || d->broken, "an index that cannot be is believed");
	must(used <= XENSTORE_RING_SIZE || d->prod == prod, "answers into a ring that cannot be");
	must(used > XENSTORE_RING_SIZE || d->prod - p->rsp_cons <= XENSTORE_RING_SIZE,
	     "answers over such as were not read");
}

static void run(void)
{
	unsigned turns = 0;

	while (!list_empty(&store.busy)) {
		must(++turns < TURNS, "the daemon spins");
		turn(container(list_first(&store.busy, struct conn, live), struct domain, conn));
		ring_bells(&store);
	}
}

/* A message longer than any, where one begins: it is not waited for. */
static void too_long(struct domain *d)
{
	struct xenstore_domain_interface *p = d->page;

	meddling = false;
	if (d->broken || conn_choked(&store, &d->conn) || d->cons != d->start || p->req_prod != d->cons ||
	    d->prod - p->rsp_cons > XENSTORE_RING_SIZE)
		return;
	put(BAD, XS_WRITE, "x", 2, XENSTORE_PAYLOAD_MAX + 1 + (word() & 0xffffff));
	domain_event(&store, BAD);
	run();
	must(d->broken && p->error == XENSTORE_ERROR_PROTO, "a message longer than any is waited for");
}

/* Dead between two turns, and there again. */
static void killed(void)
{
	close_store();
	open_store();
	domain_attach_all(&store);
}

static void drop(struct conn *c)
{
	conn_consume(c, conn_pending(c));
}

static void start(void)
{
	static char paths[] = "/local/domain/1\0n1\0/local/domain/2\0n2\0";
	struct conn dom0;
	char payload[64];

	open_store();
	conn_init(&store, &dom0, 0);
	dom0.flush = drop;
	for (char *at = paths; *at; at += strlen(at) + 1) {
		struct xsd_sockmsg h = { .type = XS_MKDIR, .len = (uint32_t)strlen(at) + 1 };

		memcpy(payload, at, h.len);
		store_request(&store, &dom0, &h, payload);
		h.type = XS_SET_PERMS;
		h.len += (uint32_t)strlen(at + h.len) + 1;
		memcpy(payload, at, h.len);
		store_request(&store, &dom0, &h, payload);
		at += strlen(at) + 1;
	}
	conn_fini(&store, &dom0);
	for (unsigned id = BAD; id <= GOOD; id++)
		must(!domain_introduce(&store, id, 1, 1), "no such guest");
	store_commit(&store, NULL);
}

/* --- the good guest --- */

static void answer(unsigned domid, uint32_t type, const char *want, uint32_t len)
{
	struct xenstore_domain_interface *p = pages[domid];
	struct xsd_sockmsg h;
	char got[64];

	must(p->rsp_prod - p->rsp_cons == sizeof(h) + len, "not one answer");
	for (uint32_t i = 0; i < sizeof(h) + len; i++)
		got[i] = p->rsp[MASK_XENSTORE_IDX(p->rsp_cons + i)];
	p->rsp_cons = p->rsp_prod;
	memcpy(&h, got, sizeof(h));
	must(h.type == type && h.len == len && h.req_id == 7 && !memcmp(got + sizeof(h), want, len),
	     "another answer");
}

static void served(unsigned domid)
{
	char text[24];
	uint32_t len = (uint32_t)snprintf(text, sizeof(text), "n|%u", ++written);

	text[1] = '\0';
	put(domid, XS_WRITE, text, len, len);
	domain_event(&store, (int)domid);
	run();
	answer(domid, XS_WRITE, "OK", 3);
	put(domid, XS_READ, "n", 2, 2);
	domain_event(&store, (int)domid);
	run();
	answer(domid, XS_READ, text + 2, len - 2);
}

static void finish(void)
{
	meddling = false;
	pages[BAD]->connection = XENSTORE_RECONNECT;
	domain_event(&store, BAD);
	run();
	must(pages[BAD]->connection == XENSTORE_CONNECTED, "it cannot start over");
	pages[BAD]->rsp_cons = pages[BAD]->rsp_prod;
	served(BAD);
	must(!tree_audit(&store.tree), "the tree does not add up");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	say_quiet = true;
	input_from(data, size);
	strcpy(dir_name, "/tmp/store-ring-XXXXXX");
	must(mkdtemp(dir_name), "no directory");
	for (unsigned id = BAD; id <= GOOD; id++)
		pages[id] = calloc(1, sizeof(*pages[id]));
	written = 0;
	start();
	while (left) {
		uint8_t how = byte();

		meddling = how & 1;
		for (unsigned n = 1 + (how >> 1 & 3); n; n--)
			act();
		if (how >= 240)
			killed();
		domain_event(&store, BAD);
		run();
		if (how % 32 < 4)
			served(GOOD);
		else if (how % 32 == 31)
			too_long(domain_find(&store, BAD));
	}
	meddling = false;
	served(GOOD);
	finish();
	close_store();
	for (unsigned id = BAD; id <= GOOD; id++)
		free(pages[id]);
	must(!chdir(dir_name) && !unlink("journal") && !unlink("rings") && !chdir("/"), "no files");
	must(!rmdir(dir_name), "files are left");
	return 0;
}
