/* unit: cpu/cpuid.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The CPUID policy on whatever CPU the tests run on: a guest never sees a feature the host lacks, never
 * one that is on the list of what no PV guest may see, and always HYPERVISOR.
 */
#include "unit.h"
#include "cpu/features.h"

struct cpu_features cpu;

#define B(n) (1u << (n))

static int start(void **state)
{
	struct cpuid_leaf l;

	cpuid(1, 0, &l);
	cpu.xsave = l.c & B(26);
	cpu.xcr0_max = 7;
	cpu.xsave_bytes = 832;
	cpu.phys_bits = 40;
	cpuid_init();
	cpuid_init_guests();
	return 0;
}

static void never_more_than_host(void **state)
{
	uint32_t host[19], pv[19];

	assert_int_equal(features_words(1, host, 19), 19);
	assert_int_equal(features_words(2, pv, 19), 19);
	for (unsigned w = 0; w < 19; w++) {
		uint32_t extra = pv[w] & ~host[w];

		assert_int_equal(w == 1 ? extra & ~B(31) : extra, 0);
	}
	assert_int_equal(features_words(2, pv, 3), 3);
}

static void hidden_bits(void **state)
{
	struct cpuid_leaf l;

	features_guest_cpuid(1, 0, true, &l);
	assert_true(l.c & B(31));			/* HYPERVISOR */
	/* DTES64 MONITOR DSCPL VMX SMX EIST TM2 PDCM PCID X2APIC TSC_DEADLINE OSXSAVE */
	assert_int_equal(l.c & (B(2) | B(3) | B(4) | B(5) | B(6) | B(7) | B(8) | B(15) | B(17) | B(21) |
				B(24) | B(27)), 0);
	/* VME PSE MTRR PGE PSE36 DS HTT TM PBE */
	assert_int_equal(l.d & (B(1) | B(3) | B(12) | B(13) | B(17) | B(21) | B(28) | B(29) | B(31)), 0);
	assert_int_equal(l.b >> 16, 0);			/* APIC id, number of threads */

	features_guest_cpuid(7, 0, true, &l);
	/* TSC_ADJUST SGX SMEP INVPCID MPX SMAP PT, and AVX512F without its state */
	assert_int_equal(l.b & (B(1) | B(2) | B(7) | B(10) | B(14) | B(16) | B(20) | B(25)), 0);
	/* UMIP PKU OSPKE CET_SS LA57 */
	assert_int_equal(l.c & (B(2) | B(3) | B(4) | B(7) | B(16)), 0);
	/* IBRS STIBP ARCH_CAPABILITIES SSBD: their MSRs are not switched */
	assert_int_equal(l.d & (B(26) | B(27) | B(29) | B(31)), 0);

	features_guest_cpuid(0x80000001, 0, true, &l);
	assert_int_equal(l.d & (B(17) | B(26)), 0);	/* PSE36, 1 GiB pages */
	assert_int_equal(l.c & (B(2) | B(22)), 0);	/* SVM, TOPOEXT */

	features_guest_cpuid(0xd, 1, true, &l);
	assert_int_equal(l.a & B(3), 0);		/* XSAVES */
}

static void shapes(void **state)
{
	struct cpuid_leaf l, host;

	features_guest_cpuid(0, 0, false, &l);
	cpuid(0, 0, &host);
	assert_int_equal(l.b, host.b);
	assert_true(l.a <= 0xd);
	features_guest_cpuid(0x80000008, 0, false, &l);
	assert_int_equal(l.a, 40 | 48 << 8);
	features_guest_cpuid(0x80000007, 0, false, &l);
	assert_int_equal(l.d, 0);			/* ITSC: the hardware domain alone */
	static const uint32_t empty[] = { 3, 5, 6, 0xa, 0xb, 0xe, 0x1f, 0x40000000, 0x8000000a,
					  0x80000022, 0xffffffff };
	for (unsigned i = 0; i < ARRAY_SIZE(empty); i++) {
		features_guest_cpuid(empty[i], 0, true, &l);
		assert_int_equal(l.a | l.b | l.c | l.d, 0);
	}
	if (cpu.xsave) {
		features_guest_cpuid(0xd, 0, false, &l);
		assert_int_equal(l.a, 7);
		assert_int_equal(l.c, 832);
		features_guest_cpuid(0xd, 9, false, &l);
		assert_int_equal(l.a, 0);
	}
}

static void policy_list(void **state)
{
	struct cpuid_leaf_entry list[120];
	unsigned n = features_policy_leaves(2, list, 120);

	assert_true(n > 10 && n < 120);
	for (unsigned i = 0; i < n; i++) {
		struct cpuid_leaf l;
		uint32_t sub = list[i].sub == ~0u ? 0 : list[i].sub;

		features_guest_cpuid(list[i].leaf, sub, false, &l);
		assert_int_equal(l.a, list[i].a);
		assert_int_equal(l.d, list[i].d);
	}
	assert_int_equal(features_policy_leaves(2, list, 3), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_more_than_host),
		cmocka_unit_test(hidden_bits),
		cmocka_unit_test(shapes),
		cmocka_unit_test(policy_list),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
