/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptor tables and the ways they lead in.
 *
 * GDT, per CPU, at its window (cpu/layout.h): pages 0-13 the guest's, page 14 ours - code, data, the
 * guest's flat selectors, TSS, LDT, and nothing else, since a guest may name any selector up to the
 * limit.  The window's leaf entries are rewritten at each switch of guests.  A page that the guest's
 * tables do not have is the shared empty one: null descriptors.
 *
 * LDT, per CPU: a window whose pages appear when the CPU first touches them (call/pagefault.c).
 *
 * TSS: at the end of the percpu page.  RSP0 is the top of the main stack; three interrupt stacks.
 *
 * Everything here belongs to the CPU it is for and is touched by it alone once it runs.
 */
#include "cpu/asm.h"
#include "cpu/desc.h"
#include "cpu/features.h"
#include "cpu/image.h"
#include "cpu/msr.h"
#include "cpu/percpu.h"
#include "cpu/regs.h"
#include "cpu/switch.h"
#include "lib/string.h"

struct tss {				/* SDM vol. 3, 7.7 */
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3;
	uint16_t io_map;		/* beyond the limit: no port is allowed */
} packed;

struct cpu_desc {			/* at CPU_TSS_OFFSET of the percpu page */
	struct tss tss;
	uint32_t gdt_pages;		/* guest pages in the GDT window now */
	uint32_t ldt_entries;		/* limit of the LDT loaded now */
	uint64_t empty_pte;
};
_Static_assert(sizeof(struct tss) == 104, "TSS");
_Static_assert(CPU_TSS_OFFSET + sizeof(struct cpu_desc) <= PAGE_SIZE, "TSS beyond its page");

#define IST_NMI			1
#define IST_DF			2
#define IST_MC			3
#define SYSCALL_STUB_BYTES	32
#define LDT_WINDOW_PAGES	16
#define WINDOW_PTE		(PTE_P | PTE_RW | PTE_A | PTE_D | PTE_NX)

struct gate { uint64_t low, high; };
static struct gate idt[256] aligned(16);

static inline struct cpu_desc *desc_of(struct percpu *p)
{
	return (struct cpu_desc *)((char *)p + CPU_TSS_OFFSET);
}

/* Our page of the GDT as the CPU sees it; @sel one of the SEL_* constants. */
static inline uint64_t *gdt_entry(struct percpu *p, unsigned sel)
{
	return (uint64_t *)((char *)p + CPU_GDT_WINDOW + (sel & ~7u));
}

/* --- IDT ----------------------------------------------------------------------------------------- */

static void load_idt(void)
{
	struct { uint16_t limit; uint64_t base; } packed idtr = { sizeof(idt) - 1, (uint64_t)idt };

	__asm__ volatile("lidt %0" :: "m"(idtr) : "memory");
}

boot_text void desc_init_idt(const uint64_t entry[256], uint64_t code)
{
	for (unsigned v = 0; v < 256; v++) {
		uint64_t ist = v == 2 ? IST_NMI : v == 8 || v == 1 ? IST_DF : v == 18 ? IST_MC : 0;
		uint64_t dpl = v == 3 || v == 4 || v == 0x80 ? 3 : 0;
		uint64_t a = entry[v];

		if (code != SEL_HV_CODE)
			ist = 0;		/* no TSS yet */
		/* present, type 14: interrupt gate (SDM vol. 3, 6.14.1) */
		idt[v].low = (a & 0xffff) | code << 16 | ist << 32 | (0x8e00ul | dpl << 13) << 32 |
			     (a >> 16 & 0xffff) << 48;
		idt[v].high = a >> 32;
	}
	load_idt();
}

const char *desc_syscall_stubs;
void (*desc_sysenter)(void);
void (*guest_exit)(void);

/* --- one CPU -------------------------------------------------------------------------------------- */

/* A 16-byte system descriptor, present. */
static void set_system(uint64_t *entry, unsigned type, uint64_t base, uint32_t limit)
{
	entry[1] = base >> 32;
	entry[0] = (limit & 0xffff) | (base & 0xffffff) << 16 | (uint64_t)(0x80 | type) << 40 |
		   (uint64_t)(limit >> 16 & 0xf) << 48 | (base >> 24 & 0xff) << 56;
}

boot_text void desc_init_cpu(unsigned cpu, uint64_t *gdt_ptes, uint64_t *ldt_ptes, mfn_t reserved, mfn_t empty)
{
	struct percpu *p = percpu_of(cpu);
	struct cpu_desc *d = desc_of(p);

	p->id = cpu;
	p->cr4 = features_hv_cr4();
	p->gdt_ptes = gdt_ptes;
	p->ldt_ptes = ldt_ptes;
	p->next_deadline_ns = ~0ul;

	d->empty_pte = pte_make(empty, PTE_P | PTE_A | PTE_NX).v;
	for (unsigned i = 0; i < GDT_GUEST_PAGES; i++)
		gdt_ptes[i] = d->empty_pte;
	gdt_ptes[GDT_GUEST_PAGES] = pte_make(reserved, WINDOW_PTE).v;
	for (unsigned i = 0; i < LDT_WINDOW_PAGES; i++)
		ldt_ptes[i] = 0;

	page_clear(gdt_entry(p, GDT_FIRST_RESERVED));
	*gdt_entry(p, SEL_HV_CODE) = 0x00af9b000000ffff;
	*gdt_entry(p, SEL_HV_DATA) = 0x00cf93000000ffff;
	*gdt_entry(p, SEL_GUEST_CODE32) = 0x00cffb000000ffff;
	*gdt_entry(p, SEL_GUEST_DATA) = 0x00cff3000000ffff;
	*gdt_entry(p, SEL_GUEST_CODE64) = 0x00affb000000ffff;
	set_system(gdt_entry(p, SEL_TSS), 9, (uint64_t)&d->tss, sizeof(d->tss) - 1);

	d->tss.rsp[0] = (uint64_t)p + CPU_STACK_TOP;
	d->tss.ist[IST_NMI - 1] = (uint64_t)p + CPU_STACK_NMI_TOP;
	d->tss.ist[IST_DF - 1] = (uint64_t)p + CPU_STACK_DF_TOP;
	d->tss.ist[IST_MC - 1] = (uint64_t)p + CPU_STACK_MC_TOP;
	d->tss.io_map = sizeof(d->tss);
}

static void load_tables(struct percpu *p)
{
	struct { uint16_t limit; uint64_t base; } packed
		gdtr = { GDT_LIMIT, (uint64_t)p + CPU_GDT_WINDOW };

	__asm__ volatile("lgdt %0" :: "m"(gdtr) : "memory");
	__asm__ volatile("pushq %0\n"
			 "lea 1f(%%rip), %%rax\n"
			 "pushq %%rax\n"
			 "lretq\n"
			 "1:" :: "i"(SEL_HV_CODE) : "rax", "memory");
	__asm__ volatile("mov %0, %%ss" :: "r"(SEL_HV_DATA) : "memory");
	__asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%fs; mov %0, %%gs" :: "r"(0) : "memory");
	load_idt();
	__asm__ volatile("ltr %w0" :: "r"(SEL_TSS) : "memory");
	__asm__ volatile("lldt %w0" :: "r"(0) : "memory");
}

void desc_load_cpu(void)
{
	struct percpu *p = this_cpu();

	load_tables(p);
	wrmsr(MSR_FS_BASE, 0);
	wrmsr(MSR_GS_BASE, 0);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	/* SYSRET adds 16 and 8 to the upper selector for CS and SS (SDM vol. 3, 5.8.8). */
	wrmsr(MSR_STAR, (uint64_t)SEL_GUEST_CODE32 << 48 | (uint64_t)SEL_HV_CODE << 32);
	wrmsr(MSR_LSTAR, (uint64_t)desc_syscall_stubs + p->id * 2 * SYSCALL_STUB_BYTES);
	wrmsr(MSR_CSTAR, (uint64_t)desc_syscall_stubs + (p->id * 2 + 1) * SYSCALL_STUB_BYTES);
	wrmsr(MSR_FMASK, RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_IOPL | RFLAGS_NT | RFLAGS_RF |
			 RFLAGS_VM | RFLAGS_AC);
	if (cpu.amd)				/* no SYSENTER in long mode there */
		return;
	wrmsr(MSR_SYSENTER_CS, SEL_HV_CODE);
	wrmsr(MSR_SYSENTER_ESP, (uint64_t)p + CPU_STACK_TOP);
	wrmsr(MSR_SYSENTER_EIP, (uint64_t)desc_sysenter);
}

/* --- guests' tables ---------------------------------------------------------------------------- */

static void set_window(struct percpu *p, unsigned page, uint64_t e)
{
	if (p->gdt_ptes[page] == e)
		return;
	write_once(p->gdt_ptes[page], e);
	invlpg((uint64_t)p + CPU_GDT_WINDOW + page * PAGE_SIZE);
}

void desc_set_guest_gdt(const mfn_t *frames, unsigned n)
{
	struct percpu *p = this_cpu();
	struct cpu_desc *d = desc_of(p);

	for (unsigned i = 0; i < n; i++)
		set_window(p, i, mfn_is_none(frames[i]) ? d->empty_pte :
				 pte_make(frames[i], WINDOW_PTE).v);
	for (unsigned i = n; i < d->gdt_pages; i++)
		set_window(p, i, d->empty_pte);
	d->gdt_pages = n;
}

void desc_set_guest_ldt(unsigned entries)
{
	struct percpu *p = this_cpu();
	struct cpu_desc *d = desc_of(p);

	if (!entries && !d->ldt_entries)
		return;
	for (unsigned i = 0; i < LDT_WINDOW_PAGES; i++)
		if (p->ldt_ptes[i]) {
			write_once(p->ldt_ptes[i], 0);
			invlpg((uint64_t)p + CPU_LDT_WINDOW + i * PAGE_SIZE);
		}
	d->ldt_entries = entries;
	if (entries)
		set_system(gdt_entry(p, SEL_LDT), 2, (uint64_t)p + CPU_LDT_WINDOW, entries * 8 - 1);
	__asm__ volatile("lldt %w0" :: "r"(entries ? SEL_LDT : 0) : "memory");
}

void desc_map_ldt_page(unsigned page, mfn_t m)
{
	write_once(this_cpu()->ldt_ptes[page], pte_make(m, WINDOW_PTE).v);
}

bool desc_in_ldt_window(uint64_t va, uint32_t *offset)
{
	uint64_t at = va - ((uint64_t)this_cpu() + CPU_LDT_WINDOW);

	*offset = (uint32_t)at;
	return at < LDT_WINDOW_PAGES * PAGE_SIZE;
}
