/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arbitrary requests from three clients (domain 0, domains 1 and 2) to a store with a journal.
 * Nothing may crash, the tree must add up, and what the journal brings back must be the same
 * tree.  Input: for each request a byte of client and flags, a type, two bytes of length, then
 * the payload.
 *
 * tests/unit/stored/stored_fuzz_test.c runs it for a bounded time; for a long one:
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Idom0-tools -Iabi \
 *	    tests/fuzz/store_fuzz.c $(ls dom0-tools/stored/[!mx]*.c) -o store_fuzz
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "stored/state.h"

#define FUZZ_NAME	"store_fuzz"
#include "fuzz.h"

static char dir_name[64];

static void drop(struct conn *c)
{
	conn_consume(c, conn_pending(c));
}

static uint32_t pick_txn(const struct conn *c, unsigned nth)
{
	struct list *l;

	list_each(l, &c->txns)
		if (!nth--)
			return container(l, struct txn, link)->id;
	return nth & 1 ? 99999 : 0;
}

static void feed(struct store *s, struct conn *conns, const uint8_t *data, size_t size)
{
	char payload[XENSTORE_PAYLOAD_MAX + 1];

	while (size >= 4) {
		struct conn *c = &conns[data[0] % 3];
		struct xsd_sockmsg h = { .type = data[1] % 28, .req_id = 1 };

		h.len = ((uint32_t)data[2] << 8 | data[3]) % (XENSTORE_PAYLOAD_MAX + 1);
		if (data[0] & 0x80)
			h.tx_id = pick_txn(c, (data[0] >> 4) & 3);
		data += 4, size -= 4;
		if (h.len > size)
			h.len = (uint32_t)size;
		memcpy(payload, data, h.len);
		data += h.len, size -= h.len;
		store_request(s, c, &h, payload);
	}
}

static void must_be_same(const struct store *a, const struct store *b)
{
	struct node *root = tree_find(&a->tree, "", 0), *n, *m;

	must(a->tree.nodes.used == b->tree.nodes.used, "the journal has another number of nodes");
	for (n = root; n; n = tree_next(root, n)) {
		m = tree_find(&b->tree, n->path, n->path_len);
		must(m && m->value_len == n->value_len && (!n->value_len ||
		     !memcmp(m->value, n->value, n->value_len)), "the journal has another value");
		must(m->perms->n == n->perms->n, "the journal has more or fewer permissions");
		for (unsigned i = 0; i < n->perms->n; i++)
			must(m->perms->p[i].id == n->perms->p[i].id &&
			     m->perms->p[i].may == n->perms->p[i].may, "the journal has other permissions");
	}
}

static void replay(const struct store *first, struct journal *j)
{
	static struct store s;
	static struct journal again;

	store_init(&s);
	journal_open(&again, j->dir);
	s.journal = &again;
	must(!state_replay(&s), "the journal cannot be read");
	must(!tree_audit(&s.tree), "the tree of the journal does not add up");
	must_be_same(first, &s);
	store_free(&s);
	journal_close(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct store s;
	static struct journal j;
	struct conn conns[3];

	say_quiet = true;
	if (!dir_name[0]) {
		strcpy(dir_name, "/tmp/store-fuzz-XXXXXX");
		must(mkdtemp(dir_name), "no directory");
	}
	must(!chdir(dir_name) && (!unlink("journal") || true), "no directory");
	store_init(&s);
	journal_open(&j, open(dir_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	s.journal = &j;
	for (unsigned i = 0; i < 3; i++) {
		conn_init(&s, &conns[i], i);
		conns[i].flush = drop;
	}
	feed(&s, conns, data, size);
	must(!tree_audit(&s.tree), "the tree does not add up");
	if (size & 1)
		state_compact(&s, true);
	replay(&s, &j);
	for (unsigned i = 0; i < 3; i++)
		conn_fini(&s, &conns[i]);
	store_free(&s);
	journal_close(&j);
	close(j.dir);
	unlink("journal");
	unlink("rings");
	must(!rmdir(dir_name), "files are left");
	dir_name[0] = 0;
	return 0;
}
