/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What works before mm_init() and desc_load_cpu(): reports of exceptions, and access to any machine
 * address.  Uses the tables that head.S made; one CPU, interrupts off, gone once dom0 runs.
 */
#include "boot/early.h"
#include "cpu/asm.h"
#include "cpu/features.h"
#include "cpu/image.h"
#include "cpu/panic.h"
#include "cpu/types.h"

#define BOOT_CODE64	0x08
#define GATE_INTERRUPT	0x8e		/* present, ring 0, 64-bit interrupt gate */
#define STUB_BYTES	16
#define LOW_BYTES	(4ul << 30)	/* mapped by head.S, at IMAGE_BASE and at 0 */
#define WINDOW_PAGE	(2ul << 20)

extern const char boot_trap_stubs[];
extern uint64_t boot_window_l2[];

static struct gate {
	uint16_t offset_low, selector;
	uint8_t ist, type;
	uint16_t offset_middle;
	uint32_t offset_high, zero;
} early_idt[32] boot_bss;

boot_text void early_traps_init(void)
{
	struct { uint16_t limit; uint64_t base; } packed idtr = {
		sizeof(early_idt) - 1, (uint64_t)early_idt,
	};

	for (unsigned i = 0; i < ARRAY_SIZE(early_idt); i++) {
		uint64_t stub = (uint64_t)boot_trap_stubs + i * STUB_BYTES;

		early_idt[i].offset_low = (uint16_t)stub;
		early_idt[i].offset_middle = (uint16_t)(stub >> 16);
		early_idt[i].offset_high = (uint32_t)(stub >> 32);
		early_idt[i].selector = BOOT_CODE64;
		early_idt[i].type = GATE_INTERRUPT;
	}
	__asm__ volatile("lidt %0" :: "m"(idtr));
}

boot_text void early_exception(const struct regs *r)
{
	panic_regs(r, "exception %u while booting, error code %x", r->vector, r->error_code);
}

/* The largest address a page-table entry can hold.  Firmware may claim any; cpu is not filled in
 * yet. */
static boot_text uint64_t phys_limit(void)
{
	struct cpuid_leaf l;

	cpuid(0x80000000, 0, &l);
	if (l.a < 0x80000008)
		return 1ul << 36;
	cpuid(0x80000008, 0, &l);
	return 1ul << MIN(l.a & 0xff, 52u);
}

boot_text const void *early_at(uint64_t phys, size_t len)
{
	uint64_t base = ALIGN_DOWN(phys, WINDOW_PAGE), limit;

	if (phys <= LOW_BYTES && len <= LOW_BYTES - phys)
		return (const void *)(IMAGE_BASE + phys);
	limit = phys_limit();
	if (len > WINDOW_PAGE || phys >= limit || len > limit - phys)
		return NULL;
	for (unsigned i = 0; i < 2; i++) {
		boot_window_l2[i] = (base + i * WINDOW_PAGE) | PTE_PSE | PTE_P | PTE_A;
		if (base + i * WINDOW_PAGE >= limit)
			boot_window_l2[i] = 0;
		invlpg(IMAGE_BASE + LOW_BYTES + i * WINDOW_PAGE);
	}
	return (const void *)(IMAGE_BASE + LOW_BYTES + (phys - base));
}
