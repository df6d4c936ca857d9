/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: can the kernel's and the user's root be switched, do mappings follow, does cr3 read
 * back the kernel's root, and is a root in use held even when it is unpinned?
 */
#include "guest.h"

extern const char read_word[];
asm(".pushsection .text\nread_word: mov (%rdi), %rax; syscall; ud2\n.popsection");

static uint64_t read_cr3(void)
{
	uint64_t cr3;

	asm volatile("mov %%cr3, %0" : "=r"(cr3));
	return cr3;
}

/* A clone of the root in which address 0 maps a page of its own. */
static uint64_t *second_root(uint64_t value)
{
	struct tree t;
	uint64_t *l4 = root_clone(), *data = page_alloc();

	tree_build(&t, 0, 0);
	page_writable(t.page[1]);
	t.page[1][0] = make_pte(mfn_of(data), PTE_RO_PAGE);
	page_readonly(t.page[1]);
	*data = value;
	page_writable(l4);
	l4[0] = make_pte(t.mfn[3], PTE_TABLE);
	page_readonly(l4);
	return l4;
}

static void check_kernel_root(void)
{
	uint64_t old = root_mfn();
	uint64_t *l4 = second_root(77);
	struct fault f;

	check_ok(hc_pin(4, mfn_of(l4)));
	check_ok(hc_mmuext(MMUEXT_NEW_BASEPTR, mfn_of(l4), 0));
	check_equal(read_cr3(), mfn_of(l4) << 12);
	check_equal(*(volatile uint64_t *)0, 77);
	check_equal(p2m()[M2P[mfn_of(l4)]], mfn_of(l4));	/* the M2P came along */
	check_ok(hc_unpin(mfn_of(l4)));			/* in use: still a table */
	check_refused(hc_map((unsigned long)l4, make_pte(mfn_of(l4), PTE_RW_PAGE)));
	check_equal(*(volatile uint64_t *)0, 77);
	check_ok(hc_mmuext(MMUEXT_NEW_BASEPTR, old, 0));
	check_equal(read_cr3(), old << 12);
	FAULT_IN(&f, *(volatile uint64_t *)0);
	check_fault(&f, 14, 0);
	page_writable(l4);
}

static void check_mov_cr3(void)
{
	uint64_t *l4 = second_root(78);

	asm volatile("mov %0, %%cr3" : : "r"(mfn_of(l4) << 12) : "memory");
	check_equal(read_cr3(), mfn_of(l4) << 12);
	check_equal(*(volatile uint64_t *)0, 78);
	asm volatile("mov %0, %%cr3" : : "r"(root_mfn() << 12) : "memory");
}

/* User code runs on its own root; a page missing there faults with the user's error code. */
static void check_user_root(void)
{
	uint64_t *l4 = second_root(79);
	struct user_exit e;

	check_ok(user_root(mfn_of(l4)));
	user_run(&e, (unsigned long)read_word, user_stack(), 0);
	check_equal(e.vector, VEC_SYSCALL);
	check_equal(e.regs.rax, 79);
	check_equal(read_cr3(), root_mfn() << 12);
	check_ok(user_root(root_mfn()));
	user_run(&e, (unsigned long)read_word, user_stack(), 0);
	check_equal(e.vector, 14);
	check_equal(e.error, 4);
	page_writable(l4);
}

void test_main(void)
{
	check_kernel_root();
	check_mov_cr3();
	check_user_root();
	check_ok(user_root(0));
	check_ok(user_root(root_mfn()));
}
