/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which pirq stands for which interrupt: GSIs keep their number, MSIs get the next free one above
 * the GSIs; how pins are wired; MSI programming through cpu/pci.h.
 *
 * Mapping a GSI only notes it (all sixteen ISA interrupts are mapped at boot and few ever bound);
 * mapping an MSI programs the device.  Everything under the table's lock, see ipc/pirq.c.
 */
#include "cpu/percpu.h"
#include "cpu/uart.h"
#include "ipc/pirq_priv.h"
#include "mm/heap.h"

bool pirq_gsi_is_ours(unsigned gsi)
{
	return (uart_owns_port(0x3f8) && gsi == ioapic_isa_gsi(4)) ||
	       (uart_owns_port(0x2f8) && gsi == ioapic_isa_gsi(3));
}

uint32_t pirq_destination(void)
{
	return this_cpu()->apic_id < 255 ? this_cpu()->apic_id : percpu_of(0)->apic_id;
}

/* The record of a number not in use, made if need be; NULL when it is in use or memory ran out. */
static struct pirq *pirq_fresh(struct pirq_state *st, unsigned nr)
{
	struct pirq *p = st->pirq[nr];

	if (!p) {
		p = st->pirq[nr] = kmalloc(sizeof(*p));
		if (p) {
			p->owner = st;
			p->nr = (uint16_t)nr;
		}
	}
	return p && p->kind == PIRQ_UNUSED ? p : NULL;
}

static int map_gsi(struct pirq_state *st, struct physdev_map_pirq *map)
{
	unsigned gsi = (unsigned)map->index, nr = map->pirq < 0 ? gsi : (unsigned)map->pirq;
	struct pirq *p;

	if (map->index < 0 || !ioapic_gsi_valid(gsi) || gsi >= st->nr_gsis)
		return refuse(-EINVAL, "map_pirq: no GSI %d", map->index);
	if (nr >= st->nr)
		return refuse(-EINVAL, "map_pirq: pirq %d", map->pirq);
	for_each_pirq(st, p) {
		if (p->kind != PIRQ_GSI || p->gsi != gsi)
			continue;
		if (map->pirq >= 0 && p->nr != nr)
			return refuse(-EEXIST, "map_pirq: GSI %u is pirq %u", gsi, p->nr);
		map->pirq = p->nr;		/* mapped already: that is fine */
		return 0;
	}
	if (pirq_get(st, nr))
		return refuse(-EBUSY, "map_pirq: pirq %u is in use", nr);
	p = pirq_fresh(st, nr);
	if (!p)
		return -ENOMEM;
	p->kind = PIRQ_GSI;
	p->gsi = gsi;
	map->pirq = (int32_t)nr;
	return 0;
}

static bool msi_is_mapped(struct pirq_state *st, uint16_t bdf, uint16_t entry, bool msix)
{
	struct pirq *p;

	for_each_pirq(st, p)
		if (p->kind == PIRQ_MSI && p->msi.bdf == bdf && p->msi.msix == msix &&
		    p->msi.entry == entry)
			return true;
	return false;
}

/* The record for a new MSI: the number asked for, or the first free one above the GSIs. */
static int msi_record(struct pirq_state *st, int want, struct pirq **out)
{
	unsigned nr = (unsigned)want;

	if (want < 0)
		for (nr = MAX(st->nr_gsis, NR_ISA); nr < st->nr && pirq_get(st, nr); nr++)
			;
	if (nr >= st->nr)
		return want < 0 ? refuse(-ENOSPC, "map_pirq: no pirq left") :
				  refuse(-EINVAL, "map_pirq: pirq %d", want);
	if (pirq_get(st, nr))
		return refuse(-EBUSY, "map_pirq: pirq %u is in use", nr);
	*out = pirq_fresh(st, nr);
	return *out ? 0 : -ENOMEM;
}

static int map_msi(struct pirq_state *st, struct physdev_map_pirq *map)
{
	uint16_t bdf = (uint16_t)((map->bus & 0xff) << 8 | (map->devfn & 0xff));
	bool msix = map->table_base != 0;
	uint16_t entry = msix ? (uint16_t)map->entry_nr : 0;
	struct pirq *p;
	int rc;

	if (map->devfn & ~0xff || (msix && (map->entry_nr < 0 || map->entry_nr > 2047)))
		return refuse(-EINVAL, "map_pirq: devfn %x entry %d", map->devfn, map->entry_nr);
	if (map->type != MAP_PIRQ_TYPE_MSI && (uint32_t)map->bus >> 16)
		return refuse(-ENODEV, "map_pirq: PCI segment %u", (uint32_t)map->bus >> 16);
	if (!pci_present(bdf))
		return refuse(-ENODEV, "map_pirq: no device %04x", bdf);
	if (msi_is_mapped(st, bdf, entry, msix))
		return refuse(-EEXIST, "map_pirq: device %04x entry %u", bdf, entry);
	rc = msi_record(st, map->pirq, &p);
	if (!rc)
		rc = pirq_need_vector(p);
	if (rc)
		return rc;
	p->kind = PIRQ_MSI;			/* before the first interrupt can come */
	p->missed = false;
	rc = msi_enable(&p->msi, bdf, entry, map->table_base, (unsigned)p->vector,
			pirq_destination());
	if (rc) {
		p->kind = PIRQ_UNUSED;
		irq_vector_free((unsigned)p->vector);
		p->vector = 0;
		return refuse(rc, "map_pirq: device %04x refused MSI entry %u", bdf, entry);
	}
	map->pirq = p->nr;
	return 0;
}

/*
 * PHYSDEVOP_map_pirq; map->pirq is filled in.  -EPERM no domain with interrupts; -EINVAL, -ENODEV,
 * -EEXIST, -EBUSY, -ENOSPC, -ENOMEM; -EOPNOTSUPP several messages at once (entry_nr becomes 1).
 */
int pirq_map(struct domain *d, struct physdev_map_pirq *map)
{
	struct pirq_state *st = d->pirq;
	int rc;

	if (!st)
		return refuse(-EPERM, "map_pirq: d%u has no interrupts", d->id);
	if (map->pirq < -1)
		return refuse(-EINVAL, "map_pirq: pirq %d", map->pirq);
	lock_take(&st->lock);
	if (map->type == MAP_PIRQ_TYPE_GSI) {
		rc = map_gsi(st, map);
	} else if (map->type == MAP_PIRQ_TYPE_MULTI_MSI && !map->table_base && map->entry_nr > 1) {
		map->entry_nr = 1;		/* would need interrupt remapping */
		rc = refuse(-EOPNOTSUPP, "map_pirq: several messages at once");
	} else if (map->type == MAP_PIRQ_TYPE_MSI || map->type == MAP_PIRQ_TYPE_MSI_SEG ||
		   map->type == MAP_PIRQ_TYPE_MULTI_MSI) {
		rc = map_msi(st, map);
	} else {
		rc = refuse(-EINVAL, "map_pirq: type %d", map->type);
	}
	lock_drop(&st->lock);
	return rc;
}

void pirq_unmap_locked(struct pirq *p)
{
	pirq_unbind_locked(p);
	if (p->kind == PIRQ_MSI)
		msi_disable(&p->msi);
	p->kind = PIRQ_UNUSED;
	if (p->vector)
		irq_vector_free((unsigned)p->vector);
	p->vector = 0;
}

/* A bound one is unbound first; its port stays and never fires again.  -EINVAL not mapped. */
int pirq_unmap(struct domain *d, int nr)
{
	struct pirq_state *st = d->pirq;
	struct pirq *p;

	if (!st)
		return refuse(-EINVAL, "unmap_pirq: d%u has no interrupts", d->id);
	lock_take(&st->lock);
	p = nr < 0 ? NULL : pirq_get(st, (unsigned)nr);
	if (p)
		pirq_unmap_locked(p);
	lock_drop(&st->lock);
	return p ? 0 : refuse(-EINVAL, "unmap_pirq: pirq %d is not mapped", nr);
}

/* How pin @gsi is wired, said once.  -EEXIST it was said before; -EINVAL; -EPERM. */
int pirq_setup_gsi(struct domain *d, unsigned gsi, int trigger, int polarity)
{
	struct pirq_state *st = d->pirq;
	struct pirq *p;
	int rc = 0;

	if (!st)
		return refuse(-EPERM, "setup_gsi: d%u has no interrupts", d->id);
	if (gsi >= st->nr_gsis || !ioapic_gsi_valid(gsi) || trigger & ~1 || polarity & ~1)
		return refuse(-EINVAL, "setup_gsi: GSI %u trigger %d polarity %d", gsi, trigger,
			      polarity);
	lock_take(&st->lock);
	if (st->pin[gsi] & PIN_SETUP || pirq_gsi_is_ours(gsi)) {
		lock_drop(&st->lock);
		return -EEXIST;			/* normal: not worth a line */
	}
	st->pin[gsi] = (uint8_t)(PIN_SETUP | (trigger ? PIN_LEVEL : 0) | (polarity ? PIN_LOW : 0));
	for_each_pirq(st, p) {
		if (p->kind != PIRQ_GSI || p->gsi != gsi || !p->port)
			continue;
		pirq_set_in_flight(p, false);
		rc = pirq_program_pin(p);
		if (!rc)
			ioapic_mask(gsi, false);
	}
	lock_drop(&st->lock);
	return rc;
}

/* dom0 reset the device @bdf: program its messages again.  -ENODEV none of its MSIs is mapped. */
int pirq_restore_msi(struct domain *d, uint16_t bdf)
{
	struct pirq_state *st = d->pirq;
	struct pirq *p;
	int rc = -ENODEV;

	if (!st)
		return refuse(-EPERM, "restore_msi: d%u has no interrupts", d->id);
	lock_take(&st->lock);
	for_each_pirq(st, p) {
		if (p->kind != PIRQ_MSI || p->msi.bdf != bdf)
			continue;
		msi_restore(&p->msi, (unsigned)p->vector, pirq_destination());
		rc = 0;
	}
	lock_drop(&st->lock);
	return rc;
}
