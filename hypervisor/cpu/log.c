/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log: a line is formatted on the caller's stack, then, under one lock, goes into the ring and
 * to the sinks (UART, VGA).  The ring keeps every line; the threshold decides what the sinks show,
 * so a panic can print the debug lines before it.
 *
 * Positions in the ring are 32-bit byte counters that run on and wrap; byte i is at ring[i %
 * size]. "tail" is the oldest byte a reader may still have: cleared by readers, pushed by the
 * writer. dom0's console output passes through too; a line of ours never starts in the middle of
 * one of its.
 */
#include "cpu/lock.h"
#include "cpu/log.h"
#include "cpu/percpu.h"
#include "cpu/time.h"
#include "cpu/uart.h"
#include "lib/fmt.h"
#include "lib/string.h"

#define RING_BYTES	16384u
#define LINE_BYTES	320

static struct spinlock lock = SPINLOCK_INIT(RANK_LOG);
static char ring[RING_BYTES];
static uint32_t ring_head, ring_tail;	/* next byte to write, oldest byte kept */
static uint32_t panic_head;		/* ring_head when the panic began; 0 = none */
static bool mid_line;			/* the sinks' last character was not a newline */
static bool to_uart, to_vga;
static enum log_level threshold = LOG_INFO;

bool log_refusals;
void (*log_input_hook)(char c);

/* What guests may cause: a bucket of 16 lines that refills at 4 a second. */
#define RATE_BURST	16
#define RATE_NS		250000000ul
static struct {
	unsigned tokens, dropped;
	uint64_t refill_ns;
} rate = { .tokens = RATE_BURST };

static void ring_put(char c)
{
	ring[ring_head++ % RING_BYTES] = c;
	if (ring_head - ring_tail > RING_BYTES)
		ring_tail = ring_head - RING_BYTES;
}

static void sink_put(char c)
{
	if (to_uart)
		uart_putc(c);
	if (to_vga)
		vga_putc(c);
	mid_line = c != '\n';
}

/* To the ring, and to the sinks if @show. */
static void put_text(const char *s, size_t n, bool show)
{
	for (size_t i = 0; i < n; i++) {
		ring_put(s[i]);
		if (show)
			sink_put(s[i]);
	}
}

/* One whole line, without its newline. */
static void emit_line(enum log_level level, const char *text, size_t n)
{
	bool show = level <= threshold;

	if (show && mid_line)
		sink_put('\n');
	put_text(text, n, show);
	put_text("\n", 1, show);
}

/* Formats a line and shows it; before it, how many were @dropped. */
static void emit(enum log_level level, unsigned dropped, const char *fmt, va_list ap)
{
	char line[LINE_BYTES], lost[64];
	int n = fmt_snprintf(line, LINE_BYTES, "mica: ");

	n += fmt_vsnprintf(line + n, LINE_BYTES - (size_t)n, fmt, ap);
	lock_take(&lock);
	if (dropped)
		emit_line(level, lost, (size_t)fmt_snprintf(lost, sizeof(lost),
			  "mica: %u lines about guests left out", dropped));
	emit_line(level, line, MIN((size_t)n, (size_t)LINE_BYTES - 1));
	lock_drop(&lock);
}

void log_at(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(level, 0, fmt, ap);
	va_end(ap);
}

/* Takes a token; how many lines were dropped before it goes to *dropped.  Lock held. */
static bool rate_allows(unsigned *dropped)
{
	uint64_t now = now_ns(), earned = (now - rate.refill_ns) / RATE_NS;

	if (earned) {
		rate.tokens = (unsigned)MIN(rate.tokens + earned, (uint64_t)RATE_BURST);
		rate.refill_ns = now;
	}
	*dropped = rate.dropped;
	if (!rate.tokens) {
		rate.dropped++;
		return false;
	}
	rate.tokens--;
	rate.dropped = 0;
	return true;
}

/* Formats only what will be printed: a guest in a loop pays for little. */
void log_guest(enum log_level level, const char *fmt, ...)
{
	unsigned dropped;
	bool allowed;
	va_list ap;

	lock_take(&lock);
	allowed = rate_allows(&dropped);
	lock_drop(&lock);
	if (!allowed)
		return;
	va_start(ap, fmt);
	emit(level, dropped, fmt, ap);
	va_end(ap);
}

void log_refuse(int rc, const char *file, int line, const char *fmt, ...)
{
	char text[LINE_BYTES / 2];
	const char *name = strstr(file, "hypervisor/");
	va_list ap;

	va_start(ap, fmt);
	fmt_vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_guest(LOG_WARN, "refused: %s (%d, %s:%d)", text, rc, name ? name + 11 : file, line);
}

void log_set_levels(enum log_level level, bool guest)
{
	threshold = level;
	log_refusals = guest;
}

void log_to(bool uart, bool vga)
{
	to_uart = uart;
	to_vga = vga;
}

void log_raw(const char *text, size_t n)
{
	lock_take(&lock);
	put_text(text, n, true);
	lock_drop(&lock);
}

size_t log_read(char *dst, size_t size, uint32_t *index, bool incremental, bool clear)
{
	uint32_t from, n;

	lock_take(&lock);
	from = ring_tail;
	/* An index outside what is kept is too old, or never came from us. */
	if (incremental && *index - ring_tail <= ring_head - ring_tail)
		from = *index;
	n = (uint32_t)MIN((size_t)(ring_head - from), size);
	for (uint32_t i = 0; i < n; i++)
		dst[i] = ring[(from + i) % RING_BYTES];
	*index = from + n;
	if (clear)
		ring_tail = ring_head;
	lock_drop(&lock);
	return n;
}

/* What came before the panic, whatever its level, and whether or not someone has read it. */
void log_tail_to_sinks(unsigned lines)
{
	uint32_t end = panic_head ? panic_head : ring_head, at = end;
	uint32_t stop = ring_head > RING_BYTES ? ring_head - RING_BYTES : 0;

	for (lines++; (int32_t)(at - stop) > 0; at--)
		if (ring[(at - 1) % RING_BYTES] == '\n' && !--lines)
			break;
	for (; at != end; at++)
		sink_put(ring[at % RING_BYTES]);
	if (mid_line)
		sink_put('\n');
}

void log_force_unlock(void)
{
	lock_init(&lock, RANK_LOG);
	panic_head = ring_head;
}
