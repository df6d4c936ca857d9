/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A PV kernel that is nothing but front ends: it says `FRONT: up`, and does what is typed on its
 * console.  A line is a number and a command; the answer is `FRONT: NUMBER ok` or `FRONT: NUMBER
 * bad`, after a line `FRONT: bad: WHY` for each check that failed.
 *
 *	disk N          everything disk N can do
 *	silent N        a request to disk N whose notification is lost on the way
 *	order N         from the next time on disks have rings of 2^N pages
 *	orders N        disk N with rings of 2, 4, 8 and 16 pages
 *	persistent N    from the next time on disks lend their pages for good (1), or not (0)
 *	cards           frames both ways between the two cards
 *	queues N        from the next time on cards have N queues
 *	hash            ask for hashing on the control rings, and see it
 *	hashes          see it again
 *	stage           keep the cards' pages granted, and send frames
 *	unstage N       the back ends have N of each card's mapped, and are to unmap them
 *	groups          multicast control, on and off again
 *	close           all devices; every page comes back
 *	load            verify all disks and cards all the time, until something is typed; what a round
 *	                wrote, the next one reads again
 *	attack NAME     be hostile, and then honest again
 *	key N KEY TEXT  the same with that in a key of device N; %huge, %none, %empty, %foreign
 *	set N KEY TEXT  only that: the device is not used any more
 *
 * On its command line: seed=N, of the disks' patterns; net=N, that its frames carry;
 * victim=MAC, whom attacks are to hit.
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

static uint32_t number_at(const char *p)
{
	uint32_t n = 0;

	for (; *p >= '0' && *p <= '9'; p++)
		n = n * 10 + (uint32_t)(*p - '0');
	return n;
}

static uint32_t number_after(const char *key)
{
	const char *p = word(key);

	return p ? number_at(p) : 0;
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

static bool is_back(void *ctx)
{
	return card_returned(ctx);
}

static bool close_all(void)
{
	for (unsigned i = 0; i < nr_devices; i++)
		if (!dev_down(devices[i]))
			return false;
	for (unsigned i = 0; i < nr_cards; i++)
		if (!wait_until(is_back, &cards[i], LONG_S))
			return bad("%s: pages do not come back", cards[i].dev.dir);
	return true;
}

static uint64_t round_sector(uint64_t round)
{
	return round * 37 % 1000 * 8;
}

static unsigned round_pages(uint64_t round)
{
	return 1 + round % 11;
}

/* What the round before was told to be written is there, and so is what this one writes. */
static bool round_of(struct disk *d, uint64_t round)
{
	return (!round || disk_holds(d, round_sector(round - 1), round_pages(round - 1))) &&
	       disk_verify(d, round_sector(round), round_pages(round));
}

/* --- the control rings --- */

static bool hash(bool set)
{
	bool (*see)(struct card *, struct card *) = set ? control_hash : control_hashes;

	return see(&cards[0], &cards[1]) && see(&cards[1], &cards[0]);
}

static bool stage(void)
{
	return control_stage(&cards[0]) && control_stage(&cards[1]) &&
	       card_check(&cards[0], &cards[1]);
}

/* A command about two cards that are up. */
static bool on_cards(const char *line)
{
	if (nr_cards != 2 || !dev_up(&cards[0].dev) || !dev_up(&cards[1].dev))
		return bad("no two cards");
	if (!card_meet(&cards[0], &cards[1]))
		return false;
	if (!strcmp(line, "cards"))
		return card_check(&cards[0], &cards[1]);
	if (!strcmp(line, "hash"))
		return hash(true);
	if (!strcmp(line, "hashes"))
		return hash(false);
	if (!strcmp(line, "stage"))
		return stage();
	if (!strcmp(line, "groups"))
		return control_groups(&cards[0], &cards[1]);
	for (unsigned i = 0, n = number_at(line + 8); i < 2; i++)
		if (!control_unstage(&cards[i], n))
			return false;
	return true;
}

static bool is_on_cards(const char *line)
{
	static const char *const commands[] = { "cards", "hash", "hashes", "stage", "groups" };

	for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(line, commands[i]))
			return true;
	return !strncmp(line, "unstage ", 8);
}

/* A round of everything, again and again, until somebody types. */
static bool load(void)
{
	uint64_t next = 0, rounds = 0;

	for (unsigned i = 0; i < nr_devices; i++)
		if (!dev_up(devices[i]))
			return false;
	while (!con_typed()) {
		for (unsigned i = 0; i < nr_disks; i++)
			if (!round_of(&disks[i], rounds))
				return false;
		if (nr_cards == 2 && (!card_reaches(&cards[0], &cards[1], 60 + rounds % 1400) ||
				      !card_reaches(&cards[1], &cards[0], 60 + rounds % 1400)))
			return false;
		rounds++;
		if (time_now_ns() >= next) {
			con_print("FRONT: round %lu\r\n", rounds);
			next = time_now_ns() + SECOND / 5;
		}
		wait_ms(120);
	}
	for (unsigned i = 0; i < nr_disks; i++)
		disk_clean(&disks[i]);
	for (unsigned i = 0; i < nr_cards; i++)
		card_clean(&cards[i]);
	return true;
}

/* "DEVICE KEY VALUE", the device by its place in devices[]; and @use it so */
static bool key(const char *line, bool (*use)(struct dev *d, const char *key, const char *value))
{
	char name[48];
	unsigned n = (unsigned)(*line - '0'), i = 0;

	for (line += 2; *line && *line != ' ' && i < sizeof(name) - 1; line++)
		name[i++] = *line;
	name[i] = '\0';
	if (n >= nr_devices || *line != ' ')
		return bad("which device, key and value?");
	return use(devices[n], name, line + 1);
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
		return n <= 4 ? true : bad("no order %u", n);
	}
	if (!strncmp(line, "orders ", 7))
		return n < nr_disks ? disk_orders(&disks[n]) : bad("no disk %u", n);
	if (!strncmp(line, "persistent ", 11)) {
		for (unsigned i = 0; i < nr_disks; i++)
			disks[i].wants_persistent = n;
		return true;
	}
	if (!strncmp(line, "queues ", 7)) {
		card_queues = n;
		return n && n <= CARD_QUEUES ? true : bad("no %u queues", n);
	}
	if (is_on_cards(line))
		return on_cards(line);
	if (!strcmp(line, "close"))
		return close_all();
	if (!strcmp(line, "load"))
		return load();
	if (!strcmp(line, "stop"))
		return true;
	if (!strncmp(line, "attack ", 7))
		return attack(line + 7);
	if (!strncmp(line, "key ", 4))
		return key(line + 4, attack_key);
	if (!strncmp(line, "set ", 4))
		return key(line + 4, set_key);
	return bad("no command '%s'", line);
}

static void command(const char *line)
{
	unsigned long number = 0;
	uint64_t began;

	while (*line >= '0' && *line <= '9')
		number = number * 10 + (unsigned long)(*line++ - '0');
	while (*line == ' ')
		line++;
	if (!*line)
		return;
	went_well = true;
	began = time_now_ns();
	run(line);
	con_print("FRONT: %lu %s %s, %lu ms\r\n", number, went_well ? "ok" : "bad", line,
		  (time_now_ns() - began) / 1000000);
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
	grant_grow();
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
