/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A PV kernel that is nothing but front ends: it says `FRONT: up`, and does what is typed on its
 * console.  A line is a number and a command; the answer is `FRONT: NUMBER ok` or `FRONT: NUMBER
 * bad`, after a line `FRONT: bad: WHY` for each check that failed.
 *
 *	disk N          everything disk N can do
 *	silent N        a request to disk N whose notification is lost on the way
 *	order N         from the next time on disks have rings of 2^N pages
 *	cards           frames both ways between the two cards
 *	close           all devices
 *
 * On its command line: seed=N, of the disks' patterns; net=N, that its frames carry.
 */
#define TEST_NAME "front"
#include "guest.h"
#include "front.h"
#include "../guest/con.h"
#include "../guest/xs.h"

#define LAP_NS		(SECOND / 20)	/* how often waits look, events or not */
#define FIRST_DISK	51712u		/* xvda, and 16 numbers to the next */

static bool went_well;
static long timer_port;

/* --- waiting --- */

bool bad(const char *fmt, ...)
{
	char text[200];
	va_list args;

	va_start(args, fmt);
	format(text, sizeof(text), fmt, args);
	va_end(args);
	con_print("FRONT: bad: %s\r\n", text);
	went_well = false;
	return false;
}

void say(const char *fmt, ...)
{
	char text[200];
	va_list args;

	va_start(args, fmt);
	format(text, sizeof(text), fmt, args);
	va_end(args);
	con_print("FRONT: %s\r\n", text);
}

static void lap(void)
{
	static uint64_t next;
	uint64_t now = time_now_ns();
	bool fired = xs_fired(), late = now >= next;

	if (late)
		next = now + LAP_NS;
	for (unsigned i = 0; i < nr_devices; i++) {
		struct dev *d = devices[i];

		/* Of a page that is in use no longer nobody is told: look now and then. */
		if (fired || (late && !d->connected))
			dev_step(d);
		if (d->published && !d->raw)
			d->kind->pump(d);
	}
}

static void sleep_until(uint64_t ns)
{
	hypercall(__HYPERVISOR_set_timer_op, ns);
	hc_sched(SCHEDOP_block, NULL);
	event_enable();
}

bool wait_until(bool (*done)(void *ctx), void *ctx, unsigned seconds)
{
	uint64_t end = time_now_ns() + seconds * SECOND;

	for (;;) {
		unsigned long seen;

		event_disable();
		seen = this_cpu()->upcalls;
		lap();		/* may let events in */
		if (done(ctx)) {
			event_enable();
			return true;
		}
		if (time_now_ns() > end) {
			event_enable();
			return false;
		}
		event_disable();
		if (seen == this_cpu()->upcalls)
			sleep_until(time_now_ns() + LAP_NS);
		event_enable();
	}
}

static bool is_time(void *ctx)
{
	return time_now_ns() >= *(uint64_t *)ctx;
}

void wait_ms(unsigned ms)
{
	uint64_t end = time_now_ns() + ms * (SECOND / 1000);

	wait_until(is_time, &end, ms / 1000 + 1);
}

/* --- commands --- */

static uint32_t number_after(const char *key)
{
	const char *p = word(key);
	uint32_t n = 0;

	for (; p && *p >= '0' && *p <= '9'; p++)
		n = n * 10 + (uint32_t)(*p - '0');
	return n;
}

static bool answered(void *ctx)
{
	return ((struct call *)ctx)->done;
}

/* Published, and nobody rings for it: it is answered when somebody else sees to that. */
static bool silent(struct disk *d)
{
	static struct call c;
	struct mica_bell bell;

	if (!dev_up(&d->dev))
		return false;
	c = (struct call){ .op = BLKIF_OP_READ, .pages = 1, .last_sect = PAGE_BYTES / 512 - 1 };
	bell = d->ring.end.bell;
	d->ring.end.bell.ring = NULL;
	if (!disk_send(d, &c))
		return bad("no room for a request");
	blk_front_push(&d->ring);
	d->ring.end.bell = bell;
	say("silent");
	if (!wait_until(answered, &c, LONG_S))
		return bad("nobody saw the request");
	return c.status ? bad("it failed: %d", c.status) : true;
}

static bool close_all(void)
{
	for (unsigned i = 0; i < nr_devices; i++)
		if (!dev_down(devices[i]))
			return false;
	return true;
}

static bool run(const char *line)
{
	unsigned n = (unsigned)(line[strlen(line) - 1] - '0');

	if (!strncmp(line, "disk ", 5))
		return n < nr_disks ? disk_check(&disks[n]) : bad("no disk %u", n);
	if (!strncmp(line, "silent ", 7))
		return n < nr_disks ? silent(&disks[n]) : bad("no disk %u", n);
	if (!strncmp(line, "order ", 6)) {
		for (unsigned i = 0; i < nr_disks; i++)
			disks[i].ring_order = n;
		return n <= 2 ? true : bad("no order %u", n);
	}
	if (!strcmp(line, "cards"))
		return nr_cards == 2 ? card_check(&cards[0], &cards[1]) : bad("no two cards");
	if (!strcmp(line, "close"))
		return close_all();
	return bad("no command '%s'", line);
}

static void command(const char *line)
{
	unsigned long number = 0;

	while (*line >= '0' && *line <= '9')
		number = number * 10 + (unsigned long)(*line++ - '0');
	while (*line == ' ')
		line++;
	if (!*line)
		return;
	went_well = true;
	run(line);
	con_print("FRONT: %lu %s %s\r\n", number, went_well ? "ok" : "bad", line);
}

static bool typed(void *ctx)
{
	return con_typed();
}

void test_main(void)
{
	char line[128];

	con_start();
	xs_start();
	timer_port = event_bind_virq(VIRQ_TIMER, 0);
	must(timer_port);
	event_unmask((unsigned)timer_port);
	grant_init(1);
	for (unsigned i = 0; i < 2; i++)
		disk_open(FIRST_DISK + 16 * i, number_after("seed"));
	for (unsigned i = 0; i < 2; i++)
		card_open(i, number_after("net"));
	con_print("FRONT: up, %u disks, %u cards\r\n", nr_disks, nr_cards);
	for (;;) {
		while (con_line(line, sizeof(line)))
			command(line);
		wait_until(typed, NULL, 3600);
	}
}
