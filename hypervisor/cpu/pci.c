/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PCI configuration space through the two ports of old, and message-signalled interrupts.
 *
 * dom0 owns the devices; only the message itself - which vector on which CPU - is ours to write, into
 * the MSI capability (PCI 3.0, 6.8.1) or into the device's MSI-X table (6.8.2).  Pages of MSI-X tables
 * stay mapped once they were used: the same device comes back to the same page, and our device
 * address space has no way back.
 *
 * config_lock guards the port pair; msix_lock guards the table of MSI-X pages.  Neither is held while
 * the other is taken.
 */
#include <mica/errno.h>
#include "cpu/asm.h"
#include "cpu/lock.h"
#include "cpu/log.h"
#include "cpu/map_device.h"
#include "cpu/pci.h"
#include "cpu/percpu.h"

#define CONFIG_ADDRESS		0xcf8
#define CONFIG_DATA		0xcfc

#define PCI_VENDOR		0x00
#define PCI_COMMAND		0x04
#define COMMAND_MEMORY		2
#define PCI_STATUS		0x06
#define STATUS_CAPS		0x10
#define PCI_HEADER_TYPE		0x0e
#define PCI_BAR0		0x10
#define PCI_CAPS		0x34
#define CAP_MSI			0x05
#define CAP_MSIX		0x11

#define MSI_CONTROL		2	/* offsets in the MSI capability */
#define MSI_ADDRESS		4
#define MSI_ENABLE		0x0001
#define MSI_MESSAGES		0x0070	/* how many are enabled, as a power of two */
#define MSI_64BIT		0x0080
#define MSI_MASKABLE		0x0100
#define MSIX_CONTROL		2	/* and in the MSI-X capability */
#define MSIX_TABLE		4
#define MSIX_SIZE		0x07ff
#define MSIX_MASK_ALL		0x4000
#define MSIX_ENABLE		0x8000

#define MESSAGE_ADDRESS(id)	(0xfee00000u | (id) << 12)	/* one CPU, physical mode; data: vector */

static struct spinlock config_lock = SPINLOCK_INIT(RANK_IRQ);
static struct spinlock msix_lock = SPINLOCK_INIT(RANK_IRQ);

static struct msix_page {
	uint64_t mfn;			/* 0: free */
	char *va;			/* NULL: not mapped yet */
	unsigned users;			/* enabled messages in it */
} msix_pages[128];

/* The one who panics may find the lock held by a CPU that has stopped. */
LOCKS_UNCHECKED static uint16_t select(uint16_t bdf, unsigned offset)
{
	if (!this_cpu()->in_panic)
		lock_take(&config_lock);
	outl(CONFIG_ADDRESS, 0x80000000u | (uint32_t)bdf << 8 | (offset & 0xfc));
	return (uint16_t)(CONFIG_DATA + (offset & 3));
}

LOCKS_UNCHECKED static void deselect(void)
{
	if (!this_cpu()->in_panic)
		lock_drop(&config_lock);
}

uint32_t pci_read(uint16_t bdf, unsigned offset, unsigned bytes)
{
	uint32_t v = in_bytes(select(bdf, offset), bytes);

	deselect();
	return v;
}

void pci_write(uint16_t bdf, unsigned offset, unsigned bytes, uint32_t value)
{
	out_bytes(select(bdf, offset), bytes, value);
	deselect();
}

bool pci_present(uint16_t bdf)
{
	return pci_read(bdf, PCI_VENDOR, 2) != 0xffff;
}

/* Offset of a capability, 0 if there is none.  Bounded: the list may be a loop. */
static uint8_t find_cap(uint16_t bdf, uint8_t id)
{
	uint8_t at;

	if (!(pci_read(bdf, PCI_STATUS, 2) & STATUS_CAPS))
		return 0;
	at = pci_read(bdf, PCI_CAPS, 1) & 0xfc;
	for (int i = 0; i < 48 && at >= 0x40; i++) {
		if (pci_read(bdf, at, 1) == id)
			return at;
		at = pci_read(bdf, at + 1, 1) & 0xfc;
	}
	return 0;
}

/* --- MSI ---------------------------------------------------------------------------------------- */

static void msi_program(const struct msi *m, unsigned vector, uint32_t apic_id)
{
	uint32_t control = pci_read(m->bdf, m->cap + MSI_CONTROL, 2);
	unsigned data = m->cap + (control & MSI_64BIT ? 12 : 8);

	pci_write(m->bdf, m->cap + MSI_CONTROL, 2, control & ~(MSI_ENABLE | MSI_MESSAGES));
	pci_write(m->bdf, m->cap + MSI_ADDRESS, 4, MESSAGE_ADDRESS(apic_id));
	if (control & MSI_64BIT)
		pci_write(m->bdf, m->cap + MSI_ADDRESS + 4, 4, 0);
	pci_write(m->bdf, data, 2, vector);
	if (control & MSI_MASKABLE)
		pci_write(m->bdf, data + 4, 4, 0);
	pci_write(m->bdf, m->cap + MSI_CONTROL, 2, (control & ~MSI_MESSAGES) | MSI_ENABLE);
}

/* --- MSI-X -------------------------------------------------------------------------------------- */

/* Machine address of memory BAR @bar; 0 if it is none. */
static uint64_t bar_address(uint16_t bdf, unsigned bar)
{
	unsigned at = PCI_BAR0 + 4 * bar;
	uint32_t low;

	if (bar >= ((pci_read(bdf, PCI_HEADER_TYPE, 1) & 0x7f) == 1 ? 2u : 6u))
		return 0;
	low = pci_read(bdf, at, 4);
	if (low & 1)
		return 0;
	return (low & ~0xfu) | ((low & 6) == 4 ? (uint64_t)pci_read(bdf, at + 4, 4) << 32 : 0);
}

/* The page's place, else a free one, else NULL. */
static struct msix_page *msix_page_find(uint64_t frame)
{
	struct msix_page *place = NULL;

	for (struct msix_page *p = msix_pages; p < msix_pages + ARRAY_SIZE(msix_pages); p++) {
		if (p->mfn == frame)
			return p;
		if (!p->mfn && !place)
			place = p;
	}
	return place;
}

static void msix_page_put(uint64_t frame)
{
	lock_take(&msix_lock);
	msix_page_find(frame)->users--;
	lock_drop(&msix_lock);
}

/* Takes a use of the page; NULL when the table or the address space is full. */
static char *msix_page_get(uint64_t frame)
{
	struct msix_page *p;

	lock_take(&msix_lock);
	p = msix_page_find(frame);
	if (p) {
		p->mfn = frame;
		p->users++;
	}
	lock_drop(&msix_lock);
	if (p && !p->va)			/* two CPUs may map it at once: no harm */
		p->va = map_device(frame << PAGE_SHIFT, PAGE_SIZE);
	if (p && !p->va)
		msix_page_put(frame);
	return p ? p->va : NULL;
}

bool msi_table_page(mfn_t mf)
{
	const struct msix_page *p;
	bool found;

	lock_take(&msix_lock);
	p = msix_page_find(mf.n);
	found = p && p->users && p->mfn == mf.n;
	lock_drop(&msix_lock);
	return found;
}

static int msix_prepare(struct msi *m, uint64_t table_base)
{
	uint32_t table;
	uint64_t at;
	char *page;

	if (m->entry > (pci_read(m->bdf, m->cap + MSIX_CONTROL, 2) & MSIX_SIZE))
		return refuse(-EINVAL, "MSI-X: %04x has no entry %u", m->bdf, m->entry);
	table = pci_read(m->bdf, m->cap + MSIX_TABLE, 4);
	if (!table_base || bar_address(m->bdf, table & 7) != table_base)
		return refuse(-EINVAL, "MSI-X: table of %04x is not at %lx", m->bdf, table_base);
	if (!(pci_read(m->bdf, PCI_COMMAND, 2) & COMMAND_MEMORY))
		return refuse(-EINVAL, "MSI-X: memory of %04x is switched off", m->bdf);
	m->table_phys = table_base + (table & ~7u);
	at = m->table_phys + 16ul * m->entry;
	if ((at & (PAGE_SIZE - 1)) > PAGE_SIZE - 16)
		return refuse(-EINVAL, "MSI-X: entry %u of %04x straddles pages", m->entry, m->bdf);
	page = msix_page_get(at >> PAGE_SHIFT);
	if (!page)
		return -ENOMEM;
	m->slot = (volatile uint32_t *)(page + (at & (PAGE_SIZE - 1)));
	return 0;
}

static void msix_program(const struct msi *m, unsigned vector, uint32_t apic_id)
{
	uint32_t control = pci_read(m->bdf, m->cap + MSIX_CONTROL, 2);

	m->slot[3] = 1;				/* masked while it changes */
	m->slot[0] = MESSAGE_ADDRESS(apic_id);
	m->slot[1] = 0;
	m->slot[2] = vector;
	m->slot[3] = 0;
	pci_write(m->bdf, m->cap + MSIX_CONTROL, 2, (control | MSIX_ENABLE) & ~MSIX_MASK_ALL);
}

/* --- both --------------------------------------------------------------------------------------- */

void msi_restore(struct msi *m, unsigned vector, uint32_t apic_id)
{
	if (!pci_present(m->bdf) || apic_id > 0xfe)	/* the message has 8 bits for it */
		return;
	if (m->msix)
		msix_program(m, vector, apic_id);
	else
		msi_program(m, vector, apic_id);
}

int msi_enable(struct msi *m, uint16_t bdf, uint16_t entry, uint64_t table_base, unsigned vector,
	       uint32_t apic_id)
{
	int rc;

	if (!pci_present(bdf))
		return refuse(-ENODEV, "MSI: no device %04x", bdf);
	if (apic_id > 0xfe)
		return -EINVAL;
	*m = (struct msi){ .bdf = bdf, .entry = entry, .msix = table_base != 0,
			   .cap = find_cap(bdf, table_base ? CAP_MSIX : CAP_MSI) };
	if (!m->cap)
		return refuse(-ENODEV, "MSI%s: %04x has no such capability", m->msix ? "-X" : "", bdf);
	if (!m->msix && entry)
		return refuse(-EINVAL, "MSI: one message only, not number %u", entry);
	rc = m->msix ? msix_prepare(m, table_base) : 0;
	if (!rc)
		msi_restore(m, vector, apic_id);
	return rc;
}

void msi_disable(struct msi *m)
{
	if (m->msix) {
		m->slot[3] = 1;
		msix_page_put((m->table_phys + 16ul * m->entry) >> PAGE_SHIFT);
	} else if (pci_present(m->bdf)) {
		uint32_t control = pci_read(m->bdf, m->cap + MSI_CONTROL, 2);

		pci_write(m->bdf, m->cap + MSI_CONTROL, 2, control & ~MSI_ENABLE);
	}
}
