/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arbitrary text under a guest's keys, read by libmicaback as both daemons read theirs: a number is
 * believed only if it is digits alone and within the caller's bounds, and then it is that number;
 * a state only if it is one.  Names of keys that do not fit are refused.
 *
 * tests/unit/back/keys_fuzz_test.c runs it for a bounded time; for a long one:
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Idom0-tools -Iabi \
 *	    tests/fuzz/keys_fuzz.c dom0-tools/back/keys.c -o keys_fuzz
 */
#include <errno.h>
#include <string.h>
#include <mica/bus.h>

#include "back/back_priv.h"

#define FUZZ_NAME	"keys_fuzz"
#include "fuzz.h"

static char *text;			/* of its exact size; NULL: there is no such key */

static int read_text(struct mica_io *io, const char *path, char *value, size_t room)
{
	if (!text)
		return -ENOENT;
	if (strlen(text) >= room)
		return -ERANGE;
	strcpy(value, text);
	return 0;
}

static const struct mica_io_ops ops = { .read = read_text };
static struct mica_io io = { .ops = &ops };
static struct back back = { .io = &io };
static struct back_device dev = { .back = &back, .dir = "/b", .front = "/f" };

/* The same by other means; false: no number, or none of 64 bits. */
static bool number_of(const char *from, uint64_t *n)
{
	size_t digits = strspn(from, "0123456789");

	*n = 0;
	if (!digits || from[digits])
		return false;
	for (; *from; from++)
		if (__builtin_mul_overflow(*n, 10, n) ||
		    __builtin_add_overflow(*n, (uint64_t)(*from - '0'), n))
			return false;
	return true;
}

static void read_number(uint64_t low, uint64_t high)
{
	uint64_t got = 0x5a5a, want = 0, other = 0x5a5a;
	bool is = text && number_of(text, &want);
	int rc = back_read_front_u64(&dev, &got, low, high, "queue-%u/ring-ref%u", byte(), byte());
	int or_rc = back_read_front_or(&dev, &other, low, high, 77, "order");

	/* What does not fit into 31 characters is no number anybody means. */
	if (text && strlen(text) > 31)
		is = false;
	is = is && want >= low && want <= high;
	must(!rc == is, "believed, and no number, or the other way round");
	must(rc || got == want, "another number");
	must(!rc || got == 0x5a5a, "refused, and written all the same");
	must(text ? or_rc == rc : !or_rc && other == 77, "not what is meant when it is missing");
}

static void read_state(void)
{
	char value[8];
	unsigned state;

	if (back_read_front(&dev, value, sizeof(value), "state"))
		return;
	state = mica_bus_parse(value);
	must(state == MICA_BUS_NONSENSE || state <= XenbusStateReconfigured, "a state that is none");
	must(state == MICA_BUS_NONSENSE || !value[0] || (strlen(value) == 1 && value[0] == '0' + (char)state),
	     "another state");
}

static void read_long_key(void)
{
	char name[600], value[8];
	size_t n = word() % sizeof(name);

	memset(name, 'k', n);
	name[n ? n - 1 : 0] = '\0';
	must(back_read_front(&dev, value, sizeof(value), "%s", name) != 0 ||
	     strlen(dev.front) + strlen(name) < BACK_PATH + 96, "a key that does not fit");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t low, high;
	uint8_t how;
	size_t n;

	input_from(data, size);
	how = byte();
	low = how & 1 ? word() : how & 2;
	high = how & 4 ? UINT64_MAX : low + (how & 8 ? word() : byte());
	n = left;
	text = how & 16 && how & 32 ? NULL : malloc(n + 1);
	for (size_t i = 0; text && i < n; i++)	/* mostly digits */
		text[i] = how & 64 ? (char)('0' + byte() % 10) : (char)byte();
	if (text)
		text[n] = '\0';
	read_number(low, high);
	read_state();
	read_long_key();
	free(text);
	return 0;
}
