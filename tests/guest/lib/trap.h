/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exceptions, callbacks and user mode as a test sees them.
 *
 *	struct fault f;
 *	FAULT_IN(&f, asm volatile("ud2"));	runs it, records what happened, comes back
 *	check_fault(&f, 6, 0);			see lib/result.h
 *
 * user_run() enters user mode and comes back at the first exception or system call.  A test
 * that wants the raw frame instead sets this_cpu()->hook, which sees every entry first.
 */
#ifndef GUEST_TRAP_H
#define GUEST_TRAP_H
#include "abi.h"
#include "layout.h"

/* What entry.S saves; the order is its push order. */
struct regs {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	uint64_t vector, error;
	uint64_t rip;
	uint32_t cs;
	uint8_t saved_mask, pad[3];
	uint64_t rflags, rsp;
	uint32_t ss, pad_ss;
};

/* The other registers that iret_to() loads; the order is known to entry.S. */
struct iret_regs {
	uint64_t rdi, rsi, rdx, rbx, rbp, r8, r9, r10, r12, r13, r14, r15;
};

struct jump {
	uint64_t rip, rsp, rbx, rbp, r12, r13, r14, r15;
};

struct fault {
	struct jump jump;
	volatile bool hit;
	uint64_t vector, error, cr2;
	struct regs regs;
};

struct user_exit {
	struct jump jump;
	uint64_t vector, error, cr2;	/* VEC_SYSCALL for a system call */
	struct regs regs;
};

/* Per-vCPU state of the framework; only its own vCPU touches it. */
struct cpu {
	struct fault *catch;		/* armed by FAULT_IN */
	struct user_exit *user;		/* armed by user_run */
	bool (*hook)(struct regs *regs);/* true = handled, return to the interrupted code */
	volatile unsigned long upcalls;
};

#define RFLAGS_TF	0x100UL
#define RFLAGS_IF	0x200UL
#define RFLAGS_DF	0x400UL
#define RFLAGS_IOPL	0x3000UL
#define RFLAGS_NT	0x4000UL
#define RFLAGS_RF	0x10000UL
#define RFLAGS_VM	0x20000UL
#define RFLAGS_AC	0x40000UL

extern const uint64_t trap_stubs[256];
extern uint64_t boot_regs[10];		/* rax rsi rsp cs ss ds es fs gs rflags at entry */
void entry_syscall(void);
void entry_event(void);
void entry_nmi(void);
void entry_failsafe(void);
void entry_syscall32(void);
void entry_sysenter(void);
int jump_save(struct jump *ctx) __attribute__((returns_twice));
void jump_back(struct jump *ctx) __attribute__((noreturn));
void iret_to(const struct iret_context *frame, const struct iret_regs *regs)
	__attribute__((noreturn));

struct cpu *this_cpu(void);
unsigned int this_vcpu(void);
void trap_init(void);
/* Put the framework's handlers for all vectors and callbacks back in place. */
void trap_install(void);
/* Replace one entry of the trap table.  @flags: DPL in bits 0-1, bit 2 = mask events. */
long trap_set(unsigned int vector, unsigned int flags, unsigned long address);

static inline int fault_arm(struct fault *f)
{
	f->hit = false;
	this_cpu()->catch = f;
	return 0;
}

#define FAULT_IN(f, ...) do {						\
	fault_arm(f);							\
	if (!jump_save(&(f)->jump)) {					\
		__VA_ARGS__;						\
	}								\
	this_cpu()->catch = NULL;					\
} while (0)

/*
 * Run @rip in user mode on @rsp with @arg in rdi until its first exception or system call,
 * which *exit describes.  Works on any user root set with user_root().
 */
void user_run(struct user_exit *exit, unsigned long rip, unsigned long rsp, unsigned long arg);
/* Same with everything chosen by the caller. */
void user_run_frame(struct user_exit *exit, const struct iret_context *frame,
		    const struct iret_regs *regs);
/* Set the user root; the kernel's own root by default (trap_init). */
long user_root(uint64_t l4_mfn);
/* Top of a stack for user code. */
unsigned long user_stack(void);

#endif
