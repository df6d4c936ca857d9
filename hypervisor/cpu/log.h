/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hypervisor's log: levels, a ring that `mica dmesg` and xl dmesg read, UART and VGA as sinks, and
 * a rate limit for what guests can cause.  Lock: RANK_LOG inside.
 */
#ifndef CPU_LOG_H
#define CPU_LOG_H

#include <stdarg.h>
#include "lib/util.h"

enum log_level { LOG_ERR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_at(enum log_level level, const char *fmt, ...) printf_like(2, 3);
/* For lines a guest can provoke: at most a burst of 16 and then 4 a second; drops are counted. */
void log_guest(enum log_level level, const char *fmt, ...) printf_like(2, 3);

#define log_err(...)	log_at(LOG_ERR, __VA_ARGS__)
#define log_warn(...)	log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...)	log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...)	log_at(LOG_DEBUG, __VA_ARGS__)

/*
 * The guest was wrong: say so once where it was born (guest_loglvl, rate limited, with the caller's
 * file:line) and give back @rc.   return refuse(-EINVAL, "pin: frame %lx is not yours", m.n);
 * Costs one test when guest logging is off (the default level is off unless guest_loglvl asks).
 */
#define refuse(rc, ...) \
	({ if (unlikely(log_refusals)) log_refuse((rc), __FILE__, __LINE__, __VA_ARGS__); (rc); })
extern bool log_refusals;
void log_refuse(int rc, const char *file, int line, const char *fmt, ...) printf_like(4, 5);

/* Options loglvl= and guest_loglvl=, and console=. */
void log_set_levels(enum log_level threshold, bool guest);
void log_to(bool uart, bool vga);
/* Raw bytes of dom0's console_io writes: sinks only, plus the ring. */
void log_raw(const char *text, size_t n);
/* Copies ring contents from *index on; returns bytes copied, advances *index.  @clear drops them after. */
size_t log_read(char *dst, size_t size, uint32_t *index, bool incremental, bool clear);
void log_tail_to_sinks(unsigned lines);	/* panic: the last lines again */
void log_force_unlock(void);		/* panic only */

/* Console input (UART): where received characters go.  boot/ or call/ installs the reader. */
extern void (*log_input_hook)(char c);

#endif
