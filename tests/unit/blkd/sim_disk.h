/* SPDX-License-Identifier: BSD-2-Clause */
/* A disk in the simulated world: its front end (sim_front.c), and mica-blkd's own code (sim_back.c). */
#ifndef UNIT_BLKD_SIM_DISK_H
#define UNIT_BLKD_SIM_DISK_H

#include <mica/ids.h>
#include <mica/queues.h>

#include "../sim/pair.h"
#include "blkd/disk.h"

#define SIM_SLOTS		8u
#define SIM_SLOT_SECTORS	128u
#define SIM_IMAGE_BYTES		(SIM_SLOTS * SIM_SLOT_SECTORS * 512u)

MICA_RING_SET(blk, front, struct blkif_response, 3)

struct sim_slot {
	bool busy;
	uint8_t op;
	unsigned pages, turn, tries;
	uint64_t id, wanted, since_ns;	/* wanted: the generation that is to be on the disk */
	void *data;
	uint32_t ref[12];
};

struct sim_front {
	struct front front;		/* first */
	uint32_t queues, ring_pages;
	bool persistent;
	struct blk_fronts rings;
	struct mica_bell bell[3];
	void *ring_page[3], *list;
	uint32_t ring_ref[3][4], port[3], list_ref;
	struct sim_slot slot[SIM_SLOTS];
	struct mica_ids ids;
	struct mica_id_slot id_slot[SIM_SLOTS];
	uint64_t total, asked, good, failed, generation;
};

void sim_front_start(struct sim_front *f, struct mica_io *io, const char *kind, unsigned number,
		     uint64_t total, uint64_t seed);

/* sim_back.c: fills in the pair's functions for the back end. */
void sim_back_use(struct pair *p);
void sim_back_end(void);
extern uint8_t sim_image[SIM_IMAGE_BYTES];

#endif
