/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One physical interrupt and a domain's table of them; private to ipc/pirq*.c.  States and the lock
 * are drawn in ipc/pirq.c.
 */
#ifndef IPC_PIRQ_PRIV_H
#define IPC_PIRQ_PRIV_H

#include <mica/errno.h>
#include "cpu/ioapic.h"
#include "cpu/irq.h"
#include "cpu/lock.h"
#include "cpu/log.h"
#include "cpu/pci.h"
#include "ipc/pirq.h"

#define NR_ISA			16

enum pirq_kind { PIRQ_UNUSED, PIRQ_GSI, PIRQ_MSI };

struct pirq {				/* all fields: pirq_state.lock */
	struct pirq_state *owner;
	uint16_t nr;
	uint8_t kind;			/* enum pirq_kind */
	bool in_flight;			/* level: masked until eoi */
	bool missed;			/* MSI: came while nobody was bound */
	int vector;			/* 0 = none yet */
	uint32_t port;			/* 0 = unbound */
	unsigned gsi;
	struct msi msi;
};

/* What a pin is wired for: the firmware's word until setup_gsi gives dom0's, once. */
#define PIN_LEVEL		1
#define PIN_LOW			2
#define PIN_SETUP		4

struct pirq_state {
	struct spinlock lock;		/* RANK_PHYSDEV */
	struct domain *dom;
	unsigned nr, nr_gsis;		/* fixed */
	uint8_t *pin;			/* PIN_* of each GSI */
	struct pirq **pirq;		/* nr pointers; records appear at first use and stay */
	uint64_t *eoi_page; /* guest page: bit set while an eoi is needed; NULL = not asked for */
	bool eoi_unmasks;		/* version 1: eoi unmasks the event channel too */
};

/* A record in use, or NULL.  Lock held, as for all of the following. */
static inline struct pirq *pirq_get(struct pirq_state *st, unsigned nr)
{
	struct pirq *p = nr < st->nr ? st->pirq[nr] : NULL;

	return p && p->kind != PIRQ_UNUSED ? p : NULL;
}

#define for_each_pirq(st, p) \
	for (unsigned i_##p = 0; i_##p < (st)->nr; i_##p++) \
		if (((p) = pirq_get(st, i_##p)) != NULL)

/* pirq.c */
void pirq_set_in_flight(struct pirq *p, bool on);
int pirq_need_vector(struct pirq *p);		/* -ENOSPC */
/* Programs the pin as it is wired now; it is masked afterwards. */
int pirq_program_pin(struct pirq *p);
void pirq_unbind_locked(struct pirq *p);
/* pirq_map.c */
void pirq_unmap_locked(struct pirq *p);
bool pirq_gsi_is_ours(unsigned gsi);		/* the serial line's interrupt stays ours */
/* Interrupts go to the CPU that asks for them, as far as 8-bit destinations reach. */
uint32_t pirq_destination(void);

#endif
