/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical interrupts as event channels, for the hardware domain.  A pirq is the domain's number for a
 * GSI (normally the same number) or for an MSI (the next free one above the GSIs).
 *
 *            map (GSI)                     bind                 interrupt
 *   UNUSED -------------> GSI, masked ------------> GSI, open -------------> GSI, in flight
 *     ^                      ^   ^                   |    ^   level: masked,     |
 *     |       unmap          |   '---- unbind -------'    |   event raised       |
 *     '----------------------'                            '------- eoi ----------'
 *
 *   UNUSED --map (MSI)--> MSI, enabled: an interrupt raises the event, or is kept as "missed" until bind.
 *   Edge GSIs never go in flight: raising the event is all there is to do.
 *
 * A level pin fires again at once unless it is masked, so it stays masked from the interrupt to the
 * domain's eoi; a second interrupt seen meanwhile is dropped.  Pins get a vector with their first
 * binding and keep it, as does the record: interrupts still on their way always find it.
 *
 * One lock per domain (RANK_PHYSDEV), which the interrupt handler takes too: with interrupts off the
 * whole time, a handler never interrupts a holder.
 */
#include <mica/errno.h>
#include "cpu/acpi_info.h"
#include "cpu/ioapic.h"
#include "cpu/irq.h"
#include "cpu/keys.h"
#include "cpu/log.h"
#include "cpu/pci.h"
#include "cpu/percpu.h"
#include "cpu/uart.h"
#include "ipc/evtchn.h"
#include "ipc/pirq.h"
#include "mm/heap.h"
#include "mm/hvmap.h"
#include "mm/pt.h"

#define NR_ISA			16
#define NR_MSI_PIRQS		200	/* more than there are vectors */

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
	uint64_t *eoi_page;		/* guest page: bit set while an eoi is needed; NULL = not asked for */
	bool eoi_unmasks;		/* version 1: eoi unmasks the event channel too */
};

static struct pirq_state *hw;		/* the hardware domain's, for the debug key and the auditor */

/* ---- look-up ---- */

unsigned pirq_count(const struct domain *d)
{
	return d->pirq ? d->pirq->nr : 0;
}

/* A record in use, or NULL.  Lock held. */
static struct pirq *pirq_get(struct pirq_state *st, unsigned nr)
{
	struct pirq *p = nr < st->nr ? st->pirq[nr] : NULL;

	return p && p->kind != PIRQ_UNUSED ? p : NULL;
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

static bool pirq_level(const struct pirq *p)
{
	return p->kind == PIRQ_GSI && (p->owner->pin[p->gsi] & PIN_LEVEL);
}

/* The serial line's interrupt stays ours. */
static bool gsi_is_ours(unsigned gsi)
{
	return (uart_owns_port(0x3f8) && gsi == ioapic_isa_gsi(4)) ||
	       (uart_owns_port(0x2f8) && gsi == ioapic_isa_gsi(3));
}

/* Interrupts go to the CPU that asks for them, as far as 8-bit destinations reach. */
static uint32_t destination(void)
{
	return this_cpu()->apic_id < 255 ? this_cpu()->apic_id : percpu_of(0)->apic_id;
}

/* ---- interrupts ---- */

static void set_in_flight(struct pirq *p, bool on)
{
	uint64_t *page = p->owner->eoi_page;

	p->in_flight = on;
	if (page && on)
		atomic_or(&page[p->nr / 64], BIT(p->nr % 64));
	else if (page)
		atomic_and(&page[p->nr / 64], ~BIT(p->nr % 64));
}

/* The vector's handler; interrupts are off and no lock is held. */
static void pirq_interrupt(unsigned vector, void *data)
{
	struct pirq *p = data;
	struct pirq_state *st = p->owner;
	bool again = false;

	lock_take(&st->lock);
	if (pirq_level(p)) {
		ioapic_mask(p->gsi);
		again = p->in_flight || !p->port;
		if (p->port)
			set_in_flight(p, true);
	}
	if (p->kind != PIRQ_UNUSED && !again) {
		if (p->port)
			evtchn_raise_port(st->dom, p->port);
		else
			p->missed = true;
	}
	lock_drop(&st->lock);
}

/* Programs the pin as it is wired now; it is masked afterwards. */
static int pin_program(struct pirq *p)
{
	uint8_t pin = p->owner->pin[p->gsi];

	return ioapic_set(p->gsi, (unsigned)p->vector, destination(),
			  pin & PIN_LEVEL ? TRIGGER_LEVEL : TRIGGER_EDGE,
			  pin & PIN_LOW ? POLARITY_LOW : POLARITY_HIGH);
}

static int pirq_need_vector(struct pirq *p)
{
	int vector;

	if (p->vector)
		return 0;
	vector = irq_vector_alloc(pirq_interrupt, p);
	if (vector < 0)
		return refuse(-ENOSPC, "pirq %u: no vector left", p->nr);
	p->vector = vector;
	return 0;
}

/* ---- binding, for evtchn.c ---- */

static int bind_locked(struct pirq_state *st, unsigned nr, uint32_t port)
{
	struct pirq *p = pirq_get(st, nr);
	int rc;

	if (!p)
		return refuse(-EINVAL, "bind: pirq %u is not mapped", nr);
	if (p->port)
		return refuse(-EEXIST, "bind: pirq %u has port %u", nr, p->port);
	if (p->kind == PIRQ_GSI) {
		if (gsi_is_ours(p->gsi))
			return refuse(-EBUSY, "bind: GSI %u is the hypervisor's console", p->gsi);
		rc = pirq_need_vector(p);
		if (!rc)
			rc = pin_program(p);
		if (rc)
			return rc;
	}
	p->port = port;
	set_in_flight(p, false);
	if (p->kind == PIRQ_GSI)
		ioapic_unmask(p->gsi);
	else if (p->missed)
		evtchn_raise_port(st->dom, port);
	p->missed = false;
	return 0;
}

/* -EINVAL not mapped, -EPERM not a domain with interrupts, -EEXIST bound, -EBUSY ours, -ENOSPC. */
int pirq_bind(struct domain *d, unsigned nr, uint32_t flags, uint32_t port)
{
	struct pirq_state *st = d->pirq;
	int rc;

	if (!st)
		return refuse(-EPERM, "bind: d%u has no interrupts", d->id);
	lock_take(&st->lock);
	rc = bind_locked(st, nr, port);
	lock_drop(&st->lock);
	return rc;
}

static void unbind_locked(struct pirq *p)
{
	if (p->kind == PIRQ_GSI)
		ioapic_mask(p->gsi);
	set_in_flight(p, false);
	p->port = 0;
	p->missed = false;
}

/* Nothing when @port is not what it is bound to (any more). */
void pirq_unbind(struct domain *d, unsigned nr, uint32_t port)
{
	struct pirq_state *st = d->pirq;
	struct pirq *p;

	if (!st)
		return;
	lock_take(&st->lock);
	p = pirq_get(st, nr);
	if (p && p->port == port)
		unbind_locked(p);
	lock_drop(&st->lock);
}

/* ---- mapping ---- */

static int map_gsi(struct pirq_state *st, struct physdev_map_pirq *map)
{
	unsigned gsi = (unsigned)map->index, nr = map->pirq < 0 ? gsi : (unsigned)map->pirq;
	struct pirq *p;

	if (map->index < 0 || !ioapic_gsi_valid(gsi) || gsi >= st->nr_gsis)
		return refuse(-EINVAL, "map_pirq: no GSI %d", map->index);
	if (nr >= st->nr)
		return refuse(-EINVAL, "map_pirq: pirq %d", map->pirq);
	for (unsigned i = 0; i < st->nr; i++) {
		p = pirq_get(st, i);
		if (!p || p->kind != PIRQ_GSI || p->gsi != gsi)
			continue;
		if (map->pirq >= 0 && i != nr)
			return refuse(-EEXIST, "map_pirq: GSI %u is pirq %u", gsi, i);
		map->pirq = (int32_t)i;		/* mapped already: that is fine */
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

	for (unsigned i = 0; i < st->nr; i++) {
		p = pirq_get(st, i);
		if (p && p->kind == PIRQ_MSI && p->msi.bdf == bdf && p->msi.msix == msix &&
		    p->msi.entry == entry)
			return true;
	}
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
	rc = msi_enable(&p->msi, bdf, entry, map->table_base, (unsigned)p->vector, destination());
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
	switch (map->type) {
	case MAP_PIRQ_TYPE_GSI:
		rc = map_gsi(st, map);
		break;
	case MAP_PIRQ_TYPE_MULTI_MSI:
		if (!map->table_base && map->entry_nr > 1) {
			map->entry_nr = 1;	/* would need interrupt remapping */
			rc = refuse(-EOPNOTSUPP, "map_pirq: several messages at once");
			break;
		}
		rc = map_msi(st, map);
		break;
	case MAP_PIRQ_TYPE_MSI:
	case MAP_PIRQ_TYPE_MSI_SEG:
		rc = map_msi(st, map);
		break;
	default:
		rc = refuse(-EINVAL, "map_pirq: type %d", map->type);
	}
	lock_drop(&st->lock);
	return rc;
}

static void unmap_locked(struct pirq *p)
{
	unbind_locked(p);
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
		unmap_locked(p);
	lock_drop(&st->lock);
	return p ? 0 : refuse(-EINVAL, "unmap_pirq: pirq %d is not mapped", nr);
}

/* ---- what dom0 says about pins and interrupts ---- */

/* How pin @gsi is wired, said once.  -EEXIST it was said before; -EINVAL; -EPERM. */
int pirq_setup_gsi(struct domain *d, unsigned gsi, int trigger, int polarity)
{
	struct pirq_state *st = d->pirq;
	struct pirq *p;
	int rc = 0;

	if (!st)
		return refuse(-EPERM, "setup_gsi: d%u has no interrupts", d->id);
	if (gsi >= st->nr_gsis || !ioapic_gsi_valid(gsi) || trigger & ~1 || polarity & ~1)
		return refuse(-EINVAL, "setup_gsi: GSI %u trigger %d polarity %d", gsi, trigger, polarity);
	lock_take(&st->lock);
	if (st->pin[gsi] & PIN_SETUP || gsi_is_ours(gsi)) {
		lock_drop(&st->lock);
		return -EEXIST;			/* normal: not worth a line */
	}
	st->pin[gsi] = (uint8_t)(PIN_SETUP | (trigger ? PIN_LEVEL : 0) | (polarity ? PIN_LOW : 0));
	for (unsigned i = 0; i < st->nr; i++) {
		p = pirq_get(st, i);
		if (!p || p->kind != PIRQ_GSI || p->gsi != gsi || !p->port)
			continue;
		set_in_flight(p, false);
		rc = pin_program(p);
		if (!rc)
			ioapic_unmask(gsi);
	}
	lock_drop(&st->lock);
	return rc;
}

/* XENIRQSTAT_* of @nr: with an eoi page its bits say when; without, every GSI may turn out to be level.
 * -EINVAL beyond all pirqs. */
int pirq_status(struct domain *d, unsigned nr, uint32_t *flags)
{
	struct pirq_state *st = d->pirq;
	struct pirq *p;

	if (!st || nr >= st->nr)
		return refuse(-EINVAL, "irq_status_query: pirq %u", nr);
	lock_take(&st->lock);
	p = pirq_get(st, nr);
	*flags = !st->eoi_page && !(p && p->kind == PIRQ_MSI) ? XENIRQSTAT_needs_eoi : 0;
	lock_drop(&st->lock);
	return 0;
}

static void eoi_locked(struct pirq *p)
{
	if (!p->in_flight)
		return;
	set_in_flight(p, false);
	ioapic_unmask(p->gsi);
}

/* The domain has handled @nr.  -EINVAL not mapped. */
int pirq_eoi(struct domain *d, unsigned nr)
{
	struct pirq_state *st = d->pirq;
	uint32_t unmask = 0;
	struct pirq *p;

	if (!st)
		return refuse(-EINVAL, "eoi: d%u has no interrupts", d->id);
	lock_take(&st->lock);
	p = pirq_get(st, nr);
	if (p && st->eoi_unmasks)
		unmask = p->port;
	if (p)
		eoi_locked(p);
	lock_drop(&st->lock);
	if (unmask)
		evtchn_unmask(d, unmask);
	return p ? 0 : refuse(-EINVAL, "eoi: pirq %u is not mapped", nr);
}

void pirq_eoi_all(struct domain *d)
{
	struct pirq_state *st = d->pirq;
	struct pirq *p;

	if (!st)
		return;
	lock_take(&st->lock);
	for (unsigned i = 0; i < st->nr; i++) {
		p = pirq_get(st, i);
		if (p)
			eoi_locked(p);
	}
	lock_drop(&st->lock);
}

/* The page where the guest sees which pirqs need an eoi.  -EBUSY it has one; -EINVAL bad frame; RESTART. */
int pirq_set_eoi_page(struct vcpu *v, uint64_t frame, int version)
{
	struct pirq_state *st = v->dom->pirq;
	bool taken;
	int rc;

	if (!st)
		return refuse(-EPERM, "pirq_eoi_gmfn: d%u has no interrupts", v->dom->id);
	if (!frame_valid(mfn(frame)))
		return refuse(-EINVAL, "pirq_eoi_gmfn: frame %lx", frame);
	rc = frame_take(frame_of(mfn(frame)), &v->dom->mem, KIND_WRITABLE, &v->scan);
	if (rc)
		return rc == RESTART ? RESTART : refuse(-EINVAL, "pirq_eoi_gmfn: frame %lx", frame);
	lock_take(&st->lock);
	taken = st->eoi_page;
	if (!taken) {
		st->eoi_page = mfn_to_virt(mfn(frame));
		st->eoi_unmasks = version == 1;
		for (unsigned i = 0; i < st->nr; i++)
			if (pirq_get(st, i))
				set_in_flight(st->pirq[i], st->pirq[i]->in_flight);
	}
	lock_drop(&st->lock);
	if (taken)
		frame_drop(frame_of(mfn(frame)), KIND_WRITABLE);
	return taken ? refuse(-EBUSY, "pirq_eoi_gmfn: d%u has one", v->dom->id) : 0;
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
	for (unsigned i = 0; i < st->nr; i++) {
		p = pirq_get(st, i);
		if (!p || p->kind != PIRQ_MSI || p->msi.bdf != bdf)
			continue;
		msi_restore(&p->msi, (unsigned)p->vector, destination());
		rc = 0;
	}
	lock_drop(&st->lock);
	return rc;
}

/* ---- life, debugging ---- */

void pirq_dump(void)
{
	struct pirq *p;

	if (!hw)
		return;
	lock_take(&hw->lock);
	for (unsigned i = 0; i < hw->nr; i++) {
		p = pirq_get(hw, i);
		if (!p)
			continue;
		if (p->kind == PIRQ_GSI)
			log_info("pirq %3u: GSI %u %s vector %02x port %u%s", i, p->gsi,
				 pirq_level(p) ? "level" : "edge", p->vector, p->port,
				 p->in_flight ? " in flight" : "");
		else
			log_info("pirq %3u: MSI%s of %04x entry %u vector %02x port %u%s", i,
				 p->msi.msix ? "-X" : "", p->msi.bdf, p->msi.entry, p->vector, p->port,
				 p->missed ? " missed" : "");
	}
	lock_drop(&hw->lock);
}

static void audit_pirq(struct audit *a)
{
	if (hw && hw->eoi_page)
		audit_use(a, virt_to_mfn(hw->eoi_page), KIND_WRITABLE);
}

/* ISA pins are edge, active high, unless the MADT overrides; others level, active low, as PCI is. */
static void pins_init(struct pirq_state *st)
{
	for (unsigned gsi = NR_ISA; gsi < st->nr_gsis; gsi++)
		st->pin[gsi] = PIN_LEVEL | PIN_LOW;
	for (unsigned i = 0; i < ARRAY_SIZE(acpi.isa); i++) {
		unsigned gsi = acpi.isa[i].gsi;

		if (acpi.isa[i].overridden && gsi < st->nr_gsis)
			st->pin[gsi] = (uint8_t)((acpi.isa[i].trigger == TRIGGER_LEVEL ? PIN_LEVEL : 0) |
						 (acpi.isa[i].polarity == POLARITY_LOW ? PIN_LOW : 0));
	}
}

static int pirq_create(struct domain *d, const struct domain_config *cfg)
{
	struct pirq_state *st;

	if (!cfg->hardware)
		return 0;
	st = kmalloc(sizeof(*st));
	if (!st)
		return -ENOMEM;
	lock_init(&st->lock, RANK_PHYSDEV);
	st->dom = d;
	st->nr_gsis = ioapic_nr_gsis();
	st->nr = ALIGN_UP(MAX(st->nr_gsis, NR_ISA) + NR_MSI_PIRQS, 64u);
	st->pin = kmalloc(MAX(st->nr_gsis, 1u));
	st->pirq = kmalloc(st->nr * sizeof(*st->pirq));
	if (!st->pin || !st->pirq) {
		kfree(st->pin);
		kfree(st->pirq);
		kfree(st);
		return -ENOMEM;
	}
	pins_init(st);
	d->pirq = st;
	if (!hw) {
		audit_register(audit_pirq);
		keys_register('i', "physical interrupts", pirq_dump);
		hw = st;
	}
	return 0;
}

static int pirq_teardown(struct domain *d)
{
	struct pirq_state *st = d->pirq;
	uint64_t *page;

	if (!st)
		return 0;
	lock_take(&st->lock);
	for (unsigned i = 0; i < st->nr; i++)
		if (pirq_get(st, i))
			unmap_locked(st->pirq[i]);
	page = st->eoi_page;
	st->eoi_page = NULL;
	lock_drop(&st->lock);
	if (page)
		frame_drop(frame_of(virt_to_mfn(page)), KIND_WRITABLE);
	return 0;
}

static void pirq_destroy(struct domain *d)
{
	struct pirq_state *st = d->pirq;

	if (!st)
		return;
	if (hw == st)
		hw = NULL;
	for (unsigned i = 0; i < st->nr; i++)
		kfree(st->pirq[i]);
	kfree(st->pirq);
	kfree(st->pin);
	kfree(st);
	d->pirq = NULL;
}

DOM_SERVICE(pirq_service) = {
	.name = "physical interrupts",
	.create = pirq_create,
	.teardown = pirq_teardown,
	.destroy = pirq_destroy,
};
