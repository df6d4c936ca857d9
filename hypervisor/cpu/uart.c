/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The 16550 UARTs com1 and com2, and the VGA text screen: where the log goes and keys come from.
 *
 * Sending is polled and bounded: a port that stops draining loses characters, it does not stop the
 * machine.  Receiving is by interrupt once uart_enable_irq() has run.  Who prints holds the log's
 * lock, which guards the sending side and the screen; set-up happens at boot on one CPU.
 */
#include "cpu/asm.h"
#include "cpu/ioapic.h"
#include "cpu/irq.h"
#include "cpu/keys.h"
#include "cpu/log.h"
#include "cpu/map_device.h"
#include "cpu/percpu.h"
#include "cpu/uart.h"
#include "lib/fmt.h"
#include "lib/string.h"

enum { REG_DATA, REG_IER, REG_FIFO, REG_LCR, REG_MCR, REG_LSR };	/* 16550 data sheet */
#define LCR_DLAB	0x80
#define LSR_DATA	0x01
#define LSR_THR_EMPTY	0x20
#define MCR_DTR_RTS_OUT2 0x0b		/* OUT2 lets the interrupt through to the bus */
#define FIFO_ON_CLEAR	0x07
#define UART_CLOCK	115200

static struct uart {
	uint16_t port;			/* 0 = not in use */
	uint8_t irq;
	bool dead;			/* did not drain once: wait no more */
} uart;

/* Data bits, parity, stop bits off *s, as the line control register wants them. */
static bool take_word(const char **s, unsigned *lcr)
{
	const char *w = *s;
	unsigned parity;

	if (w[0] < '5' || w[0] > '8')
		return false;
	parity = w[1] == 'n' ? 0 : w[1] == 'o' ? 1 : w[1] == 'e' ? 3 : 4;
	if (parity > 3 || (w[2] != '1' && w[2] != '2'))
		return false;
	*lcr = (unsigned)(w[0] - '5') | (w[2] == '2' ? 4 : 0) | parity << 3;
	*s += 3;
	return true;
}

static bool take_number(const char **s, uint64_t min, uint64_t max, uint64_t *v)
{
	*v = fmt_parse_u64(*s, s);		/* 0, less than any @min, if it is none */
	return *v >= min && *v <= max;
}

static bool take_comma(const char **s)
{
	bool is = **s == ',';

	*s += is;
	return is;
}

/* BAUD[,WORD[,PORT[,IRQ]]] as in 115200,8n1,0x3f8,4. */
static bool parse(const char *s, uint64_t *baud, unsigned *lcr, struct uart *u)
{
	uint64_t port = u->port, irq = u->irq;

	if (!take_number(&s, 50, UART_CLOCK, baud) ||
	    (take_comma(&s) && !take_word(&s, lcr)) ||
	    (take_comma(&s) && !take_number(&s, 1, 0xfff8, &port)) ||
	    (take_comma(&s) && !take_number(&s, 1, 15, &irq)))
		return false;
	u->port = (uint16_t)port;
	u->irq = (uint8_t)irq;
	return !*s;
}

bool uart_spec_ok(const char *spec)
{
	struct uart u = { .port = 0 };
	uint64_t baud;
	unsigned lcr;

	return !*spec || parse(spec, &baud, &lcr, &u);
}

void uart_init(unsigned com, const char *spec)
{
	struct uart u = { .port = com == 2 ? 0x2f8 : 0x3f8, .irq = com == 2 ? 3 : 4 };
	unsigned lcr = 3, divisor;
	uint64_t baud = UART_CLOCK;

	if (*spec)
		parse(spec, &baud, &lcr, &u);
	divisor = (unsigned)(UART_CLOCK / baud);
	outb(u.port + REG_IER, 0);
	outb(u.port + REG_LCR, (uint8_t)(lcr | LCR_DLAB));
	outb(u.port + REG_DATA, (uint8_t)divisor);
	outb(u.port + REG_IER, (uint8_t)(divisor >> 8));
	outb(u.port + REG_LCR, (uint8_t)lcr);
	outb(u.port + REG_FIFO, FIFO_ON_CLEAR);
	outb(u.port + REG_MCR, MCR_DTR_RTS_OUT2);
	u.dead = inb(u.port + REG_LSR) == 0xff;		/* nothing there */
	uart = u;
}

static void send(char c)
{
	unsigned wait = 200000;		/* some 100 ms of slow reads; a character takes 10 us */

	while (!(inb(uart.port + REG_LSR) & LSR_THR_EMPTY)) {
		if (!--wait) {
			uart.dead = true;
			return;
		}
	}
	outb(uart.port + REG_DATA, (uint8_t)c);
}

void uart_putc(char c)
{
	uint8_t status;

	if (!uart.port)
		return;
	status = uart.dead ? inb(uart.port + REG_LSR) : LSR_THR_EMPTY;
	if (!(status & LSR_THR_EMPTY) || status == 0xff)
		return;
	uart.dead = false;
	if (c == '\n')
		send('\r');
	send(c);
}

/* A received byte, or -1. */
static int uart_getc(void)
{
	uint8_t status;

	if (!uart.port)
		return -1;
	status = inb(uart.port + REG_LSR);
	if (status == 0xff || !(status & LSR_DATA))
		return -1;
	return inb(uart.port + REG_DATA);
}

static void uart_interrupt(unsigned vector, void *data)
{
	int c;

	while ((c = uart_getc()) >= 0)
		keys_input((char)c);
}

void uart_enable_irq(void)
{
	unsigned gsi = ioapic_isa_gsi(uart.irq);
	int vector;

	if (!uart.port || inb(uart.port + REG_LSR) == 0xff)
		return;
	vector = irq_vector_alloc(uart_interrupt, NULL);
	if (vector < 0 || ioapic_set(gsi, (unsigned)vector, this_cpu()->apic_id, TRIGGER_EDGE,
				     POLARITY_HIGH)) {
		log_warn("serial port: no interrupt line, input is off");
		return;
	}
	outb(uart.port + REG_IER, 1);			/* received data */
	ioapic_mask(gsi, false);
	uart_interrupt(0, NULL);			/* an edge lost so far never comes again */
}

bool uart_owns_port(uint16_t port)
{
	return uart.port && port >= uart.port && port < uart.port + 8;
}

/*
 * The screen is 80 x 25 cells { character, colour } at 0xb8000.  Before mm_init() the boot page
 * tables map it at its machine address; once they are gone it is reached through map_device().
 * Characters that come in between are dropped.
 */
#define VGA_PHYS	0xb8000
#define VGA_COLUMNS	80
#define VGA_LINES	25
#define VGA_GREY	0x0700

static volatile uint16_t *screen;
static uint64_t screen_cr3;			/* the boot page tables; 0 = any */
static unsigned screen_x, screen_y;

void vga_init(void)
{
	if (map_device) {
		screen = map_device(VGA_PHYS, VGA_COLUMNS * VGA_LINES * 2);
		screen_cr3 = 0;
		return;
	}
	screen = (volatile uint16_t *)VGA_PHYS;
	screen_cr3 = read_cr3();
	screen_x = screen_y = 0;
	for (unsigned i = 0; i < VGA_COLUMNS * VGA_LINES; i++)
		screen[i] = VGA_GREY | ' ';
}

static void vga_newline(void)
{
	screen_x = 0;
	if (screen_y < VGA_LINES - 1) {
		screen_y++;
		return;
	}
	for (unsigned i = 0; i < VGA_COLUMNS * (VGA_LINES - 1); i++)
		screen[i] = screen[i + VGA_COLUMNS];
	for (unsigned i = 0; i < VGA_COLUMNS; i++)
		screen[VGA_COLUMNS * (VGA_LINES - 1) + i] = VGA_GREY | ' ';
}

void vga_putc(char c)
{
	if (!screen || (screen_cr3 && read_cr3() != screen_cr3))
		return;
	if (c == '\n') {
		vga_newline();
	} else if (c == '\r') {
		screen_x = 0;
	} else {
		screen[screen_y * VGA_COLUMNS + screen_x] = VGA_GREY | (uint8_t)c;
		if (++screen_x == VGA_COLUMNS)
			vga_newline();
	}
}
