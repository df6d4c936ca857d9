/* unit: tests/unit/ring/bus_peers.c dom0-tools/sim/bus_page.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The handshake table: every situation has one rule; nothing loops while the peer stands still;
 * and in every order of looking and writing two ends meet or part, never wait for each other and
 * never walk in circles - ours with ours, and ours with what Linux, Windows and mini-os do.
 */
#include <string.h>

#include "host.h"
#include <mica/bus.h>
#include "bus_peers.h"
#include "sim/bus_page.h"

static void one_rule_each(void **state)
{
	unsigned used[MICA_BUS_RULES] = { 0 };

	for (unsigned role = 0; role < 2; role++)
		for (unsigned own = 0; own < 9; own++)
			for (unsigned peer = 0; peer < MICA_BUS_STATES; peer++)
				for (unsigned will = 0; will < 3; will++) {
					unsigned fits = 0;

					for (unsigned i = 0; i < MICA_BUS_RULES; i++)
						if (mica_bus_fits(&mica_bus_table[i], role, own,
								  peer, will)) {
							fits++;
							used[i]++;
						}
					if (fits != 1)
						print_message("role %u own %u peer %u will %u\n",
							      role, own, peer, will);
					assert_int_equal(fits, 1);
				}
	for (unsigned i = 0; i < MICA_BUS_RULES; i++)
		assert_true(used[i] > 0);
}

static void rules_are_sound(void **state)
{
	for (unsigned i = 0; i < MICA_BUS_RULES; i++) {
		const struct mica_bus_rule *r = &mica_bus_table[i];

		assert_true(r->next <= 8 && r->late <= 8);
		assert_int_equal(r->words[strlen(r->words) - 1], '.');
		/* Only a rule that stays can be late. */
		if (r->next != r->own)
			assert_int_equal(r->timeout_s, 0);
		if (!r->timeout_s && r->next == r->own)
			assert_int_equal(r->late, r->own == 0 ? 0 : r->late);
		if (r->action == MICA_BUS_PROBE)
			assert_true(r->role == MICA_BUS_BACK && r->next == 2);
		if (r->action == MICA_BUS_PUBLISH)
			assert_true(r->role == MICA_BUS_FRONT && r->next == 3);
		if (r->action == MICA_BUS_CONNECT)
			assert_int_equal(r->next, 4);
	}
}

/* With a peer that never moves again, at most four writes follow, then rest. */
static void no_hot_loops(void **state)
{
	for (unsigned role = 0; role < 2; role++)
		for (unsigned own = 0; own < 9; own++)
			for (unsigned peer = 0; peer < MICA_BUS_STATES; peer++)
				for (unsigned will = 0; will < 3; will++) {
					unsigned now = own, writes = 0;

					for (;;) {
						const struct mica_bus_rule *r =
							mica_bus_step(role, now, peer, will);

						if (r->next == now)
							break;
						now = r->next;
						assert_true(++writes <= 4);
					}
				}
}

static void parsing(void **state)
{
	assert_int_equal(mica_bus_parse(NULL), 0);
	assert_int_equal(mica_bus_parse(""), 0);
	assert_int_equal(mica_bus_parse("0"), 0);
	assert_int_equal(mica_bus_parse("8"), 8);
	assert_int_equal(mica_bus_parse("9"), MICA_BUS_NONSENSE);
	assert_int_equal(mica_bus_parse("44"), MICA_BUS_NONSENSE);
	assert_int_equal(mica_bus_parse("-1"), MICA_BUS_NONSENSE);
	assert_int_equal(mica_bus_parse("4 "), MICA_BUS_NONSENSE);
	assert_string_equal(mica_bus_state_name(4), "Connected");
	assert_string_equal(mica_bus_state_name(77), "nonsense");
	assert_int_equal(mica_bus_step(MICA_BUS_BACK, 4, 77, MICA_BUS_UP)->next, 5);
	assert_int_equal(mica_bus_step(MICA_BUS_BACK, 77, 1, MICA_BUS_UP)->action,
			 MICA_BUS_REMOVE);
}

/* --- two ends together --- */

#define WORLDS	(1u << 20)

struct world {
	struct bus_actor end[2];		/* front, back */
};

static struct world *worlds;
static uint32_t *edges;			/* 6 a world: look, act, late, of either end */
static uint32_t *order;
static uint32_t count;
static uint8_t *mark;
static uint32_t *slots;

static uint32_t world_id(const struct world *w)
{
	uint64_t hash = 1469598103934665603u;

	for (size_t i = 0; i < sizeof(*w); i++)
		hash = (hash ^ ((const uint8_t *)w)[i]) * 1099511628211u;
	hash ^= hash >> 32;
	for (uint64_t i = hash & (2 * WORLDS - 1);; i = (i + 1) & (2 * WORLDS - 1)) {
		if (!slots[i]) {
			assert_true(count < WORLDS);
			worlds[count] = *w;
			slots[i] = ++count;
			return count - 1;
		}
		if (!memcmp(&worlds[slots[i] - 1], w, sizeof(*w)))
			return slots[i] - 1;
	}
}

#define NO_EDGE	0xffffffffu

static uint32_t edge(struct world w, unsigned kind)
{
	struct bus_actor *self = &w.end[kind & 1], *other = &w.end[!(kind & 1)];
	struct world before = w;

	switch (kind >> 1) {
	case 0:
		bus_look(self, other);
		break;
	case 1:
		bus_act(self);
		break;
	default:
		bus_late(self);
	}
	return memcmp(&w, &before, sizeof(w)) ? world_id(&w) : NO_EDGE;
}

#define ANY	99u

static bool good(const struct world *w, unsigned front_goal, unsigned back_goal)
{
	const struct bus_actor *f = &w->end[0], *b = &w->end[1];

	return (front_goal == ANY || f->own == front_goal) && b->own == back_goal &&
	       f->view == b->own && b->view == f->own && f->looked && b->looked &&
	       !w->end[0].script && !w->end[1].script;
}

static void show(const char *why, const struct world *w)
{
	print_message("%s: front %u sees %u script %u, back %u sees %u script %u\n", why,
		      w->end[0].own, w->end[0].view, w->end[0].script,
		      w->end[1].own, w->end[1].view, w->end[1].script);
}

/* No cycle among worlds that are not good; late edges apart. */
static void no_circles(uint32_t first, unsigned front_goal, unsigned back_goal)
{
	uint32_t depth = 0;

	memset(mark, 0, count);
	order[depth] = first;
	while (depth != NO_EDGE) {
		uint32_t at = order[depth];

		if (mark[at] < 4) {
			uint32_t next = edges[at * 6 + mark[at]++];

			if (next == NO_EDGE || good(&worlds[next], front_goal, back_goal) ||
			    mark[next] == 5)
				continue;
			if (mark[next] > 0) {
				while (order[depth] != next)
					show("a circle, backwards", &worlds[order[depth--]]);
				show("from here", &worlds[next]);
				fail();
			}
			order[++depth] = next;
			continue;
		}
		mark[at] = 5;
		depth--;
	}
}

/* The goal can be reached from everywhere, also after giving up too early. */
static void always_possible(unsigned front_goal, unsigned back_goal)
{
	bool changed = true;

	memset(mark, 0, count);
	for (uint32_t i = 0; i < count; i++)
		mark[i] = good(&worlds[i], front_goal, back_goal);
	while (changed) {
		changed = false;
		for (uint32_t i = count; i-- > 0;)
			for (unsigned k = 0; k < 6 && !mark[i]; k++)
				if (edges[i * 6 + k] != NO_EDGE && mark[edges[i * 6 + k]])
					mark[i] = changed = true;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (!mark[i])
			show("no way from here", &worlds[i]);
		assert_true(mark[i]);
	}
}

enum check { NO_CIRCLES, ALWAYS_POSSIBLE, EVEN_IF_LATE };

static uint32_t explore(const struct world *first, unsigned front_goal, unsigned back_goal,
			enum check check)
{
	bool with_late = check == EVEN_IF_LATE;
	uint32_t total;

	count = 0;
	memset(slots, 0, 2 * WORLDS * sizeof(*slots));
	world_id(first);
	for (uint32_t i = 0; i < count; i++) {
		unsigned moves = 0;

		for (unsigned k = 0; k < 6; k++) {
			edges[i * 6 + k] = k < 4 || with_late ? edge(worlds[i], k) : NO_EDGE;
			moves += k < 4 && edges[i * 6 + k] != NO_EDGE;
		}
		assert_null(bus_fault(&worlds[i].end[0]));
		assert_null(bus_fault(&worlds[i].end[1]));
		if (!moves && !with_late && !good(&worlds[i], front_goal, back_goal)) {
			show("stuck", &worlds[i]);
			fail();
		}
	}
	total = count;
	if (check == NO_CIRCLES)
		no_circles(0, front_goal, back_goal);
	else
		always_possible(front_goal, back_goal);
	return total;
}

static uint32_t meet_as(struct bus_actor front, struct bus_actor back, unsigned front_goal,
			unsigned back_goal, enum check check)
{
	struct world w;

	memset(&w, 0, sizeof(w));
	front.role = MICA_BUS_FRONT;
	back.role = MICA_BUS_BACK;
	w.end[0] = front;
	w.end[1] = back;
	w.end[0].view = back.own;
	w.end[1].view = front.own;
	return explore(&w, front_goal, back_goal, check);
}

static uint32_t meet(struct bus_actor front, struct bus_actor back, unsigned front_goal,
		     unsigned back_goal)
{
	return meet_as(front, back, front_goal, back_goal, NO_CIRCLES);
}

#define OURS(state)	((struct bus_actor){ .kind = BUS_TABLE, .own = (state) })
#define THEIRS(k, state) ((struct bus_actor){ .kind = (k), .own = (state) })
#define SCRIPT(k, state, n) ((struct bus_actor){ .kind = (k), .own = (state), .script = (n) })

/* Whatever states two ends are found in, they connect. */
static void ours_meet_from_anywhere(void **state)
{
	uint32_t total = 0;

	for (unsigned front = 1; front < 9; front++)
		for (unsigned back = 1; back < 9; back++)
			total += meet(OURS(front), OURS(back), 4, 4);
	print_message("%u worlds\n", total);
	assert_true(total > 1000);
}

/* An end that gives up too early, any number of times, does not spoil it for good. */
static void ours_meet_after_giving_up(void **state)
{
	struct world w;

	for (unsigned front = 1; front < 9; front++)
		for (unsigned back = 1; back < 9; back++) {
			memset(&w, 0, sizeof(w));
			w.end[0] = OURS(front);
			w.end[1] = OURS(back);
			w.end[1].role = MICA_BUS_BACK;
			w.end[0].view = (uint8_t)back;
			w.end[1].view = (uint8_t)front;
			explore(&w, 4, 4, EVEN_IF_LATE);
		}
}

static void ours_part(void **state)
{
	struct bus_actor going = OURS(4), broken = OURS(4);

	going.will = MICA_BUS_DOWN;
	broken.will = MICA_BUS_BROKEN;
	for (uint8_t own = 1; own < 9; own++) {
		going.own = own;
		/* Detached: the back end is gone, the front end sees that it is. */
		for (uint8_t front = 1; front < 7; front++) {
			struct bus_actor f = OURS(front);

			f.will = MICA_BUS_DOWN;
			meet(f, going, 6, 0);
		}
	}
	/* The driver is unloaded: both closed, the device stays for the next one. */
	for (uint8_t back = 1; back < 9; back++) {
		struct bus_actor f = OURS(4);

		f.will = MICA_BUS_DOWN;
		meet(f, OURS(back), 6, 6);
		meet(f, broken, 6, 6);
	}
}

static void linux_fronts(void **state)
{
	meet(THEIRS(BUS_LINUX_BLKFRONT, 1), OURS(1), 4, 4);
	meet(THEIRS(BUS_LINUX_NETFRONT, 1), OURS(1), 4, 4);
	meet(THEIRS(BUS_LINUX_BLKFRONT, 4), OURS(4), 4, 4);
	/* unload and load again; a kernel started by kexec over a dead one */
	meet(SCRIPT(BUS_LINUX_NETFRONT, 4, 1), OURS(4), 4, 4);
	meet(THEIRS(BUS_LINUX_BLKFRONT, 1), OURS(4), 4, 4);
	meet(THEIRS(BUS_LINUX_NETFRONT, 1), OURS(4), 4, 4);
}

static void linux_fronts_detached(void **state)
{
	struct bus_actor going = OURS(4);

	going.will = MICA_BUS_DOWN;
	meet(THEIRS(BUS_LINUX_BLKFRONT, 4), going, 6, 0);
	meet(THEIRS(BUS_LINUX_NETFRONT, 4), going, 6, 0);
	meet(THEIRS(BUS_LINUX_NETFRONT, 1), going, ANY, 0);
	going.own = 5;
	meet(THEIRS(BUS_LINUX_BLKFRONT, 4), going, 6, 0);
}

/*
 * Windows begins its walk anew when it meets a state it did not wait for.  A back end that is
 * overtaken by a whole lap between its reading and its writing sends it round once more, so
 * here only: it can always arrive.
 */
static void windows_and_minios(void **state)
{
	for (uint8_t back = 1; back < 7; back++) {
		meet_as(SCRIPT(BUS_WINDOWS, 1, 1), OURS(back), 4, 4, ALWAYS_POSSIBLE);
		meet_as(SCRIPT(BUS_WINDOWS, 4, 1), OURS(back), 4, 4, ALWAYS_POSSIBLE);
		meet_as(SCRIPT(BUS_WINDOWS, 6, 1), OURS(back), 4, 4, ALWAYS_POSSIBLE);
	}
	meet(SCRIPT(BUS_MINIOS, 4, 1), OURS(4), 1, 2);
	meet(THEIRS(BUS_MINIOS, 1), OURS(1), 4, 4);
}

static void linux_backs(void **state)
{
	for (unsigned kind = BUS_LINUX_BLKBACK; kind <= BUS_LINUX_NETBACK; kind++) {
		meet(OURS(1), THEIRS(kind, 1), 4, 4);
		meet(OURS(1), THEIRS(kind, 4), 4, 4);	/* of an earlier life */
		meet(OURS(6), THEIRS(kind, 6), 4, 4);
		meet(OURS(5), THEIRS(kind, 4), 4, 4);
	}
}

/* docs/handshake.md is made from the table; this is how it is known to be current. */
static void the_page_is_current(void **state)
{
	char *want = NULL, got[65536];
	size_t bytes, n;
	FILE *page = fopen("docs/handshake.md", "r"), *made = open_memstream(&want, &bytes);

	bus_page(made);
	fclose(made);
	assert_non_null(page);
	n = fread(got, 1, sizeof(got), page);
	fclose(page);
	if (n != bytes || memcmp(want, got, n))
		fail_msg("docs/handshake.md is not what the table says: make handshake-page");
	free(want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_rule_each),
		cmocka_unit_test(rules_are_sound),
		cmocka_unit_test(no_hot_loops),
		cmocka_unit_test(parsing),
		cmocka_unit_test(ours_meet_from_anywhere),
		cmocka_unit_test(ours_meet_after_giving_up),
		cmocka_unit_test(ours_part),
		cmocka_unit_test(linux_fronts),
		cmocka_unit_test(linux_fronts_detached),
		cmocka_unit_test(windows_and_minios),
		cmocka_unit_test(linux_backs),
		cmocka_unit_test(the_page_is_current),
	};
	int rc;

	worlds = calloc(WORLDS, sizeof(*worlds));
	edges = calloc(WORLDS, 6 * sizeof(*edges));
	order = calloc(WORLDS, sizeof(*order));
	mark = calloc(WORLDS, 1);
	slots = calloc(2 * WORLDS, sizeof(*slots));
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	free(worlds);
	free(edges);
	free(order);
	free(mark);
	free(slots);
	return rc;
}
