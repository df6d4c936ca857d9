/* SPDX-License-Identifier: GPL-2.0 */
/*
 * struct mica_io inside a Linux kernel, so that a driver written for dom0-tools/io/io.h runs as a
 * module.  All its callbacks come from one worker; whatever else enters the driver has to come
 * through mica_io_linux_call(), which runs it there.
 */
#ifndef MICA_IO_LINUX_H
#define MICA_IO_LINUX_H

#include "io/io.h"

/* A world of its own called @name.  0 or -errno. */
int mica_io_linux_open(struct mica_io **io, const char *name);
/* Ends the worker; takes down ports and watches that are left.  Nothing may be lent or mapped. */
void mica_io_linux_close(struct mica_io *io);
/* Run @fn(@ctx) on the worker and wait for what it returns. */
int mica_io_linux_call(struct mica_io *io, int (*fn)(void *ctx), void *ctx);

#endif
