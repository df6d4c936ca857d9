/* unit: lib/fmt.c lib/string.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* printf against the C library's, for every conversion we have; numbers out of text; string.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "lib/fmt.h"
#include "lib/string.h"

#define SAME(...) do { \
	char a[200], b[200]; \
	int n = fmt_snprintf(a, sizeof(a), __VA_ARGS__), m = snprintf(b, sizeof(b), __VA_ARGS__); \
	assert_string_equal(a, b); \
	assert_int_equal(n, m); \
} while (0)

static void integers_match_libc(void **state)
{
	static const long values[] = { 0, 1, -1, 9, 10, 255, -4096, 0x7fffffff, -0x7fffffffl - 1,
				       INT64_MAX, INT64_MIN, 0x123456789abcdef };

	for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
		long v = values[i];

		SAME("%d|%u|%x", (int)v, (unsigned)v, (unsigned)v);
		SAME("%ld|%lu|%lx|%lld|%zu", v, v, v, (long long)v, (size_t)v);
		SAME("%5d|%05d|", (int)v, (int)v);
		SAME("%20ld|%020ld|%3lu|%03lu|", v, v, v, v);
		SAME("%016lx|%18lx|%02x|%2x|", v, v, (unsigned)v, (unsigned)v);
	}
}

static void text_matches_libc(void **state)
{
	const char *unterminated = "abcdef";

	SAME("plain");
	SAME("%s|%10s|%.3s|%10.3s|%.*s|%.0s|%s", "abc", "abc", "abcdef", "abcdef", 2, "xyz", "xyz", "");
	SAME("%c%c%%", 'a', 'b');
	SAME("%.4s", unterminated);
}

static void pointer_is_16_digits(void **state)
{
	char a[40];

	fmt_snprintf(a, sizeof(a), "%p", (void *)0xffff808000101234);
	assert_string_equal(a, "ffff808000101234");
	fmt_snprintf(a, sizeof(a), "%p", NULL);
	assert_string_equal(a, "0000000000000000");
}

static void unknown_conversion_is_copied(void **state)
{
	char a[40];
	const char *format = "a%qb%d%-3d";

	assert_int_equal(fmt_snprintf(a, sizeof(a), format, 5, 6), 9);
	assert_string_equal(a, "a%qb5%-3d");
}

static void never_writes_past_the_end(void **state)
{
	for (size_t size = 0; size < 24; size++) {
		char *buf = malloc(size + 1);

		buf[size] = 'Z';
		assert_int_equal(fmt_snprintf(buf, size, "%s-%08lx", "0123456", 0xabcdul), 16);
		assert_int_equal(buf[size], 'Z');
		if (size)
			assert_int_equal(strlen(buf), size > 16 ? 16 : size - 1);
		free(buf);
	}
}

static void parses_numbers(void **state)
{
	static const struct { const char *text; uint64_t value; unsigned used; } t[] = {
		{ "0", 0, 1 }, { "42", 42, 2 }, { "0x1F", 31, 4 }, { "0XaZ", 10, 3 }, { "017", 15, 3 },
		{ "089", 0, 1 }, { "", 0, 0 }, { "x", 0, 0 }, { "-1", 0, 0 }, { "0x", 0, 1 },
		{ "12,8n1", 12, 2 }, { "18446744073709551615", UINT64_MAX, 20 },
		{ "18446744073709551616", 0, 0 }, { "0xffffffffffffffff", UINT64_MAX, 18 },
		{ "0x10000000000000000", 0, 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		const char *end;

		assert_int_equal(fmt_parse_u64(t[i].text, &end), t[i].value);
		/* A number too large counts as none, whatever was read of it. */
		if (t[i].used || !t[i].text[0] || t[i].text[0] < '0' || t[i].text[0] > '9')
			assert_int_equal(end - t[i].text, t[i].used);
		else
			assert_int_equal(end - t[i].text, 0);
	}
}

static void parses_sizes(void **state)
{
	static const struct { const char *text; uint64_t value; unsigned used; } t[] = {
		{ "512M", 512ul << 20, 4 }, { "2g", 2ul << 30, 2 }, { "7", 7 << 10, 1 },
		{ "7k,", 7 << 10, 2 }, { "4096B", 4096, 5 }, { "1T", 1ul << 40, 2 }, { "M", 0, 0 },
		{ "0x10M", 16 << 20, 5 }, { "18014398509481984", 0, 0 }, { "16777216T", 0, 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		const char *end;

		assert_int_equal(fmt_parse_size(t[i].text, &end), t[i].value);
		assert_int_equal(end - t[i].text, t[i].used);
	}
}

/* Every size and offset that the word-wise code treats differently, overlapping both ways. */
static void moves_every_size(void **state)
{
	for (unsigned n = 0; n < 140; n++) {
		for (int shift = -40; shift <= 40; shift++) {
			uint8_t a[256], want[256];

			for (unsigned i = 0; i < sizeof(a); i++)
				a[i] = want[i] = (uint8_t)(i * 7 + 3);
			for (unsigned i = 0; i < n; i++)
				want[50 + shift + i] = (uint8_t)((50 + i) * 7 + 3);
			memmove(a + 50 + shift, a + 50, n);
			assert_memory_equal(a, want, sizeof(a));
		}
	}
}

static void copies_and_fills_every_size(void **state)
{
	for (unsigned n = 0; n < 300; n++) {
		uint8_t *src = malloc(n + 1), *dst = malloc(n + 1);

		for (unsigned i = 0; i < n; i++)
			src[i] = (uint8_t)(i * 5 + n);
		dst[n] = 0xa5;
		assert_ptr_equal(memcpy(dst, src, n), dst);
		assert_int_equal(memcmp(dst, src, n), 0);
		if (n) {
			dst[n / 2]++;
			assert_int_not_equal(memcmp(dst, src, n), 0);
		}
		memset(dst, 0xee, n);
		for (unsigned i = 0; i < n; i++)
			assert_int_equal(dst[i], 0xee);
		assert_int_equal(dst[n], 0xa5);
		free(src);
		free(dst);
	}
}

static void compares_bytes_as_unsigned(void **state)
{
	assert_true(memcmp("12345678\x80", "12345678\x7f", 9) > 0);
	assert_true(memcmp("12345678", "12345679", 8) < 0);
	assert_true(strcmp("a\x80", "a\x7f") > 0);
	assert_int_equal(strncmp("abc", "abd", 2), 0);
}

static void str_copy_zeroes_the_rest(void **state)
{
	char d[8];

	memset(d, 'x', sizeof(d));
	assert_true(str_copy(d, sizeof(d), "abc"));
	assert_memory_equal(d, "abc\0\0\0\0\0", 8);
	assert_true(str_copy(d, sizeof(d), "1234567"));
	assert_false(str_copy(d, sizeof(d), "12345678"));
	assert_string_equal(d, "1234567");
	assert_false(str_copy(d, 0, ""));
}

static void finds_text(void **state)
{
	const char *s = "hypervisor/mm/pt.c";

	assert_ptr_equal(strstr(s, "mm/"), s + 11);
	assert_ptr_equal(strstr(s, ""), s);
	assert_null(strstr(s, "xx"));
	assert_ptr_equal(strchr(s, '/'), s + 10);
	assert_null(strchr(s, '!'));
	assert_ptr_equal(strchr(s, 0), s + strlen(s));
}

static void pages(void **state)
{
	uint8_t *a = aligned_alloc(PAGE_SIZE, PAGE_SIZE), *b = aligned_alloc(PAGE_SIZE, PAGE_SIZE);

	for (unsigned i = 0; i < PAGE_SIZE; i++)
		a[i] = (uint8_t)(i * 13 + i / 256);
	page_copy(b, a);
	assert_memory_equal(a, b, PAGE_SIZE);
	page_clear(a);
	for (unsigned i = 0; i < PAGE_SIZE; i++)
		assert_int_equal(a[i], 0);
	free(a);
	free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_match_libc),
		cmocka_unit_test(text_matches_libc),
		cmocka_unit_test(pointer_is_16_digits),
		cmocka_unit_test(unknown_conversion_is_copied),
		cmocka_unit_test(never_writes_past_the_end),
		cmocka_unit_test(parses_numbers),
		cmocka_unit_test(parses_sizes),
		cmocka_unit_test(moves_every_size),
		cmocka_unit_test(copies_and_fills_every_size),
		cmocka_unit_test(compares_bytes_as_unsigned),
		cmocka_unit_test(str_copy_zeroes_the_rest),
		cmocka_unit_test(finds_text),
		cmocka_unit_test(pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
