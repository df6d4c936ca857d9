// SPDX-License-Identifier: GPL-2.0
/* The back end of echo as a module of the control domain's kernel. */
#include <linux/module.h>

#include "mica_io_linux.h"
#include "echo_back.h"

static struct mica_io *io;
static struct back *back;

static int start(void *ctx)
{
	return back_open(&back, io, &echo_back_kind, &back);
}

static int stop(void *ctx)
{
	for (struct back_device *dev = back_first(back); dev; dev = dev->next)
		if (dev->priv)
			echo_back_kind.disconnect(dev);
	back_close(back);
	return 0;
}

static int __init echo_back_init(void)
{
	int rc = mica_io_linux_open(&io, "echo-back");

	if (rc)
		return rc;
	rc = mica_io_linux_call(io, start, NULL);
	if (rc)
		mica_io_linux_close(io);
	return rc;
}

static void __exit echo_back_exit(void)
{
	mica_io_linux_call(io, stop, NULL);
	mica_io_linux_close(io);
}

module_init(echo_back_init);
module_exit(echo_back_exit);
MODULE_DESCRIPTION("bytes go to the control domain and come back: back end");
MODULE_LICENSE("GPL");
