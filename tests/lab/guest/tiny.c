/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lab's smallest guest: a PV kernel that says `GUEST: up NAME` on its console ring, echoes
 * lines typed there, counts seconds, and obeys control/shutdown through its store ring.
 *
 * Built with the test kernels' library, but run as a domU.  One vCPU; between events it blocks.
 * Words of its command line: guest=NAME, tick (a line each second), count (numbered lines as fast
 * as they are read), flood (fills its console
 * without end), deaf (never reads its store ring), hoard (makes nodes in the store until it is
 * refused), storm=N (asks the store without end, N requests on their way at a time, and says ten
 * times a second how many were answered since when; N is one digit), burn (never blocks), crash, trap (dies of an exception nobody handles), off (powers off
 * at once).
 */
#define TEST_NAME "tiny"
#include "guest.h"
#include <mica/io/console.h>
#include <mica/io/xenstore.h>

#define SECOND_NS	1000000000UL
#define ECHO_MAX	128
#define HOARD_MAX	100000

static volatile struct xencons_interface *console;
static volatile struct xenstore_domain_interface *store;
static char guest_name[64] = "tiny";
static char line[ECHO_MAX];
static unsigned int line_len;
static bool watching;

/* The value behind "WORD=" or after WORD in the command line, or NULL. */
static const char *word(const char *want)
{
	const char *p = start_info->cmd_line;
	size_t n = strlen(want);

	while (*p) {
		while (*p == ' ')
			p++;
		if (!strncmp(p, want, n) && (!p[n] || p[n] == ' ' || p[n] == '='))
			return p[n] == '=' ? p + n + 1 : p + n;
		while (*p && *p != ' ')
			p++;
	}
	return NULL;
}

static void barrier(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Write to the console; waits while the ring is full. */
static void con_write(const char *text, size_t len)
{
	while (len) {
		uint32_t prod = console->out_prod;

		if (prod - console->out_cons >= sizeof(console->out)) {
			hc_sched(SCHEDOP_yield, NULL);
			barrier();
			continue;
		}
		console->out[MASK_XENCONS_IDX(prod, console->out)] = *text++;
		barrier();
		console->out_prod = prod + 1;
		len--;
		if (!len || prod + 1 - console->out_cons >= sizeof(console->out))
			event_send(start_info->console.domU.evtchn);
	}
}

__attribute__((format(printf, 1, 2))) static void con_print(const char *fmt, ...)
{
	char text[256];
	va_list args;
	int len;

	va_start(args, fmt);
	len = format(text, sizeof(text), fmt, args);
	va_end(args);
	con_write(text, (size_t)len);
}

__attribute__((format(printf, 3, 4))) static void text_print(char *to, size_t size, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	format(to, size, fmt, args);
	va_end(args);
}

static void shut_down(unsigned int reason)
{
	struct sched_shutdown op = { .reason = reason };

	for (;;)
		hc_sched(SCHEDOP_shutdown, &op);
}

static void con_read(void)
{
	while (console->in_cons != console->in_prod) {
		char c = console->in[MASK_XENCONS_IDX(console->in_cons, console->in)];

		barrier();
		console->in_cons++;
		if (c != '\r' && c != '\n') {
			if (line_len < sizeof(line) - 1)
				line[line_len++] = c;
			continue;
		}
		line[line_len] = '\0';
		con_print("GUEST: heard %s\r\n", line);
		if (!strcmp(line, "crash"))
			shut_down(SHUTDOWN_crash);
		line_len = 0;
	}
	event_send(start_info->console.domU.evtchn);
}

/* --- the store: one request at a time, watch events noted in passing --- */

static void store_put(const void *data, size_t len)
{
	const char *p = data;

	while (len--) {
		while (store->req_prod - store->req_cons >= XENSTORE_RING_SIZE)
			hc_sched(SCHEDOP_yield, NULL);
		store->req[MASK_XENSTORE_IDX(store->req_prod)] = *p++;
		barrier();
		store->req_prod++;
	}
}

/* Sleep until the store's daemon has written something. */
static void store_await(void)
{
	for (;;) {
		event_disable();
		if (store->rsp_prod != store->rsp_cons)
			break;
		hc_sched(SCHEDOP_block, NULL);
		event_enable();
	}
	event_enable();
}

static void store_get(void *data, size_t len)
{
	char *p = data;

	while (len--) {
		if (store->rsp_prod == store->rsp_cons)
			store_await();
		barrier();
		*p++ = store->rsp[MASK_XENSTORE_IDX(store->rsp_cons)];
		barrier();
		store->rsp_cons++;
	}
}

/* One message into @text, cut and terminated; returns its type. */
static unsigned int store_message(char *text, size_t size, uint32_t *len)
{
	struct xsd_sockmsg head;
	char byte;

	store_get(&head, sizeof(head));
	*len = 0;
	for (uint32_t i = 0; i < head.len; i++) {
		store_get(&byte, 1);
		if (*len < size - 1)
			text[(*len)++] = byte;
	}
	text[*len] = '\0';
	event_send(start_info->store_evtchn);
	return head.type;
}

/* Ask and wait; the payload is two strings, the second without its NUL if @raw. */
static unsigned int store_ask(unsigned int type, const char *a, const char *b, bool raw,
			      char *reply, size_t size)
{
	size_t a_len = strlen(a) + 1, b_len = b ? strlen(b) + !raw : 0;
	struct xsd_sockmsg head = { .type = type, .req_id = 1, .len = (uint32_t)(a_len + b_len) };
	unsigned int answer;
	uint32_t len;

	store_put(&head, sizeof(head));
	store_put(a, a_len);
	if (b_len)
		store_put(b, b_len);
	event_send(start_info->store_evtchn);
	do {
		answer = store_message(reply, size, &len);
	} while (answer == XS_WATCH_EVENT);
	return answer;
}

static void obey(void)
{
	char value[64];

	if (store_ask(XS_READ, "control/shutdown", NULL, false, value, sizeof(value)) == XS_ERROR ||
	    !value[0])
		return;
	con_print("GUEST: asked to %s\r\n", value);
	if (!strcmp(value, "poweroff") || !strcmp(value, "halt"))
		shut_down(SHUTDOWN_poweroff);
	if (!strcmp(value, "reboot"))
		shut_down(SHUTDOWN_reboot);
	store_ask(XS_WRITE, "control/shutdown", "", true, value, sizeof(value));
}

static void store_start(void)
{
	char reply[64];

	if (store_ask(XS_WATCH, "control/shutdown", "s", false, reply, sizeof(reply)) == XS_ERROR)
		con_print("GUEST: no watch: %s\r\n", reply);
	store_ask(XS_WRITE, "control/feature-poweroff", "1", true, reply, sizeof(reply));
	store_ask(XS_WRITE, "control/feature-reboot", "1", true, reply, sizeof(reply));
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
		if (store_ask(XS_WRITE, path, "x", true, reply, sizeof(reply)) == XS_ERROR)
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
	store_put(&head, sizeof(head));
	store_put(text, len);
	if (head.type == XS_WRITE)
		store_put("value", 5);
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
		store_ask(XS_WRITE, path, "value", true, reply, sizeof(reply));
	}
	for (;;) {
		while (asked - answered < depth)
			storm_ask(asked++);
		event_send(start_info->store_evtchn);
		while (asked != answered)
			if (store_message(reply, sizeof(reply), &len) != XS_WATCH_EVENT)
				answered++;
		now = time_now_ns();
		if (now < next)
			continue;
		con_print("GUEST: storm %lu requests in %lu us\r\n", answered, (now - began) / 1000);
		next = now + SECOND_NS / 10;
	}
}

/* Events that came while nobody asked. */
static void store_listen(void)
{
	char text[64];
	uint32_t len;

	while (store->rsp_prod != store->rsp_cons)
		store_message(text, sizeof(text), &len);
	obey();
}

/* --- start and loop --- */

static void start(void)
{
	const char *name = word("guest");
	unsigned int i;
	long timer_port;

	console = va_of_mfn(start_info->console.domU.mfn);
	store = va_of_mfn(start_info->store_mfn);
	for (i = 0; name && name[i] && name[i] != ' ' && i < sizeof(guest_name) - 1; i++)
		guest_name[i] = name[i];
	if (name)
		guest_name[i] = '\0';
	event_unmask(start_info->console.domU.evtchn);
	event_unmask(start_info->store_evtchn);
	timer_port = event_bind_virq(VIRQ_TIMER, 0);
	must(timer_port);
	event_unmask((unsigned int)timer_port);
}

static void once(uint64_t *next, unsigned long *seconds)
{
	uint64_t now = time_now_ns();

	if (console->in_cons != console->in_prod)
		con_read();
	if (watching && store->rsp_prod != store->rsp_cons)
		store_listen();
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
