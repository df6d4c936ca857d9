/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: are stores to an L1 that is mapped read-only carried out, for every store form kernels
 * use and sizes 1 to 8, with the results and flags of the real instruction - and only for L1?
 *
 * Whether it happens without vm_assist is not asked: Xen 4.17 does it for dom0 in any case.
 */
#include "guest.h"

#define SLOT 9

static volatile uint64_t *entry;
static uint64_t frame_a, frame_b;

#define KEPT (PTE_MFN_MASK | PTE_P | PTE_RW | PTE_A | PTE_D | PTE_NX | PTE_AVAIL)

static void expect(uint64_t want, const char *what)
{
	check((*entry & KEPT) == (want & KEPT), "%s: entry %lx, wanted %lx", what, *entry, want);
}

static uint64_t pte_a(uint64_t flags)
{
	return make_pte(frame_a, flags);
}

static void check_moves(void)
{
	uint64_t old, flags;

	*entry = pte_a(PTE_RW_PAGE);
	expect(pte_a(PTE_RW_PAGE), "mov");
	*(volatile uint32_t *)window(SLOT) = 1;
	old = __atomic_exchange_n(entry, make_pte(frame_b, PTE_RO_PAGE), __ATOMIC_SEQ_CST);
	check((old & KEPT) == (pte_a(PTE_RW_PAGE) & KEPT), "xchg gave %lx", old);
	expect(make_pte(frame_b, PTE_RO_PAGE), "xchg");
	old = *entry;
	asm volatile("lock cmpxchgq %3, %1; pushfq; pop %2"
		     : "+a"(old), "+m"(*entry), "=r"(flags) : "r"(pte_a(PTE_RW_PAGE)) : "cc");
	check(flags & 0x40, "cmpxchg: ZF clear after success");
	expect(pte_a(PTE_RW_PAGE), "cmpxchg");
	old = 0x1234;
	asm volatile("lock cmpxchgq %3, %1; pushfq; pop %2"
		     : "+a"(old), "+m"(*entry), "=r"(flags) : "r"(0UL) : "cc");
	check(!(flags & 0x40), "cmpxchg: ZF set after failure");
	check_equal(old, *entry);
	expect(pte_a(PTE_RW_PAGE), "failed cmpxchg");
}

static void check_bits(void)
{
	uint64_t flags;

	*entry = pte_a(PTE_RW_PAGE);
	asm volatile("lock btrq $1, %0; pushfq; pop %1" : "+m"(*entry), "=r"(flags) : : "cc");
	check(flags & 1, "btr: CF clear");
	expect(pte_a(PTE_RW_PAGE & ~PTE_RW), "lock btr $1");
	asm volatile("lock btrq %2, %0; pushfq; pop %1" : "+m"(*entry), "=r"(flags)
		     : "r"(6UL) : "cc");
	check(flags & 1, "btr reg: CF clear");
	expect(pte_a(PTE_RO_PAGE), "lock btr reg");
	asm volatile("lock btsq $1, %0; pushfq; pop %1" : "+m"(*entry), "=r"(flags) : : "cc");
	check(!(flags & 1), "bts: CF set");
	expect(pte_a(PTE_RO_PAGE | PTE_RW), "lock bts $1");
	asm volatile("lock andq %1, %0" : "+m"(*entry) : "r"(~PTE_RW) : "cc");
	expect(pte_a(PTE_RO_PAGE), "lock and");
	asm volatile("lock orq %1, %0" : "+m"(*entry) : "r"(PTE_RW | PTE_D) : "cc");
	expect(pte_a(PTE_RW_PAGE), "lock or");
	asm volatile("andb $0xfd, %0" : "+m"(*(volatile uint8_t *)entry) : : "cc");
	expect(pte_a(PTE_RW_PAGE & ~PTE_RW), "andb");
	asm volatile("lock xorq $2, %0" : "+m"(*entry) : : "cc");
	expect(pte_a(PTE_RW_PAGE), "lock xor");
}

/* Narrow stores inside the entry: available bits and not-present entries. */
static void check_sizes(void)
{
	*entry = 0;
	((volatile uint32_t *)entry)[1] = 0x11223344;
	((volatile uint16_t *)entry)[1] = 0x5566;
	((volatile uint8_t *)entry)[1] = 0x78;
	check_equal(*entry, 0x1122334455667800);
	asm volatile("movq $0, %0" : "=m"(*entry));
	check_equal(*entry, 0);
	asm volatile("movl %1, %0" : "=m"(*(volatile uint32_t *)entry) : "r"(0x1000) : "memory");
	check_equal(*entry, 0x1000);
	*entry = 0;
}

/* Whatever addressing mode and register: the decoder must get them all. */
static void check_addressing(void)
{
	uint64_t value = pte_a(PTE_RW_PAGE), at = (uint64_t)entry;

	asm volatile("mov %0, %%r12; mov %1, %%r13; movq %%r13, 0x40(%%r12)"
		     : : "r"(at - 0x40), "r"(value) : "memory", "r12", "r13");
	expect(value, "mov r13 to disp8(r12)");
	asm volatile("mov %0, %%r13; movq $0, 0x1000(%%r13)" : : "r"(at - 0x1000)
		     : "memory", "r13");
	expect(0, "mov imm to disp32(r13)");
	asm volatile("mov $4, %%ecx; movq %1, 0x20(%0,%%rcx,8)" : : "r"(at - 0x40), "r"(value)
		     : "memory", "rcx");
	expect(value, "mov sib");
	asm volatile("push %%rbp; mov %1, %%rbp; movq %%rbp, (%0); pop %%rbp"
		     : : "D"(at), "a"(value) : "memory");
	expect(value, "mov rbp");
	*entry = 0;
}

static void check_refused_forms(void)
{
	uint64_t *l2 = va_of_mfn(pte_mfn(pte_get((unsigned long)window(0), 3)));
	struct fault f;

	/* L2: reflected */
	FAULT_IN(&f, *(volatile uint64_t *)&l2[5] = 0);
	check_fault(&f, 14, 3);
	/* an entry the checks refuse: reflected, nothing written */
	FAULT_IN(&f, *entry = make_pte(mfn_of(window_l1()), PTE_RW_PAGE));
	check_fault(&f, 14, 3);
	check_equal(*entry, 0);
	check(f.cr2 == (uint64_t)entry, "cr2 %lx", f.cr2);
	/* two entries at once */
	FAULT_IN(&f, *(volatile uint64_t *)((char *)entry + 4) = 0);
	check(f.hit || !*entry, "a store across two entries changed one");
}

void test_main(void)
{
	frame_a = frame_spare(0);
	frame_b = frame_spare(1);
	entry = window_l1() + SLOT;
	must(hc_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables));
	check_moves();
	check_bits();
	check_sizes();
	check_addressing();
	check_refused_forms();
}
