/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lab's smallest guest: a PV kernel that says `GUEST: up NAME` on its console ring, echoes
 * lines typed there, counts seconds, and obeys control/shutdown through its store ring.
 *
 * Built with the test kernels' library, but run as a domU.  One vCPU; between events it blocks.
 * Words of its command line: guest=NAME, tick (a line each second), count (numbered lines as fast
 * as they are read), flood (fills its console
 * without end), deaf (never reads its store ring), hoard (makes nodes in the store until it is
 * refused), storm=N (asks the store without end, N requests on their way at a time, and says twice
 * a second how many were answered since when; N is one digit), burn (never blocks), crash, trap (dies of an exception nobody handles), off (powers off
 * at once).
 */
#define TEST_NAME "tiny"
#include "guest.h"
#include "con.h"
#include "xs.h"

#define SECOND_NS	1000000000UL
#define ECHO_MAX	128
#define HOARD_MAX	100000

static char guest_name[64] = "tiny";
static bool watching;

static void shut_down(unsigned int reason)
{
	struct sched_shutdown op = { .reason = reason };

	for (;;)
		hc_sched(SCHEDOP_shutdown, &op);
}

static void con_read(void)
{
	char line[ECHO_MAX];

	while (con_line(line, sizeof(line))) {
		con_print("GUEST: heard %s\r\n", line);
		if (!strcmp(line, "crash"))
			shut_down(SHUTDOWN_crash);
	}
}

static void obey(void)
{
	char value[64];

	if (xs_ask(XS_READ, "control/shutdown", NULL, false, value, sizeof(value)) == XS_ERROR ||
	    !value[0])
		return;
	con_print("GUEST: asked to %s\r\n", value);
	if (!strcmp(value, "poweroff") || !strcmp(value, "halt"))
		shut_down(SHUTDOWN_poweroff);
	if (!strcmp(value, "reboot"))
		shut_down(SHUTDOWN_reboot);
	xs_ask(XS_WRITE, "control/shutdown", "", true, value, sizeof(value));
}

static void store_start(void)
{
	char reply[64];

	if (xs_ask(XS_WATCH, "control/shutdown", "s", false, reply, sizeof(reply)) == XS_ERROR)
		con_print("GUEST: no watch: %s\r\n", reply);
	xs_ask(XS_WRITE, "control/feature-poweroff", "1", true, reply, sizeof(reply));
	xs_ask(XS_WRITE, "control/feature-reboot", "1", true, reply, sizeof(reply));
	watching = true;
	obey();
}

/* Fill what the store lets one domain have; says when it had enough. */
static void store_hoard(void)
{
	char path[32], reply[64];
	unsigned int n;

	for (n = 0; n < HOARD_MAX; n++) {
		text_print(path, sizeof(path), "data/%u", n);
		if (xs_ask(XS_WRITE, path, "x", true, reply, sizeof(reply)) == XS_ERROR)
			break;
	}
	con_print("GUEST: the store took %u nodes, then said %s\r\n", n,
		  n < HOARD_MAX ? reply : "nothing");
}

/* One request of a storm, without waiting: of each four two read, one writes, one lists. */
static void storm_ask(unsigned long n)
{
	static const unsigned int types[] = { XS_READ, XS_WRITE, XS_READ, XS_DIRECTORY };
	char text[32];
	struct xsd_sockmsg head = { .type = types[n % 4], .req_id = 1 };
	size_t len;

	text_print(text, sizeof(text), head.type == XS_DIRECTORY ? "data" : "data/%lu", n % 16);
	len = strlen(text) + 1;
	head.len = (uint32_t)len + (head.type == XS_WRITE ? 5 : 0);
	xs_put(&head, sizeof(head));
	xs_put(text, len);
	if (head.type == XS_WRITE)
		xs_put("value", 5);
}

/* Never returns. */
static void store_storm(unsigned int depth)
{
	char path[32], reply[64];
	uint64_t began = time_now_ns(), next = began, now;
	unsigned long asked = 0, answered = 0;
	uint32_t len;

	for (unsigned int i = 0; i < 16; i++) {
		text_print(path, sizeof(path), "data/%u", i);
		xs_ask(XS_WRITE, path, "value", true, reply, sizeof(reply));
	}
	for (;;) {
		while (asked - answered < depth)
			storm_ask(asked++);
		event_send(start_info->store_evtchn);
		while (asked != answered)
			if (xs_message(reply, sizeof(reply), &len) != XS_WATCH_EVENT)
				answered++;
		now = time_now_ns();
		if (now < next)
			continue;
		con_print("GUEST: storm %lu requests in %lu us\r\n", answered, (now - began) / 1000);
		next = now + SECOND_NS / 2;
	}
}

/* --- start and loop --- */

static void start(void)
{
	const char *name = word("guest");
	unsigned int i;
	long timer_port;

	con_start();
	xs_start();
	for (i = 0; name && name[i] && name[i] != ' ' && i < sizeof(guest_name) - 1; i++)
		guest_name[i] = name[i];
	if (name)
		guest_name[i] = '\0';
	timer_port = event_bind_virq(VIRQ_TIMER, 0);
	must(timer_port);
	event_unmask((unsigned int)timer_port);
}

static void once(uint64_t *next, unsigned long *seconds)
{
	uint64_t now = time_now_ns();

	if (con_typed())
		con_read();
	if (watching && xs_fired())
		obey();
	if (now < *next)
		return;
	++*seconds;
	*next = now + SECOND_NS;
	if (word("tick"))
		con_print("GUEST: tick %lu\r\n", *seconds);
	hypercall(__HYPERVISOR_set_timer_op, *next);
}

void test_main(void)
{
	unsigned long seconds = 0, count = 0;
	uint64_t next = 0;

	start();
	con_print("GUEST: up %s, %lu pages\r\n", guest_name, (unsigned long)start_info->nr_pages);
	if (word("crash"))
		shut_down(SHUTDOWN_crash);
	if (word("off"))
		shut_down(SHUTDOWN_poweroff);
	if (word("trap")) {
		hypercall(__HYPERVISOR_set_trap_table, 0);
		asm volatile("ud2");
	}
	if (!word("deaf"))
		store_start();
	if (word("hoard"))
		store_hoard();
	if (word("storm"))
		store_storm((unsigned int)(word("storm")[0] - '0'));
	for (;;) {
		event_disable();
		once(&next, &seconds);
		if (word("flood"))
			con_print("GUEST: flood %lu 0123456789 0123456789 0123456789\r\n", seconds);
		else if (word("count"))
			con_print("GUEST: line %lu end\r\n", ++count);
		else if (!word("burn"))
			hc_sched(SCHEDOP_block, NULL);
		event_enable();
	}
}
