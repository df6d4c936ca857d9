/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * @name@-frontd DIR COUNT: a front end of @name@ in a guest's user space.  Sends COUNT requests,
 * @NAME@_WINDOW at a time, checks every answer and prints one line.  DIR is the device's directory,
 * "device/@name@/0".  The guest needs /dev/xen/evtchn, gntalloc and xenbus.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/io_xen.h"
#include "@name@_front.h"

struct run {
	struct @name@_front *front;
	unsigned long count, sent, answered, bad;
	bool up;
@if payload@
	uint8_t data[@NAME@_PAYLOAD_MAX];
@end@
};

@if payload@
/* What request @nr carries: every byte tells which it is. */
static uint32_t payload_make(uint8_t *data, unsigned long nr)
{
	uint32_t bytes = 1 + nr * 37 % @NAME@_PAYLOAD_MAX;

	for (uint32_t i = 0; i < bytes; i++)
		data[i] = (uint8_t)(nr * 31 + i);
	return bytes;
}

@end@
static bool send_one(struct run *r, unsigned long nr)
{
	struct @name@_request req = { 0 };
@if payload@
	uint32_t bytes = payload_make(r->data, nr);

	return !@name@_front_send(r->front, &req, r->data, bytes, (void *)nr);
@else@

	return !@name@_front_send(r->front, &req, (void *)nr);
@end@
}

static void send_more(struct run *r)
{
	while (r->up && r->sent < r->count && send_one(r, r->sent))
		r->sent++;
	@name@_front_flush(r->front);
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

static void answer(void *ctx, void *token, const struct @name@_response *rsp@payload_params@)
{
	struct run *r = ctx;
	bool good = !rsp->status;

	if (rsp->status == @NAME@_UNKNOWN) {	/* a place is free again, so it can be sent */
		send_one(r, (unsigned long)token);
		@name@_front_flush(r->front);
		return;
	}
@if payload@
	uint8_t want[@NAME@_PAYLOAD_MAX];
	uint32_t n = payload_make(want, (unsigned long)token);

	good = good && n == bytes && !memcmp(want, data, n);
@end@
	r->answered++;
	r->bad += !good;
	send_more(r);
}

static const struct @name@_front_ops ops = { .up = up, .down = down, .answer = answer };

int main(int argc, char **argv)
{
	static struct run r;
	struct mica_io *io;
	const char *what = "device directory";
	int rc;

	if (argc != 3) {
		fprintf(stderr, "usage: @name@-frontd DIR COUNT\n");
		return 2;
	}
	r.count = strtoul(argv[2], NULL, 10);
	rc = io_xen_open(&io, IO_XEN_STORE | IO_XEN_EVENTS | IO_XEN_LEND, &what);
	if (!rc)
		rc = @name@_front_open(&r.front, io, argv[1], &ops, &r);
	if (rc) {
		fprintf(stderr, "error: %s: %s\n", what, strerror(-rc));
		return 1;
	}
	while (r.answered < r.count)
		io_xen_wait(io, -1);
	@name@_front_close(r.front);
	while (!@name@_front_closed(r.front))
		io_xen_wait(io, 1000);
	printf("@name@-frontd: %lu sent, %lu answered, %lu wrong\n", r.sent, r.answered, r.bad);
	return r.bad ? 1 : 0;
}
