/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Break-in: descriptors that give more than ring 3 - code and data with DPL 0-2, call gates into
 * any code segment, TSS, LDT, interrupt and trap gates - by update_descriptor and inside a frame
 * that becomes a GDT or LDT.  Either the descriptor is refused or it has lost its power.
 */
#include "guest.h"

#define S_BIT	(1UL << 44)
#define P_BIT	(1UL << 47)
#define DPL(n)	((uint64_t)(n) << 45)

static uint64_t *gdt;

static unsigned int dpl_of(uint64_t d)
{
	return d >> 45 & 3;
}

/* A present descriptor in force is code or data with DPL 3, or a system type without effect. */
static bool harmless(uint64_t d)
{
	if (!(d & P_BIT))
		return true;
	if (!(d & S_BIT) && (d >> 40 & 15) == 0)
		return true;		/* reserved in long mode: any use faults */
	if (!(d & S_BIT))		/* Xen turns call gates into ones ring 3 cannot use */
		return !on_mica() && (d >> 40 & 15) == 12 && dpl_of(d) == 0;
	return dpl_of(d) == 3;
}

static void try_update(uint64_t desc, const char *what)
{
	volatile uint64_t *slot = &gdt[7];
	long rc = hc_update_descriptor(mfn_of(gdt) * PAGE_SIZE + 56, desc);

	if (rc >= 0 && !harmless(*slot))
		test_fail("%s: %lx is in force as %lx", what, desc, *slot);
	if (rc < 0 && *slot)
		test_fail("%s: refused, but the slot is %lx", what, *slot);
	must(hc_update_descriptor(mfn_of(gdt) * PAGE_SIZE + 56, 0));
}

static void check_updates(void)
{
	static const uint8_t system_types[] = { 0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15 };

	for (unsigned int dpl = 0; dpl < 3; dpl++)
		for (unsigned int type = 0; type < 16; type++) {
			try_update(0x00cf00000000ffff | S_BIT | P_BIT | DPL(dpl) |
				   (uint64_t)type << 40, "low DPL");
			try_update(0x00af00000000ffff | S_BIT | P_BIT | DPL(dpl) |
				   (uint64_t)type << 40, "low DPL, long mode");
		}
	for (unsigned int i = 0; i < ARRAY_SIZE(system_types); i++)
		for (unsigned int dpl = 0; dpl < 4; dpl++)
			try_update(0x000000000000ffff | P_BIT | DPL(dpl) |
				   (uint64_t)system_types[i] << 40, "system type");
}

/* Call gates: 64-bit ones take two slots and name a target no one may choose. */
static void check_call_gates(void)
{
	static const uint16_t targets[] = { 0x08, 0xe008, 0xe010, 0xe030, 0xe033, 0x10 };

	for (unsigned int i = 0; i < ARRAY_SIZE(targets); i++) {
		uint64_t gate = 0x1000 | (uint64_t)targets[i] << 16 | P_BIT | DPL(3) | 12UL << 40;
		long rc = hc_update_descriptor(mfn_of(gdt) * PAGE_SIZE + 56, gate);
		struct fault f;

		if (rc < 0)
			continue;
		check(on_mica() == false, "call gate to %x accepted", targets[i]);
		FAULT_IN(&f, asm volatile("lcall *%0" : : "m"(*(struct {
			uint32_t off; uint16_t sel; } *)&(struct { uint32_t off; uint16_t sel; }){
			0, 7 << 3 | 3 })));
		check(f.hit, "a call gate to %x was taken", targets[i]);
		must(hc_update_descriptor(mfn_of(gdt) * PAGE_SIZE + 56, 0));
	}
}

/* The same in a frame that is offered as a whole. */
static void check_whole(uint64_t desc)
{
	uint64_t *page = page_alloc(), mfn = mfn_of(page);

	page[3] = desc;
	page_readonly(page);
	if (hypercall(__HYPERVISOR_set_gdt, &mfn, 512) >= 0 && !harmless(page[3]))
		test_fail("GDT with %lx is in force as %lx", desc, page[3]);
	must(hypercall(__HYPERVISOR_set_gdt, NULL, 0));
	if (hc_mmuext(MMUEXT_SET_LDT, (unsigned long)page, 512) >= 0) {
		struct fault f;

		FAULT_IN(&f, asm volatile("mov %w0, %%fs" : : "r"(3 << 3 | 7)));
		check(f.hit || harmless(page[3]), "LDT with %lx is in force", desc);
		asm volatile("mov %w0, %%fs" : : "r"(0));
		must(hc_mmuext(MMUEXT_SET_LDT, 0, 0));
	}
}

/*
 * Descriptors already in force, then made dangerous: the page leaves and comes back, and a second
 * frame is added whose last slot starts a 16-byte gate.
 */
static void check_smuggled(void)
{
	uint64_t *page = page_alloc(), *tail = page_alloc(), list[2];

	page[511] = 0x0000ec0000081000;
	tail[0] = 0;
	page_readonly(page);
	page_readonly(tail);
	list[0] = mfn_of(page);
	list[1] = mfn_of(tail);
	if (hypercall(__HYPERVISOR_set_gdt, list, 1024) >= 0 && !harmless(page[511]))
		test_fail("a gate across two frames is in force: %lx", page[511]);
	must(hypercall(__HYPERVISOR_set_gdt, NULL, 0));
	page_writable(page);
	page[511] = 0;
	page_readonly(page);
	check_ok(hypercall(__HYPERVISOR_set_gdt, list, 1024));
	must(hypercall(__HYPERVISOR_set_gdt, NULL, 0));
	page_writable(page);
	page[7] = 0x0000ec0000081000;
	page_readonly(page);
	if (hypercall(__HYPERVISOR_set_gdt, list, 1024) >= 0 && !harmless(page[7]))
		test_fail("the second check of a frame was skipped: %lx in force", page[7]);
	must(hypercall(__HYPERVISOR_set_gdt, NULL, 0));
}

void test_main(void)
{
	uint64_t mfn;

	gdt = page_alloc();
	mfn = mfn_of(gdt);
	page_readonly(gdt);
	must(hypercall(__HYPERVISOR_set_gdt, &mfn, 512));
	check_updates();
	check_call_gates();
	check_whole(0x00cf93000000ffff);
	check_whole(0x00af9b000000ffff);
	check_whole(0x0000890000001067);
	check_whole(0x00008e0000081000);
	check_whole(0x0000820000001067);
	check_whole(0x0000ec0000081000);		/* call gate, DPL 3 */
	check_whole(0x0000ec00e0081000);
	check_smuggled();
}
