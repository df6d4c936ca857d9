/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IO-APICs (Intel 82093AA): redirection entries, reached through an index and a data register.
 *
 * A pin's entry is 64 bits: vector, delivery fixed, destination one APIC in physical mode, polarity,
 * trigger, mask.  Every pin is masked at start, whatever the firmware left.  The lock guards the
 * index registers; the table of IO-APICs never changes after ioapic_init().
 */
#include <mica/errno.h>
#include "cpu/acpi_info.h"
#include "cpu/ioapic.h"
#include "cpu/lock.h"
#include "cpu/log.h"
#include "cpu/map_device.h"

#define REG_VERSION		1
#define REG_PIN(pin)		(0x10 + 2 * (pin))
#define PIN_MASKED		(1u << 16)
#define PIN_LEVEL		(1u << 15)
#define PIN_LOW			(1u << 13)

struct acpi_info acpi;

static struct ioapic {			/* as in acpi.ioapic */
	volatile uint32_t *regs;	/* [0] index, [4] data */
	unsigned pins;			/* 0: it does not answer */
} ioapics[ACPI_MAX_IOAPICS];
unsigned ioapic_nr_gsis;
static struct spinlock lock = SPINLOCK_INIT(RANK_IRQ);

static uint32_t reg_read(const struct ioapic *io, unsigned reg)
{
	io->regs[0] = reg;
	return io->regs[4];
}

static void reg_write(const struct ioapic *io, unsigned reg, uint32_t v)
{
	io->regs[0] = reg;
	io->regs[4] = v;
}

boot_text void ioapic_init(void)
{
	for (unsigned i = 0; i < acpi.nr_ioapics; i++) {
		struct ioapic *io = &ioapics[i];

		io->regs = map_device(acpi.ioapic[i].phys, 0x20);
		if (!io->regs || reg_read(io, REG_VERSION) == ~0u) {
			log_warn("IO-APIC at %lx does not answer", acpi.ioapic[i].phys);
			continue;
		}
		io->pins = (reg_read(io, REG_VERSION) >> 16 & 0xff) + 1;
		for (unsigned pin = 0; pin < io->pins; pin++)
			reg_write(io, REG_PIN(pin), PIN_MASKED);
		ioapic_nr_gsis = MAX(ioapic_nr_gsis, acpi.ioapic[i].gsi_base + io->pins);
	}
}

/* The IO-APIC that @gsi is a pin of, and the pin's register; NULL: there is none. */
static const struct ioapic *find(unsigned gsi, unsigned *reg)
{
	for (unsigned i = 0; i < acpi.nr_ioapics; i++) {
		*reg = REG_PIN(gsi - acpi.ioapic[i].gsi_base);
		if (gsi - acpi.ioapic[i].gsi_base < ioapics[i].pins)
			return &ioapics[i];
	}
	return NULL;
}

bool ioapic_gsi_valid(unsigned gsi)
{
	unsigned reg;

	return find(gsi, &reg) != NULL;
}

unsigned ioapic_isa_gsi(unsigned isa_irq)
{
	return isa_irq < ARRAY_SIZE(acpi.isa) && acpi.isa[isa_irq].overridden ?
	       acpi.isa[isa_irq].gsi : isa_irq;
}

int ioapic_set(unsigned gsi, unsigned vector, uint32_t dest_apic_id, int trigger, int polarity)
{
	unsigned reg;
	const struct ioapic *io = find(gsi, &reg);

	if (!io || dest_apic_id > 0xfe)		/* 0xff is everybody */
		return -EINVAL;
	lock_take(&lock);
	reg_write(io, reg, PIN_MASKED);
	reg_write(io, reg + 1, dest_apic_id << 24);
	reg_write(io, reg, PIN_MASKED | vector | (trigger == TRIGGER_LEVEL ? PIN_LEVEL : 0) |
		  (polarity == POLARITY_LOW ? PIN_LOW : 0));
	lock_drop(&lock);
	return 0;
}

void ioapic_mask(unsigned gsi, bool masked)
{
	unsigned reg;
	const struct ioapic *io = find(gsi, &reg);

	if (!io)
		return;
	lock_take(&lock);
	reg_write(io, reg, (reg_read(io, reg) & ~PIN_MASKED) | (masked ? PIN_MASKED : 0));
	lock_drop(&lock);
}

int ioapic_read_reg(uint64_t phys, uint32_t reg, uint32_t *value)
{
	for (unsigned i = 0; i < acpi.nr_ioapics; i++) {
		if (acpi.ioapic[i].phys != phys || !ioapics[i].pins)
			continue;
		lock_take(&lock);
		*value = reg_read(&ioapics[i], reg & 0xff);
		lock_drop(&lock);
		return 0;
	}
	return -EINVAL;
}

bool ioapic_page(mfn_t m)
{
	for (unsigned i = 0; i < acpi.nr_ioapics; i++)
		if (acpi.ioapic[i].phys >> PAGE_SHIFT == m.n)
			return true;
	return false;
}
