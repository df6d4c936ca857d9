/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console ring of a lab guest.  One vCPU uses it.
 */
#include "con.h"
#include "event.h"
#include "hyper.h"
#include "mm.h"
#include "print.h"
#include <mica/io/console.h>

#define LINE_MAX	160

static volatile struct xencons_interface *console;
static char typed[LINE_MAX];
static unsigned int typed_len;

const char *word(const char *want)
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

void con_start(void)
{
	console = va_of_mfn(start_info->console.domU.mfn);
	event_unmask(start_info->console.domU.evtchn);
}

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

void con_print(const char *fmt, ...)
{
	char text[256];
	va_list args;
	int len;

	va_start(args, fmt);
	len = format(text, sizeof(text), fmt, args);
	va_end(args);
	con_write(text, (size_t)len);
}

void text_print(char *to, size_t size, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	format(to, size, fmt, args);
	va_end(args);
}

bool con_typed(void)
{
	return console->in_cons != console->in_prod;
}

bool con_line(char *line, size_t size)
{
	bool some = con_typed(), whole = false;

	while (!whole && con_typed()) {
		char c = console->in[MASK_XENCONS_IDX(console->in_cons, console->in)];

		barrier();
		console->in_cons++;
		whole = c == '\r' || c == '\n';
		if (!whole && typed_len < sizeof(typed) - 1)
			typed[typed_len++] = c;
	}
	if (some)
		event_send(start_info->console.domU.evtchn);
	if (!whole)
		return false;
	typed[typed_len] = '\0';
	text_print(line, size, "%s", typed);
	typed_len = 0;
	return true;
}
