/* SPDX-License-Identifier: BSD-2-Clause */
/* guest: args="alpha beta" */
/*
 * Question: is the first vCPU in the documented state at the kernel's first instruction, and is
 * start_info complete and true?
 */
#include "guest.h"

static void check_registers(void)
{
	unsigned long stack_page = (boot_regs[2] - 1) & -PAGE_SIZE;

	check_equal(boot_regs[1], start_info);
	check_equal(boot_regs[2] % PAGE_SIZE, 0);
	check_equal(boot_regs[3], FLAT_KERNEL_CS64);
	check_equal(boot_regs[4], FLAT_KERNEL_SS64);
	for (int i = 5; i < 9; i++)
		check_equal(boot_regs[i], 0);
	check(boot_regs[9] & RFLAGS_IF, "interrupts are off in the real rflags");
	check_equal(boot_regs[9] & (RFLAGS_IOPL | RFLAGS_TF | RFLAGS_NT | RFLAGS_DF), 0);
	check(pte_get(stack_page, 1) & PTE_RW, "the boot stack is not writable");
}

static void check_start_info(void)
{
	check(!strncmp(start_info->magic, "xen-3.0-x86_64", 14), "magic %s", start_info->magic);
	check(start_info->nr_pages > 2048, "only %lu pages", start_info->nr_pages);
	check_equal(start_info->shared_info % PAGE_SIZE, 0);
	check_equal(start_info->flags & (SIF_PRIVILEGED | SIF_INITDOMAIN),
		    SIF_PRIVILEGED | SIF_INITDOMAIN);
	check_equal(start_info->flags & (SIF_MULTIBOOT_MOD | SIF_VIRT_P2M_4TOOLS), 0);
	check_equal(start_info->store_mfn, 0);
	check_equal(start_info->store_evtchn, 0);
	check(start_info->console.dom0.info_off >= sizeof(*start_info) &&
	      start_info->console.dom0.info_off <= PAGE_SIZE - 40, "info_off %u",
	      start_info->console.dom0.info_off);
	check(start_info->nr_pt_frames >= 4, "%lu page-table frames", start_info->nr_pt_frames);
	check_equal(start_info->pt_base % PAGE_SIZE, 0);
	check_equal(start_info->mod_len, 0);
	check(!strcmp(start_info->cmd_line, "alpha beta"), "command line '%s'",
	      start_info->cmd_line);
	check_equal(start_info->nr_p2m_frames, 0);
}

static void check_shared_info(void)
{
	const struct vcpu_time_info *t = &shared_info->vcpu_info[0].time;

	for (int i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
		check_equal(shared_info->vcpu_info[i].evtchn_upcall_mask, 1);
	check(t->tsc_to_system_mul, "no TSC multiplier before the first instruction");
	check(t->system_time || t->tsc_timestamp, "time page is empty");
	check_equal(t->version & 1, 0);
	check(shared_info->wc_sec > 1600000000u, "wall clock %u", shared_info->wc_sec);
	check_equal(M2P[start_info->shared_info / PAGE_SIZE], ~0UL);
}

/* Debug registers and CR0 as after a reset of the vCPU. */
static void check_control(void)
{
	uint64_t cr0, cr4;

	asm volatile("mov %%cr0, %0" : "=r"(cr0));
	check_equal(cr0 & 8, 0);
	asm volatile("mov %%cr4, %0" : "=r"(cr4));
	check_equal(cr4 & 0x660, 0x660);	/* OSXMMEXCPT OSFXSR MCE PAE */
	check_equal(hypercall(__HYPERVISOR_get_debugreg, 6), 0xffff0ff0);
	check_equal(hypercall(__HYPERVISOR_get_debugreg, 7), 0x400);
}

void test_main(void)
{
	check_registers();
	check_start_info();
	check_shared_info();
	check_control();
}
