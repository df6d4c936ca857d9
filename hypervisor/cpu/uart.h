/* SPDX-License-Identifier: BSD-2-Clause */
/* The one device driver: a 16550 UART (com1/com2) for log and debug input; and the VGA text screen. */
#ifndef CPU_UART_H
#define CPU_UART_H

#include "lib/util.h"

/* Can uart_init() read @spec, as in com1=115200,8n1?  "" is the default. */
bool uart_spec_ok(const char *spec);
void uart_init(unsigned com, const char *spec);
void uart_putc(char c);
void uart_enable_irq(void);		/* after irq_init: routes the ISA IRQ, handler calls log's input hook */
bool uart_owns_port(uint16_t port);	/* ports dom0 must not touch */
void vga_putc(char c);
void vga_init(void);

#endif
