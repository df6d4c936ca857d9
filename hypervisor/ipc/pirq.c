/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical interrupts as event channels, for the hardware domain.  A pirq is the domain's number
 * for a GSI (normally the same number) or for an MSI (the next free one above the GSIs).
 *
 *            map (GSI)                     bind                 interrupt
 *   UNUSED -------------> GSI, masked ------------> GSI, open -------------> GSI, in flight
 *     ^                      ^   ^                   |    ^   level: masked,     |
 *     |       unmap          |   '---- unbind -------'    |   event raised       |
 *     '----------------------'                            '------- eoi ----------'
 *
 *   UNUSED --map (MSI)--> MSI, enabled: an interrupt raises the event, or is "missed" until bind
 * Edge GSIs never go in flight: raising the event is all there is to do.
 *
 * A level pin fires again at once unless it is masked, so it stays masked from the interrupt to the
 * domain's eoi; a second interrupt seen meanwhile is dropped.  Pins get a vector with their first
 * binding and keep it, as does the record: interrupts still on their way always find it.
 *
 * Mapping and wiring are in ipc/pirq_map.c.  One lock per domain (RANK_PHYSDEV), which the
 * interrupt handler takes too: with interrupts off the whole time, a handler never interrupts a
 * holder.
 */
#include <mica/errno.h>
#include "cpu/acpi_info.h"
#include "cpu/ioapic.h"
#include "cpu/irq.h"
#include "cpu/keys.h"
#include "cpu/log.h"
#include "ipc/evtchn.h"
#include "ipc/pirq_priv.h"
#include "mm/heap.h"
#include "mm/hvmap.h"
#include "mm/pt.h"

#define NR_MSI_PIRQS		200	/* more than there are vectors */

static struct pirq_state *hw; /* the hardware domain's, for the debug key and the auditor */

/* ---- look-up ---- */

unsigned pirq_count(const struct domain *d)
{
	return d->pirq ? d->pirq->nr : 0;
}

static bool pirq_level(const struct pirq *p)
{
	return p->kind == PIRQ_GSI && (p->owner->pin[p->gsi] & PIN_LEVEL);
}

/* ---- interrupts ---- */

void pirq_set_in_flight(struct pirq *p, bool on)
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
	struct pirq_state *st = p ? p->owner : NULL;	/* NULL: its vector is being freed */
	bool again = false;

	if (!st)
		return;
	lock_take(&st->lock);
	if (pirq_level(p)) {
		ioapic_mask(p->gsi, true);
		again = p->in_flight || !p->port;
		if (p->port)
			pirq_set_in_flight(p, true);
	}
	if (p->kind != PIRQ_UNUSED && !again) {
		if (p->port)
			evtchn_raise_port(st->dom, p->port);
		else
			p->missed = true;
	}
	lock_drop(&st->lock);
}

int pirq_program_pin(struct pirq *p)
{
	uint8_t pin = p->owner->pin[p->gsi];

	return ioapic_set(p->gsi, (unsigned)p->vector, pirq_destination(),
			  pin & PIN_LEVEL ? TRIGGER_LEVEL : TRIGGER_EDGE,
			  pin & PIN_LOW ? POLARITY_LOW : POLARITY_HIGH);
}

int pirq_need_vector(struct pirq *p)
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
		if (pirq_gsi_is_ours(p->gsi))
			return refuse(-EBUSY, "bind: GSI %u is the hypervisor's console", p->gsi);
		rc = pirq_need_vector(p);
		if (!rc)
			rc = pirq_program_pin(p);
		if (rc)
			return rc;
	}
	p->port = port;
	pirq_set_in_flight(p, false);
	if (p->kind == PIRQ_GSI)
		ioapic_mask(p->gsi, false);
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

void pirq_unbind_locked(struct pirq *p)
{
	if (p->kind == PIRQ_GSI)
		ioapic_mask(p->gsi, true);
	pirq_set_in_flight(p, false);
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
		pirq_unbind_locked(p);
	lock_drop(&st->lock);
}

/* ---- what dom0 says about interrupts ---- */

/* XENIRQSTAT_* of @nr: with an eoi page its bits say when; without, every GSI may turn out to be
 * level.  -EINVAL beyond all pirqs. */
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
	pirq_set_in_flight(p, false);
	ioapic_mask(p->gsi, false);
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
	if (p) {
		unmask = st->eoi_unmasks ? p->port : 0;
		eoi_locked(p);
	}
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
	for_each_pirq(st, p)
		eoi_locked(p);
	lock_drop(&st->lock);
}

/* The page where the guest sees which pirqs need an eoi.  -EBUSY it has one; -EINVAL bad frame;
 * RESTART. */
int pirq_set_eoi_page(struct vcpu *v, uint64_t frame, int version)
{
	struct pirq_state *st = v->dom->pirq;
	struct pirq *p;
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
		for_each_pirq(st, p)
			pirq_set_in_flight(p, p->in_flight);
	}
	lock_drop(&st->lock);
	if (taken)
		frame_drop(frame_of(mfn(frame)), KIND_WRITABLE);
	return taken ? refuse(-EBUSY, "pirq_eoi_gmfn: d%u has one", v->dom->id) : 0;
}

/* ---- life, debugging ---- */

static void pirq_dump(void)
{
	struct pirq *p;

	if (!hw)
		return;
	lock_take(&hw->lock);
	for_each_pirq(hw, p) {
		if (p->kind == PIRQ_GSI)
			log_info("pirq %3u: GSI %u %s vector %02x port %u%s", p->nr, p->gsi,
				 pirq_level(p) ? "level" : "edge", p->vector, p->port,
				 p->in_flight ? " in flight" : "");
		else
			log_info("pirq %3u: MSI%s of %04x entry %u vector %02x port %u%s", p->nr,
				 p->msi.msix ? "-X" : "", p->msi.bdf, p->msi.entry, p->vector,
				 p->port, p->missed ? " missed" : "");
	}
	lock_drop(&hw->lock);
}

static void audit_pirq(struct audit *a)
{
	if (hw && hw->eoi_page)
		audit_use(a, virt_to_mfn(hw->eoi_page), KIND_WRITABLE);
}

/* ISA pins are edge, active high, unless the MADT overrides; others level, low, as PCI is. */
static void pins_init(struct pirq_state *st)
{
	for (unsigned gsi = NR_ISA; gsi < st->nr_gsis; gsi++)
		st->pin[gsi] = PIN_LEVEL | PIN_LOW;
	for (unsigned i = 0; i < ARRAY_SIZE(acpi.isa); i++) {
		unsigned gsi = acpi.isa[i].gsi;

		if (acpi.isa[i].overridden && gsi < st->nr_gsis)
			st->pin[gsi] =
				(uint8_t)((acpi.isa[i].trigger == TRIGGER_LEVEL ? PIN_LEVEL : 0) |
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
	st->nr_gsis = ioapic_nr_gsis;
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
	struct pirq *p;
	uint64_t *page;

	if (!st)
		return 0;
	lock_take(&st->lock);
	for_each_pirq(st, p)
		pirq_unmap_locked(p);
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
