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
	if (copy_from_guest(map, gva_add(v->iobitmap, port / 8), port % 8 + bytes > 8 ? 2 : 1))
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

static uint8_t rtc_access(bool out, uint8_t value)
{
	lock_take(&rtc_lock);
	outb(PORT_RTC_INDEX, rtc_index & 0x7f);
	if (out)
		outb(PORT_RTC_DATA, value);
	else
		value = inb(PORT_RTC_DATA);
	lock_drop(&rtc_lock);
	return value;
}

static bool port_is_pci_data(unsigned port)
{
	return (port & ~3u) == PORT_PCI_DATA;
}

/* An access that the device sees in one piece: nothing of ours in it, or aligned PCI data. */
static bool whole_access(unsigned port, unsigned bytes)
{
	if (port_is_pci_data(port))
		return !(port % bytes) && (pci_index & PCI_ENABLE);
	for (unsigned i = 0; i < bytes; i++)
		if (port_special(port + i))
			return false;
	return true;
}

/* One of these, or a single byte. */
static uint32_t access_piece(unsigned port, unsigned bytes, bool out, uint32_t value)
{
	uint16_t bdf = (uint16_t)(pci_index >> 8);
	unsigned offset = (pci_index & 0xfc) + (port & 3);

	if (port_denied(port) || (port_is_pci_data(port) && !(pci_index & PCI_ENABLE)))
		return ~0u;
	if (port_is_pci_data(port) && out)
		pci_write(bdf, offset, bytes, value);
	else if (port_is_pci_data(port))
		return pci_read(bdf, offset, bytes);
	else if (port == PORT_RTC_DATA)
		return rtc_access(out, (uint8_t)value);
	else if (port == PORT_RTC_INDEX)
		return out ? rtc_index = (uint8_t)value : rtc_index;
	else if (port == PORT_SPEAKER && out)	/* speaker and its gate; not the NMI enables */
		outb(PORT_SPEAKER, (inb(PORT_SPEAKER) & 0x0c) | (value & 3));
	else if (out)
		out_bytes((uint16_t)port, bytes, value);
	else
		return in_bytes((uint16_t)port, bytes);
	return 0;
}

uint32_t port_access(struct vcpu *v, unsigned port, unsigned bytes, bool out, uint32_t value)
{
	uint32_t result = 0;

	if (!v->dom->hardware)
		return ~0u;
	if (port == PORT_PCI_INDEX && bytes == 4)
		return out ? pci_index = value : pci_index;
	if (whole_access(port, bytes))
		return access_piece(port, bytes, out, value);
	for (unsigned i = 0; i < bytes; i++)
		result |= (access_piece(port + i, 1, out, value >> (8 * i) & 0xff) & 0xff) << (8 * i);
	return result;
}
