/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does every exception that guest-kernel code can raise arrive at its vector with the
 * right error code, rip, cr2 and frame, and can execution continue after it?
 *
 * QEMU's TCG raises neither #AC nor #XM, and #GP where #SS is due; those are not asked.
 */
#include "guest.h"

#define RAISES(vector, error, ...) do {					\
	struct fault f;							\
	FAULT_IN(&f, asm volatile(__VA_ARGS__));			\
	check_fault(&f, vector, error);					\
	check_equal(f.regs.cs, FLAT_KERNEL_CS64 & ~3);			\
	check_equal(f.regs.ss & 0xffff, FLAT_KERNEL_SS64);		\
} while (0)

static void check_page_fault(unsigned long address, bool write, long error)
{
	struct fault f;

	if (write)
		FAULT_IN(&f, asm volatile("movb $0, (%0)" : : "r"(address) : "memory"));
	else
		FAULT_IN(&f, asm volatile("movb (%0), %%al" : : "r"(address) : "al"));
	check_fault(&f, 14, error);
	check(f.cr2 == address, "cr2 %lx, wanted %lx", f.cr2, address);
}

static void check_page_faults(void)
{
	char *page = page_alloc();

	check_page_fault(0x1000, false, 0);
	check_page_fault(0x1000, true, 2);
	check_page_fault(start_info->pt_base, true, 3);
	check_page_fault(HOLE_START, true, 3);		/* the M2P is read-only */
	page_readonly(page);
	check_page_fault((unsigned long)page, true, 3);
	check_page_fault((unsigned long)page + 4095, true, 3);
}

static void check_fetch(void)
{
	char *page = page_alloc();
	struct fault f;

	page[0] = (char)0xc3;
	FAULT_IN(&f, ((void (*)(void))page)());
	check_fault(&f, -1, 0);
	must(hc_map((unsigned long)page, make_pte(mfn_of(page), PTE_RW_PAGE | PTE_NX)));
	FAULT_IN(&f, ((void (*)(void))page)());
	check_fault(&f, 14, 0x11);
	FAULT_IN(&f, ((void (*)(void))0x1000)());
	check_fault(&f, 14, 0x10);
	check_equal(f.regs.rip, 0x1000);
}

static void check_traps(void)
{
	struct fault f;
	extern const char after_int3[], at_ud2[];

	FAULT_IN(&f, asm volatile("int3; .globl after_int3; after_int3:"));
	check_fault(&f, 3, 0);
	check_equal(f.regs.rip, after_int3);
	FAULT_IN(&f, asm volatile(".globl at_ud2; at_ud2: ud2"));
	check_fault(&f, 6, 0);
	check_equal(f.regs.rip, at_ud2);
	RAISES(4, 0, "int $4");
	RAISES(1, 0, "pushfq; orl $0x100, (%rsp); popfq; nop; nop");
}

static void check_x87(void)
{
	uint16_t cw = 0x37b;				/* divide by zero unmasked */

	RAISES(16, 0, "fninit; fldcw %0; fld1; fldz; fdivrp; fwait" : : "m"(cw));
	asm volatile("fnclex; fninit");
}

/* A frame's rip, rsp and general registers are those of the interrupted code. */
static void check_frame(void)
{
	struct fault f;

	FAULT_IN(&f, asm volatile("mov $0x1234, %%r12d; mov $0x5678, %%ecx; mov $0x9abc, %%r11d;"
				  "std; ud2" : : : "r12", "rcx", "r11"));
	check_equal(f.regs.r12, 0x1234);
	check_equal(f.regs.rcx, 0x5678);
	check_equal(f.regs.r11, 0x9abc);
	check(f.regs.rflags & RFLAGS_DF, "DF lost in the frame");
	check_equal(f.regs.rflags & RFLAGS_IF, event_mask_get() ? 0 : RFLAGS_IF);
}

void test_main(void)
{
	uint64_t bad = NONCANONICAL;

	RAISES(0, 0, "xor %%eax, %%eax; xor %%edx, %%edx; div %%eax" : : : "eax", "edx");
	check_traps();
	RAISES(13, 0, "mov (%0), %%al" : : "r"(bad) : "al");
	RAISES(13, 0, "hlt");
	RAISES(13, 0x1238, "mov %w0, %%ds" : : "r"(0x123b));
	RAISES(13, 0xe008, "mov %w0, %%es" : : "r"(0xe008));
	RAISES(13, 0, "jmp *%0" : : "r"(bad));
	check_page_faults();
	check_fetch();
	check_x87();
	check_frame();
}
