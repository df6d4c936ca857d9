/* SPDX-License-Identifier: BSD-2-Clause */
/* The hypervisor's command line as values. */
#ifndef BOOT_OPTIONS_H
#define BOOT_OPTIONS_H

#include "lib/util.h"

struct options {
	bool console_com[2], console_vga;	/* console=com1,com2,vga,none */
	char com[2][40];			/* com1= com2= for uart_init(); "" = not given */
	uint64_t dom0_mem, dom0_mem_min, dom0_mem_max;	/* bytes; 0 = not given */
	uint32_t dom0_max_vcpus;		/* 0 = not given: as many as there are CPUs */
	uint32_t maxcpus;			/* CPUs to use; ~0 = all */
	bool watchdog;				/* on unless watchdog=0 */
};

extern struct options options;		/* gone once dom0 runs */

/*
 * Twice over the same command line: first (@early) quietly, to find the console; then again once
 * there is a log, with a warning for what is unknown and boot_fail() for what does not parse.
 */
void options_parse(const char *cmdline, bool early);

#endif
