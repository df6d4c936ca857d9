/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptor tables of each CPU: the GDT's reserved page, IDT, TSS with IST stacks for NMI, #DF, #MC,
 * SYSCALL MSRs.
 */
#ifndef CPU_DESC_H
#define CPU_DESC_H

#include "cpu/types.h"

/*
 * Fills in one CPU's area after mm/hvmap.c mapped it (hvmap_cpu_area): GDT, TSS, percpu fields (id, cr4,
 * window pointers; all else zero).  @gdt_ptes, @ldt_ptes: the 16 leaf entries of each window;
 * @reserved: the page that becomes GDT page 14, ours; @empty: the shared all-zero page.
 */
void desc_init_cpu(unsigned cpu, uint64_t *gdt_ptes, uint64_t *ldt_ptes, mfn_t reserved, mfn_t empty);
/*
 * Fills in the IDT and loads it.  entry[n] is the address of vector n's stub (call/entry.S).  Every gate is
 * an interrupt gate; DPL 3 for 3, 4 and 0x80, else 0.  First with @code = SEL_BOOT_CODE64, so that an
 * exception is reported from the beginning, then with SEL_HV_CODE once the boot CPU has its own TSS; now
 * NMI (IST 1), #DF and #DB (IST 2, cpu/layout.h says why) and #MC (IST 3) have stacks of their own.
 */
void desc_init_idt(const uint64_t entry[256], uint64_t code);
/*
 * Set once, before the first CPU loads them: where SYSCALL and SYSENTER go.  Stubs: for each CPU two pieces of
 * code of 32 bytes, for SYSCALL from 64-bit and from 32-bit code (call/syscall_stubs.S), which run on the
 * guest's rsp.  The entries behind them are reached with rsp = top of the CPU's main stack, percpu.scratch = guest
 * rsp, rcx = guest rip, r11 = guest rflags, all other registers the guest's; rflags is clear of TF, IF,
 * DF, IOPL, NT, RF, AC.  SYSENTER arrives with rsp = top of the main stack and only IF cleared.
 */
extern const char *desc_syscall_stubs;
extern void (*desc_sysenter)(void);
/* On the CPU itself, running on its own stack: loads GDT, IDT, TSS, SYSCALL/SYSENTER MSRs, null data
 * selectors, zero FS and GS bases. */
void desc_load_cpu(void);
/* Puts @n guest descriptor-table frames into this CPU's GDT window (0 entries beyond are the empty page). */
void desc_set_guest_gdt(const mfn_t *frames, unsigned n);
/* LDT of @entries descriptors, 0 = none; its pages appear in the LDT window one by one, when they are
 * first touched (desc_map_ldt_page).  Also forgets the pages of the LDT before. */
void desc_set_guest_ldt(unsigned entries);
void desc_map_ldt_page(unsigned page, mfn_t m);
/* Is @va inside this CPU's LDT window?  If so *offset is the byte offset in the guest's LDT. */
bool desc_in_ldt_window(uint64_t va, uint32_t *offset);

#endif
