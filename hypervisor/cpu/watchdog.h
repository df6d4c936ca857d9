/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each CPU's timer shows life once a second and looks at one peer; a peer that showed none for ten
 * seconds is named in the log and gets an NMI, which makes it tell where it is.
 */
#ifndef CPU_WATCHDOG_H
#define CPU_WATCHDOG_H

#include "cpu/regs.h"

void watchdog_init_cpu(void);		/* on each CPU, after timer_init_cpu() */
/* The NMI handler asks first: was this one sent by a peer's watchdog?  Then @r is noted. */
bool watchdog_nmi(const struct regs *r);

#endif
