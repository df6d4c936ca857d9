/* unit: dom0-tools/back/handshake.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every situation a back end can find: what it has, what both ends say, what is wanted.  From each
 * it comes to rest in a few steps, takes no step it may not take, and holds what it should.
 */
#include "host.h"

#include "back/handshake.h"

static const struct back_facts *now;

static void check_step(const struct back_facts *f, enum back_step step)
{
	now = f;
	switch (step) {
	case STEP_PROBE:
	case STEP_RESUME:
		assert_int_equal(f->phase, PHASE_NEW);
		assert_false(f->gone);
		break;
	case STEP_CONNECT:
		assert_int_equal(f->phase, PHASE_READY);
		assert_true(f->theirs == XenbusStateInitialised || f->theirs == XenbusStateConnected ||
			    f->ours == XenbusStateConnected);
		break;
	case STEP_DISCONNECT:
		assert_int_equal(f->phase, PHASE_UP);
		break;
	case STEP_REMOVE:
		assert_true(f->phase == PHASE_READY || f->phase == PHASE_DOWN);
		break;
	case STEP_FORGET:
		assert_true(f->gone && f->phase == PHASE_NEW);
		break;
	default:
		break;
	}
}

/* Take steps until there is none. */
static struct back_facts settle(struct back_facts f, bool *forgotten)
{
	unsigned after, steps;

	*forgotten = false;
	for (steps = 0; steps < 12; steps++) {
		enum back_step step = back_next(&f, &after);

		check_step(&f, step);
		if (step == STEP_NONE)
			return f;
		if (step == STEP_FORGET) {
			*forgotten = true;
			return f;
		}
		if (step == STEP_RESUME)
			f.resuming = true;
		else if (step != STEP_WRITE)
			f.resuming = false;
		f.phase = back_phase_after(f.phase, step);
		if (after)
			f.ours = after;
	}
	printf("phase %d ours %u theirs %u will %d gone %d\n", f.phase, f.ours, f.theirs, f.will,
	       f.gone);
	fail_msg("it never comes to rest");
	return f;
}

static void every_situation(void **state)
{
	unsigned tried = 0;

	for (unsigned n = 0; n < 4u * 10 * 10 * 3 * 2; n++) {
		struct back_facts f = {
			.phase = n % 4, .ours = n / 4 % 10, .theirs = n / 40 % 10,
			.will = n / 400 % 3, .gone = n / 1200,
		}, end;
		bool forgotten;

		/* NONSENSE of our own is no state */
		end = settle(f, &forgotten);
		tried++;
		if (f.gone || !f.ours || f.ours == MICA_BUS_NONSENSE) {
			assert_int_equal(end.phase, PHASE_NEW);
			assert_int_equal(forgotten, f.gone);
			continue;
		}
		/* served exactly while the guest uses it, or says what no front end says */
		if (end.phase == PHASE_UP)
			assert_true(end.theirs == 3 || end.theirs == 4 || end.theirs == 7 ||
				    end.theirs == 8);
		if (end.ours == XenbusStateConnected)
			assert_int_equal(end.phase, PHASE_UP);
		if (end.ours == XenbusStateClosed)
			assert_int_equal(end.phase, PHASE_NEW);
		if (end.ours == XenbusStateInitWait)
			assert_int_equal(end.phase, PHASE_READY);
	}
	assert_int_equal(tried, 2400);
}

static struct back_facts facts(enum back_phase phase, unsigned ours, unsigned theirs)
{
	return (struct back_facts){ .phase = phase, .ours = ours, .theirs = theirs };
}

static void expect(struct back_facts f, enum back_step step, unsigned after)
{
	unsigned got;

	assert_int_equal(back_next(&f, &got), step);
	if (step != STEP_NONE)
		assert_int_equal(got, after);
}

static void a_usual_life(void **state)
{
	expect(facts(PHASE_NEW, 1, 1), STEP_PROBE, 2);
	expect(facts(PHASE_READY, 2, 1), STEP_NONE, 0);
	expect(facts(PHASE_READY, 2, 3), STEP_CONNECT, 4);
	expect(facts(PHASE_UP, 4, 3), STEP_NONE, 0);
	expect(facts(PHASE_UP, 4, 4), STEP_NONE, 0);
	expect(facts(PHASE_UP, 4, 5), STEP_DISCONNECT, 5);
	expect(facts(PHASE_DOWN, 5, 5), STEP_NONE, 0);
	expect(facts(PHASE_DOWN, 5, 6), STEP_REMOVE, 6);
	expect(facts(PHASE_NEW, 6, 6), STEP_NONE, 0);
	expect(facts(PHASE_NEW, 6, 1), STEP_PROBE, 2);
}

static void a_new_daemon(void **state)
{
	struct back_facts f = facts(PHASE_READY, 4, 4);

	expect(facts(PHASE_NEW, 2, 1), STEP_PROBE, 0);
	expect(facts(PHASE_NEW, 2, 3), STEP_PROBE, 0);
	expect(facts(PHASE_NEW, 4, 4), STEP_RESUME, 0);
	expect(facts(PHASE_NEW, 4, 3), STEP_RESUME, 0);
	f.resuming = true;
	expect(f, STEP_CONNECT, 4);
	/* the toolstack had asked for its end, the guest still uses it */
	expect(facts(PHASE_NEW, 5, 4), STEP_RESUME, 0);
	f.ours = 5;
	expect(f, STEP_CONNECT, 0);
	f.phase = PHASE_UP;
	expect(f, STEP_NONE, 0);
	expect(facts(PHASE_NEW, 4, 6), STEP_WRITE, 6);
	expect(facts(PHASE_NEW, 6, 4), STEP_NONE, 0);
}

static void the_toolstack_takes_it_away(void **state)
{
	struct back_facts f = facts(PHASE_UP, 4, 4);

	f.will = MICA_BUS_DOWN;
	expect(f, STEP_WRITE, 5);		/* asks the guest, goes on serving */
	f.ours = 5;
	expect(f, STEP_NONE, 0);
	f.theirs = 5;
	expect(f, STEP_DISCONNECT, 5);
	f.phase = PHASE_DOWN;
	f.theirs = 6;
	expect(f, STEP_REMOVE, 6);
	f = facts(PHASE_UP, 4, 4);
	f.gone = true;
	expect(f, STEP_DISCONNECT, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_situation), cmocka_unit_test(a_usual_life),
		cmocka_unit_test(a_new_daemon), cmocka_unit_test(the_toolstack_takes_it_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
