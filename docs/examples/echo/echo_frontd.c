/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * echo-frontd DIR COUNT: a front end of echo in a guest's user space.  Sends COUNT requests,
 * ECHO_WINDOW at a time, checks every answer and prints one line.  DIR is the device's directory,
 * "device/echo/0".  The guest needs /dev/xen/evtchn, gntalloc and xenbus.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/io_xen.h"
#include "echo_front.h"

struct run {
	struct echo_front *front;
	unsigned long count, sent, answered, bad;
	bool up;
	uint8_t data[ECHO_PAYLOAD_MAX];
};

/* What request @nr carries: every byte tells which it is. */
static uint32_t payload_make(uint8_t *data, unsigned long nr)
{
	uint32_t bytes = 1 + nr * 37 % ECHO_PAYLOAD_MAX;

	for (uint32_t i = 0; i < bytes; i++)
		data[i] = (uint8_t)(nr * 31 + i);
	return bytes;
}

static bool send_one(struct run *r, unsigned long nr)
{
	struct echo_request req = { 0 };
	uint32_t bytes = payload_make(r->data, nr);

	return !echo_front_send(r->front, &req, r->data, bytes, (void *)nr);
}

static void send_more(struct run *r)
{
	while (r->up && r->sent < r->count && send_one(r, r->sent))
		r->sent++;
	echo_front_flush(r->front);
}

static void up(void *ctx)
{
	struct run *r = ctx;

	r->up = true;
	send_more(r);
}

static void down(void *ctx)
{
	struct run *r = ctx;

	r->up = false;
}

static void answer(void *ctx, void *token, const struct echo_response *rsp,
		       const void *data, uint32_t bytes)
{
	struct run *r = ctx;
	bool good = !rsp->status;

	if (rsp->status == ECHO_UNKNOWN) {	/* a place is free again, so it can be sent */
		send_one(r, (unsigned long)token);
		echo_front_flush(r->front);
		return;
	}
	uint8_t want[ECHO_PAYLOAD_MAX];
	uint32_t n = payload_make(want, (unsigned long)token);

	good = good && n == bytes && !memcmp(want, data, n);
	r->answered++;
	r->bad += !good;
	send_more(r);
}

static const struct echo_front_ops ops = { .up = up, .down = down, .answer = answer };

int main(int argc, char **argv)
{
	static struct run r;
	struct mica_io *io;
	const char *what = "device directory";
	int rc;

	if (argc != 3) {
		fprintf(stderr, "usage: echo-frontd DIR COUNT\n");
		return 2;
	}
	r.count = strtoul(argv[2], NULL, 10);
	rc = io_xen_open(&io, IO_XEN_STORE | IO_XEN_EVENTS | IO_XEN_LEND, &what);
	if (!rc)
		rc = echo_front_open(&r.front, io, argv[1], &ops, &r);
	if (rc) {
		fprintf(stderr, "error: %s: %s\n", what, strerror(-rc));
		return 1;
	}
	while (r.answered < r.count)
		io_xen_wait(io, -1);
	echo_front_close(r.front);
	while (!echo_front_closed(r.front))
		io_xen_wait(io, 1000);
	printf("echo-frontd: %lu sent, %lu answered, %lu wrong\n", r.sent, r.answered, r.bad);
	return r.bad ? 1 : 0;
}
