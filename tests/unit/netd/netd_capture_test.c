/* unit: dom0-tools/netd/capture.c dom0-tools/lib/pcapng.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* What the switch's writer of captures writes arrives behind the reader of `mica nic capture`, in
 * whole blocks, whenever that looks. */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/pcapng.h"
#include "netd/capture.h"

static int scratch(void)
{
	char name[] = "/tmp/mica-capture-XXXXXX";
	int fd = mkstemp(name);

	assert_true(fd >= 0);
	unlink(name);
	return fd;
}

static void one_frame(struct capture *c, unsigned bytes)
{
	static uint8_t data[70000];
	struct iovec part = { data, bytes };

	memset(data, (int)bytes, bytes);
	capture_frame(c, bytes % 2 ? CAPTURE_IN : CAPTURE_OUT, &part, 1, bytes, 1000000000ull + bytes);
}

static uint64_t size_of(int fd)
{
	return (uint64_t)lseek(fd, 0, SEEK_END);
}

/* The same bytes in both. */
static void same(int a, int b)
{
	uint64_t left = size_of(a), at = 0;
	uint8_t x[4096], y[4096];

	assert_int_equal(left, size_of(b));
	while (left) {
		size_t n = left < sizeof(x) ? left : sizeof(x);

		assert_int_equal(pread(a, x, n, (off_t)at), n);
		assert_int_equal(pread(b, y, n, (off_t)at), n);
		assert_memory_equal(x, y, n);
		at += n;
		left -= n;
	}
}

static void frames_arrive_whole(void **state)
{
	struct capture c;
	struct pcapng_tail t = { .from = scratch(), .to = scratch() };

	assert_int_equal(pcapng_copy(&t), 0);		/* nothing there yet */
	assert_int_equal(capture_start(&c, dup(t.from), "1.0", 65535, 1 << 20), 0);
	for (unsigned i = 1; i <= 40; i++) {
		one_frame(&c, i * 37);
		if (i % 3)
			continue;
		assert_int_equal(pcapng_copy(&t), 0);
		assert_int_equal(t.frames, i);
		same(t.from, t.to);
	}
	one_frame(&c, 65535);
	assert_int_equal(pcapng_copy(&t), 0);
	assert_int_equal(t.frames, 41);
	same(t.from, t.to);
	capture_stop(&c);
	close(t.from);
	close(t.to);
}

/* Each length a file can have while it grows: never a byte of a block that is not all there. */
static void a_torn_block_waits(void **state)
{
	struct capture c;
	int whole = scratch();
	struct pcapng_tail t = { .from = scratch(), .to = scratch() };
	uint8_t bytes[2048];
	uint64_t head, end;

	assert_int_equal(capture_start(&c, dup(whole), "1.0", 128, 1 << 20), 0);
	head = size_of(whole);
	one_frame(&c, 60);
	end = size_of(whole);
	assert_true(end <= sizeof(bytes));
	assert_int_equal(pread(whole, bytes, end, 0), end);
	for (uint64_t n = 0; n < end; n++) {
		assert_int_equal(pwrite(t.from, bytes + n, 1, (off_t)n), 1);
		assert_int_equal(pcapng_copy(&t), 0);
		assert_true(t.at <= n + 1);
		assert_int_equal(t.frames, n + 1 == end);
		if (n + 1 >= head && n + 1 < end)
			assert_int_equal(t.at, head);
	}
	same(whole, t.to);
	capture_stop(&c);
	close(whole);
	close(t.from);
	close(t.to);
}

static void it_ends_at_the_frame_wanted(void **state)
{
	struct capture c;
	struct pcapng_tail t = { .from = scratch(), .to = scratch(), .most = 3 };

	assert_int_equal(capture_start(&c, dup(t.from), "1.0", 128, 1 << 20), 0);
	one_frame(&c, 60);
	one_frame(&c, 61);
	assert_int_equal(pcapng_copy(&t), 0);
	for (unsigned i = 0; i < 5; i++)
		one_frame(&c, 62 + i);
	assert_int_equal(pcapng_copy(&t), 1);
	assert_int_equal(t.frames, 3);
	assert_true(size_of(t.to) < size_of(t.from));
	capture_stop(&c);
	close(t.from);
	close(t.to);
}

/* The switch was killed and its successor begins anew. */
static void a_new_beginning_is_copied_too(void **state)
{
	struct capture c;
	struct pcapng_tail t = { .from = scratch(), .to = scratch() };
	uint64_t first = 0;

	for (unsigned life = 1; life <= 2; life++) {
		assert_int_equal(ftruncate(t.from, 0), 0);
		assert_int_equal(pcapng_copy(&t), 0);
		lseek(t.from, 0, SEEK_SET);
		assert_int_equal(capture_start(&c, dup(t.from), "1.0", 128, 1 << 20), 0);
		one_frame(&c, 60);
		assert_int_equal(pcapng_copy(&t), 0);
		assert_int_equal(t.frames, life);
		first = life == 1 ? size_of(t.to) : first;
		capture_stop(&c);
	}
	assert_int_equal(size_of(t.to), 2 * first);
	close(t.from);
	close(t.to);
}

static void nonsense_is_refused(void **state)
{
	static const uint32_t bad[][2] = {
		{ 6, 32 }, { 0x0a0d0d0a, 8 }, { 0x0a0d0d0a, 30 }, { 0x0a0d0d0a, 1u << 30 },
	};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct pcapng_tail t = { .from = scratch(), .to = scratch() };

		assert_int_equal(write(t.from, bad[i], 8), 8);
		assert_int_equal(pcapng_copy(&t), -EPROTO);
		assert_int_equal(size_of(t.to), 0);
		close(t.from);
		close(t.to);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_arrive_whole),
		cmocka_unit_test(a_torn_block_waits),
		cmocka_unit_test(it_ends_at_the_frame_wanted),
		cmocka_unit_test(a_new_beginning_is_copied_too),
		cmocka_unit_test(nonsense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
