/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does forced CPUID show the hypervisor's leaves and a policy without the features a PV
 * kernel must not see?
 */
#include "guest.h"

struct leaf { uint32_t a, b, c, d; };

static struct leaf cpuid(uint32_t nr, uint32_t sub)
{
	struct leaf l;

	asm volatile(".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa2"
		     : "=a"(l.a), "=b"(l.b), "=c"(l.c), "=d"(l.d) : "0"(nr), "2"(sub));
	return l;
}

static unsigned int bit(uint32_t word, unsigned int n)
{
	return word >> n & 1;
}

static void check_hypervisor(void)
{
	struct leaf l = cpuid(0x40000000, 0);

	check(l.b == 0x566e6558 && l.c == 0x65584d4d && l.d == 0x4d4d566e, "signature %x %x %x",
	      l.b, l.c, l.d);
	check(l.a >= 0x40000005 && l.a < 0x400000ff, "highest leaf %x", l.a);
	check_equal(cpuid(0x40000001, 0).a, 0x40011);
	l = cpuid(0x40000002, 0);
	check_equal(l.a, 1);
	check_equal(l.b, 0x40000000);
	check_equal(l.c & 1, 1);
	l = cpuid(0x40000005, 0);
	check((l.b & 0xff) >= 28 && (l.b & 0xff) <= 52, "machine address width %u", l.b & 0xff);
	if (on_mica()) {
		l = cpuid(0x40000100, 0);
		check(l.b == MICA_CPUID_SIGNATURE && l.c == l.b && l.d == l.b,
		      "no Mica leaves at +0x100");
	}
}

static void check_policy(void)
{
	struct leaf one = cpuid(1, 0), seven = cpuid(7, 0), ext = cpuid(0x80000001, 0);

	check(bit(one.c, 31), "HYPERVISOR bit clear");
	check_equal(one.b >> 24, 0);
	/* VME PSE PGE PSE36 / MONITOR VMX PCID X2APIC TSC_DEADLINE */
	check_equal(one.d & (1u << 1 | 1u << 3 | 1u << 13 | 1u << 17), 0);
	check_equal(one.c & (1u << 3 | 1u << 5 | 1u << 17 | 1u << 24), 0);
	/* TSC_ADJUST SMEP INVPCID MPX SMAP / UMIP PKU OSPKE LA57 */
	check_equal(seven.b & (1u << 1 | 1u << 7 | 1u << 10 | 1u << 14 | 1u << 20), 0);
	check_equal(seven.c & (1u << 2 | 1u << 3 | 1u << 4 | 1u << 16), 0);
	check_equal(ext.c & (1u << 2), 0);				/* SVM */
	check_equal(ext.d & (1u << 26), 0);				/* PAGE1GB */
	/* FPU TSC MSR PAE CX8 CMOV FXSR SSE SSE2; LM SYSCALL NX */
	check_equal(one.d & 0x07008171, 0x07008171);
	check_equal(ext.d & (1u << 11 | 1u << 20 | 1u << 29), 1u << 11 | 1u << 20 | 1u << 29);
	check_equal(cpuid(0x80000008, 0).a >> 8 & 0xff, 48);
	/* XSAVE and, for the kernel through the prefix, OSXSAVE go together */
	check_equal(bit(one.c, 26), bit(one.c, 27));
}

static void check_xsave(void)
{
	struct leaf d = cpuid(0xd, 0);
	uint32_t lo, hi;

	if (!bit(cpuid(1, 0).c, 26))
		return;
	asm volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	check(lo & 1, "XCR0 %x", lo);
	check(d.b >= 576 && d.b <= d.c, "XSAVE size %u of %u", d.b, d.c);
	check_equal(d.a & 0x200, 0);					/* PKRU */
}

void test_main(void)
{
	check_hypervisor();
	check_policy();
	check_xsave();
}
