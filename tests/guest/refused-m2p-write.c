/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Break-in: write the machine-to-physical table directly, from kernel and user mode, by every kind
 * of store, by a hypercall's output, and for frames of others.
 */
#include "guest.h"

extern const char user_store[];
asm(".pushsection .text\nuser_store: mov %rdi, (%rdi); syscall; ud2\n.popsection");

#define STORE(...) do {							\
	struct fault f;							\
	FAULT_IN(&f, asm volatile(__VA_ARGS__));			\
	check_fault(&f, 14, 3);						\
} while (0)

static void check_stores(volatile uint64_t *entry)
{
	must(hc_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables));
	STORE("movq $0, %0" : "=m"(*entry));
	STORE("lock btsq $1, %0" : "+m"(*entry));
	STORE("xchg %%rax, %0" : "+m"(*entry) : : "rax");
	STORE("lock incq %0" : "+m"(*entry));
	STORE("stosq" : : "D"(entry), "a"(0) : "memory");
}

static void check_hypercall_outputs(volatile uint64_t *entry)
{
	struct xen_memory_reservation r = {
		.extent_start = PTR(entry), .nr_extents = 1, .domid = DOMID_SELF,
	};
	struct mmu_update nop = { .ptr = root_mfn() << 12, .val = 0 };

	check_refused(hc_version(XENVER_extraversion, (void *)entry));
	check_refused(hc_vcpu(VCPUOP_get_runstate_info, 0, (void *)entry));
	check(hc_memory(XENMEM_populate_physmap, &r) <= 0, "populate wrote into the M2P");
	check(hc_memory(XENMEM_increase_reservation, &r) <= 0, "increase wrote into the M2P");
	hypercall(__HYPERVISOR_mmu_update, &nop, 0, entry, DOMID_SELF);
}

void test_main(void)
{
	volatile uint64_t *entry = (volatile uint64_t *)&M2P[frame_spare(0)];
	uint64_t before = *entry;
	struct user_exit e;

	check_stores(entry);
	user_run(&e, (unsigned long)user_store, user_stack(), (unsigned long)entry);
	check_equal(e.vector, 14);
	check_equal(e.error, 7);
	check_hypercall_outputs(entry);
	check_equal(*entry, before);
	/* shared_info is the domain's, a hypervisor frame's entry is not */
	check_refused(hc_mmu_update(pte_mfn(pte_get(HOLE_START, 4)) * PAGE_SIZE |
				    MMU_MACHPHYS_UPDATE, 1));
	/* execution */
	{
		struct fault f;

		FAULT_IN(&f, ((void (*)(void))entry)());
		check(f.hit && f.vector == 14, "the M2P was executed");
	}
}
