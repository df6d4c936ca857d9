/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of libmicaback share. */
#ifndef MICA_BACK_BACK_PRIV_H
#define MICA_BACK_BACK_PRIV_H

#include "back/back.h"
#include "back/handshake.h"

struct back {
	struct mica_io *io;
	const struct back_kind *kind;
	void *ctx;
	char base[BACK_PATH];		/* /local/domain/0/backend/mblk */
	struct back_device *devices;
	unsigned nr_devices;
	bool full_told;
	uint64_t late_ns, daemon_ns;	/* when something is due, 0: nothing; the daemon's */
	uint64_t armed_ns;		/* where the world's timer stands */
	char value[MICA_IO_VALUE_BYTES];	/* of back_write(); a kernel's stack is small */
	char line[768];			/* for the operator */
	struct back_device **by_port;	/* of the ports we bound */
	uint32_t port_room;
};

/* device.c: look at what both ends say, and take the steps that follow. */
void back_look(struct back_device *dev);
/* device.c: let go of what is held, and write @state. */
void back_force(struct back_device *dev, unsigned state);
/* late.c: it waits in @rule now, NULL: it does not; the world's timer is due. */
void back_wait(struct back_device *dev, const struct mica_bus_rule *rule);
/* @dev is looked at at @at_ns, whatever its guest says. */
void back_look_at(struct back_device *dev, uint64_t at_ns);
void back_timer(struct back *b);
/* keys.c: write our state.  0 or -errno. */
int back_set_state(struct back_device *dev, unsigned state);
/* say.c: forget the words in the store. */
void back_clear_error(struct back_device *dev);

#endif
