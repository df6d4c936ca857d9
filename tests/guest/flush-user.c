/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does user code see what the kernel changed in an entry and flushed, and does the kernel too, though
 * each has a root of its own and the flush was made with only the kernel's loaded?  (With PCID the two are cached
 * under different tags.)
 */
#include "guest.h"

extern const char read_there[];
asm(".pushsection .text\n read_there: mov (%rdi), %rbx; syscall; ud2\n.popsection");

static volatile uint64_t *page[2];		/* the word in it is 100 + its index */
static unsigned int shown;			/* index of the page the window shows */

static uint64_t seen_by_user(void)
{
	struct user_exit e;

	user_run(&e, (unsigned long)read_there, user_stack(), (unsigned long)window(0));
	check_equal(e.vector, VEC_SYSCALL);
	return e.regs.rbx;
}

/* Both have the old page cached; the entry names the other one; @how flushes. */
static void check_flush(unsigned int how, uint64_t arg1, uint64_t arg2)
{
	volatile uint64_t *va = window(0);

	check_equal(seen_by_user(), 100 + shown);
	check_equal(*va, 100 + shown);
	shown ^= 1;
	check_ok(hc_mmu_update(pte_maddr((unsigned long)va, 1),
			       make_pte(mfn_of((void *)page[shown]), PTE_RO_PAGE)));
	check_ok(hc_mmuext(how, arg1, arg2));
	check_equal(seen_by_user(), 100 + shown);
	check_equal(*va, 100 + shown);
}

/* The same by the call that does both. */
static void check_update(unsigned long flags)
{
	volatile uint64_t *va = window(0);

	check_equal(seen_by_user(), 100 + shown);
	check_equal(*va, 100 + shown);
	shown ^= 1;
	check_ok(hypercall(__HYPERVISOR_update_va_mapping, va,
			   make_pte(mfn_of((void *)page[shown]), PTE_RO_PAGE), flags));
	check_equal(seen_by_user(), 100 + shown);
	check_equal(*va, 100 + shown);
}

static void check_all(void)
{
	static uint64_t vcpus[2] = { 1, 0 };
	unsigned long va = (unsigned long)window(0);

	check_flush(MMUEXT_INVLPG_LOCAL, va, 0);
	check_flush(MMUEXT_INVLPG_MULTI, va, PTR(vcpus));
	check_flush(MMUEXT_INVLPG_ALL, va, 0);
	check_flush(MMUEXT_TLB_FLUSH_LOCAL, 0, 0);
	check_flush(MMUEXT_TLB_FLUSH_MULTI, 0, PTR(vcpus));
	check_flush(MMUEXT_TLB_FLUSH_ALL, 0, 0);
	check_flush(MMUEXT_NEW_BASEPTR, root_mfn(), 0);		/* the one that is loaded */
	check_update(UVMF_INVLPG | UVMF_LOCAL);
	check_update(UVMF_INVLPG | UVMF_ALL);
	check_update(UVMF_TLB_FLUSH | UVMF_LOCAL);
	check_update(UVMF_TLB_FLUSH | UVMF_ALL);
	check_update(UVMF_TLB_FLUSH | (unsigned long)vcpus);
}

/* A user root that shows something else: its predecessor's translations are not its own. */
static void check_other_root(uint64_t *clone)
{
	check_equal(seen_by_user(), 100 + shown);
	check_ok(user_root(mfn_of(clone)));
	check_equal(seen_by_user(), 100 + shown);	/* shares the tables of the window */
	check_all();
}

void test_main(void)
{
	uint64_t *clone;

	for (unsigned int i = 0; i < 2; i++) {
		page[i] = page_alloc();
		*page[i] = 100 + i;
	}
	check_ok(hc_map((unsigned long)window(0), make_pte(mfn_of((void *)page[0]), PTE_RO_PAGE)));
	check_all();				/* the kernel's root is the user's, too */
	clone = root_clone();
	check_ok(hc_pin(4, mfn_of(clone)));
	check_other_root(clone);
	check_ok(user_root(root_mfn()));
	check_equal(seen_by_user(), 100 + shown);
	check_all();
}
