/* SPDX-License-Identifier: MIT */
/*
 * sched_op(cmd, arg): give up the CPU, wait, stop.  arg is a guest pointer to the
 * structure named with the command.
 */
#ifndef MICA_ABI_SCHED_H
#define MICA_ABI_SCHED_H

#include <mica/types.h>

#define SCHEDOP_yield			0	/* no arg */
#define SCHEDOP_block			1	/* no arg: unmask upcalls, sleep until an event */
#define SCHEDOP_shutdown		2	/* sched_shutdown; suspend: rdx start_info mfn */
#define SCHEDOP_poll			3	/* sched_poll: sleep until one of these ports */
#define SCHEDOP_remote_shutdown		4	/* sched_remote_shutdown; privileged */
#define SCHEDOP_shutdown_code		5	/* sched_shutdown: note the reason, go on */
#define SCHEDOP_watchdog		6	/* sched_watchdog; id 0 returns a new id */
#define SCHEDOP_pin_override		7	/* sched_pin_override; dom0 */

/* Reasons */
#define SHUTDOWN_poweroff		0
#define SHUTDOWN_reboot			1
#define SHUTDOWN_suspend		2	/* to be saved; may come back */
#define SHUTDOWN_crash			3
#define SHUTDOWN_watchdog		4
#define SHUTDOWN_soft_reset		5
#define SHUTDOWN_MAX			5

struct sched_shutdown {
	uint32_t reason;		/* SHUTDOWN_* */
};
ABI_SIZE(struct sched_shutdown, 4);

struct sched_poll {
	uint64_t ports;			/* guest pointer to u32 ports */
	uint32_t nr_ports;		/* at most 128 */
	uint32_t _pad;
	uint64_t timeout;		/* system time in ns to give up at; 0: never */
};
ABI_SIZE(struct sched_poll, 24);

struct sched_remote_shutdown {
	domid_t domain_id;
	uint16_t _pad;
	uint32_t reason;		/* SHUTDOWN_* */
};
ABI_SIZE(struct sched_remote_shutdown, 8);

struct sched_watchdog {
	uint32_t id;			/* 0: make one */
	uint32_t timeout;		/* seconds from now; 0: destroy */
};
ABI_SIZE(struct sched_watchdog, 8);

struct sched_pin_override {
	int32_t pcpu;			/* physical CPU to stay on; -1: as before */
};
ABI_SIZE(struct sched_pin_override, 4);

#endif /* MICA_ABI_SCHED_H */
