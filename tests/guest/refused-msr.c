/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Break-in: change the machine through MSRs - the system-call entry, EFER, PAT, the APIC, SMM and
 * microcode - from kernel and user mode.  Writes fault or are dropped; reads stay the same.
 */
#include "guest.h"

static const uint32_t dangerous[] = {
	0x1b, 0x3a, 0x79, 0x9b, 0x174, 0x175, 0x176, 0x1d9, 0x200, 0x250, 0x277, 0x2ff, 0x480,
	0x600, 0x6e0, 0x800, 0x808, 0x80b, 0x830, 0xd90, 0xda0, 0xc0000080, 0xc0000081, 0xc0000082,
	0xc0000083, 0xc0000084, 0xc0010010, 0xc0010015, 0xc0010020, 0xc0010114, 0xc0010117,
	0xc0011029,
};

static bool read_msr(uint32_t nr, uint64_t *val)
{
	uint32_t lo = 0, hi = 0;
	struct fault f;

	FAULT_IN(&f, asm volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(nr)));
	*val = (uint64_t)hi << 32 | lo;
	return !f.hit;
}

static void write_msr(uint32_t nr, uint64_t val)
{
	struct fault f;

	FAULT_IN(&f, asm volatile("wrmsr" : : "c"(nr), "a"((uint32_t)val),
				  "d"((uint32_t)(val >> 32))));
	check(!f.hit || f.vector == 13, "wrmsr %x: vector %lu", nr, f.vector);
}

static void check_entry_msrs(void)
{
	uint64_t v;

	for (uint32_t nr = 0xc0000081; nr <= 0xc0000084; nr++)
		if (read_msr(nr, &v) && v)
			test_fail("MSR %x can be read: %lx", nr, v);
	for (uint32_t nr = 0x174; nr <= 0x176; nr++)
		if (read_msr(nr, &v) && v >= HOLE_START && v < HOLE_END)
			test_fail("MSR %x shows a hypervisor address: %lx", nr, v);
}

extern const char user_wrmsr[];
asm(".pushsection .text\n"
    "user_wrmsr: mov %edi, %ecx; xor %eax, %eax; xor %edx, %edx; wrmsr; syscall; ud2\n"
    ".popsection");

void test_main(void)
{
	struct user_exit e;

	for (unsigned int i = 0; i < ARRAY_SIZE(dangerous); i++) {
		uint64_t before, after;
		bool had = read_msr(dangerous[i], &before);

		write_msr(dangerous[i], 0xffff800000000000);
		write_msr(dangerous[i], had ? before ^ 1 : 1);
		write_msr(dangerous[i], 0);
		if (had && (!read_msr(dangerous[i], &after) || after != before))
			test_fail("MSR %x changed from %lx to %lx", dangerous[i], before, after);
		user_run(&e, (unsigned long)user_wrmsr, user_stack(), dangerous[i]);
		check(e.vector == 13, "user wrmsr %x: vector %lu", dangerous[i], e.vector);
	}
	check_entry_msrs();
	check_equal(hc_version(XENVER_version, NULL), 0x40011);
}
