/* unit: dom0-tools/netd/mac.c dom0-tools/netd/bucket.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* The address table against a plain model, and token buckets against arithmetic. */
#include "unit.h"


#include "netd/bucket.h"
#include "netd/mac.h"

#define MODEL	64

static struct mac_table table;

struct model {
	uint8_t mac[MAC_BYTES];
	uint16_t vid;
	unsigned port;
	uint32_t seen_s;
	bool there, pinned;
};

static struct model model[MODEL];
static unsigned gone_of[16];

static void gone(void *ctx, unsigned port)
{
	gone_of[port]++;
}

static void make(struct model *m, unsigned i)
{
	memset(m, 0, sizeof(*m));
	m->mac[0] = 2;
	m->mac[5] = (uint8_t)(i / 4);
	m->vid = (uint16_t)(i % 4);
}

static bool alive(const struct model *m, uint32_t now_s)
{
	return m->there && (m->pinned || now_s - m->seen_s <= MAC_AGE_S);
}

static void check_all(uint32_t now_s)
{
	for (unsigned i = 0; i < MODEL; i++) {
		struct model *m = &model[i];

		assert_int_equal(mac_find(&table, m->mac, m->vid, now_s),
				 alive(m, now_s) ? m->port : MAC_NO_PORT);
	}
}

static void learn_one(struct model *m, uint32_t now_s)
{
	unsigned port = (unsigned)unit_below(4), old = 99;
	bool room = !unit_one_in(5);
	enum mac_learned got = mac_learn(&table, m->mac, m->vid, port, now_s, room, &old), want;

	if (!m->there)
		want = room ? MAC_NEW : MAC_FULL;
	else if (m->port == port)
		want = MAC_KNOWN;
	else if (m->pinned)
		want = MAC_PINNED;
	else
		want = room ? MAC_MOVED : MAC_FULL;
	assert_int_equal(got, want);
	if (want == MAC_MOVED)
		assert_int_equal(old, m->port);
	if (want == MAC_FULL || want == MAC_PINNED)
		return;
	m->there = true;
	m->port = port;
	m->seen_s = now_s;
}

static void sweep_all(uint32_t now_s)
{
	unsigned expected[16] = { 0 };

	memset(gone_of, 0, sizeof(gone_of));
	for (unsigned i = 0; i < MODEL; i++) {
		if (!model[i].there || alive(&model[i], now_s))
			continue;
		expected[model[i].port]++;
		model[i].there = false;
	}
	mac_sweep(&table, MAC_BUCKETS, now_s, gone, NULL);
	assert_memory_equal(gone_of, expected, sizeof(expected));
}

static void table_agrees_with_model(void **state)
{
	uint32_t now_s = 1000;
	unsigned old;

	unit_seed("netd_mac");
	mac_init(&table, unit_random());
	for (unsigned i = 0; i < MODEL; i++)
		make(&model[i], i);
	for (uint64_t step = unit_steps(20000); step; step--) {
		struct model *m = &model[unit_below(MODEL)];

		if (unit_one_in(50))
			now_s += (uint32_t)unit_below(MAC_AGE_S);
		if (unit_one_in(200)) {
			unsigned port = (unsigned)unit_below(4);

			mac_forget_port(&table, port);
			for (unsigned i = 0; i < MODEL; i++)
				if (model[i].there && model[i].port == port)
					model[i].there = model[i].pinned = false;
		} else if (unit_one_in(100)) {
			sweep_all(now_s);
		} else if (unit_one_in(300)) {
			bool can = !m->pinned || m->port == 3;

			assert_int_equal(mac_pin(&table, m->mac, m->vid, 3, &old), can);
			if (can) {
				m->there = m->pinned = true;
				m->port = 3;
			}
		} else {
			learn_one(m, now_s);
		}
		check_all(now_s);
	}
}

static void table_fills_up_and_frees(void **state)
{
	uint8_t mac[MAC_BYTES] = { 2 };
	unsigned old, n = 0;

	mac_init(&table, 1);
	for (uint32_t i = 0; i < MAC_ENTRIES + 100; i++) {
		memcpy(mac + 1, &i, 4);
		n += mac_learn(&table, mac, 5, 1, 0, true, &old) == MAC_NEW;
	}
	assert_int_equal(n, MAC_ENTRIES);
	assert_int_equal(table.used, MAC_ENTRIES);
	mac_forget_port(&table, 1);
	assert_int_equal(table.used, 0);
	assert_int_equal(mac_learn(&table, mac, 5, 1, 0, true, &old), MAC_NEW);
}

static void bucket_keeps_the_average(void **state)
{
	uint64_t now = 5, taken = 0, start = now;
	struct bucket b;

	unit_seed("netd_bucket");
	bucket_set(&b, 1000000, 20000, now);
	for (int i = 0; i < 100000; i++) {
		uint64_t n = 60 + unit_below(65000), opens;

		if (bucket_take(&b, n, now)) {
			taken += n;
			continue;
		}
		opens = bucket_opens_at(&b, now);
		assert_true(opens > now);
		assert_false(bucket_open(&b, now));
		/* exactly then and not a microsecond earlier */
		assert_true(opens - now < 1000 || !bucket_open(&b, opens - 1000));
		now = opens;
		assert_true(bucket_open(&b, now));
	}
	/* rate x time, give or take what may be at once and one frame of debt */
	assert_in_range(taken, (now - start) / 1000, (now - start) / 1000 + 20000 + 65060);
}

static void no_rate_is_no_limit(void **state)
{
	struct bucket b;

	bucket_set(&b, 0, 0, 1);
	for (int i = 0; i < 1000; i++)
		assert_true(bucket_take(&b, 1 << 30, 1));
	assert_int_equal(bucket_opens_at(&b, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_agrees_with_model),
		cmocka_unit_test(table_fills_up_and_frees),
		cmocka_unit_test(bucket_keeps_the_average),
		cmocka_unit_test(no_rate_is_no_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
