/* unit: dom0-tools/lib/names.c dom0-tools/lib/digest.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* The file of names: what was set is found, for its domain only; a damaged slot is none. */
#include "unit.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/names.h"

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
	for (off_t at = 0; at < 96; at++) {
		uint8_t byte;

		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= 0x21;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		assert_false(get(0, uuid, name));
		byte ^= 0x21;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		assert_true(get(0, uuid, name));
	}
	assert_int_equal(ftruncate(fd, 95), 0);
	assert_false(get(0, uuid, name));
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_false(get(0, uuid, name));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_set_and_get, make, end),
		cmocka_unit_test_setup_teardown(test_damage, make, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
