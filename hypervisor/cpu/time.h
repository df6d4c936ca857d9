/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time from the TSC: nanoseconds since the hypervisor started, the same origin for all CPUs.
 * ns = (tsc - base) * mul >> 32 after a shift, the form guests get in vcpu_time_info.
 */
#ifndef CPU_TIME_H
#define CPU_TIME_H

#include "cpu/types.h"

struct tsc_scale {
	uint32_t mul;			/* fraction of 2^32 */
	int8_t shift;			/* left if positive, applied before mul */
};

extern struct tsc_scale tsc_scale;
extern uint64_t tsc_base;		/* TSC at system time 0 */
extern uint32_t tsc_khz;
extern bool tsc_stable;			/* invariant and the same on all CPUs */

static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

/* @tsc was read on this CPU. */
uint64_t time_from_tsc(uint64_t tsc);
static inline uint64_t now_ns(void) { return time_from_tsc(rdtsc()); }
/* Once, when map_device works: calibrates against the ACPI PM timer, HPET or PIT (8 ms), reads the
 * CMOS clock.  System time 0 is now. */
void time_init(void);
/* smp.c, while a new CPU starts: both sides of comparing its TSC with the boot CPU's. */
struct percpu;
void time_sync_boot_cpu(struct percpu *other);
void time_sync_new_cpu(void);
uint64_t time_read_rtc(void);		/* CMOS clock: seconds since 1970 UTC */
/* A counter that read() reads and the TSC at one moment: of several pairs the one that took the least time. */
void time_read_pair(uint32_t (*read)(void), uint32_t *count, uint64_t *tsc);
void time_delay_us(uint32_t us);
extern uint64_t time_boot_wallclock;	/* CMOS seconds read at boot minus system time then */

#endif
