/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the boot CPU has (struct cpu_features), and the control registers as we want them on all CPUs.
 *
 * Paging: NX, write protection for ring 0 too, our own pages global; SMEP, SMAP, PCID where present.
 * Guests own CR4's TSD, DE, FSGSBASE; dom/vcpu.c adds those of the running one.  OSXSAVE stays on, for
 * user space sees it through CPUID and then uses XGETBV.  An application processor that lacks anything
 * the boot CPU has is refused: guests move between all of them.
 */
#include "cpu/asm.h"
#include "cpu/features.h"
#include "cpu/fpu.h"
#include "cpu/log.h"
#include "cpu/msr.h"
#include "cpu/panic.h"
#include "cpu/percpu.h"

struct cpu_features cpu;
bool opt_pcid = true;

static boot_text bool has(enum feature_word w, unsigned bit)
{
	return features_host_word(w) >> bit & 1;
}

/* State components guests may use: x87, SSE, AVX, and all three of AVX-512 or none. */
static boot_text void find_xsave(void)
{
	struct cpuid_leaf l = features_host_leaf(0xd, 0);
	uint64_t have = (l.a | (uint64_t)l.d << 32) & 0xe7;

	if ((have & 0xe4) != 0xe4)
		have &= 7;
	cpu.xcr0_max = have;
	cpu.xsave_bytes = 512 + 64;
	for (unsigned i = 2; i < 8; i++) {
		if (!(have & BIT(i)))
			continue;
		l = features_host_leaf(0xd, i);			/* a: size, b: offset */
		cpu.xsave_bytes = MAX(cpu.xsave_bytes, l.a + l.b);
	}
	cpu.xsaveopt = has(W_XSAVE, 0);
}

uint8_t features_phys_bits(void)
{
	uint8_t bits = (uint8_t)features_host_leaf(0x80000008, 0).a;

	return bits ? MIN(bits, 52) : 36;
}

static boot_text void find_features(void)
{
	uint32_t vendor = features_host_leaf(0, 0).c;

	cpu.amd = vendor == 0x444d4163 || vendor == 0x656e6975;	/* "cAMD", "uine" (Hygon) */
	cpu.x2apic = has(W_1C, 21);
	cpu.tsc_deadline = has(W_1C, 24);
	cpu.xsave = has(W_1C, 26);
	cpu.pcid = has(W_1C, 17) && has(W_7B, 10) && opt_pcid;	/* with INVPCID, or not at all */
	cpu.nx = has(W_81D, 20);
	cpu.page1g = has(W_81D, 26);
	cpu.rdtscp = has(W_81D, 27);
	cpu.fsgsbase = has(W_7B, 0);
	cpu.smep = has(W_7B, 7);
	cpu.smap = has(W_7B, 20);
	cpu.umip = has(W_7C, 2);
	cpu.invariant_tsc = has(W_87D, 8);
	cpu.phys_bits = features_phys_bits();
	cpu.pte_reserved = PTE_ADDR & ~MASK(cpu.phys_bits);
	cpu.xcr0_max = 3;
	if (cpu.xsave)
		find_xsave();
}

static void set_control_registers(void)
{
	wrmsr(MSR_EFER, EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE);
	write_cr0(CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG);
	write_cr4(features_hv_cr4());
	wrmsr(MSR_PAT, PAT_VALUE);
}

boot_text void features_init_bsp(void)
{
	find_features();
	if (!cpu.nx)
		boot_fail("this CPU has no NX (no-execute pages); look for it in the firmware's settings");
	if (!has(W_1D, 24) || !has(W_1D, 9) || !has(W_1D, 4))
		boot_fail("this CPU lacks FXSR, a local APIC or a time stamp counter");
	if (!cpu.amd && !(has(W_7D, 29) && (rdmsr(MSR_ARCH_CAPABILITIES) & ARCH_CAPS_RDCL_NO)))
		log_warn("this CPU may have the Meltdown flaw: a guest could read all memory of the machine");
	set_control_registers();
	fpu_init_boot();
	cpuid_init_guests();
}

void features_init_cpu(void)
{
	if (cpuid_lacks())
		boot_fail("CPU %u lacks features that the boot CPU has", cpu_id());
	set_control_registers();
	this_cpu()->cr4 = features_hv_cr4();
}

uint64_t features_hv_cr4(void)
{
	return CR4_PAE | CR4_MCE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT | (cpu.umip ? CR4_UMIP : 0) |
	       (cpu.pcid ? CR4_PCIDE : 0) | (cpu.xsave ? CR4_OSXSAVE : 0) | (cpu.smep ? CR4_SMEP : 0) | (cpu.smap ? CR4_SMAP : 0);
}

uint64_t features_guest_cr4_mask(void)
{
	return CR4_TSD | CR4_DE | (cpu.fsgsbase ? CR4_FSGSBASE : 0) | (cpu.xsave ? CR4_OSXSAVE : 0);
}
