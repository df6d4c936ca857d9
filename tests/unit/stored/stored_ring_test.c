/* unit: @stored */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rings, with this test as the guests.  The daemon is a child process that serves shared pages
 * and is killed with SIGKILL at random instants; a successor goes on from the journal.  The
 * guests must not notice: each request gets exactly one answer, the right one; a transaction
 * that was interrupted says EAGAIN; no watch event is lost.
 */
#include "stored_unit.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#define GUESTS	2


static char *pages;			/* one page each, shared with the child */
static char dir_name[] = "/tmp/stored-ring-XXXXXX";
static enum dom_state states[8] = { DOM_ALIVE, DOM_ALIVE, DOM_ALIVE };

static struct xenstore_domain_interface *page(unsigned domid)
{
	return (void *)(pages + domid * 4096);
}

static void *fake_map(struct machine *m, unsigned domid) { return page(domid); }
static void fake_unmap(struct machine *m, unsigned domid, void *p) { }
static int fake_bind(struct machine *m, unsigned domid, uint32_t port) { return (int)domid + 1; }
static void fake_unbind(struct machine *m, int port) { }
static unsigned rung[8];
static void fake_notify(struct machine *m, int port) { rung[port - 1]++; }
static enum dom_state fake_state(struct machine *m, unsigned domid) { return states[domid]; }

static struct machine machine = {
	fake_map, fake_unmap, fake_bind, fake_unbind, fake_notify, fake_state
};

static void set_up_node(struct store *s, struct fake *f, const char *request, uint32_t type)
{
	assert_string_equal(ask(s, f, type, 0, request), "OK|");
}

/* A store on the journal in dir_name; the first makes the guests' homes and introduces them. */
static void open_store(struct store *s, struct journal *j)
{
	struct fake f;
	char text[64];

	store_init(s);
	s->machine = &machine;
	journal_open(j, open(dir_name, O_RDONLY | O_DIRECTORY));
	s->journal = j;
	if (!j->fresh && state_replay(s))
		_exit(3);
	if (!domain_find(s, GUESTS)) {		/* also when one died before it was through with this */
		fake_init(s, &f, 0);
		for (unsigned id = 1; id <= GUESTS; id++) {
			sprintf(text, "/local/domain/%u|", id);
			set_up_node(s, &f, text, XS_MKDIR);
			sprintf(text, "/local/domain/%u|n%u|", id, id);
			set_up_node(s, &f, text, XS_SET_PERMS);
			sprintf(text, "%u|1|1|", id);
			set_up_node(s, &f, text, XS_INTRODUCE);
		}
		fake_fini(s, &f);
	}
	domain_attach_all(s);
}

/* The child: polls, because the fake event channel is silent. */
static void serve(void)
{
	static struct store s;
	static struct journal j;

	say_quiet = true;
	open_store(&s, &j);
	j.compact_at = 20000;
	for (;;) {
		for (unsigned id = 1; id <= GUESTS; id++)
			if (domain_find(&s, id))
				ring_work(domain_find(&s, id));
		state_compact(&s, false);
		sched_yield();
	}
}

static pid_t daemon_pid;
static unsigned kills;
static unsigned in_a_row;		/* kills since it last moved a byte */

static void start(void)
{
	daemon_pid = fork();
	if (!daemon_pid)
		serve();
}

static void crash(void)
{
	int status;

	kill(daemon_pid, SIGKILL);
	assert_int_equal(waitpid(daemon_pid, &status, 0), daemon_pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	kills++;
	in_a_row++;
	start();
}

/* While a guest waits, the daemon may die; each time before it did anything makes the next death rarer, or
 * on a busy machine it would never get through its replay. */
static void idle(void)
{
	struct timespec t = { 0, (long)rnd(60000) };
	int status;

	if (!rnd(150ull << (in_a_row < 12 ? in_a_row : 12))) {
		nanosleep(&t, NULL);
		crash();
	}
	assert_int_equal(waitpid(daemon_pid, &status, WNOHANG), 0);
	t.tv_nsec = 1000;
	nanosleep(&t, NULL);			/* not sched_yield: the daemon shall have this CPU */
}

struct guest {
	unsigned id;
	uint32_t req_id;
	unsigned events;
	char event[128];
	char reply[XENSTORE_PAYLOAD_MAX + 1];
	size_t reply_len;
};

static void put_bytes(struct guest *g, const char *from, size_t n)
{
	struct xenstore_domain_interface *p = page(g->id);

	for (size_t i = 0; i < n; i++) {
		while (p->req_prod - __atomic_load_n(&p->req_cons, __ATOMIC_ACQUIRE) == 1024)
			idle();
		p->req[MASK_XENSTORE_IDX(p->req_prod)] = from[i];
		__atomic_store_n(&p->req_prod, p->req_prod + 1, __ATOMIC_RELEASE);
	}
}

static void get_bytes(struct guest *g, char *to, size_t n)
{
	struct xenstore_domain_interface *p = page(g->id);

	for (size_t i = 0; i < n; i++) {
		while (__atomic_load_n(&p->rsp_prod, __ATOMIC_ACQUIRE) == p->rsp_cons)
			idle();
		to[i] = p->rsp[MASK_XENSTORE_IDX(p->rsp_cons)];
		__atomic_store_n(&p->rsp_cons, p->rsp_cons + 1, __ATOMIC_RELEASE);
		in_a_row = 0;
	}
}

/* Take messages until an answer (true) or an event (false) came. */
static bool get_message(struct guest *g)
{
	struct xsd_sockmsg h;

	get_bytes(g, (char *)&h, sizeof(h));
	assert_true(h.len <= XENSTORE_PAYLOAD_MAX);
	get_bytes(g, g->reply, h.len);
	g->reply[h.len] = 0;
	g->reply_len = h.len;
	if (h.type == XS_WATCH_EVENT) {
		g->events++;
		snprintf(g->event, sizeof(g->event), "%s", g->reply);
		return false;
	}
	assert_int_equal(h.req_id, g->req_id);
	return true;
}

static const char *guest_ask(struct guest *g, uint32_t type, uint32_t tx, const char *text, size_t len)
{
	struct xsd_sockmsg h = { type, ++g->req_id, tx, (uint32_t)len };

	put_bytes(g, (char *)&h, sizeof(h));
	put_bytes(g, text, len);
	while (!get_message(g))
		;
	return g->reply;
}

#define S(text) text, sizeof(text)

static void write_number(struct guest *g, uint32_t tx, const char *name, unsigned n)
{
	char text[2300];
	size_t len;

	memset(text, 'x', sizeof(text));
	len = (size_t)sprintf(text, "%s", name) + 1;
	len += (size_t)sprintf(text + len, "%u", n);
	text[len] = ' ';
	len += rnd(10) ? 0 : rnd(1900);		/* some longer than the ring */
	assert_string_equal(guest_ask(g, XS_WRITE, tx, text, len), "OK");
}

/* A counter in two nodes, added to in transactions: they never differ, and no step is lost. */
static void one_round(struct guest *g, unsigned n)
{
	char text[32];
	unsigned tries = 0, before = g->events;

	write_number(g, 0, "plain", n);
	assert_int_equal(atoi(guest_ask(g, XS_READ, 0, S("plain"))), n);
	while (g->events == before)
		assert_false(get_message(g));		/* the watch on `plain` fired */
	for (;; tries++) {
		uint32_t tx = (uint32_t)atoi(guest_ask(g, XS_TRANSACTION_START, 0, S("")));

		assert_true(tx && tries < 1000);
		guest_ask(g, XS_READ, tx, S("a"));
		write_number(g, tx, "a", n);
		write_number(g, tx, "b", n);
		guest_ask(g, XS_TRANSACTION_END, tx, S("T"));
		if (!strcmp(g->reply, "OK"))
			break;
		assert_string_equal(g->reply, "EAGAIN");
	}
	assert_int_equal(atoi(guest_ask(g, XS_READ, 0, S("a"))), n);
	assert_int_equal(atoi(guest_ask(g, XS_READ, 0, S("b"))), n);
	sprintf(text, "dir/%u", n % 50);
	assert_string_equal(guest_ask(g, n % 100 < 50 ? XS_MKDIR : XS_RM, 0, text, strlen(text) + 1), "OK");
}

/* The guests' homes and introductions, before anybody is killed: they are several requests, and a daemon
 * that finds half of them does not make the rest. */
static void make_guests(void)
{
	static struct store s;
	static struct journal j;

	open_store(&s, &j);
	store_free(&s);
	journal_close(&j);
	close(j.dir);
}

static void test_killed_at_random(void **state)
{
	struct guest g[GUESTS] = { { .id = 1 }, { .id = 2 } };
	uint64_t rounds = steps(400);

	seed();
	pages = mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_non_null(mkdtemp(dir_name));
	make_guests();
	start();
	for (unsigned i = 0; i < GUESTS; i++) {
		assert_string_equal(guest_ask(&g[i], XS_MKDIR, 0, S("dir")), "OK");
		assert_string_equal(guest_ask(&g[i], XS_WATCH, 0, "plain\0tok", 10), "OK");
	}
	for (unsigned n = 1; n <= rounds; n++)
		one_round(&g[n % GUESTS], n);
	kill(daemon_pid, SIGKILL);
	waitpid(daemon_pid, NULL, 0);
	print_message("%u kills in %u rounds\n", kills, (unsigned)rounds);
	assert_true(kills > 20);
}

/* The last state of the test above, in this process. */
static void test_hostile_guest(void **state)
{
	static struct store s;
	static struct journal j;
	struct domain *d;

	say_quiet = true;
	open_store(&s, &j);
	d = domain_find(&s, 1);
	assert_non_null(d);
	page(1)->req_prod += 5000;
	ring_work(d);
	assert_true(d->broken);
	assert_int_equal(page(1)->error, XENSTORE_ERROR_RINGIDX);
	ring_work(d);
	page(1)->connection = XENSTORE_RECONNECT;
	ring_work(d);
	assert_false(d->broken);
	assert_int_equal(page(1)->connection, XENSTORE_CONNECTED);
	assert_int_equal(page(1)->rsp_prod, 0);
	assert_int_equal(d->conn.nwatches, 0);
	struct xsd_sockmsg h = { XS_READ, 1, 0, 5000 };
	memcpy(page(1)->req, &h, sizeof(h));
	page(1)->req_prod = sizeof(h);
	ring_work(d);
	assert_int_equal(page(1)->error, XENSTORE_ERROR_PROTO);
	store_free(&s);
	journal_close(&j);
	close(j.dir);
}

/* A guest that does not read: bounded memory, and afterwards it knows that something happened. */
static void test_guest_that_does_not_read(void **state)
{
	static struct store s;
	static struct journal j;
	struct guest g = { .id = 2 };
	struct fake f;
	char text[64];
	unsigned seen = 0;

	open_store(&s, &j);
	fake_init(&s, &f, 0);
	for (int i = 0; i < 3000; i++) {
		sprintf(text, "/local/domain/2/plain/%d|", i);
		ask(&s, &f, XS_MKDIR, 0, text);
		assert_true(conn_pending(&domain_find(&s, 2)->conn) <= 65536);
	}
	assert_int_equal(domain_find(&s, 2)->conn.owed, 1);
	while (page(2)->rsp_prod != page(2)->rsp_cons) {
		assert_false(get_message(&g));
		seen++;
		ring_work(domain_find(&s, 2));
	}
	assert_int_equal(domain_find(&s, 2)->conn.owed, 0);
	assert_true(seen > 100 && seen < 3000);
	assert_string_equal(g.event, "plain");
	fake_fini(&s, &f);
	store_free(&s);
	journal_close(&j);
	close(j.dir);
}

static void put_request(unsigned domid, uint32_t type, const char *text, uint32_t len)
{
	struct xenstore_domain_interface *p = page(domid);
	struct xsd_sockmsg h = { type, 1, 0, len };
	char all[256];

	memcpy(all, &h, sizeof(h));
	memcpy(all + sizeof(h), text, len);
	for (size_t i = 0; i < sizeof(h) + len; i++)
		p->req[MASK_XENSTORE_IDX(p->req_prod++)] = all[i];
}

/* One ring of the bell for all of a turn, none for nothing, and one when there is room again. */
static void test_bell(void **state)
{
	static struct store s;
	static struct journal j;
	struct xenstore_domain_interface *p = page(2);
	struct domain *d;
	struct fake f;

	open_store(&s, &j);
	fake_init(&s, &f, 0);
	d = domain_find(&s, 2);
	do {						/* what earlier tests left */
		p->rsp_cons = p->rsp_prod;
		rung[2] = 0;
		ring_work(d);
	} while (p->rsp_prod != p->rsp_cons);
	assert_int_equal(rung[2], 0);
	for (unsigned i = 0; i < 5; i++)
		put_request(2, XS_WRITE, "a\0value", 7);
	ring_work(d);
	assert_int_equal(rung[2], 1);
	assert_int_equal(p->rsp_prod - p->rsp_cons, 5 * (sizeof(struct xsd_sockmsg) + 3));
	p->rsp_cons = p->rsp_prod;
	put_request(2, XS_READ, "a", 2);
	p->req_prod -= 3;				/* only a part of it is there */
	ring_work(d);
	assert_int_equal(rung[2], 2);
	assert_int_equal(p->rsp_prod, p->rsp_cons);
	p->req_prod += 3;
	ring_work(d);
	assert_int_equal(rung[2], 3);
	assert_int_equal(p->rsp_prod - p->rsp_cons, sizeof(struct xsd_sockmsg) + 5);
	p->rsp_cons = p->rsp_prod;
	for (unsigned i = 0; i < 3; i++)		/* events, from another's requests */
		ask(&s, &f, XS_WRITE, 0, "/local/domain/2/plain|x");
	assert_int_equal(rung[2], 3);
	assert_true(p->rsp_prod != p->rsp_cons);
	ring_bells(&s);
	ring_bells(&s);
	assert_int_equal(rung[2], 4);
	p->rsp_cons = p->rsp_prod;
	fake_fini(&s, &f);
	store_free(&s);
	journal_close(&j);
	close(j.dir);
}

/* Death: the ring goes, and what it owned and was given; who watches is told which domain. */
static void test_release(void **state)
{
	static struct store s;
	static struct journal j;
	struct fake f;

	open_store(&s, &j);
	fake_init(&s, &f, 0);
	ask(&s, &f, XS_WRITE, 0, "/shared|1");
	ask(&s, &f, XS_SET_PERMS, 0, "/shared|n0|r2|");
	ask(&s, &f, XS_MKDIR, 0, "/local/domain/0/backend/vbd/2|");
	ask(&s, &f, XS_WATCH, 0, "@releaseDomain|tok|1|");
	states[2] = DOM_SHUTDOWN;
	domain_check_all(&s);
	fake_read(&f);
	assert_int_equal(f.events, 2);
	assert_non_null(domain_find(&s, 2));
	domain_check_all(&s);
	fake_read(&f);
	assert_int_equal(f.events, 2);
	states[2] = DOM_DYING;
	ask(&s, &f, XS_WRITE, 0, "/local/domain/2/plain|x");	/* its bell is still to be rung */
	domain_check_all(&s);
	rung[2] = 0;
	ring_bells(&s);
	assert_int_equal(rung[2], 0);
	fake_read(&f);
	assert_string_equal(f.event, "@releaseDomain/2|tok|");
	assert_null(domain_find(&s, 2));
	assert_int_equal(s.tree.owned[2], 0);
	assert_string_equal(ask(&s, &f, XS_GET_PERMS, 0, "/shared|"), "n0|");
	assert_string_equal(ask(&s, &f, XS_DIRECTORY, 0, "/local/domain|"), "1|0|");
	assert_string_equal(ask(&s, &f, XS_DIRECTORY, 0, "/local/domain/0/backend/vbd|"), "");
	assert_string_equal(ask(&s, &f, XS_IS_DOMAIN_INTRODUCED, 0, "2|"), "F|");
	assert_string_equal(ask(&s, &f, XS_INTRODUCE, 0, "2|1|1|"), "ENOENT|");
	assert_null(tree_audit(&s.tree));
	fake_fini(&s, &f);
	store_free(&s);
	journal_close(&j);
	close(j.dir);
}

static int clean(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", dir_name);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_killed_at_random),
		cmocka_unit_test(test_hostile_guest),
		cmocka_unit_test(test_guest_that_does_not_read),
		cmocka_unit_test(test_bell),
		cmocka_unit_test(test_release),
	};

	return cmocka_run_group_tests(tests, NULL, clean);
}
