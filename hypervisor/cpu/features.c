/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the boot CPU has (struct cpu_features), and the control registers as we want them on all CPUs.
 *
 * Paging: NX, write protection for ring 0 too, SMEP and SMAP where present; no global pages, no PCID.
 * Guests own CR4's TSD, DE, FSGSBASE; dom/vcpu.c adds those of the running one.  OSXSAVE stays on, for
 * user space sees it through CPUID and then uses XGETBV.  An application processor that lacks anything
 * the boot CPU has is refused: guests move between all of them.
 */
#include "cpu/asm.h"
#include "cpu/features.h"
#include "cpu/fpu.h"
#include "cpu/msr.h"
#include "cpu/panic.h"
#include "cpu/percpu.h"

struct cpu_features cpu;

/* Words that every CPU must have at least as the boot CPU; order of struct core. */
struct core { uint32_t d1, c1, d81, c81, b7, c7, a_d1; };
static struct core boot_core;

static struct cpuid_leaf leaf_of(uint32_t leaf, uint32_t sub)
{
	struct cpuid_leaf l;

	cpuid(leaf, sub, &l);
	return l;
}

static uint32_t max_basic(void)
{
	return leaf_of(0, 0).a;
}

static struct core core_words(void)
{
	struct cpuid_leaf l1 = leaf_of(1, 0), l81 = leaf_of(0x80000001, 0), none = { 0 };
	struct cpuid_leaf l7 = max_basic() >= 7 ? leaf_of(7, 0) : none;
	struct cpuid_leaf ld = max_basic() >= 0xd ? leaf_of(0xd, 1) : none;

	return (struct core){ .d1 = l1.d, .c1 = l1.c & ~(1u << 27), .d81 = l81.d, .c81 = l81.c,
			      .b7 = l7.b, .c7 = l7.c & ~(1u << 4), .a_d1 = ld.a };
}

/* State components guests may use: x87, SSE, AVX, and all three of AVX-512 or none. */
static boot_text void find_xsave(void)
{
	struct cpuid_leaf l = leaf_of(0xd, 0);
	uint64_t have = (l.a | (uint64_t)l.d << 32) & 0xe7;

	if ((have & 0xe4) != 0xe4)
		have &= 7;
	cpu.xcr0_max = have;
	cpu.xsave_bytes = 512 + 64;
	for (unsigned i = 2; i < 8; i++) {
		if (!(have & BIT(i)))
			continue;
		l = leaf_of(0xd, i);			/* a: size, b: offset */
		cpu.xsave_bytes = MAX(cpu.xsave_bytes, l.a + l.b);
	}
	cpu.xsaveopt = leaf_of(0xd, 1).a & 1;
}

static boot_text void find_features(void)
{
	const struct core *w = &boot_core;
	struct cpuid_leaf vendor = leaf_of(0, 0);
	uint32_t max_extended = leaf_of(0x80000000, 0).a;

	cpu.amd = vendor.c == 0x444d4163 || vendor.c == 0x656e6975;	/* "cAMD", "uine" (Hygon) */
	cpu.x2apic = w->c1 & 1u << 21;
	cpu.pcid = w->c1 & 1u << 17;
	cpu.tsc_deadline = w->c1 & 1u << 24;
	cpu.xsave = w->c1 & 1u << 26;
	cpu.nx = w->d81 & 1u << 20;
	cpu.page1g = w->d81 & 1u << 26;
	cpu.rdtscp = w->d81 & 1u << 27;
	cpu.fsgsbase = w->b7 & 1u << 0;
	cpu.smep = w->b7 & 1u << 7;
	cpu.erms = w->b7 & 1u << 9;
	cpu.invpcid = w->b7 & 1u << 10;
	cpu.smap = w->b7 & 1u << 20;
	cpu.umip = w->c7 & 1u << 2;
	cpu.invariant_tsc = max_extended >= 0x80000007 && (leaf_of(0x80000007, 0).d & 1u << 8);
	cpu.phys_bits = max_extended >= 0x80000008 ? leaf_of(0x80000008, 0).a & 0xff : 36;
	cpu.pte_reserved = PTE_ADDR & ~MASK(cpu.phys_bits);
	cpu.xcr0_max = 3;
	if (cpu.xsave)
		find_xsave();
}

static void set_control_registers(void)
{
	uint64_t efer = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;

	wrmsr(MSR_EFER, efer);
	write_cr0(CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG);
	write_cr4(features_hv_cr4());
	wrmsr(MSR_PAT, PAT_VALUE);
}

boot_text void features_init_bsp(void)
{
	boot_core = core_words();
	find_features();
	if (!cpu.nx)
		boot_fail("this CPU has no NX (no-execute pages); look for it in the firmware's settings");
	if (!(boot_core.d1 & 1u << 24) || !(boot_core.d1 & 1u << 9) || !(boot_core.d1 & 1u << 4))
		boot_fail("this CPU lacks FXSR, a local APIC or a time stamp counter");
	set_control_registers();
	fpu_init_boot();
	cpuid_init();
}

void features_init_cpu(void)
{
	struct core w = core_words();
	const struct core *b = &boot_core;

	if ((b->d1 & ~w.d1) | (b->c1 & ~w.c1) | (b->d81 & ~w.d81) | (b->c81 & ~w.c81) |
	    (b->b7 & ~w.b7) | (b->c7 & ~w.c7) | (b->a_d1 & ~w.a_d1))
		boot_fail("CPU %u lacks features that the boot CPU has", cpu_id());
	set_control_registers();
	this_cpu()->cr4 = features_hv_cr4();
}

uint64_t features_hv_cr4(void)
{
	return CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT | (cpu.umip ? CR4_UMIP : 0) |
	       (cpu.xsave ? CR4_OSXSAVE : 0) | (cpu.smep ? CR4_SMEP : 0) | (cpu.smap ? CR4_SMAP : 0);
}

uint64_t features_guest_cr4_mask(void)
{
	return CR4_TSD | CR4_DE | (cpu.fsgsbase ? CR4_FSGSBASE : 0) | (cpu.xsave ? CR4_OSXSAVE : 0);
}
