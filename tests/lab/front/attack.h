/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of attacks share. */
#ifndef LAB_ATTACK_H
#define LAB_ATTACK_H
#include "front.h"

/* What the back end is to make of it. */
enum end {
	SERVED_ON,		/* the device goes on; what was wrong got its error */
	CUT_OFF,		/* the back end closes it */
	EITHER,			/* a race decides */
};

struct attack {
	const char *name;
	struct dev *(*who)(void);	/* the device it is made on */
	bool (*make)(void);
	enum end end;
};

extern const struct attack disk_attacks[], card_attacks[], control_attacks[], life_attacks[];

struct dev *the_disk(void);
struct dev *the_card(void);

/* Run @spoil on another vCPU, again and again, until race_end(). */
void race_begin(void (*spoil)(unsigned round));
void race_end(void);
/* The back end has closed the device. */
bool is_cut_off(struct dev *d);

#endif
