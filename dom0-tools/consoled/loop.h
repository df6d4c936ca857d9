/* SPDX-License-Identifier: BSD-2-Clause */
/* The event loop: file descriptors, and one timer for everything that must not be at once. */
#ifndef MICA_CONSOLED_LOOP_H
#define MICA_CONSOLED_LOOP_H

#include <stdbool.h>
#include <stdint.h>

/* A file descriptor in the loop; embedded in what owns it. */
struct source {
	int fd;			/* -1: not in the loop */
	uint32_t wanted;	/* EPOLLIN, EPOLLOUT; also 0 */
	void (*ready)(struct source *s, uint32_t events);
};

#define LOOP_TICK_MS	100

int loop_init(void);
/* Put @s into the loop, with its fd and ready set.  0 or -errno. */
int loop_add(struct source *s, uint32_t wanted);
void loop_want(struct source *s, uint32_t wanted);
/* Take it out and close its fd. */
void loop_close(struct source *s);
/* Have tick() called LOOP_TICK_MS from now, and again while it returns true. */
void loop_need_tick(void);
/* Until stop() is true.  @tick: see above. */
void loop_run(bool (*stop)(void), bool (*tick)(void));
/* Monotonic milliseconds. */
uint64_t loop_now_ms(void);

#endif
