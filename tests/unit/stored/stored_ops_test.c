/* unit: @stored */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each request answers, who may do what, which watches fire, which limits hold, and which
 * transactions conflict.
 */
#include "stored_unit.h"

static struct store s;
static struct fake dom0, dom1, dom2;

static int setup(void **state)
{
	say_quiet = true;
	store_init(&s);
	fake_init(&s, &dom0, 0);
	fake_init(&s, &dom1, 1);
	fake_init(&s, &dom2, 2);
	return 0;
}

static int teardown(void **state)
{
	assert_null(tree_audit(&s.tree));
	fake_fini(&s, &dom0);
	fake_fini(&s, &dom1);
	fake_fini(&s, &dom2);
	store_free(&s);
	return 0;
}

static void home_of_dom1(void)
{
	asserts(&s, &dom0, XS_MKDIR, 0, "/local/domain/1|", "OK|");
	asserts(&s, &dom0, XS_SET_PERMS, 0, "/local/domain/1|n1|", "OK|");
}

static void test_nodes(void **state)
{
	asserts(&s, &dom0, XS_READ, 0, "/a|", "ENOENT|");
	asserts(&s, &dom0, XS_WRITE, 0, "/a/b/c|value", "OK|");
	asserts(&s, &dom0, XS_READ, 0, "/a/b/c|", "value");
	asserts(&s, &dom0, XS_READ, 0, "/a/b|", "");
	asserts(&s, &dom0, XS_MKDIR, 0, "/a/b/c|", "OK|");
	asserts(&s, &dom0, XS_READ, 0, "/a/b/c|", "value");
	asserts(&s, &dom0, XS_WRITE, 0, "/a/b/d|", "OK|");
	asserts(&s, &dom0, XS_DIRECTORY, 0, "/a/b|", "c|d|");
	asserts(&s, &dom0, XS_DIRECTORY, 0, "/a/b/d|", "");
	asserts(&s, &dom0, XS_DIRECTORY, 0, "/|", "a|");
	asserts(&s, &dom0, XS_RM, 0, "/a/b|", "OK|");
	asserts(&s, &dom0, XS_RM, 0, "/a/b|", "OK|");
	asserts(&s, &dom0, XS_RM, 0, "/x/b|", "ENOENT|");
	asserts(&s, &dom0, XS_RM, 0, "/|", "EINVAL|");
	asserts(&s, &dom0, XS_WRITE, 0, "rel|1", "OK|");
	asserts(&s, &dom0, XS_READ, 0, "/local/domain/0/rel|", "1");
}

static void test_bad_requests(void **state)
{
	static const char *const paths[] = { "|", "//|", "/a/|", "/a//b|", "/a b|", "@x|", "/\xff|" };
	char payload[XENSTORE_PAYLOAD_MAX];

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		for (uint32_t type = XS_DIRECTORY; type <= XS_READ; type++)
			asserts(&s, &dom0, type, 0, paths[i], "EINVAL|");
	asserts(&s, &dom0, XS_READ, 0, "/a", "EINVAL|");
	asserts(&s, &dom0, XS_READ, 0, "/a|x", "EINVAL|");
	asserts(&s, &dom0, XS_READ, 99, "/|", "ENOENT|");
	asserts(&s, &dom0, 20, 0, "", "ENOSYS|");
	asserts(&s, &dom0, 4711, 0, "", "ENOSYS|");
	asserts(&s, &dom0, XS_SET_TARGET, 0, "1|2|", "ENOSYS|");
	asserts(&s, &dom1, XS_INTRODUCE, 0, "2|1|1|", "EACCES|");
	asserts(&s, &dom1, XS_CONTROL, 0, "check|", "EACCES|");
	asserts(&s, &dom0, XS_TRANSACTION_END, 0, "T|", "ENOENT|");
	asserts(&s, &dom0, XS_TRANSACTION_END, 0, "X|", "EINVAL|");
	asserts(&s, &dom0, XS_UNWATCH, 0, "/a|t|", "ENOENT|");
	asserts(&s, &dom0, XS_WATCH, 0, "/a|", "EINVAL|");
	asserts(&s, &dom0, XS_WATCH, 0, "/a|t|x|", "EINVAL|");
	asserts(&s, &dom0, XS_GET_DOMAIN_PATH, 0, "5|", "/local/domain/5|");
	asserts(&s, &dom0, XS_IS_DOMAIN_INTRODUCED, 0, "0|", "T|");
	asserts(&s, &dom0, XS_IS_DOMAIN_INTRODUCED, 0, "5|", "F|");
	memset(payload, 'a', sizeof(payload));
	payload[0] = '/';
	payload[3072] = 0;
	assert_string_equal(ask_len(&s, &dom0, XS_READ, 0, payload, 3073), "ENOENT|");
	payload[3072] = 'a';
	payload[3073] = 0;
	assert_string_equal(ask_len(&s, &dom0, XS_READ, 0, payload, 3074), "EINVAL|");
	dom0.conn.read_only = true;
	asserts(&s, &dom0, XS_WRITE, 0, "/a|1", "EROFS|");
	asserts(&s, &dom0, XS_DIRECTORY, 0, "/|", "");
}

static void test_permissions(void **state)
{
	home_of_dom1();
	asserts(&s, &dom1, XS_WRITE, 0, "data|1", "OK|");
	asserts(&s, &dom0, XS_GET_PERMS, 0, "/local/domain/1/data|", "n1|");
	asserts(&s, &dom2, XS_READ, 0, "/local/domain/1/data|", "EACCES|");
	asserts(&s, &dom2, XS_READ, 0, "/local/domain/1/none|", "EACCES|");
	asserts(&s, &dom1, XS_READ, 0, "none|", "ENOENT|");
	asserts(&s, &dom1, XS_SET_PERMS, 0, "data|n1|r2|", "OK|");
	asserts(&s, &dom2, XS_READ, 0, "/local/domain/1/data|", "1");
	asserts(&s, &dom2, XS_WRITE, 0, "/local/domain/1/data|2", "EACCES|");
	asserts(&s, &dom2, XS_SET_PERMS, 0, "/local/domain/1/data|n2|", "EACCES|");
	asserts(&s, &dom1, XS_SET_PERMS, 0, "data|n2|", "EPERM|");
	asserts(&s, &dom1, XS_SET_PERMS, 0, "data|x1|", "EINVAL|");
	asserts(&s, &dom1, XS_SET_PERMS, 0, "data|n1", "EINVAL|");
	asserts(&s, &dom1, XS_SET_PERMS, 0, "data|", "EINVAL|");
	asserts(&s, &dom1, XS_SET_PERMS, 0, "data|b1|", "OK|");
	asserts(&s, &dom2, XS_WRITE, 0, "/local/domain/1/data|2", "OK|");
	asserts(&s, &dom2, XS_WRITE, 0, "/local/domain/1/data/x|2", "OK|");
	asserts(&s, &dom0, XS_GET_PERMS, 0, "/local/domain/1/data/x|", "b2|");
	asserts(&s, &dom1, XS_WRITE, 0, "/top|1", "EACCES|");
	asserts(&s, &dom1, XS_RM, 0, "/local/domain/1|", "OK|");
}

static void test_watches(void **state)
{
	home_of_dom1();
	asserts(&s, &dom1, XS_WATCH, 0, "dir|tok|", "OK|");
	assert_int_equal(dom1.events, 1);
	assert_string_equal(dom1.event, "dir|tok|");
	asserts(&s, &dom1, XS_WATCH, 0, "dir|tok|", "EEXIST|");
	asserts(&s, &dom0, XS_WRITE, 0, "/local/domain/1/dir/a/b|1", "OK|");
	fake_read(&dom1);
	assert_int_equal(dom1.events, 2);
	assert_string_equal(dom1.event, "dir/a/b|tok|");
	asserts(&s, &dom0, XS_SET_PERMS, 0, "/local/domain/1/dir/a|n0|", "OK|");
	fake_read(&dom1);
	assert_int_equal(dom1.events, 3);	/* it could see it until now */
	asserts(&s, &dom0, XS_WRITE, 0, "/local/domain/1/dir/a|2", "OK|");
	fake_read(&dom1);
	assert_int_equal(dom1.events, 3);	/* what one cannot read, one does not hear of */
	asserts(&s, &dom0, XS_WATCH, 0, "/local/domain/1/dir/a/b|deep|", "OK|");
	asserts(&s, &dom0, XS_RM, 0, "/local/domain/1/dir|", "OK|");
	assert_int_equal(dom0.events, 2);
	assert_string_equal(dom0.event, "/local/domain/1/dir/a/b|deep|");
	fake_read(&dom1);
	assert_string_equal(dom1.event, "dir|tok|");
	asserts(&s, &dom1, XS_RESET_WATCHES, 0, "|", "OK|");
	assert_int_equal(dom1.conn.nwatches, 0);
}

static void test_depth_and_special(void **state)
{
	asserts(&s, &dom0, XS_WATCH, 0, "/a|d1|1|", "OK|");
	asserts(&s, &dom0, XS_WRITE, 0, "/a/b|1", "OK|");
	assert_int_equal(dom0.events, 2);
	asserts(&s, &dom0, XS_WRITE, 0, "/a/b/c|1", "OK|");
	assert_int_equal(dom0.events, 2);
	asserts(&s, &dom1, XS_WATCH, 0, "@releaseDomain|x|", "OK|");
	asserts(&s, &dom0, XS_WATCH, 0, "@releaseDomain|plain|", "OK|");
	store_fire_special(&s, PATH_RELEASE, 70);
	store_commit(&s, NULL);
	fake_read(&dom0);
	fake_read(&dom1);
	assert_string_equal(dom0.event, "@releaseDomain|plain|");
	assert_int_equal(dom1.events, 1);	/* only the first: it may not read the node */
	asserts(&s, &dom0, XS_UNWATCH, 0, "@releaseDomain|plain|", "OK|");
	asserts(&s, &dom0, XS_WATCH, 0, "@releaseDomain|which|1|", "OK|");
	store_fire_special(&s, PATH_RELEASE, 70);
	store_commit(&s, NULL);
	fake_read(&dom0);
	assert_string_equal(dom0.event, "@releaseDomain/70|which|");
}

static void test_conflicts(void **state)
{
	uint32_t a, b;

	asserts(&s, &dom0, XS_MKDIR, 0, "/d|", "OK|");
	a = begin(&s, &dom0), b = begin(&s, &dom0);	/* two children of one node */
	asserts(&s, &dom0, XS_WRITE, a, "/d/x|1", "OK|");
	asserts(&s, &dom0, XS_WRITE, b, "/d/y|1", "OK|");
	asserts(&s, &dom0, XS_READ, b, "/d/x|", "ENOENT|");
	asserts(&s, &dom0, XS_TRANSACTION_END, b, "F|", "OK|");
	asserts(&s, &dom0, XS_TRANSACTION_END, a, "T|", "OK|");
	a = begin(&s, &dom0), b = begin(&s, &dom0);
	asserts(&s, &dom0, XS_WRITE, a, "/d/v|1", "OK|");
	asserts(&s, &dom0, XS_WRITE, b, "/d/w|1", "OK|");
	asserts(&s, &dom0, XS_WRITE, 0, "/d|changed", "OK|");
	asserts(&s, &dom0, XS_TRANSACTION_END, a, "T|", "OK|");
	asserts(&s, &dom0, XS_TRANSACTION_END, b, "T|", "OK|");
	a = begin(&s, &dom0), b = begin(&s, &dom0);	/* one lists what the other adds to */
	asserts(&s, &dom0, XS_DIRECTORY, a, "/d|", "x|v|w|");
	asserts(&s, &dom0, XS_WRITE, b, "/d/z|1", "OK|");
	asserts(&s, &dom0, XS_TRANSACTION_END, b, "T|", "OK|");
	asserts(&s, &dom0, XS_TRANSACTION_END, a, "T|", "EAGAIN|");
	a = begin(&s, &dom0);				/* removed below it */
	asserts(&s, &dom0, XS_WRITE, a, "/d/x/new|1", "OK|");
	asserts(&s, &dom0, XS_RM, 0, "/d/x|", "OK|");
	asserts(&s, &dom0, XS_TRANSACTION_END, a, "T|", "EAGAIN|");
	a = begin(&s, &dom0);				/* removed and made again inside */
	asserts(&s, &dom0, XS_RM, a, "/d|", "OK|");
	asserts(&s, &dom0, XS_WRITE, a, "/d/q|2", "OK|");
	asserts(&s, &dom0, XS_DIRECTORY, a, "/d|", "q|");
	asserts(&s, &dom0, XS_TRANSACTION_START, a, "|", "EBUSY|");
	asserts(&s, &dom0, XS_TRANSACTION_END, a, "T|", "OK|");
	asserts(&s, &dom0, XS_DIRECTORY, 0, "/d|", "q|");
}

static void test_quotas(void **state)
{
	char text[64];
	uint32_t tx;
	int n = 0;

	quota_set(&s.quotas, "nodes=5");
	quota_set(&s.quotas, "watches=2");
	quota_set(&s.quotas, "transactions=1");
	quota_set(&s.quotas, "size=4");
	assert_int_equal(quota_set(&s.quotas, "nodes"), -22);
	assert_int_equal(quota_set(&s.quotas, "nodes=x"), -22);
	home_of_dom1();
	for (; n < 10; n++) {
		snprintf(text, sizeof(text), "n%d|1", n);
		if (strcmp(ask(&s, &dom1, XS_WRITE, 0, text), "OK|"))
			break;
	}
	assert_int_equal(n, 4);
	assert_string_equal(dom1.reply, "ENOSPC|");
	tx = begin(&s, &dom1);
	asserts(&s, &dom1, XS_WRITE, tx, "more|1", "ENOSPC|");
	asserts(&s, &dom1, XS_RM, tx, "n0|", "OK|");
	asserts(&s, &dom1, XS_WRITE, tx, "more|1", "OK|");
	asserts(&s, &dom1, XS_WRITE, tx, "more2|1", "ENOSPC|");
	asserts(&s, &dom1, XS_TRANSACTION_START, 0, "|", "ENOSPC|");
	asserts(&s, &dom1, XS_TRANSACTION_END, tx, "T|", "OK|");
	asserts(&s, &dom1, XS_WRITE, 0, "more|12345", "ENOSPC|");
	asserts(&s, &dom1, XS_WATCH, 0, "a|1|", "OK|");
	asserts(&s, &dom1, XS_WATCH, 0, "a|2|", "OK|");
	asserts(&s, &dom1, XS_WATCH, 0, "a|3|", "ENOSPC|");
	asserts(&s, &dom1, XS_SET_PERMS, 0, "more|n1|n2|n3|n4|n5|n6|", "ENOSPC|");
}

static void test_long_lists(void **state)
{
	char text[64];
	size_t at = 0, names = 0;

	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "/long/node-number-%04d|", i);
		asserts(&s, &dom0, XS_MKDIR, 0, text, "OK|");
	}
	asserts(&s, &dom0, XS_DIRECTORY, 0, "/long|", "E2BIG|");
	for (bool end = false; !end;) {
		const char *list;

		snprintf(text, sizeof(text), "/long|%zu|", at);
		ask(&s, &dom0, XS_DIRECTORY_PART, 0, text);
		list = strchr(dom0.reply, '|') + 1;
		end = dom0.reply_len >= 2 && !strcmp(dom0.reply + dom0.reply_len - 2, "||");
		at += strlen(list) - end;
		for (; *list; list++)
			names += *list == '|';
		names -= end;
	}
	assert_int_equal(names, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nodes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_requests, setup, teardown),
		cmocka_unit_test_setup_teardown(test_permissions, setup, teardown),
		cmocka_unit_test_setup_teardown(test_watches, setup, teardown),
		cmocka_unit_test_setup_teardown(test_depth_and_special, setup, teardown),
		cmocka_unit_test_setup_teardown(test_conflicts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_quotas, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_lists, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
