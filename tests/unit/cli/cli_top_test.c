/* unit: dom0-tools/cli/top_model.c dom0-tools/cli/words.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* The model of `mica top` without a terminal: percentages, order, the mark, the window, lines. */
#include "unit.h"
#include <stdlib.h>

#include "cli/top_model.h"

static mica_dominfo list[8];
static char names[8][MICA_NAME_MAX];
static int nr;

static void domain(domid_t id, const char *name, uint64_t cpu_ns, uint64_t pages)
{
	list[nr] = (mica_dominfo){ .domain = id, .cpu_time = cpu_ns, .tot_pages = pages,
				   .nr_online_vcpus = 1 };
	list[nr].handle[0] = (uint8_t)id;
	snprintf(names[nr++], MICA_NAME_MAX, "%s", name);
}

static void sample(struct top_model *t, uint64_t at_ms)
{
	assert_true(top_model_sample(t, at_ms, list, nr, names));
	nr = 0;
}

static void test_percent(void **state)
{
	struct top_model t = { 0 };
	char line[128];

	domain(0, "dom0", 1000000000, 1000);
	domain(3, "web", 500000000, 2000);
	sample(&t, 10000);
	assert_true(t.rows[0].fresh);
	top_model_line(&t, 0, line, sizeof(line));
	assert_non_null(strstr(line, " - "));
	domain(0, "dom0", 1200000000, 1000);
	domain(3, "web", 2500000000, 2000);
	domain(4, "new", 900000000, 10);
	sample(&t, 12000);
	assert_int_equal(t.nr, 3);
	assert_string_equal(t.rows[0].name, "web");
	assert_true(t.rows[0].percent > 99.9 && t.rows[0].percent < 100.1);
	assert_string_equal(t.rows[1].name, "dom0");
	assert_true(t.rows[1].percent > 9.9 && t.rows[1].percent < 10.1);
	assert_true(t.rows[2].fresh);
	top_model_line(&t, 0, line, sizeof(line));
	assert_non_null(strstr(line, "100.0"));
	top_model_free(&t);
}

/* A number used again by another domain, and a counter that goes back, are no negative use. */
static void test_not_negative(void **state)
{
	struct top_model t = { 0 };

	domain(3, "old", 9000000000, 10);
	domain(4, "odd", 9000000000, 10);
	sample(&t, 1000);
	domain(3, "young", 5000000, 10);
	list[0].handle[1] = 1;
	domain(4, "odd", 8000000000, 10);
	sample(&t, 2000);
	assert_true(t.rows[0].percent == 0 && t.rows[1].percent == 0);
	assert_string_equal(t.rows[0].name, "young");
	assert_true(t.rows[0].fresh);
	assert_false(t.rows[1].fresh);
	/* two samples at the same time: no division by it */
	domain(4, "odd", 9000000000, 10);
	sample(&t, 2000);
	assert_true(t.rows[0].percent == 0);
	top_model_free(&t);
}

static void three(struct top_model *t, uint64_t at)
{
	domain(1, "b", 100 * at, 30);
	domain(2, "c", 300 * at, 10);
	domain(3, "a", 200 * at, 20);
	sample(t, at);
}

static void order(const struct top_model *t, const char *want)
{
	char got[8] = "";

	for (int i = 0; i < t->nr; i++)
		got[i] = t->rows[i].name[0];
	assert_string_equal(got, want);
}

static void test_sorting(void **state)
{
	struct top_model t = { 0 };

	three(&t, 1000000);
	three(&t, 2000000);
	order(&t, "cab");
	assert_int_equal(top_model_key(&t, 'm', 5), TOP_REDRAW);
	order(&t, "bac");
	top_model_key(&t, 'n', 5);
	order(&t, "abc");
	top_model_key(&t, 'r', 5);
	order(&t, "cba");
	top_model_key(&t, 'i', 5);
	order(&t, "acb");
	top_model_key(&t, 'r', 5);
	order(&t, "bca");
	top_model_key(&t, 't', 5);
	order(&t, "cab");
	assert_int_equal(top_model_key(&t, 'z', 5), TOP_NOTHING);
	assert_int_equal(top_model_key(&t, ' ', 5), TOP_SAMPLE);
	assert_int_equal(top_model_key(&t, 'q', 5), TOP_QUIT);
	top_model_free(&t);
}

/* The mark follows its domain through every order, and stays in the list when that is gone. */
static void test_mark(void **state)
{
	struct top_model t = { 0 };

	three(&t, 1000000);
	three(&t, 2000000);
	top_model_key(&t, TOP_DOWN, 2);
	assert_string_equal(t.rows[t.selected].name, "a");
	top_model_key(&t, 'n', 2);
	assert_int_equal(t.selected, 0);
	top_model_key(&t, TOP_UP, 2);
	assert_int_equal(t.selected, 0);
	for (int i = 0; i < 9; i++)
		top_model_key(&t, 'j', 2);
	assert_int_equal(t.selected, 2);
	assert_int_equal(t.first, 1);
	three(&t, 3000000);
	assert_string_equal(t.rows[t.selected].name, "c");
	domain(1, "b", 1, 1);
	sample(&t, 4000000);
	assert_int_equal(t.selected, 0);
	sample(&t, 5000000);			/* none at all */
	assert_int_equal(t.nr, 0);
	top_model_key(&t, TOP_PAGE_DOWN, 2);
	top_model_key(&t, 'm', 2);
	assert_int_equal(t.selected, 0);
	top_model_free(&t);
}

static void test_lines(void **state)
{
	struct top_model t = { .host_cpus = 2, .host_kib = 4 << 20, .free_kib = 1 << 20 };
	char line[32], head[200];

	three(&t, 1000000);
	top_model_head(&t, 0, head, sizeof(head));
	assert_non_null(strstr(head, "3 domains, 2 CPUs, free 1.0 GiB of 4.0 GiB"));
	top_model_head(&t, 1, head, sizeof(head));
	assert_non_null(strstr(head, "CPU%"));
	top_model_line(&t, 1, line, sizeof(line));
	assert_int_equal(strlen(line), sizeof(line) - 1);
	top_model_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_percent), cmocka_unit_test(test_not_negative),
		cmocka_unit_test(test_sorting), cmocka_unit_test(test_mark),
		cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
