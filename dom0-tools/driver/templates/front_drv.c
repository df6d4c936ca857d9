// SPDX-License-Identifier: GPL-2.0
/*
 * The front end of @name@ as a module of the guest's kernel: it brings the device up, sends `count`
 * requests and reports how they were answered.  Replace what is below "traffic" by what your
 * device is for.
 */
#include <linux/module.h>

#include "mica_io_linux.h"
#include "@name@_front.h"

static char *dir = "device/@name@/0";
module_param(dir, charp, 0444);
MODULE_PARM_DESC(dir, "the device's directory in the store");
static unsigned long count = 100;
module_param(count, ulong, 0444);
MODULE_PARM_DESC(count, "requests to send when connected");

static struct mica_io *io;
static struct @name@_front *front;

/* --- traffic --- */

static unsigned long sent, answered, bad;
static bool is_up;
@if payload@
static u8 data_out[@NAME@_PAYLOAD_MAX];

static u32 payload_make(unsigned long nr)
{
	u32 bytes = 1 + nr * 37 % @NAME@_PAYLOAD_MAX;

	for (u32 i = 0; i < bytes; i++)
		data_out[i] = nr * 31 + i;
	return bytes;
}
@end@

static bool send_one(unsigned long nr)
{
	struct @name@_request req = { 0 };
@if payload@
	u32 bytes = payload_make(nr);

	return !@name@_front_send(front, &req, data_out, bytes, (void *)nr);
@else@

	return !@name@_front_send(front, &req, (void *)nr);
@end@
}

static void send_more(void)
{
	while (is_up && sent < count && send_one(sent))
		sent++;
	@name@_front_flush(front);
}

static void up(void *ctx)
{
	is_up = true;
	pr_info("@name@: connected\n");
	send_more();
}

static void down(void *ctx)
{
	is_up = false;
}

static void answer(void *ctx, void *token, const struct @name@_response *rsp@payload_params@)
{
	bool good = !rsp->status;

	if (rsp->status == @NAME@_UNKNOWN) {	/* a place is free again, so it can be sent */
		send_one((unsigned long)token);
		@name@_front_flush(front);
		return;
	}
@if payload@
	u32 want = payload_make((unsigned long)token);

	good = good && bytes == want && !memcmp(data, data_out, want);
@end@
	answered++;
	bad += !good;
	if (answered == count)
		pr_info("@name@: %lu sent, %lu answered, %lu wrong\n", sent, answered, bad);
	send_more();
}

/* --- the module --- */

static const struct @name@_front_ops ops = { .up = up, .down = down, .answer = answer };

static int start(void *ctx)
{
	return @name@_front_open(&front, io, dir, &ops, NULL);
}

static int stop(void *ctx)
{
	@name@_front_close(front);
	return 0;
}

static int closed(void *ctx)
{
	return @name@_front_closed(front);
}

static int __init @name@_front_init(void)
{
	int rc = mica_io_linux_open(&io, "@name@-front");

	if (rc)
		return rc;
	rc = mica_io_linux_call(io, start, NULL);
	if (rc)
		mica_io_linux_close(io);
	return rc;
}

static void __exit @name@_front_exit(void)
{
	mica_io_linux_call(io, stop, NULL);
	while (!mica_io_linux_call(io, closed, NULL))
		schedule_timeout_uninterruptible(HZ / 10);
	mica_io_linux_close(io);
	@name@_front_free(front);
}

module_init(@name@_front_init);
module_exit(@name@_front_exit);
MODULE_DESCRIPTION("@summary@: front end");
MODULE_LICENSE("GPL");
