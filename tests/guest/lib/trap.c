/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trap table, the dispatcher behind entry.S, fault recovery and trips to user mode.
 *
 * Order in trap_dispatch(): the test's hook, events, a user_run() in progress, an armed
 * FAULT_IN().  What nobody expected ends the test with the registers printed.
 *
 * Each vCPU owns its struct cpu and stack; nothing is locked.
 */
#include "trap.h"
#include "event.h"
#include "hyper.h"
#include "mm.h"
#include "result.h"

uint64_t boot_regs[10];
char cpu_stacks[MAX_VCPUS][STACK_SIZE] __attribute__((aligned(STACK_SIZE)));
static char user_stacks[MAX_VCPUS][8192] __attribute__((aligned(16)));
static struct cpu cpus[MAX_VCPUS];
static struct trap_info trap_table[257];

/* The stack says which vCPU this is; strange stacks belong to single-vCPU tests. */
unsigned int this_vcpu(void)
{
	uint64_t here = (uint64_t)__builtin_frame_address(0);
	uint64_t n = (here - (uint64_t)cpu_stacks) / STACK_SIZE;

	return n < MAX_VCPUS ? (unsigned int)n : 0;
}

struct cpu *this_cpu(void)
{
	return &cpus[this_vcpu()];
}

long trap_set(unsigned int vector, unsigned int flags, unsigned long address)
{
	struct trap_info one[2] = {
		{ .vector = (uint8_t)vector, .flags = (uint8_t)flags, .cs = FLAT_KERNEL_CS64,
		  .address = address },
	};

	return hypercall(__HYPERVISOR_set_trap_table, one);
}

/* #BP and #OF may be raised by user code, as every kernel allows. */
static uint8_t default_trap_flags(unsigned int vector)
{
	return vector == 3 || vector == 4 ? 3 : 0;
}

void trap_install(void)
{
	for (unsigned int i = 0; i < 256; i++) {
		trap_table[i].vector = (uint8_t)i;
		trap_table[i].flags = default_trap_flags(i);
		trap_table[i].cs = FLAT_KERNEL_CS64;
		trap_table[i].address = trap_stubs[i];
	}
	must(hypercall(__HYPERVISOR_set_trap_table, trap_table));
	must(hc_callback(CALLBACKTYPE_event, CALLBACKF_mask_events, (uint64_t)entry_event));
	must(hc_callback(CALLBACKTYPE_failsafe, CALLBACKF_mask_events, (uint64_t)entry_failsafe));
	must(hc_callback(CALLBACKTYPE_syscall, CALLBACKF_mask_events, (uint64_t)entry_syscall));
}

void trap_init(void)
{
	uint64_t sp = (uint64_t)cpu_stacks[this_vcpu()] + TRAP_STACK_OFFSET;

	if (this_vcpu() == 0)
		trap_install();
	must(hc_stack_switch(FLAT_KERNEL_SS64, sp));
	must(user_root(root_mfn()));
}

long user_root(uint64_t l4_mfn)
{
	return hc_mmuext(MMUEXT_NEW_USER_BASEPTR, l4_mfn, 0);
}

unsigned long user_stack(void)
{
	return (uint64_t)user_stacks[this_vcpu()] + sizeof(user_stacks[0]);
}

static bool has_cr2(const struct regs *regs)
{
	return regs->vector == 14;
}

static uint64_t read_guest_cr2(const struct regs *regs)
{
	return has_cr2(regs) ? shared_info->vcpu_info[this_vcpu()].arch.cr2 : 0;
}

static void unexpected(const struct regs *r)
{
	print("unexpected entry: vector %lu error %lx cr2 %lx rip %lx cs %x rsp %lx ss %x\n",
	      r->vector, r->error, read_guest_cr2(r), r->rip, r->cs, r->rsp, r->ss);
	print("rax %lx rbx %lx rcx %lx rdx %lx rsi %lx rdi %lx rbp %lx rflags %lx\n", r->rax,
	      r->rbx, r->rcx, r->rdx, r->rsi, r->rdi, r->rbp, r->rflags);
	test_error("unexpected entry: vector %lu error %lx rip %lx cr2 %lx", r->vector, r->error,
		   r->rip, read_guest_cr2(r));
}

static void leave_user(struct cpu *cpu, const struct regs *regs)
{
	struct user_exit *exit = cpu->user;

	cpu->user = NULL;
	exit->vector = regs->vector;
	exit->error = regs->error;
	exit->cr2 = read_guest_cr2(regs);
	exit->regs = *regs;
	jump_back(&exit->jump);
}

static void leave_fault(struct cpu *cpu, const struct regs *regs)
{
	struct fault *f = cpu->catch;

	cpu->catch = NULL;
	f->vector = regs->vector;
	f->error = regs->error;
	f->cr2 = read_guest_cr2(regs);
	f->regs = *regs;
	f->hit = true;
	jump_back(&f->jump);
}

void trap_dispatch(struct regs *regs);
void trap_dispatch(struct regs *regs)
{
	struct cpu *cpu = this_cpu();

	if (cpu->hook && cpu->hook(regs))
		return;
	if (regs->vector == VEC_EVENT) {
		cpu->upcalls++;
		event_upcall();
		return;
	}
	if (cpu->user && (regs->cs & 3))
		leave_user(cpu, regs);
	if (cpu->catch)
		leave_fault(cpu, regs);
	unexpected(regs);
}

void user_run_frame(struct user_exit *exit, const struct iret_context *frame,
		    const struct iret_regs *regs)
{
	struct cpu *cpu = this_cpu();
	uint8_t mask = event_mask_get();

	cpu->user = exit;
	if (!jump_save(&exit->jump))
		iret_to(frame, regs);
	cpu->user = NULL;
	event_mask_set(mask);
}

void user_run(struct user_exit *exit, unsigned long rip, unsigned long rsp, unsigned long arg)
{
	struct iret_regs regs = { .rdi = arg };
	struct iret_context frame = {
		.rip = rip, .cs = FLAT_KERNEL_CS64, .rflags = 2, .rsp = rsp, .ss = FLAT_KERNEL_SS64,
	};

	if (!event_mask_get())
		frame.rflags |= RFLAGS_IF;
	user_run_frame(exit, &frame, &regs);
}
