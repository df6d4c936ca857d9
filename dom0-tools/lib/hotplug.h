/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's part of devices that the kernel's back ends serve (backend=kernel): what hotplug
 * scripts did elsewhere.  A disk's file becomes a loop device, its number goes into the store; a
 * card's interface joins its bridge.  Devices of Mica's own daemons need nothing of this.
 */
#ifndef MICA_LIB_HOTPLUG_H
#define MICA_LIB_HOTPLUG_H

#include "lib/device.h"

/* After the directories are written.  0, or an error; what was set up is in the store by then. */
int mica_hotplug_disk(struct mica_store *s, domid_t id, const struct mica_disk *d,
		      struct mica_error *e);
int mica_hotplug_nic(struct mica_store *s, domid_t id, const struct mica_nic *n,
		     struct mica_error *e);
/* Before the directory @back of a disk is removed: its loop device goes. */
void mica_hotplug_undo(struct mica_store *s, const char *back);

#endif
