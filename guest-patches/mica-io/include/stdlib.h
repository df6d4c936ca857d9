/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MICA_IO_STDLIB_H
#define MICA_IO_STDLIB_H

#include <linux/kernel.h>
#include <linux/slab.h>

#define calloc(n, bytes)		kcalloc(n, bytes, GFP_KERNEL)
#define malloc(bytes)			kmalloc(bytes, GFP_KERNEL)
#define realloc(p, bytes)		krealloc(p, bytes, GFP_KERNEL)
#define free(p)				kfree(p)
#define strtoul(text, end, base)	simple_strtoul(text, end, base)
#define strtoull(text, end, base)	simple_strtoull(text, end, base)

#endif
