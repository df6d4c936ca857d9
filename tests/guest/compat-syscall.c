/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does 32-bit user code run, and do its SYSCALL and int 0x80 reach the syscall32 callback
 * and vector 0x80 with the 32-bit selector in the frame?
 */
#include "guest.h"

#define CODE_AT 0x400000UL

static const uint8_t code32[] = { 0x0f, 0x05, 0x0f, 0x0b };		/* syscall; ud2 */
static const uint8_t code80[] = { 0xcd, 0x80, 0x0f, 0x0b };		/* int $0x80; ud2 */

/* Private tables for the low 2 MiB block around CODE_AT: code page, then stack page. */
static void map_low(void)
{
	uint64_t *code = page_alloc(), *stack = page_alloc(), *table[4];
	uint64_t child = 0;

	memcpy(code, code32, sizeof(code32));
	memcpy((char *)code + 256, code80, sizeof(code80));
	for (int level = 1; level <= 3; level++) {
		table[level] = page_alloc();
		if (level == 1) {
			table[1][0] = make_pte(mfn_of(code), PTE_RO_PAGE);
			table[1][1] = make_pte(mfn_of(stack), PTE_RW_PAGE);
		} else {
			table[level][CODE_AT >> (12 + 9 * (level - 1)) & 511] =
				make_pte(child, PTE_TABLE);
		}
		page_readonly(table[level]);
		child = mfn_of(table[level]);
	}
	must(hc_mmu_update(pte_maddr(CODE_AT, 4), make_pte(child, PTE_TABLE)));
}

static void run32(struct user_exit *e, unsigned long rip)
{
	struct iret_context frame = {
		.rip = rip, .cs = FLAT_USER_CS32, .rflags = 2, .rsp = CODE_AT + 8192,
		.ss = FLAT_USER_SS32,
	};
	struct iret_regs regs = { .rbx = 5 };

	user_run_frame(e, &frame, &regs);
}

void test_main(void)
{
	struct user_exit e;

	map_low();
	must(trap_set(0x80, 3, trap_stubs[0x80]));
	run32(&e, CODE_AT + 256);
	check_equal(e.vector, 0x80);
	check_equal(e.regs.cs, FLAT_USER_CS32);
	check_equal(e.regs.rip, CODE_AT + 258);
	check_ok(hc_callback(CALLBACKTYPE_syscall32, CALLBACKF_mask_events,
			     (unsigned long)entry_syscall32));
	run32(&e, CODE_AT);
	if (e.vector == 6)
		test_skip("this CPU has no SYSCALL in 32-bit mode");
	check_equal(e.vector, VEC_SYSCALL32);
	check_equal(e.regs.cs, FLAT_USER_CS32);
	check_equal(e.regs.rip, CODE_AT + 2);
	check_equal(e.regs.rbx, 5);
	check_equal(e.regs.rsp, CODE_AT + 8192);
	check_ok(hc_callback(CALLBACKTYPE_syscall32, 0, 0));
	run32(&e, CODE_AT);
	check_equal(e.vector, 6);
}
