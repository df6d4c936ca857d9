/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the CPU has, what we use, and what PV guests are told (abi-inventory 5).
 */
#ifndef CPU_FEATURES_H
#define CPU_FEATURES_H

#include "cpu/types.h"

struct cpuid_leaf { uint32_t a, b, c, d; };

struct cpu_features {			/* of the boot CPU; APs are checked to have the same */
	bool nx, smep, smap, umip, fsgsbase, xsave, xsaveopt, rdtscp, x2apic, tsc_deadline, invariant_tsc,
	     page1g, pcid;
	bool amd;
	uint8_t phys_bits;		/* MAXPHYADDR */
	uint64_t xcr0_max;		/* what guests may enable */
	uint32_t xsave_bytes;		/* area for xcr0_max */
	uint32_t mxcsr_mask;
	uint64_t pte_reserved;		/* address bits above MAXPHYADDR (51..phys_bits) */
};
extern struct cpu_features cpu;
extern bool opt_pcid;			/* pcid=0 leaves it off */

static inline void cpuid(uint32_t leaf, uint32_t sub, struct cpuid_leaf *out)
{
	__asm__ volatile("cpuid" : "=a"(out->a), "=b"(out->b), "=c"(out->c), "=d"(out->d)
			 : "a"(leaf), "c"(sub));
}

/* Feature words in the order of the control ABI's feature set. */
enum feature_word { W_1D, W_1C, W_81D, W_81C, W_XSAVE, W_7B, W_7C, W_87D, W_88B, W_7D, W_71A, W_821A,
		    W_71B, W_72D, W_71C, W_71D, W_ARCH_CAPS_LOW, W_ARCH_CAPS_HIGH, W_821C, FEATURE_WORDS };

/* Once cpuid_init() has run: fills cpu, sets CR0, CR4, EFER, PAT.  boot_fail()s when the CPU lacks what we need. */
void features_init_bsp(void);
/* The same on each CPU that runs on its own stack; stops if it lacks something the boot CPU has. */
void features_init_cpu(void);

/* Guest CR4 as a PV kernel sees and sets it: bits it owns, and the ones it reads back. */
#define CR4_TSD		BIT(2)
#define CR4_DE		BIT(3)
#define CR4_PAE		BIT(5)
#define CR4_MCE		BIT(6)
#define CR4_PGE		BIT(7)
#define CR4_OSFXSR	BIT(9)
#define CR4_OSXMMEXCPT	BIT(10)
#define CR4_UMIP	BIT(11)
#define CR4_FSGSBASE	BIT(16)
#define CR4_PCIDE	BIT(17)
#define CR4_OSXSAVE	BIT(18)
#define CR4_SMEP	BIT(20)
#define CR4_SMAP	BIT(21)
uint64_t features_guest_cr4_mask(void);	/* the bits a guest may own: TSD DE FSGSBASE OSXSAVE, if present */
uint64_t features_hv_cr4(void);		/* what CR4 holds for us without guest-owned bits */

/* cpu/cpuid.c */
void cpuid_init(void);			/* first thing in C: what the boot CPU has */
void cpuid_init_guests(void);		/* cpu is filled in: what guests are told */
bool cpuid_lacks(void);			/* does this CPU lack anything that the boot CPU has? */
/* CPUID of this CPU, zeros beyond the last leaf (Intel repeats another leaf there). */
struct cpuid_leaf features_host_leaf(uint32_t leaf, uint32_t sub);
uint32_t features_host_word(enum feature_word w);	/* the boot CPU's */
uint8_t features_phys_bits(void);	/* MAXPHYADDR */
/*
 * What a guest is told for @leaf/@sub.  Static policy; the caller (call/emulate.c) adds what depends
 * on the vCPU: hypervisor leaves, OSXSAVE, APIC id, xsave size for live XCR0.
 */
void features_guest_cpuid(uint32_t leaf, uint32_t sub, bool hardware_domain, struct cpuid_leaf *out);
/* The PV policy as a list for domctl/sysctl: returns number of leaves written, at most @max. */
struct cpuid_leaf_entry { uint32_t leaf, sub, a, b, c, d; };
unsigned features_policy_leaves(int which, struct cpuid_leaf_entry *out, unsigned max);
/* 19-word feature set (abi-inventory 5.4): which = 0 raw/1 host/2 pv. */
unsigned features_words(int which, uint32_t *out, unsigned max);
/*
 * A domain may be given less than the PV policy: its own FEATURE_WORDS words.  One leaf of a list the
 * toolstack wrote changes them: 0, or -EINVAL when it has a feature that no PV guest can have.
 */
int features_words_set(uint32_t *words, const struct cpuid_leaf_entry *l);
/* What features_guest_cpuid said about @leaf/@sub, cut down to @words. */
void features_words_apply(const uint32_t *words, uint32_t leaf, uint32_t sub, struct cpuid_leaf *l);

#endif
