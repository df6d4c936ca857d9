/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MICA_IO_ERRNO_H
#define MICA_IO_ERRNO_H

#include <linux/errno.h>

/* Portable sources clear it before strtoull(), which says here that nothing was out of range. */
static int errno __attribute__((unused));

#endif
