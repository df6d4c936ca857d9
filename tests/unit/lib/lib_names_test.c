/* unit: dom0-tools/lib/names.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* The file of names: what was set is found, for its domain only; a damaged slot is none. */
#include "unit.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/names.h"

#define SLOT_BYTES	(16 + MICA_NAME_MAX + 8)

static char base[64], path[96];

static int make(void **state)
{
	snprintf(base, sizeof(base), "/tmp/mica-names-XXXXXX");
	snprintf(path, sizeof(path), "%s/names", mkdtemp(base));
	return 0;
}

static int end(void **state)
{
	unlink(path);
	return rmdir(base);
}

static const uint8_t uuid[16] = { 1, 2, 3 }, other[16] = { 1, 2, 4 };

static bool get(domid_t id, const uint8_t who[16], char name[MICA_NAME_MAX])
{
	struct mica_names *t = mica_names_open(path);
	bool found = mica_names_get(t, id, who, name);

	mica_names_close(t);
	return found;
}

static bool is_other(domid_t id, const uint8_t who[16], const char *name)
{
	struct mica_names *t = mica_names_open(path);
	bool other = mica_names_is_other(t, id, who, name);

	mica_names_close(t);
	return other;
}

/* Only what is known for certain rules a domain out. */
static void test_is_other(void **state)
{
	assert_false(is_other(5, uuid, "web"));		/* no file */
	assert_int_equal(mica_names_set(path, 5, uuid, "web"), 0);
	assert_true(is_other(5, uuid, "db"));
	assert_true(is_other(5, uuid, "we"));
	assert_true(is_other(5, uuid, "webb"));
	assert_false(is_other(5, uuid, "web"));
	assert_false(is_other(5, other, "db"));		/* the number was used again */
	assert_false(is_other(4, uuid, "db"));
	assert_int_equal(mica_names_set(path, 5, uuid, NULL), 0);
	assert_false(is_other(5, uuid, "db"));		/* nobody watches it any more */
}

static void test_set_and_get(void **state)
{
	char name[MICA_NAME_MAX], long_name[MICA_NAME_MAX + 1];

	assert_false(get(5, uuid, name));		/* no file */
	assert_int_equal(mica_names_set(path, 5, uuid, "web"), 0);
	assert_true(get(5, uuid, name));
	assert_string_equal(name, "web");
	assert_false(get(5, other, name));		/* the number was used again */
	assert_false(get(4, uuid, name));
	assert_false(get(6, uuid, name));
	assert_int_equal(mica_names_set(path, 32751, other, "last"), 0);
	assert_true(get(32751, other, name));
	assert_true(get(5, uuid, name));
	assert_int_equal(mica_names_set(path, 5, uuid, NULL), 0);
	assert_false(get(5, uuid, name));
	memset(long_name, 'x', sizeof(long_name));
	long_name[MICA_NAME_MAX] = 0;
	assert_int_equal(mica_names_set(path, 5, uuid, long_name), -ENAMETOOLONG);
	long_name[MICA_NAME_MAX - 1] = 0;
	assert_int_equal(mica_names_set(path, 5, uuid, long_name), 0);
	assert_true(get(5, uuid, name));
}

/* Any byte of the slot changed: no name rather than a wrong one. */
static void test_damage(void **state)
{
	char name[MICA_NAME_MAX];
	int fd;

	assert_int_equal(mica_names_set(path, 0, uuid, "web"), 0);
	fd = open(path, O_RDWR | O_CLOEXEC);
	for (off_t at = 0; at < SLOT_BYTES; at++) {
		uint8_t byte;

		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= 0x21;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		assert_false(get(0, uuid, name));
		assert_false(is_other(0, uuid, "db"));
		byte ^= 0x21;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		assert_true(get(0, uuid, name));
	}
	assert_int_equal(ftruncate(fd, SLOT_BYTES - 1), 0);
	assert_false(get(0, uuid, name));
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_false(get(0, uuid, name));
	close(fd);
}

/* Two words that changed at once, as in a slot that was read while it was written: of each cut of
 * an old and a new one only the ends are names. */
static void test_torn(void **state)
{
	uint8_t old[SLOT_BYTES], new[SLOT_BYTES], mix[SLOT_BYTES];
	char name[MICA_NAME_MAX];
	int fd;

	assert_int_equal(mica_names_set(path, 0, uuid, "a-name-of-more-than-one-word"), 0);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(pread(fd, old, sizeof(old), 0), sizeof(old));
	assert_int_equal(mica_names_set(path, 0, uuid, "b-is-called-something-else-now"), 0);
	assert_int_equal(pread(fd, new, sizeof(new), 0), sizeof(new));
	for (size_t cut = 0; cut <= sizeof(old); cut++) {
		bool whole = !memcmp(old, new, cut) || !memcmp(old + cut, new + cut, sizeof(old) - cut);

		memcpy(mix, new, cut);
		memcpy(mix + cut, old + cut, sizeof(old) - cut);
		assert_int_equal(pwrite(fd, mix, sizeof(mix), 0), sizeof(mix));
		assert_int_equal(get(0, uuid, name), whole);
		assert_int_equal(is_other(0, uuid, "c"), whole);
	}
	close(fd);
}

/* One at a time for each name, whoever asks; a process that ends takes its claims along. */
static void test_claims(void **state)
{
	char long_name[MICA_NAME_MAX + 1], name[MICA_NAME_MAX];
	int first, second, ended;
	pid_t child;

	first = mica_names_claim(path, "web");
	assert_true(first >= 0);
	assert_int_equal(mica_names_claim(path, "web"), -EBUSY);
	second = mica_names_claim(path, "web2");
	assert_true(second >= 0);
	child = fork();
	if (!child)
		_exit(mica_names_claim(path, "web") == -EBUSY && close(first) == 0 ? 0 : 1);
	assert_int_equal(waitpid(child, &ended, 0), child);
	assert_int_equal(ended, 0);
	assert_int_equal(mica_names_claim(path, "web"), -EBUSY);
	/* readers and writers of slots do not end it */
	assert_int_equal(mica_names_set(path, 5, uuid, "web"), 0);
	assert_true(get(5, uuid, name));
	assert_int_equal(mica_names_claim(path, "web"), -EBUSY);
	close(first);
	first = mica_names_claim(path, "web");
	assert_true(first >= 0);
	close(first);
	close(second);
	child = fork();
	if (!child)
		_exit(mica_names_claim(path, "web") >= 0 ? 0 : 1);
	assert_int_equal(waitpid(child, &ended, 0), child);
	assert_int_equal(ended, 0);
	first = mica_names_claim(path, "web");
	assert_true(first >= 0);
	close(first);
	memset(long_name, 'x', sizeof(long_name));
	long_name[MICA_NAME_MAX] = 0;
	assert_int_equal(mica_names_claim(path, long_name), -ENAMETOOLONG);
	assert_int_equal(mica_names_claim("/proc/none/names", "web"), -ENOENT);
}

/* With the same descriptor as a name, or alone; any number of readers, or one writer. */
static void test_image_claims(void **state)
{
	int a = mica_names_claim(path, "web"), b = mica_names_claim_none(path), c;

	assert_true(a >= 0 && b >= 0);
	assert_int_equal(mica_names_claim_image(a, ~0ull, false), 0);
	assert_int_equal(mica_names_claim_image(b, ~0ull, false), -EBUSY);
	assert_int_equal(mica_names_claim_image(b, ~0ull, true), -EBUSY);
	assert_int_equal(mica_names_claim_image(b, 7, true), 0);
	assert_int_equal(mica_names_claim_image(a, 7, true), 0);
	assert_int_equal(mica_names_claim_image(a, 7, false), -EBUSY);
	/* no image is a name or a domain's hold */
	c = mica_names_hold(path, 7);
	assert_true(c >= 0);
	close(c);
	close(a);
	assert_int_equal(mica_names_claim_image(b, ~0ull, false), 0);
	assert_int_equal(mica_names_claim_image(b, 7, false), 0);
	close(b);
	assert_int_equal(mica_names_claim_none("/proc/none/names"), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_set_and_get, make, end),
		cmocka_unit_test_setup_teardown(test_is_other, make, end),
		cmocka_unit_test_setup_teardown(test_damage, make, end),
		cmocka_unit_test_setup_teardown(test_torn, make, end),
		cmocka_unit_test_setup_teardown(test_claims, make, end),
		cmocka_unit_test_setup_teardown(test_image_claims, make, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
