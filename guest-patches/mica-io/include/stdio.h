/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MICA_IO_STDIO_H
#define MICA_IO_STDIO_H

#include <linux/kernel.h>
#include <linux/printk.h>

#define stderr			0
#define fprintf(where, ...)	((void)(where), (void)printk(KERN_NOTICE __VA_ARGS__))

#endif
