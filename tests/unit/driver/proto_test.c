/* unit: dom0-tools/driver/proto.c dom0-tools/driver/emit.c dom0-tools/driver/write.c dom0-tools/lib/error.c dom0-tools/driver/templates.S -Wa,-Idom0-tools/driver/templates -ljansson */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Protocol files: what is wrong is refused with file, place and reason; what is right makes the
 * same driver as stands in docs/examples/echo, and leaves nothing on disk when it cannot be whole.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "driver/proto.h"

#define GOOD_REQUEST	"\"request\": [{\"name\": \"n\", \"type\": \"u32\"}]"
#define GOOD_RESPONSE	"\"response\": [{\"name\": \"status\", \"type\": \"s16\"}]"
#define HEAD		"\"protocol\": \"x\", \"summary\": \"s\""

static int parse(struct proto *p, const char *text, struct mica_error *e)
{
	memset(e, 0, sizeof(*e));
	return proto_parse(p, text, strlen(text), "x.json", e);
}

static void what_is_wrong_is_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "{", "x.json:1:" },
		{ "[]", "must be an object" },
		{ "{\"protocol\": \"x\", \"protocol\": \"x\"}", "duplicate" },
		{ "{}", "protocol: is missing" },
		{ "{" HEAD ", \"colour\": 1}", "unknown key 'colour'" },
		{ "{\"protocol\": \"X\", \"summary\": \"s\"}", "lower-case" },
		{ "{\"protocol\": \"9x\", \"summary\": \"s\"}", "lower-case" },
		{ "{\"protocol\": \"../x\", \"summary\": \"s\"}", "lower-case" },
		{ "{\"protocol\": \"x\", \"summary\": \"a */ b\"}", "one line" },
		{ "{\"protocol\": \"x\", \"summary\": \"a\\nb\"}", "one line" },
		{ "{" HEAD ", \"pages\": 3}", "power of two" },
		{ "{" HEAD ", \"pages\": 17}", "from 1 to 16" },
		{ "{" HEAD ", \"window\": 0}", "from 1 to 256" },
		{ "{" HEAD ", \"window\": \"4\"}", "whole number" },
		{ "{" HEAD ", \"constants\": {\"a b\": 1}}", "no name of a constant" },
		{ "{" HEAD ", \"constants\": {\"A\": 1.5}}", "whole number" },
		{ "{" HEAD "}", "request: must be a list" },
		{ "{" HEAD ", \"request\": [{\"name\": \"id\", \"type\": \"u8\"}]}", "always there" },
		{ "{" HEAD ", \"request\": [{\"name\": \"_x\", \"type\": \"u8\"}]}", "lower-case" },
		{ "{" HEAD ", \"request\": [{\"name\": \"a\", \"type\": \"u24\"}]}", "type must be" },
		{ "{" HEAD ", \"request\": [{\"name\": \"a\", \"type\": \"u8\"},"
		  "{\"name\": \"a\", \"type\": \"u8\"}]}", "there twice" },
		{ "{" HEAD ", \"request\": [{\"name\": \"a\", \"type\": \"u64\", \"count\": 40}]}",
		  "longer than 256" },
		{ "{" HEAD ", " GOOD_REQUEST ", \"response\": []}", "must have a field \"status\"" },
		{ "{" HEAD ", " GOOD_REQUEST ", " GOOD_RESPONSE
		  ", \"payload\": {\"grant\": \"n\", \"bytes\": \"n\"}}", "of type grant" },
		{ "{" HEAD ", " GOOD_REQUEST ", " GOOD_RESPONSE
		  ", \"keys\": [{\"name\": \"a/b\", \"owner\": \"back\"}]}", "no name of a key" },
		{ "{" HEAD ", " GOOD_REQUEST ", " GOOD_RESPONSE
		  ", \"keys\": [{\"name\": \"a\", \"owner\": \"me\"}]}", "owner must be" },
		{ "{" HEAD ", " GOOD_REQUEST ", " GOOD_RESPONSE
		  ", \"keys\": [{\"name\": \"state\", \"owner\": \"back\"}]}", "handshake's own" },
		{ "{" HEAD ", " GOOD_REQUEST ", " GOOD_RESPONSE
		  ", \"features\": [{\"name\": \"ring-ref7\", \"owner\": \"front\"}]}", "handshake's own" },
		{ "{" HEAD ", " GOOD_REQUEST ", " GOOD_RESPONSE
		  ", \"keys\": [{\"name\": \"a\", \"owner\": \"back\"}]"
		  ", \"features\": [{\"name\": \"a\", \"owner\": \"front\"}]}", "there twice" },
		{ "{" HEAD ", \"request\": [{\"name\": \"default\", \"type\": \"u8\"}]}", "a word of C" },
		{ "{" HEAD ", \"request\": [{\"name\": \"seal\", \"type\": \"u8\"}]}", "always there" },
		{ "{\"protocol\": \"int\", \"summary\": \"s\"}", "a word of C" },
		{ "{\"protocol\": \"mica_x\", \"summary\": \"s\"}", "Mica's own" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mica_error e;
		struct proto p;

		assert_true(parse(&p, cases[i].text, &e) < 0);
		assert_non_null(strstr(e.why, "x.json"));
		if (!strstr(e.why, cases[i].why))
			fail_msg("%s: '%s', not '%s'", cases[i].text, e.why, cases[i].why);
	}
}

/* Every byte of a good file cut off or changed: an error or a protocol, never a crash. */
static void damaged_files(void **state)
{
	static const char good[] = "{" HEAD ", " GOOD_REQUEST ", " GOOD_RESPONSE "}";
	struct mica_error e;
	struct proto p;

	assert_int_equal(parse(&p, good, &e), 0);
	for (size_t i = 0; i < sizeof(good) - 1; i++) {
		char bad[sizeof(good)];

		memset(&e, 0, sizeof(e));
		assert_true(proto_parse(&p, good, i, "x.json", &e) < 0);
		for (int c = 1; c < 256; c += 7) {
			memcpy(bad, good, sizeof(good));
			bad[i] = (char)c;
			parse(&p, bad, &e);
		}
	}
}

/* No word of a template is left, with a payload and without; declared sizes are a multiple of 8. */
static void every_file_is_whole(void **state)
{
	static const char *const texts[] = {
		"{" HEAD ", " GOOD_REQUEST ", " GOOD_RESPONSE "}",
		"{" HEAD ", \"request\": [{\"name\": \"g\", \"type\": \"grant\"},"
		"{\"name\": \"b\", \"type\": \"u16\"}, {\"name\": \"t\", \"type\": \"u8\", \"count\": 5}],"
		"\"response\": [{\"name\": \"status\", \"type\": \"s32\"},"
		"{\"name\": \"b\", \"type\": \"u16\"}],"
		"\"payload\": {\"grant\": \"g\", \"bytes\": \"b\", \"max\": 100},"
		"\"constants\": {\"X_BAD\": -1}, \"features\": [{\"name\": \"feature-y\","
		"\"owner\": \"front\"}]}",
	};

	for (size_t t = 0; t < 2; t++) {
		struct mica_error e;
		struct proto p;
		char name[128], *text;
		unsigned n = 0;

		assert_int_equal(parse(&p, texts[t], &e), 0);
		for (; !driver_file(&p, n, name, &text); n++) {
			assert_null(strstr(text, "@name"));
			assert_null(strstr(text, "@NAME"));
			assert_null(strstr(text, "@if "));
			assert_null(strstr(text, "@end@"));
			assert_null(strstr(text, "@payload"));
			assert_true(strlen(text) > 100);
			free(text);
		}
		assert_int_equal(n, 16);
	}
}

static char *slurp(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 65536);

	assert_non_null(f);
	assert_non_null(text);
	assert_true(fread(text, 1, 65535, f) > 0);
	fclose(f);
	return text;
}

static void the_example_is_what_is_generated(void **state)
{
	char name[128], path[256], *made;
	struct mica_error e = { 0 };
	struct proto p;

	assert_int_equal(proto_read(&p, "docs/examples/echo/echo.json", &e), 0);
	for (unsigned i = 0; !driver_file(&p, i, name, &made); i++) {
		char *there;

		snprintf(path, sizeof(path), "docs/examples/echo/%s", name);
		there = slurp(path);
		if (strcmp(made, there))
			fail_msg("%s is not what `mica driver new` writes now", path);
		free(made);
		free(there);
	}
}

static void all_or_nothing(void **state)
{
	char dir[] = "/tmp/mica-driver-XXXXXX", sub[64], path[96];
	struct mica_error e = { 0 };
	struct proto p;

	assert_int_equal(parse(&p, "{" HEAD ", " GOOD_REQUEST ", " GOOD_RESPONSE "}", &e), 0);
	assert_non_null(mkdtemp(dir));
	snprintf(sub, sizeof(sub), "%s/new", dir);
	assert_int_equal(driver_write(&p, "{}", 2, sub, &e), 0);
	snprintf(path, sizeof(path), "%s/x_front.c", sub);
	assert_int_equal(access(path, R_OK), 0);
	assert_true(driver_write(&p, "{}", 2, sub, &e) < 0);		/* in use: untouched */
	assert_int_equal(access(path, R_OK), 0);
	snprintf(sub, sizeof(sub), "%s/no/such", dir);
	assert_true(driver_write(&p, "{}", 2, sub, &e) < 0);
	assert_int_not_equal(access(sub, F_OK), 0);
	snprintf(path, sizeof(path), "rm -r %s", dir);
	assert_int_equal(system(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wrong_is_refused),
		cmocka_unit_test(damaged_files),
		cmocka_unit_test(every_file_is_whole),
		cmocka_unit_test(the_example_is_what_is_generated),
		cmocka_unit_test(all_or_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
