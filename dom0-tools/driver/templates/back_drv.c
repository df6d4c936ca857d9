// SPDX-License-Identifier: GPL-2.0
/* The back end of @name@ as a module of the control domain's kernel. */
#include <linux/module.h>

#include "mica_io_linux.h"
#include "@name@_back.h"

static struct mica_io *io;
static struct back *back;

static int start(void *ctx)
{
	return back_open(&back, io, &@name@_back_kind, &back);
}

static int stop(void *ctx)
{
	for (struct back_device *dev = back_first(back); dev; dev = dev->next)
		if (dev->priv)
			@name@_back_kind.disconnect(dev);
	back_close(back);
	return 0;
}

static int __init @name@_back_init(void)
{
	int rc = mica_io_linux_open(&io, "@name@-back");

	if (rc)
		return rc;
	rc = mica_io_linux_call(io, start, NULL);
	if (rc)
		mica_io_linux_close(io);
	return rc;
}

static void __exit @name@_back_exit(void)
{
	mica_io_linux_call(io, stop, NULL);
	mica_io_linux_close(io);
}

module_init(@name@_back_init);
module_exit(@name@_back_exit);
MODULE_DESCRIPTION("@summary@: back end");
MODULE_LICENSE("GPL");
