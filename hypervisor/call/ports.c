/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Port I/O of guests (abi-inventory 2.6).  Two questions: may this mode of this vCPU use ports at
 * all (virtual IOPL, I/O bitmap) - if not, #GP; and is the port the domain's - if not, it reads all
 * ones and swallows writes, as an empty bus does.
 *
 * The hardware domain has every port but those the hypervisor works with: interrupt controllers,
 * PIT, PM timer, the console's UART.  Index and data registers that both sides use (CMOS, PCI
 * configuration) are kept as a copy of the guest's index; the pair is driven under a lock when the
 * data port is used. Other domains have none.
 */
#include <mica/vm_assist.h>
#include "call/privileged.h"
#include "cpu/acpi_info.h"
#include "cpu/asm.h"
#include "cpu/lock.h"
#include "cpu/pci.h"
#include "cpu/uaccess.h"
#include "cpu/uart.h"

#define PORT_SPEAKER	0x61
#define PORT_RTC_INDEX	0x70
#define PORT_RTC_DATA	0x71
#define PORT_PCI_INDEX	0xcf8
#define PORT_PCI_DATA	0xcfc

#define PCI_ENABLE	BIT(31)

static struct spinlock rtc_lock = SPINLOCK_INIT(RANK_IRQ);
static uint8_t rtc_index;		/* last written by the hardware domain; there is only one */
static uint32_t pci_index;

bool ports_iopl_ok(const struct vcpu *v)
{
	unsigned kernel = v->dom->vm_assist & (1u << VMASST_TYPE_architectural_iopl) ? 0 : 1;

	return v->iopl >= (in_kernel(v) ? kernel : 3);
}

bool ports_allowed(struct vcpu *v, unsigned port, unsigned bytes)
{
	bool user = !in_kernel(v);
	uint8_t map[2] = { 0xff, 0xff };
	unsigned bits;

	if (ports_iopl_ok(v))
		return true;
	if (gva_is_null(v->iobitmap) || port + bytes > v->iobitmap_ports)
		return false;
	/* The bitmap is in guest-kernel memory, which user tables need not map. */
	if (user)
		vcpu_toggle_mode(v);
	if (get_guest_u8(&map[0], gva_add(v->iobitmap, port / 8)) ||
	    ((port + bytes - 1) / 8 != port / 8 &&
	     get_guest_u8(&map[1], gva_add(v->iobitmap, port / 8 + 1))))
		map[0] = map[1] = 0xff;
	if (user)
		vcpu_toggle_mode(v);
	bits = (map[0] | map[1] << 8) >> (port % 8);
	return !(bits & MASK(bytes));
}

/* Ports of ours, one byte each: never the guest's. */
static bool port_denied(unsigned port)
{
	switch (port) {
	case 0x20: case 0x21: case 0xa0: case 0xa1:		/* interrupt controllers */
	case 0x4d0: case 0x4d1:					/* their edge/level registers */
	case 0x40: case 0x41: case 0x42: case 0x43:		/* PIT */
	case PORT_PCI_INDEX: case PORT_PCI_INDEX + 2: case PORT_PCI_INDEX + 3:
		return true;
	default:
		return uart_owns_port(port) || port > 0xffff ||
		       (acpi.pm_timer && port >= acpi.pm_timer && port < acpi.pm_timer + 4u);
	}
}

static bool port_special(unsigned port)
{
	return port_denied(port) || port == PORT_SPEAKER || port == PORT_RTC_INDEX ||
	       port == PORT_RTC_DATA || (port >= PORT_PCI_DATA && port < PORT_PCI_DATA + 4);
}

static uint8_t rtc_access(bool write, uint8_t value)
{
	lock_take(&rtc_lock);
	outb(PORT_RTC_INDEX, rtc_index & 0x7f);
	if (write)
		outb(PORT_RTC_DATA, value);
	else
		value = inb(PORT_RTC_DATA);
	lock_drop(&rtc_lock);
	return value;
}

static uint16_t pci_bdf(void) { return pci_index >> 8; }
static unsigned pci_offset(unsigned port) { return (pci_index & 0xfc) + (port & 3); }

static uint8_t byte_in(unsigned port)
{
	if (port_denied(port))
		return 0xff;
	if (port == PORT_RTC_INDEX)
		return rtc_index;
	if (port == PORT_RTC_DATA)
		return rtc_access(false, 0);
	if ((port & ~3u) == PORT_PCI_DATA)
		return pci_index & PCI_ENABLE ? pci_read(pci_bdf(), pci_offset(port), 1) : 0xff;
	return inb(port);
}

static void byte_out(unsigned port, uint8_t value)
{
	if (port_denied(port))
		return;
	if (port == PORT_RTC_INDEX)
		rtc_index = value;
	else if (port == PORT_RTC_DATA)
		rtc_access(true, value);
	else if ((port & ~3u) == PORT_PCI_DATA && (pci_index & PCI_ENABLE))
		pci_write(pci_bdf(), pci_offset(port), 1, value);
	else if (port == PORT_SPEAKER)		/* speaker and its gate; not the NMI enables */
		outb(port, (inb(port) & 0x0c) | (value & 3));
	else if ((port & ~3u) != PORT_PCI_DATA)
		outb(port, value);
}

/* An access that the device sees in one piece: nothing of ours in it, or aligned PCI data. */
static bool whole_access(unsigned port, unsigned bytes)
{
	if ((port & ~3u) == PORT_PCI_DATA)
		return !(port % bytes) && (pci_index & PCI_ENABLE);
	for (unsigned i = 0; i < bytes; i++)
		if (port_special(port + i))
			return false;
	return true;
}

uint32_t port_in(struct vcpu *v, unsigned port, unsigned bytes)
{
	uint32_t value = 0;

	if (!v->dom->hardware)
		return ~0u;
	if (port == PORT_PCI_INDEX && bytes == 4)
		return pci_index;
	if (!whole_access(port, bytes)) {
		for (unsigned i = 0; i < bytes; i++)
			value |= (uint32_t)byte_in(port + i) << (8 * i);
		return value;
	}
	if ((port & ~3u) == PORT_PCI_DATA)
		return pci_read(pci_bdf(), pci_offset(port), bytes);
	return bytes == 1 ? inb(port) : bytes == 2 ? inw(port) : inl(port);
}

void port_out(struct vcpu *v, unsigned port, unsigned bytes, uint32_t value)
{
	if (!v->dom->hardware)
		return;
	if (port == PORT_PCI_INDEX && bytes == 4) {
		pci_index = value;
		return;
	}
	if (!whole_access(port, bytes)) {
		for (unsigned i = 0; i < bytes; i++)
			byte_out(port + i, value >> (8 * i));
		return;
	}
	if ((port & ~3u) == PORT_PCI_DATA)
		pci_write(pci_bdf(), pci_offset(port), bytes, value);
	else if (bytes == 1)
		outb(port, value);
	else if (bytes == 2)
		outw(port, value);
	else
		outl(port, value);
}
