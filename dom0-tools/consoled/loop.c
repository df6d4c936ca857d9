/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event loop.  epoll, one event at a time: a callback may free any source, since no other event
 * is in hand, and the kernel's ready list makes it fair.  The timer runs only when somebody needs
 * it, so a host whose guests are silent wakes this process never.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "consoled/loop.h"

static int epoll_fd = -1;
static uint64_t tick_due;	/* 0: nobody needs it */

uint64_t loop_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

int loop_init(void)
{
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return epoll_fd < 0 ? -errno : 0;
}

int loop_add(struct source *s, uint32_t wanted)
{
	struct epoll_event ev = { .events = wanted, .data.ptr = s };

	s->wanted = wanted;
	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, s->fd, &ev) ? -errno : 0;
}

void loop_want(struct source *s, uint32_t wanted)
{
	struct epoll_event ev = { .events = wanted, .data.ptr = s };

	if (s->fd < 0 || s->wanted == wanted)
		return;
	s->wanted = wanted;
	epoll_ctl(epoll_fd, EPOLL_CTL_MOD, s->fd, &ev);
}

void loop_close(struct source *s)
{
	if (s->fd < 0)
		return;
	epoll_ctl(epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
	close(s->fd);
	s->fd = -1;
}

void loop_need_tick(void)
{
	if (!tick_due)
		tick_due = loop_now_ms() + LOOP_TICK_MS;
}

void loop_run(bool (*stop)(void), bool (*tick)(void))
{
	while (!stop()) {
		uint64_t now = loop_now_ms();
		int wait_ms = !tick_due ? -1 : tick_due > now ? (int)(tick_due - now) : 0;
		struct epoll_event ev;
		int n = epoll_wait(epoll_fd, &ev, 1, wait_ms);

		if (n == 1) {
			struct source *s = ev.data.ptr;

			s->ready(s, ev.events);
		}
		if (tick_due && loop_now_ms() >= tick_due) {
			tick_due = 0;
			if (tick())
				loop_need_tick();
		}
	}
}
