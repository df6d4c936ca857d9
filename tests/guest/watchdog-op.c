/* SPDX-License-Identifier: BSD-2-Clause */
/* guest: expect=crash */
/*
 * Question: are a domain's two watchdogs made, refreshed, destroyed and refused as documented, and
 * does one that is not refreshed end the domain - here the machine, since this is dom0?
 */
#include "guest.h"

static long dog(uint32_t id, uint32_t seconds)
{
	struct sched_watchdog op = { .id = id, .timeout = seconds };

	return hc_sched(SCHEDOP_watchdog, &op);
}

static void same(const char *what, long got, long want)
{
	if (got == want)
		return;
	test_fail("%s: %ld, not %ld", what, got, want);
	test_finish();				/* which tells a failure from the expiry */
}

static void wait_seconds(unsigned int seconds)
{
	uint64_t end = time_now_ns() + seconds * 1000000000UL;

	while (time_now_ns() < end)
		hc_sched(SCHEDOP_yield, NULL);
}

void test_main(void)
{
	same("no argument", hc_sched(SCHEDOP_watchdog, (void *)0xdead000), -EFAULT);
	same("a new one without time", dog(0, 0), -EINVAL);
	same("refresh of none", dog(1, 10), -EINVAL);
	same("destruction of none", dog(2, 0), -EINVAL);
	same("id 3", dog(3, 10), -EINVAL);
	same("id 2^32-1", dog(0xffffffff, 10), -EINVAL);
	same("the first", dog(0, 1000), 1);
	same("the second", dog(0, 0xffffffff), 2);
	same("a third", dog(0, 10), -ENOSPC);
	same("destroy the first", dog(1, 0), 0);
	same("destroy it again", dog(1, 0), -EINVAL);
	same("a new first", dog(0, 1), 1);
	for (unsigned int i = 0; i < 3; i++) {
		same("refresh", dog(1, 3), 0);
		wait_seconds(1);
	}
	same("destroy the first", dog(1, 0), 0);
	same("shorten the second", dog(2, 1), 0);
	same("lengthen it", dog(2, 1000), 0);
	wait_seconds(3);
	print("  nothing expired that should not\n");
	same("shorten it again", dog(2, 1), 0);
	wait_seconds(10);
	test_fail("the watchdog did not expire");
}
