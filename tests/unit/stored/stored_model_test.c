/* unit: @stored */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random operations, inside and outside of transactions, against a model too simple to be wrong:
 * an array of what each possible path holds.
 *
 * A transaction that commits must have seen exactly what it would have seen if all of it had
 * happened at the instant of the commit: its operations are repeated on the model then, and each
 * must give the same answer.  One that does not commit must have a reason: somebody changed a
 * path it named, or one above or below.
 */
#include "stored_unit.h"

#define NAMES	3
#define PATHS	(1 + 3 + 9 + 27)	/* the root, and three levels of a, b, c */
#define CLIENTS	4
#define OPS	24

struct model {
	bool there[PATHS];
	char value[PATHS][4];
	uint64_t changed[PATHS];
};

struct op {
	uint32_t type;
	int path;
	char value[4];
	char answer[64];
};

struct client {
	struct fake fake;
	uint32_t tx;
	uint64_t since;
	struct op op[OPS];
	int ops;
};

static struct store s;
static struct model m;
static struct client client[CLIENTS];
static uint64_t now;

static int parent(int p) { return (p - 1) / NAMES; }

static void path_text(int p, char *out)
{
	if (!p) {
		strcpy(out, "/");
		return;
	}
	if (parent(p))
		path_text(parent(p), out);
	else
		out[0] = 0;
	sprintf(out + strlen(out), "/%c", 'a' + (p - 1) % NAMES);
}

static void touch(struct model *x, int p) { x->changed[p] = now; }

static void model_make(struct model *x, int p, const char *value)
{
	if (!x->there[p]) {
		if (p)
			model_make(x, parent(p), NULL);
		x->there[p] = true;
		x->value[p][0] = 0;
		touch(x, p);
	}
	if (value) {
		strcpy(x->value[p], value);
		touch(x, p);
	}
}

static void model_remove(struct model *x, int p)
{
	x->there[p] = false;
	touch(x, p);
	for (int i = 0; i < NAMES; i++)
		if (p * NAMES + 1 + i < PATHS && x->there[p * NAMES + 1 + i])
			model_remove(x, p * NAMES + 1 + i);
}

/* The answer the store should give; names of a directory sorted. */
static void model_do(struct model *x, const struct op *o, char *answer)
{
	int p = o->path;

	strcpy(answer, "OK|");
	switch (o->type) {
	case XS_READ:
		strcpy(answer, x->there[p] ? x->value[p] : "ENOENT|");
		break;
	case XS_DIRECTORY:
		strcpy(answer, x->there[p] ? "" : "ENOENT|");
		for (int i = 0; i < NAMES && x->there[p]; i++)
			if (p * NAMES + 1 + i < PATHS && x->there[p * NAMES + 1 + i])
				sprintf(answer + strlen(answer), "%c|", 'a' + i);
		break;
	case XS_WRITE:
		model_make(x, p, o->value);
		break;
	case XS_MKDIR:
		model_make(x, p, NULL);
		break;
	case XS_RM:
		if (x->there[p])
			model_remove(x, p);
		else if (!x->there[parent(p)])
			strcpy(answer, "ENOENT|");
		break;
	}
}

static int by_letter(const void *a, const void *b)
{
	return *(const char *)a - *(const char *)b;
}

static void store_do(struct client *c, struct op *o)
{
	char text[64];

	path_text(o->path, text);
	strcat(text, "|");
	if (o->type == XS_WRITE)
		strcat(text, o->value);
	strcpy(o->answer, ask(&s, &c->fake, o->type, c->tx, text));
	if (o->type == XS_DIRECTORY && o->answer[0] != 'E')
		qsort(o->answer, strlen(o->answer) / 2, 2, by_letter);
}

static bool related(int a, int b)
{
	int x;

	for (x = a; x; x = parent(x))
		if (x == b)
			return true;
	for (x = b; x; x = parent(x))
		if (x == a)
			return true;
	return a == b;
}

static void end_txn(struct client *c)
{
	char answer[64], text[32];
	bool commit = rnd(8), excuse = false;

	sprintf(text, "%c|", commit ? 'T' : 'F');
	strcpy(answer, ask(&s, &c->fake, XS_TRANSACTION_END, c->tx, text));
	c->tx = 0;
	now++;
	if (!commit) {
		assert_string_equal(answer, "OK|");
		return;
	}
	if (!strcmp(answer, "OK|")) {
		for (int i = 0; i < c->ops; i++) {
			model_do(&m, &c->op[i], answer);
			assert_string_equal(answer, c->op[i].answer);
		}
		return;
	}
	assert_string_equal(answer, "EAGAIN|");
	for (int i = 0; i < c->ops; i++)
		for (int p = 0; p < PATHS; p++)
			excuse |= m.changed[p] > c->since && related(p, c->op[i].path);
	assert_true(excuse);
}

static void step(struct client *c)
{
	static const uint32_t types[] = { XS_READ, XS_DIRECTORY, XS_WRITE, XS_MKDIR, XS_RM };
	struct op o = { .type = types[rnd(5)], .path = 1 + (int)rnd(PATHS - 1) };
	char answer[64];

	if (c->tx && (c->ops == OPS || !rnd(8))) {
		end_txn(c);
		return;
	}
	if (!c->tx && !rnd(3)) {
		c->tx = begin(&s, &c->fake);
		c->ops = 0;
		c->since = now;
		return;
	}
	sprintf(o.value, "%d", (int)rnd(100));
	store_do(c, &o);
	if (c->tx) {
		c->op[c->ops++] = o;
		return;
	}
	now++;
	model_do(&m, &o, answer);
	assert_string_equal(o.answer, answer);
}

static void compare(void)
{
	for (int p = 0; p < PATHS; p++) {
		char text[64];
		struct node *n;

		path_text(p, text);
		n = tree_find(&s.tree, p ? text : "", p ? strlen(text) : 0);
		assert_int_equal(n != NULL, m.there[p]);
		if (n) {
			assert_int_equal(n->value_len, strlen(m.value[p]));
			assert_memory_equal(n->value, m.value[p], n->value_len);
		}
	}
	assert_null(tree_audit(&s.tree));
}

static void test_model(void **state)
{
	uint64_t n = steps(200000);

	seed();
	say_quiet = true;
	store_init(&s);
	m.there[0] = true;
	for (int i = 0; i < CLIENTS; i++)
		fake_init(&s, &client[i].fake, 0);
	for (uint64_t i = 0; i < n; i++) {
		step(&client[rnd(CLIENTS)]);
		if (i % 500 == 0)
			compare();
	}
	for (int i = 0; i < CLIENTS; i++)
		fake_fini(&s, &client[i].fake);
	print_message("%llu requests, %llu conflicts\n", (unsigned long long)s.requests,
		      (unsigned long long)s.conflicts);
	assert_true(s.conflicts > 10);
	store_free(&s);
}

/* Watches against the definition: every watch whose path is the event's or above it. */
static void hit(void *arg, struct watch *x, const char *path)
{
	((unsigned *)arg)[x->depth + 1]++;
}

static void test_watch_model(void **state)
{
	struct watches w = { 0 };
	struct list mine;
	bool set[PATHS][4] = { 0 };

	seed();
	list_init(&mine);
	for (uint64_t i = 0; i < steps(60000) / 3; i++) {
		int p = (int)rnd(PATHS), depth = (int)rnd(4) - 1, q = (int)rnd(PATHS);
		unsigned want[4] = { 0 }, got[4] = { 0 };
		char text[64], token[8];
		bool exact = !rnd(4);

		path_text(p, text);
		sprintf(token, "%d", depth);
		if (!p)
			text[0] = 0;
		if (set[p][depth + 1])
			watch_remove(&w, watch_find(&w, NULL, text, token));
		else
			watch_add(&w, NULL, &mine, text, token, depth, 0);
		set[p][depth + 1] = !set[p][depth + 1];
		for (int up = q, far = 0;; up = parent(up), far++) {
			for (int d = 0; d < 4; d++)
				want[d] += set[up][d] && (!d || far <= d - 1) && (!exact || !far);
			if (!up)
				break;
		}
		path_text(q, text);
		if (!q)
			text[0] = 0;
		watch_fire(&w, text, strlen(text), exact, hit, got);
		assert_memory_equal(want, got, sizeof(want));
	}
	watches_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_watch_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
