/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MICA_IO_STDINT_H
#define MICA_IO_STDINT_H

#include <linux/types.h>
#include <linux/limits.h>

#ifndef UINT32_MAX
#define UINT32_MAX	U32_MAX
#endif
#ifndef UINT64_MAX
#define UINT64_MAX	U64_MAX
#endif

#endif
