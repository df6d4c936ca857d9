// SPDX-License-Identifier: GPL-2.0
/*
 * The front end of echo as a module of the guest's kernel: it brings the device up, sends `count`
 * requests and reports how they were answered.  Replace what is below "traffic" by what your
 * device is for.
 */
#include <linux/module.h>

#include "mica_io_linux.h"
#include "echo_front.h"

static char *dir = "device/echo/0";
module_param(dir, charp, 0444);
MODULE_PARM_DESC(dir, "the device's directory in the store");
static unsigned long count = 100;
module_param(count, ulong, 0444);
MODULE_PARM_DESC(count, "requests to send when connected");

static struct mica_io *io;
static struct echo_front *front;

/* --- traffic --- */

static unsigned long sent, answered, bad;
static bool is_up;
static u8 data_out[ECHO_PAYLOAD_MAX];

static u32 payload_make(unsigned long nr)
{
	u32 bytes = 1 + nr * 37 % ECHO_PAYLOAD_MAX;

	for (u32 i = 0; i < bytes; i++)
		data_out[i] = nr * 31 + i;
	return bytes;
}

static bool send_one(unsigned long nr)
{
	struct echo_request req = { 0 };
	u32 bytes = payload_make(nr);

	return !echo_front_send(front, &req, data_out, bytes, (void *)nr);
}

static void send_more(void)
{
	while (is_up && sent < count && send_one(sent))
		sent++;
	echo_front_flush(front);
}

static void up(void *ctx)
{
	is_up = true;
	pr_info("echo: connected\n");
	send_more();
}

static void down(void *ctx)
{
	is_up = false;
}

static void answer(void *ctx, void *token, const struct echo_response *rsp,
		       const void *data, uint32_t bytes)
{
	bool good = !rsp->status;

	if (rsp->status == ECHO_UNKNOWN) {	/* a place is free again, so it can be sent */
		send_one((unsigned long)token);
		echo_front_flush(front);
		return;
	}
	u32 want = payload_make((unsigned long)token);

	good = good && bytes == want && !memcmp(data, data_out, want);
	answered++;
	bad += !good;
	if (answered == count)
		pr_info("echo: %lu sent, %lu answered, %lu wrong\n", sent, answered, bad);
	send_more();
}

/* --- the module --- */

static const struct echo_front_ops ops = { .up = up, .down = down, .answer = answer };

static int start(void *ctx)
{
	return echo_front_open(&front, io, dir, &ops, NULL);
}

static int stop(void *ctx)
{
	echo_front_close(front);
	return 0;
}

static int closed(void *ctx)
{
	return echo_front_closed(front);
}

static int __init echo_front_init(void)
{
	int rc = mica_io_linux_open(&io, "echo-front");

	if (rc)
		return rc;
	rc = mica_io_linux_call(io, start, NULL);
	if (rc)
		mica_io_linux_close(io);
	return rc;
}

static void __exit echo_front_exit(void)
{
	mica_io_linux_call(io, stop, NULL);
	while (!mica_io_linux_call(io, closed, NULL))
		schedule_timeout_uninterruptible(HZ / 10);
	mica_io_linux_close(io);
	echo_front_free(front);
}

module_init(echo_front_init);
module_exit(echo_front_exit);
MODULE_DESCRIPTION("bytes go to the control domain and come back: front end");
MODULE_LICENSE("GPL");
