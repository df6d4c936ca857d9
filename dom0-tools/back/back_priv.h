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
	struct back_device **by_port;	/* of the ports we bound */
	uint32_t port_room;
};

/* device.c: look at what both ends say, and take the steps that follow. */
void back_look(struct back_device *dev);
/* keys.c: write our state.  0 or -errno. */
int back_set_state(struct back_device *dev, unsigned state);
/* say.c: forget the words in the store. */
void back_clear_error(struct back_device *dev);

#endif
