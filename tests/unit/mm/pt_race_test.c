/* unit: @mm tests/unit/mm/pt_world.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page-table programs that get in each other's way: vCPUs whose preempted calls are not taken up again
 * at once (an interrupt handler of the guest calls first), and real threads on one set of frames.
 * There is no model; the auditor must find every reference, and at the end every frame comes back.
 */
#include "pt_world.h"

#include <pthread.h>
#include <sched.h>

#define VCPUS		4
#define HOLDS		8

static struct vcpu_state {
	struct scan scan;
	struct { struct frame *f; enum frame_kind kind; } held[HOLDS];
	unsigned cpu;
	uint64_t seed, steps, done, restarts, refused;
	bool retry;			/* a RESTARTed call is taken up again at once */
} vcpus[VCPUS];

static void count(struct vcpu_state *v, int rc)
{
	v->done += !rc;
	v->refused += rc && rc != RESTART;
	v->restarts += rc == RESTART;
}

#define call(v, what) \
	({ int rc_; while ((rc_ = (what)) == RESTART && (v)->retry) sched_yield(); count(v, rc_); rc_; })

static int write_some(struct vcpu_state *v)
{
	unsigned level = 1 + (unsigned)unit_below(4), n = 1 + (unsigned)unit_below(8);
	struct frame *table = a_frames[world_pick(level)];
	struct pt_batch b;
	int rc = 0;

	pt_batch_begin(&b, &space_a, unit_one_in(10) ? &space_b : &space_a, &v->scan);
	while (n-- && !rc) {
		rc = pt_write(&b, slot_of(table, world_slot()), pte(world_entry(level)),
			      unit_one_in(4) ? PT_KEEP_AD : PT_NORMAL);
		if (unit_one_in(4))
			table = a_frames[world_pick(level)];
	}
	pt_batch_end(&b);
	return rc;
}

static int move_some(struct vcpu_state *v)
{
	struct frame *from = a_frames[world_pick(1)], *to = a_frames[world_pick(1)];
	struct pt_batch b;
	pte_t moved;
	int rc;

	pt_batch_begin(&b, &space_a, &space_a, &v->scan);
	rc = pt_move_out(&b, slot_of(from, world_slot()), &moved);
	if (!rc) {
		while ((rc = pt_move_in(&b, slot_of(to, world_slot()), moved)) == RESTART)
			to = from;		/* still in use: we hold it */
		/* Where it may not go it is put back, if that still is a table; the entry's own
		 * references are dropped by hand otherwise, as its caller must. */
		if (rc && (moved.v & PTE_P) && frame_valid(pte_mfn(moved))) {
			if (moved.v & PTE_RW)
				frame_drop(frame_of(pte_mfn(moved)), KIND_WRITABLE);
			else
				frame_put(frame_of(pte_mfn(moved)));
		}
	}
	pt_batch_end(&b);
	return rc;
}

/* A grant of B's mapped by A, and unmapped. */
static int map_grant(struct vcpu_state *v)
{
	struct frame *f = b_frames[unit_below(B_FRAMES)];
	bool rw = unit_one_in(2);
	maddr_t slot = slot_of(a_frames[world_pick(1)], world_slot());
	struct pt_batch b;
	int rc = 0;

	if (unit_one_in(2)) {
		pt_batch_begin(&b, &space_a, &space_b, &v->scan);
		rc = pt_map_foreign(&b, slot, pte_make(frame_mfn(f), PTE_P | (rw ? PTE_RW : 0)),
				    &space_b);
		pt_batch_end(&b);
	} else {
		pt_batch_begin(&b, &space_a, &space_b, &v->scan);
		rc = pt_unmap_foreign(&b, slot, frame_mfn(f), rw, pte(0));
		pt_batch_end(&b);
	}
	if (rc)
		return rc;
	if (rw)					/* ours of the two, or the entry's */
		frame_drop(f, KIND_WRITABLE);
	else
		frame_put(f);
	return 0;
}

static int hold_some(struct vcpu_state *v)
{
	unsigned i = (unsigned)unit_below(HOLDS);
	enum frame_kind kind = (enum frame_kind)(1 + unit_below(6));
	struct frame *f = a_frames[unit_one_in(2) ? unit_below(A_FRAMES) : world_pick(kind & 3)];
	int rc;

	if (v->held[i].f) {
		frame_drop(v->held[i].f, v->held[i].kind);
		v->held[i].f = NULL;
		return 0;
	}
	rc = frame_take(f, &space_a, kind, &v->scan);
	if (!rc) {
		v->held[i].f = f;
		v->held[i].kind = kind;
	}
	return rc;
}

static void step(struct vcpu_state *v)
{
	enum frame_kind level = (enum frame_kind)(1 + unit_below(4));
	struct frame *f = a_frames[world_pick(level)];
	struct frame *any = a_frames[unit_below(A_FRAMES)];

	switch (unit_below(12)) {
	case 0: case 1: call(v, pt_pin(&space_a, f, level, &v->scan)); break;
	case 2: call(v, pt_unpin(&space_a, any)); break;
	case 3: case 4: call(v, hold_some(v)); break;
	case 5: call(v, map_grant(v)); break;
	case 6: call(v, move_some(v)); break;
	case 7: (void)scan_continue(&v->scan); break;
	default: call(v, write_some(v)); break;
	}
}

static void audit_vcpus(struct audit *a)
{
	for (unsigned i = 0; i < VCPUS; i++) {
		for (unsigned k = 0; k < HOLDS; k++)
			if (vcpus[i].held[k].f)
				audit_use(a, frame_mfn(vcpus[i].held[k].f), vcpus[i].held[k].kind);
		audit_scan(a, &vcpus[i].scan);
	}
}

static void begin(bool retry)
{
	world_make();
	memset(vcpus, 0, sizeof(vcpus));
	for (unsigned i = 0; i < VCPUS; i++) {
		scan_init(&vcpus[i].scan, &space_a);
		vcpus[i].cpu = i & 1;
		vcpus[i].seed = unit_random();
		vcpus[i].retry = retry;
	}
}

static void end(void)
{
	struct scan scans[VCPUS];
	uint64_t done = 0, refused = 0, restarts = 0;

	fake_preempt_one_in = 0;
	assert_int_equal(frame_audit(), 0);
	for (unsigned i = 0; i < VCPUS; i++) {
		done += vcpus[i].done;
		refused += vcpus[i].refused;
		restarts += vcpus[i].restarts;
		scan_abort(&vcpus[i].scan);
		for (unsigned k = 0; k < HOLDS; k++) {
			if (vcpus[i].held[k].f)
				frame_drop(vcpus[i].held[k].f, vcpus[i].held[k].kind);
			vcpus[i].held[k].f = NULL;
		}
	}
	world_end(scans, 0);
	printf("# %lu calls went through, %lu refused, %lu restarts\n", done, refused, restarts);
	assert_true(done && refused);
}

/* One thread plays all vCPUs, a call at a time, and leaves preempted calls lying about. */
static void interrupted_calls(void **state)
{
	for (unsigned round = 0; round < 20; round++) {
		begin(false);
		fake_preempt_one_in = 1 + round % 3;
		for (uint64_t i = 0, steps = unit_steps(4000); i < steps; i++) {
			unsigned who = (unsigned)unit_below(VCPUS);

			fake_run_on(vcpus[who].cpu);
			step(&vcpus[who]);
			if (i % 40 == 0)
				assert_int_equal(frame_audit(), 0);
		}
		fake_run_on(0);
		end();
	}
}

static void *thread_main(void *arg)
{
	struct vcpu_state *v = arg;

	fake_run_on(v->cpu);
	unit_reseed(v->seed);
	for (uint64_t i = 0; i < v->steps; i++)
		step(v);
	/* A vCPU that stops for good must not leave a check behind: others would wait for it. */
	scan_abort(&v->scan);
	fake_lock_check_none();
	return NULL;
}

static void threads(void **state)
{
	pthread_t t[VCPUS];

	for (unsigned round = 0; round < 8; round++) {
		begin(round & 1);
		fake_preempt_one_in = round % 3;
		for (unsigned i = 0; i < VCPUS; i++) {
			vcpus[i].steps = unit_steps(20000);
			assert_int_equal(pthread_create(&t[i], NULL, thread_main, &vcpus[i]), 0);
		}
		for (unsigned i = 0; i < VCPUS; i++)
			pthread_join(t[i], NULL);
		end();
	}
}

static int setup(void **state)
{
	unit_seed("races");
	audit_register(audit_vcpus);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(interrupted_calls),
		cmocka_unit_test(threads),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
