/* unit: @sim -DMICA_RING_CHECK */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every fault plan, many seeds: the echo pair ends healthy or cut off with a reason, as the plan
 * says, never hung, never with something left behind; and the plan's fault did strike.  The same
 * seed gives the same trace, byte for byte.
 */
#include <dirent.h>
#include <string.h>

#include "host.h"
#include "sim/echo_run.h"
#include "sim/sim_priv.h"

#define PLANS		"dom0-tools/sim/plans"
#define SEEDS		6
#define REQUESTS	100

static struct dirent **names;
static int plans;

static int is_plan(const struct dirent *entry)
{
	return strstr(entry->d_name, ".json") != NULL;
}

static struct sim_plan *plan_of(const char *file)
{
	char path[512], why[160];
	struct sim_plan *plan;

	snprintf(path, sizeof(path), PLANS "/%s", file);
	plan = sim_plan_read(path, why, sizeof(why));
	if (!plan)
		fail_msg("%s: %s", file, why);
	return plan;
}

static uint64_t first_seed(void)
{
	const char *given = getenv("UNIT_SEED");

	return given ? strtoull(given, NULL, 0) : 1;
}

static void run_one(struct sim_plan *plan, uint64_t seed, unsigned *faults)
{
	struct echo_options o = { .seed = seed, .total = REQUESTS, .plan = plan };
	struct echo_result r = echo_run(&o);
	const char *want = sim_plan_expects(plan);

	*faults += r.faults;
	if (r.verdict > ECHO_CUT ||
	    (strcmp(want, "either") && strcmp(want, echo_verdict_name(r.verdict))))
		fail_msg("mica-sim --plan " PLANS "/%s.json --seed %llu: %s, wanted %s: %s",
			 sim_plan_name(plan), (unsigned long long)seed,
			 echo_verdict_name(r.verdict), want, r.reason);
	if (r.verdict == ECHO_HEALTHY)
		assert_int_equal(r.good, REQUESTS);
	else
		assert_true(strlen(r.reason) > 10);
}

static void every_plan_ends_well(void **state)
{
	for (int i = 0; i < plans; i++) {
		struct sim_plan *plan = plan_of(names[i]->d_name);
		unsigned faults = 0;

		for (uint64_t seed = first_seed(); seed < first_seed() + SEEDS; seed++)
			run_one(plan, seed, &faults);
		if (!faults)
			fail_msg("plan %s never struck", sim_plan_name(plan));
		sim_plan_free(plan);
	}
	print_message("%d plans, %d seeds each, from %llu\n", plans, SEEDS,
		      (unsigned long long)first_seed());
	assert_true(plans >= 110);
}

/* The name inside a plan is its file's, so that a printed name finds it. */
static void plans_are_named(void **state)
{
	for (int i = 0; i < plans; i++) {
		struct sim_plan *plan = plan_of(names[i]->d_name);
		size_t n = strlen(sim_plan_name(plan));

		assert_memory_equal(names[i]->d_name, sim_plan_name(plan), n);
		assert_string_equal(names[i]->d_name + n, ".json");
		sim_plan_free(plan);
	}
}

static char *trace_of(struct sim_plan *plan, uint64_t seed, struct echo_result *r)
{
	struct echo_options o = { .seed = seed, .total = 30, .plan = plan };
	char *text = NULL;
	size_t bytes;

	o.trace = open_memstream(&text, &bytes);
	*r = echo_run(&o);
	fclose(o.trace);
	return text;
}

static void a_seed_repeats_the_trace(void **state)
{
	static const char *const some[] = { "mixed-events-and-watches.json",
		"mixed-store-and-death.json", "suspend-often.json", "ring-reordered-back.json" };

	for (unsigned i = 0; i < 4; i++) {
		struct sim_plan *plan = plan_of(some[i]);
		struct echo_result a, b, c;
		char *first = trace_of(plan, 7, &a), *second = trace_of(plan, 7, &b);
		char *other = trace_of(plan, 8, &c);

		assert_string_equal(first, second);
		assert_int_equal(a.hash, b.hash);
		assert_true(strlen(first) > 5000);
		assert_string_not_equal(first, other);
		assert_true(a.hash != c.hash);
		free(first);
		free(second);
		free(other);
		sim_plan_free(plan);
	}
}

static void without_faults(void **state)
{
	for (uint64_t seed = first_seed(); seed < first_seed() + 50; seed++) {
		struct echo_options o = { .seed = seed, .total = 300 };
		struct echo_result r = echo_run(&o);

		assert_int_equal(r.verdict, ECHO_HEALTHY);
		assert_int_equal(r.kicks, 0);		/* nothing had to be mended */
		assert_int_equal(r.connects, 1);
		assert_int_equal(r.faults, 0);
	}
}

/* A back end that is killed is one its guest does not notice: no second connection. */
static void killed_back_ends_are_not_noticed(void **state)
{
	struct sim_plan *plan = plan_of("kill-back-often.json");

	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct echo_options o = { .seed = seed, .total = 300, .plan = plan };
		struct echo_result r = echo_run(&o);

		assert_int_equal(r.verdict, ECHO_HEALTHY);
		assert_int_equal(r.connects, 1);
		assert_int_equal(r.good, 300);
	}
	sim_plan_free(plan);
}

/* No fault without a plan that uses it, nor without a line on the page about them. */
static void every_fault_is_used_and_told(void **state)
{
	static const char *const faults[] = {
#define SIM_FAULT_NAME(name, text) "`" text "`",
		SIM_FAULTS(SIM_FAULT_NAME)
#undef SIM_FAULT_NAME
	};
	static char page[65536];
	FILE *file = fopen("docs/rings.md", "r");
	uint64_t used = 0;

	assert_non_null(file);
	page[fread(page, 1, sizeof(page) - 1, file)] = 0;
	fclose(file);
	for (int i = 0; i < plans; i++) {
		struct sim_plan *plan = plan_of(names[i]->d_name);

		used |= plan->kinds;
		sim_plan_free(plan);
	}
	for (unsigned i = 0; i < SIM_FAULT_KINDS; i++) {
		if (!strstr(page, faults[i]))
			fail_msg("docs/rings.md does not tell of %s", faults[i]);
		if (!(used & 1ull << i))
			fail_msg("no plan uses %s", faults[i]);
	}
}

static void bad_plans_are_refused(void **state)
{
	static const struct {
		const char *json, *says;
	} bad[] = {
		{ "", "line 1" }, { "[]", "\"faults\"" }, { "{}", "\"faults\"" },
		{ "{\"faults\": []}", "\"faults\"" },
		{ "{\"faults\": [{}]}", "lacks \"what\"" },
		{ "{\"faults\": [{\"what\": \"event.gone\"}]}", "no fault \"event.gone\"" },
		{ "{\"faults\": [{\"what\": 3}]}", "\"what\" must be a text" },
		{ "{\"faults\": [{\"what\": \"event.drop\", \"nth\": 0}]}", "from 1" },
		{ "{\"faults\": [{\"what\": \"event.drop\", \"chance\": 1001}]}", "to 1000" },
		{ "{\"faults\": [{\"what\": \"event.drop\", \"often\": 1}]}", "no \"often\"" },
		{ "{\"faults\": [{\"what\": \"store.denied\", \"error\": \"EFOO\"}]}", "EFOO" },
		{ "{\"name\": 1, \"faults\": [{\"what\": \"event.drop\"}]}", "\"name\"" },
		{ "{\"mood\": 1, \"faults\": [{\"what\": \"event.drop\"}]}", "no \"mood\"" },
		{ "{\"expects\": \"luck\", \"faults\": [{\"what\": \"event.drop\"}]}", "healthy" },
	};
	char why[160];

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_null(sim_plan_parse(bad[i].json, why, sizeof(why)));
		if (!strstr(why, bad[i].says))
			fail_msg("%s: said \"%s\"", bad[i].json, why);
	}
	assert_null(sim_plan_read("/nonexistent/plan.json", why, sizeof(why)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_faults),
		cmocka_unit_test(every_plan_ends_well),
		cmocka_unit_test(plans_are_named),
		cmocka_unit_test(a_seed_repeats_the_trace),
		cmocka_unit_test(killed_back_ends_are_not_noticed),
		cmocka_unit_test(every_fault_is_used_and_told),
		cmocka_unit_test(bad_plans_are_refused),
	};
	int rc;

	plans = scandir(PLANS, &names, is_plan, alphasort);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	for (int i = 0; i < plans; i++)
		free(names[i]);
	free(names);
	return rc;
}
