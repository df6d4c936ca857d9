/* unit: @stored tests/fuzz/store_fuzz.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store's fuzzer for a bounded time: requests made of words that mean something to a store,
 * some of them damaged.
 */
#include "stored_unit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const words[] = {
	"/a", "/a/b", "/a/b/c", "/local/domain/1", "/local/domain/2/x", "x", "x/y", "/", "@releaseDomain",
	"@introduceDomain", "T", "F", "0", "1", "2", "99", "n0", "n1", "b2", "r1", "w0", "token", "",
	"/a//b", "/a/", "4294967296", "check", "quota", "nodes=3", "stats", "compact", "help", "-1",
};

static size_t one_request(uint8_t *out)
{
	static const uint8_t often[] = { XS_WRITE, XS_RM, XS_MKDIR, XS_SET_PERMS, XS_TRANSACTION_START,
					 XS_TRANSACTION_END, XS_DIRECTORY, XS_READ };
	size_t n = 4, len;

	out[0] = (uint8_t)rnd(256);
	out[1] = rnd(3) ? often[rnd(sizeof(often))] : (uint8_t)rnd(256);
	if (!rnd(3))
		n += (size_t)sprintf((char *)out + n, "%s", "/local/domain/1") + 1;
	for (uint64_t i = rnd(4) + 1; i; i--)
		n += (size_t)sprintf((char *)out + n, "%s", words[rnd(sizeof(words) / sizeof(words[0]))]) + 1;
	if (out[1] == XS_TRANSACTION_END)
		n = 4 + (size_t)sprintf((char *)out + 4, "T") + 1;
	n -= !rnd(20) && n > 4;
	len = n - 4;
	if (!rnd(30))
		out[4 + rnd(len + 1)] = (uint8_t)rnd(256);
	out[2] = (uint8_t)(len >> 8);
	out[3] = (uint8_t)len;
	return n;
}

static void test_fuzz(void **state)
{
	uint8_t input[40000];

	seed();
	for (uint64_t i = steps(300); i; i--) {
		size_t n = 0;

		for (uint64_t k = rnd(200); k; k--)
			n += one_request(input + n);
		if (!rnd(10))
			for (n = 0; n < 2000; n++)
				input[n] = (uint8_t)rnd(256);
		LLVMFuzzerTestOneInput(input, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_fuzz) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
