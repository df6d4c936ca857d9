/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What PV guests are told about the CPU (abi-inventory 5.2-5.4): the host's CPUID, cut down by a table
 * of allowed feature bits, leaf by leaf.  A leaf that is not named here reads as zeros.
 *
 * Hidden on purpose although the host may have it: everything that needs ring 0 or hypervisor support
 * we do not give (VMX, PCID, SMEP, large and global pages, MTRR, MONITOR, perf counters, PKU, XSAVES),
 * topology (each vCPU looks like a package of one core), and speculation controls that are MSRs
 * (IBRS, STIBP, SSBD, IBPB, ARCH_CAPABILITIES): we do not switch those MSRs between guests.
 */
#include <mica/errno.h>
#include "cpu/features.h"

#define B(n)		(1u << (n))
#define MAX_BASIC	0xdu
#define MAX_EXTENDED	0x80000021u

#define W_1C_HYPERVISOR	B(31)
#define ALL		~0u, ~0u, ~0u, ~0u

enum reg { A, BX, C, D };		/* order of struct cpuid_leaf */

static const struct {
	uint32_t leaf, sub;
	enum reg reg;
	uint32_t pv;			/* bits a PV guest may see */
} words[FEATURE_WORDS] = {
	/* FPU DE TSC MSR PAE MCE CX8 APIC SEP MCA CMOV PAT CLFLUSH ACPI MMX FXSR SSE SSE2 SS */
	[W_1D] = { 1, 0, D, B(0) | B(2) | B(4) | B(5) | B(6) | B(7) | B(8) | B(9) | B(11) | B(14) |
		   B(15) | B(16) | B(19) | B(22) | B(23) | B(24) | B(25) | B(26) | B(27) },
	/* SSE3 PCLMULQDQ SSSE3 FMA CX16 SSE4.1 SSE4.2 MOVBE POPCNT AESNI XSAVE AVX F16C RDRAND */
	[W_1C] = { 1, 0, C, B(0) | B(1) | B(9) | B(12) | B(13) | B(19) | B(20) | B(22) | B(23) | B(25) |
		   B(26) | B(28) | B(29) | B(30) },
	/* SYSCALL NX MMXEXT FFXSR RDTSCP LM 3DNOWEXT 3DNOW; AMD repeats part of leaf 1 (W_1D) here */
	[W_81D] = { 0x80000001, 0, D, B(11) | B(20) | B(22) | B(25) | B(27) | B(29) | B(30) | B(31) |
		    B(0) | B(2) | B(4) | B(5) | B(6) | B(7) | B(8) | B(9) | B(14) | B(15) | B(16) |
		    B(23) | B(24) },
	/* LAHF_LM ABM SSE4A MISALIGNSSE 3DNOWPREFETCH XOP FMA4 TBM */
	[W_81C] = { 0x80000001, 0, C, B(0) | B(5) | B(6) | B(7) | B(8) | B(11) | B(16) | B(21) },
	/* XSAVEOPT XSAVEC XGETBV1 */
	[W_XSAVE] = { 0xd, 1, A, B(0) | B(1) | B(2) },
	/* FSGSBASE BMI1 AVX2 FDP_EXCP_ONLY BMI2 ERMS NO_FPU_SEL AVX512F AVX512DQ RDSEED ADX AVX512IFMA
	 * CLFLUSHOPT CLWB AVX512PF AVX512ER AVX512CD SHA AVX512BW AVX512VL */
	[W_7B] = { 7, 0, BX, B(0) | B(3) | B(5) | B(6) | B(8) | B(9) | B(13) | B(16) | B(17) | B(18) |
		   B(19) | B(21) | B(23) | B(24) | B(26) | B(27) | B(28) | B(29) | B(30) | B(31) },
	/* PREFETCHWT1 AVX512VBMI VBMI2 GFNI VAES VPCLMULQDQ AVX512VNNI BITALG VPOPCNTDQ RDPID CLDEMOTE */
	[W_7C] = { 7, 0, C, B(0) | B(1) | B(6) | B(8) | B(9) | B(10) | B(11) | B(12) | B(14) | B(22) |
		   B(25) },
	/* ITSC, for the hardware domain only */
	[W_87D] = { 0x80000007, 0, D, B(8) },
	/* CLZERO RSTR_FP_ERR_PTRS */
	[W_88B] = { 0x80000008, 0, BX, B(0) | B(2) },
	/* AVX512_4VNNIW AVX512_4FMAPS FSRM MD_CLEAR SERIALIZE */
	[W_7D] = { 7, 0, D, B(2) | B(3) | B(4) | B(10) | B(14) },
	/* AVX_VNNI AVX512_BF16 FZRM FSRS FSRCS */
	[W_71A] = { 7, 1, A, B(4) | B(5) | B(10) | B(11) | B(12) },
	/* LFENCE always serialising; null selectors clear their base */
	[W_821A] = { 0x80000021, 0, A, B(2) | B(6) },
	[W_71B] = { 7, 1, BX, 0 }, [W_71C] = { 7, 1, C, 0 }, [W_71D] = { 7, 1, D, 0 },
	[W_72D] = { 7, 2, D, 0 }, [W_821C] = { 0x80000021, 0, C, 0 },
};

/* Bits that say something about the moment or the topology: they may stand in a policy that comes in, and
 * count for nothing (abi-inventory 5.2, "special rule"). */
static const uint32_t harmless[FEATURE_WORDS] = {
	[W_1D] = B(9) | B(28),				/* APIC HTT */
	[W_1C] = B(21) | B(27) | W_1C_HYPERVISOR,	/* X2APIC OSXSAVE */
	[W_81D] = B(9), [W_81C] = B(1),			/* APIC; CMP_LEGACY */
	[W_7C] = B(4),					/* OSPKE */
};

#define W_7B_AVX512	(B(16) | B(17) | B(21) | B(26) | B(27) | B(28) | B(30) | B(31))
#define W_7C_AVX512	(B(1) | B(6) | B(11) | B(12) | B(14))
#define W_7D_AVX512	(B(2) | B(3))

static struct {				/* read once: CPUID is slow where we run in a virtual machine */
	uint32_t max_basic, max_extended;
	uint32_t host[FEATURE_WORDS], pv[FEATURE_WORDS];
} known;

struct cpuid_leaf features_host_leaf(uint32_t leaf, uint32_t sub)
{
	struct cpuid_leaf l = { 0 };

	if (leaf <= known.max_basic || (leaf >= 0x80000000 && leaf <= known.max_extended))
		cpuid(leaf, sub, &l);
	return l;
}

uint32_t features_host_word(enum feature_word w)
{
	return known.host[w];
}

static uint32_t *word_of_leaf(struct cpuid_leaf *l, enum feature_word w)
{
	return (uint32_t *)l + words[w].reg;
}

static bool word_is_in(enum feature_word w, uint32_t leaf, uint32_t sub)
{
	return words[w].leaf && words[w].leaf == leaf && words[w].sub == sub;
}

static boot_text uint32_t read_word(enum feature_word w)
{
	struct cpuid_leaf l = features_host_leaf(words[w].leaf, words[w].sub);

	if (!words[w].leaf || (words[w].leaf == 7 && words[w].sub > features_host_leaf(7, 0).a))
		return 0;			/* an MSR's word; a subleaf that is not there */
	return *word_of_leaf(&l, w);
}

boot_text void cpuid_init(void)
{
	struct cpuid_leaf l;

	cpuid(0, 0, &l);
	known.max_basic = l.a;
	cpuid(0x80000000, 0, &l);
	known.max_extended = l.a;
	for (unsigned w = 0; w < FEATURE_WORDS; w++)
		known.host[w] = read_word(w);
}

boot_text void cpuid_init_guests(void)
{
	for (unsigned w = 0; w < FEATURE_WORDS; w++)
		known.pv[w] = known.host[w] & words[w].pv;
	known.pv[W_1C] |= W_1C_HYPERVISOR;
	if ((cpu.xcr0_max & 0xe0) != 0xe0) {
		known.pv[W_7B] &= ~W_7B_AVX512;
		known.pv[W_7C] &= ~W_7C_AVX512;
		known.pv[W_7D] &= ~W_7D_AVX512;
	}
}

boot_text bool cpuid_lacks(void)
{
	static const uint32_t live[FEATURE_WORDS] = { [W_1C] = B(27), [W_7C] = B(4) }; /* OSXSAVE OSPKE */
	uint32_t lacks = 0;

	for (unsigned w = 0; w <= W_7C; w++)
		lacks |= known.host[w] & ~read_word(w) & ~live[w];
	return lacks;
}

/* Extended-state leaves.  Subleaf 0 EBX depends on the XCR0 in effect, so it is read afresh. */
static struct cpuid_leaf xsave_leaf(uint32_t sub, const struct cpuid_leaf *host)
{
	uint32_t low = (uint32_t)cpu.xcr0_max, high = cpu.xcr0_max >> 32;

	if (cpu.xsave && sub == 0)
		return (struct cpuid_leaf){ low, host->b, cpu.xsave_bytes, high };
	if (cpu.xsave && sub == 1)
		return (struct cpuid_leaf){ known.pv[W_XSAVE], host->b, 0, 0 };
	if (cpu.xsave && sub < 63 && (cpu.xcr0_max & BIT(sub)))
		return (struct cpuid_leaf){ host->a, host->b, 0, 0 };
	return (struct cpuid_leaf){ 0 };
}

/* What a guest reads as the host has it, beside the feature words. */
static const struct { uint32_t leaf, a, b, c, d; } shown[] = {
	{ 0, ALL },
	{ 1, ~0u, 0xffff, 0, 0 },		/* b: no APIC id, one logical CPU; brand, CLFLUSH size */
	{ 2, ALL },				/* cache descriptors */
	{ 4, 0x3fff, ~0u, ~0u, ~0u },		/* caches, shared with nobody */
	{ 0x80000000, ALL },
	{ 0x80000001, ~0u, ~0u, 0, 0 },
	{ 0x80000002, ALL }, { 0x80000003, ALL }, { 0x80000004, ALL },	/* name */
	{ 0x80000005, ALL }, { 0x80000006, ALL },			/* AMD: caches and TLBs */
	{ 0x80000019, ALL }, { 0x8000001a, ALL },	/* AMD: 1 GiB TLBs, vector unit width */
};

/* How many subleaves of @leaf a policy lists; 0: the leaf has none and is listed once. */
static uint32_t nr_subleaves(uint32_t leaf)
{
	return leaf == 4 ? 5 : leaf == 7 || leaf == 0xb ? 2 : leaf == 0xd ? 63 : 0;
}

void features_guest_cpuid(uint32_t leaf, uint32_t sub, bool hardware_domain, struct cpuid_leaf *out)
{
	struct cpuid_leaf l;

	if (!nr_subleaves(leaf))
		sub = 0;
	l = features_host_leaf(leaf, sub);
	*out = (struct cpuid_leaf){ 0 };
	for (unsigned i = 0; i < ARRAY_SIZE(shown); i++)
		if (shown[i].leaf == leaf)
			*out = (struct cpuid_leaf){ l.a & shown[i].a, l.b & shown[i].b, l.c & shown[i].c,
						    l.d & shown[i].d };
	for (unsigned w = 0; w < FEATURE_WORDS; w++)
		if (word_is_in(w, leaf, sub))
			*word_of_leaf(out, w) = known.pv[w];
	switch (leaf) {
	case 0:
		out->a = MIN(l.a, MAX_BASIC);
		break;
	case 7:
		out->a = sub ? out->a : known.pv[W_71A] != 0;	/* the last subleaf */
		break;
	case 0xd:
		*out = xsave_leaf(sub, &l);
		break;
	case 0x80000000:
		out->a = MIN(l.a, MAX_EXTENDED);
		break;
	case 0x80000007:
		out->d = hardware_domain ? out->d : 0;
		break;
	case 0x80000008:			/* 48 bits of linear address, whatever the host has */
		out->a = cpu.phys_bits | 48u << 8;
		break;
	}
}

unsigned features_policy_leaves(int which, struct cpuid_leaf_entry *out, unsigned max)
{
	uint32_t end = MIN(known.max_basic, MAX_BASIC), last = MIN(known.max_extended, MAX_EXTENDED);
	unsigned used = 0;

	for (uint32_t leaf = 0; leaf <= last; leaf = leaf == end ? 0x80000000 : leaf + 1) {
		uint32_t n = nr_subleaves(leaf);

		for (uint32_t sub = 0; sub < MAX(n, 1u) && used < max; sub++) {
			struct cpuid_leaf l = features_host_leaf(leaf, sub);

			if (which >= 2)
				features_guest_cpuid(leaf, sub, false, &l);
			if (!sub || (l.a | l.b | l.c | l.d))
				out[used++] = (struct cpuid_leaf_entry){ leaf, n ? sub : ~0u,
									 l.a, l.b, l.c, l.d };
		}
	}
	return used;
}

unsigned features_words(int which, uint32_t *out, unsigned max)
{
	unsigned n = MIN((unsigned)FEATURE_WORDS, max);

	for (unsigned w = 0; w < n; w++)
		out[w] = which >= 2 ? known.pv[w] : known.host[w];
	return n;
}

int features_words_set(uint32_t *own, const struct cpuid_leaf_entry *l)
{
	struct cpuid_leaf regs = { l->a, l->b, l->c, l->d };
	uint32_t sub = l->sub == ~0u ? 0 : l->sub;

	for (unsigned w = 0; w < FEATURE_WORDS; w++) {
		uint32_t v = *word_of_leaf(&regs, w);

		if (!word_is_in(w, l->leaf, sub))
			continue;
		if (v & ~(known.pv[w] | harmless[w]))
			return -EINVAL;
		own[w] = v & known.pv[w];
	}
	own[W_1C] |= W_1C_HYPERVISOR;
	return 0;
}

void features_words_apply(const uint32_t *own, uint32_t leaf, uint32_t sub, struct cpuid_leaf *l)
{
	for (unsigned w = 0; w < FEATURE_WORDS; w++)
		if (word_is_in(w, leaf, sub))
			*word_of_leaf(l, w) &= own[w];
	if (leaf == 0xd && !(own[W_1C] & B(26)))	/* no XSAVE, no state */
		*l = (struct cpuid_leaf){ 0 };
}
