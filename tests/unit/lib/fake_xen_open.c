/* SPDX-License-Identifier: BSD-2-Clause */
/* In place of hv_xen.c, whose libraries a unit test does not need: there is no hypervisor. */
#include <errno.h>

#include "lib/hv.h"

int hv_xen_open(const struct mica_hv_ops **ops, void **ctx)
{
	return -ENODEV;
}
