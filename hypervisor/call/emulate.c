/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Privileged instructions of guests (abi-inventory 2.6), arriving as #GP with error code 0, and
 * CPUID behind the forced-emulation prefix, arriving as #UD.
 *
 * The bytes are read once, decoded, and either carried out whole (RIP moves past them) or not at
 * all: the caller then gives the guest the exception it earned.  Only 64-bit code is emulated.  A
 * string instruction with REP does a bounded number of elements and lets the guest execute it again
 * for the rest; so does a root switch that was preempted.
 *
 * Acts on the current vCPU only; no locks.  Ports, MSRs and CPUID have files of their own.
 */
#include "call/handlers.h"
#include "call/fetch.h"
#include "call/privileged.h"
#include "cpu/extable.h"
#include "cpu/asm.h"
#include "cpu/fpu.h"
#include "cpu/msr.h"
#include "cpu/time.h"
#include "dom/bounce.h"
#include "lib/string.h"
#include "mm/pt.h"

#define VECTOR_DB	1
#define DR6_STEP	0x4000
#define REP_BATCH	512		/* elements of one string instruction per trap */

enum outcome {
	REFLECT,			/* not ours: the guest gets its #GP */
	DONE,				/* move RIP past it */
	AGAIN,				/* RIP stays, registers say what is left */
	BOUNCED,			/* another exception was delivered instead */
};

/* Is the guest in 64-bit code?  LAR shows bit 21 (L) of its code segment. */
static bool code_is_64bit(const struct regs *r)
{
	uint32_t access = 0;
	uint16_t cs = r->cs;

	if (cs == SEL_GUEST_CODE64)
		return true;
	__asm__("1: lar %1, %0\n2:\n" EX_TABLE(1b, 2b) : "+r"(access) : "r"((uint32_t)cs) : "cc");
	return access & (1u << 21);
}

unsigned fetch_instruction(const struct regs *r, uint8_t bytes[INSN_MAX])
{
	unsigned left = PAGE_SIZE - r->rip % PAGE_SIZE;

	if (!code_is_64bit(r))
		return 0;
	if (!copy_from_guest(bytes, gva(r->rip), INSN_MAX))
		return INSN_MAX;
	/* The next page may not be there; the instruction may end before it. */
	if (left < INSN_MAX && !copy_from_guest(bytes, gva(r->rip), left))
		return left;
	return 0;
}

/* Past an instruction: a guest that single-steps gets its trap. */
void finish_instruction(struct vcpu *v, struct regs *r, unsigned length)
{
	r->rip += length;
	r->rflags &= ~(uint64_t)RFLAGS_RF;
	if (r->rflags & RFLAGS_TF) {
		v->dr6 |= DR6_STEP;
		bounce_exception(v, VECTOR_DB, NO_ERROR_CODE);
	}
}

/* MOV from and to CR0-CR4.  @gpr is where the value is or goes. */
static enum outcome read_control(struct vcpu *v, unsigned cr, uint64_t *gpr)
{
	switch (cr) {
	case 0: *gpr = (read_cr0() & ~CR0_TS) | (v->guest_ts ? CR0_TS : 0); break;
	case 2: *gpr = v->guest_cr2; break;
	case 3: *gpr = v->kernel_cr3 & PTE_ADDR; break;
	case 4: *gpr = v->guest_cr4 | CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT; break;
	default: return REFLECT;
	}
	return DONE;
}

static enum outcome write_root(struct vcpu *v, uint64_t value)
{
	int rc;

	if (value & ~PTE_ADDR)
		return REFLECT;
	rc = vcpu_set_root(v, mfn(value >> PAGE_SHIFT), false);
	return rc == RESTART ? AGAIN : rc ? REFLECT : DONE;
}

static enum outcome write_control(struct vcpu *v, unsigned cr, uint64_t value)
{
	switch (cr) {
	case 0:
		if ((value ^ read_cr0()) & ~CR0_TS)
			return REFLECT;
		v->guest_ts = value & CR0_TS;
		fpu_set_ts(v->guest_ts);
		return DONE;
	case 2:
		v->guest_cr2 = v->info->arch.cr2 = value;
		return DONE;
	case 3: return write_root(v, value);
	case 4:
		/* Bits the guest does not own are dropped: kernels set what they like. */
		v->guest_cr4 = value & features_guest_cr4_mask();
		this_cpu()->cr4 = vcpu_hw_cr4(v);
		write_cr4(this_cpu()->cr4);
		return DONE;
	default: return REFLECT;
	}
}

static enum outcome move_debug(struct vcpu *v, unsigned dr, bool write, uint64_t *gpr)
{
	if (dr > 7 || ((dr == 4 || dr == 5) && (v->guest_cr4 & CR4_DE)))
		return REFLECT;
	if (write)
		return hc_set_debugreg(v, dr, *gpr) ? REFLECT : DONE;
	*gpr = hc_get_debugreg(v, dr);
	return DONE;
}

/* 0F 20-23: MOV between a general and a control or debug register.  The mod bits are ignored. */
static enum outcome move_special(struct vcpu *v, struct regs *r, struct insn *i, int op)
{
	int modrm = insn_next(i);
	unsigned special = ((modrm >> 3) & 7) | (i->rex & 4 ? 8 : 0);
	uint64_t *gpr;

	if (modrm < 0 || i->lock)
		return REFLECT;
	gpr = insn_register(r, (modrm & 7) | (i->rex & 1 ? 8 : 0));
	switch (op) {
	case 0x20: return read_control(v, special, gpr);
	case 0x22: return write_control(v, special, *gpr);
	default:   return move_debug(v, special, op == 0x23, gpr);
	}
}

static enum outcome access_msr(struct vcpu *v, struct regs *r, bool write)
{
	uint64_t value = (uint32_t)r->rax | r->rdx << 32;
	uint32_t msr = r->rcx;

	if (write)
		return msr_write(v, msr, value) ? REFLECT : DONE;
	if (msr_read(v, msr, &value))
		return REFLECT;
	r->rax = (uint32_t)value;
	r->rdx = value >> 32;
	return DONE;
}

static enum outcome read_tsc(struct regs *r, bool aux)
{
	uint64_t tsc = rdtsc();

	r->rax = (uint32_t)tsc;
	r->rdx = tsc >> 32;
	if (aux)
		r->rcx = (uint32_t)rdmsr(MSR_TSC_AUX);
	return DONE;
}

static enum outcome execute_cpuid(struct vcpu *v, struct regs *r, bool forced)
{
	struct cpuid_leaf out;

	cpuid_for_guest(v, r->rax, r->rcx, forced, &out);
	r->rax = out.a;
	r->rbx = out.b;
	r->rcx = out.c;
	r->rdx = out.d;
	return DONE;
}

/* 0F 01 with a register form: XSETBV, RDTSCP. */
static enum outcome group7(struct vcpu *v, struct regs *r, struct insn *i)
{
	int modrm = insn_next(i);

	if (modrm == 0xd1 && !(uint32_t)r->rcx && (v->guest_cr4 & CR4_OSXSAVE))
		return fpu_set_xcr0(&v->fpu, (uint32_t)r->rax | r->rdx << 32) ? REFLECT : DONE;
	if (modrm == 0xf9 && cpu.rdtscp)
		return read_tsc(r, true);
	return REFLECT;
}

static enum outcome two_byte(struct vcpu *v, struct regs *r, struct insn *i)
{
	int op = insn_next(i);

	if (op == 0xa2)				/* faulting CPUID, user mode too */
		return execute_cpuid(v, r, false);
	if (!in_kernel(v))
		return REFLECT;
	switch (op) {
	case 0x01: return group7(v, r, i);
	case 0x06:				/* CLTS */
		v->guest_ts = false;
		fpu_set_ts(false);
		return DONE;
	case 0x08: case 0x09:			/* INVD must not lose anybody's data: WBINVD */
		if (v->dom->mem.may_map_io)
			wbinvd();
		return DONE;
	case 0x20 ... 0x23: return move_special(v, r, i, op);
	case 0x30: case 0x32:
		return access_msr(v, r, op == 0x30);
	case 0x31: return read_tsc(r, false);
	default: return REFLECT;
	}
}

/* The guest's tables do not allow the access: it gets the page fault it would have got. */
static enum outcome bounce_access(struct vcpu *v, uint64_t va, bool write, bool present)
{
	bounce_page_fault(v, va, (present ? 1 : 0) | (write ? 2 : 0) | 4);
	return BOUNCED;
}

/* Before a port is read, so that its data is not lost: may the guest write all bytes there?  If not it
 * gets its fault. */
static bool writable(struct vcpu *v, uint64_t va, unsigned bytes)
{
	mfn_t root = frame_mfn(in_kernel(v) ? v->kernel_root : v->user_root);
	unsigned level;
	bool present;
	pte_t leaf;

	/* by distance: at the end of the address space `at` wraps */
	for (uint64_t at = va; at - va < bytes; at = ALIGN_DOWN(at, PAGE_SIZE) + PAGE_SIZE) {
		present = guest_range_ok(gva(at), 1) && !pt_walk(root, at, &leaf, &level);
		if (present && (leaf.v & PTE_RW))
			continue;
		bounce_access(v, at, true, present);
		return false;
	}
	return true;
}

/* One element of INS or OUTS at linear address @va. */
static enum outcome string_element(struct vcpu *v, unsigned port, unsigned bytes, bool in, uint64_t va)
{
	uint32_t value = 0;

	if (!in) {
		if (copy_from_guest(&value, gva(va), bytes))
			return bounce_access(v, va, false, false);
		port_access(v, port, bytes, true, value);
		return DONE;
	}
	if (!writable(v, va, bytes))
		return BOUNCED;
	value = port_access(v, port, bytes, false, 0);
	return copy_to_guest(gva(va), &value, bytes) ? bounce_access(v, va, true, true) : DONE;
}

static uint64_t segment_base(const struct insn *i)
{
	if (i->segment == 0x64)
		return rdmsr(MSR_FS_BASE);
	return i->segment == 0x65 ? rdmsr(MSR_GS_BASE) : 0;
}

static unsigned io_bytes(const struct insn *i, int op)
{
	return op & 1 ? (i->opsize ? 2 : 4) : 1;
}

/* 6C-6F. */
static enum outcome string_io(struct vcpu *v, struct regs *r, const struct insn *i, int op)
{
	unsigned bytes = io_bytes(i, op);
	bool in = op < 0x6e;
	uint64_t mask = i->addrsize ? 0xffffffff : ~0ul, *pointer = in ? &r->rdi : &r->rsi;
	uint64_t base = in ? 0 : segment_base(i), left = i->rep ? r->rcx & mask : 1;
	uint64_t step = r->rflags & RFLAGS_DF ? -(uint64_t)bytes : bytes;
	enum outcome out;

	if (!ports_allowed(v, (uint16_t)r->rdx, bytes))
		return REFLECT;
	for (unsigned n = 0; left && n < REP_BATCH; n++) {
		out = string_element(v, (uint16_t)r->rdx, bytes, in, base + (*pointer & mask));
		if (out != DONE)
			return out;
		*pointer = (*pointer + step) & mask;
		left--;
		if (i->rep)
			r->rcx = left;
	}
	return left ? AGAIN : DONE;
}

/* E4-E7, EC-EF. */
static enum outcome port_io(struct vcpu *v, struct regs *r, struct insn *i, int op)
{
	unsigned bytes = io_bytes(i, op);
	int port = op & 8 ? (uint16_t)r->rdx : insn_next(i);
	uint32_t value;

	if (port < 0 || !ports_allowed(v, port, bytes))
		return REFLECT;
	value = port_access(v, port, bytes, op & 2, r->rax);
	if (!(op & 2))
		insn_set(&r->rax, bytes, 0, value);
	return DONE;
}

static enum outcome one_instruction(struct vcpu *v, struct regs *r, struct insn *i)
{
	int op = insn_next(i);

	switch (op) {
	case 0x0f: return two_byte(v, r, i);
	case 0x6c ... 0x6f: return string_io(v, r, i, op);
	case 0xe4 ... 0xe7: case 0xec ... 0xef:
		return port_io(v, r, i, op);
	case 0xfa: case 0xfb:			/* CLI, STI: events are masked in vcpu_info */
		return ports_iopl_ok(v) ? DONE : REFLECT;
	default: return REFLECT;
	}
}

bool emulate_privileged(struct vcpu *v, struct regs *r)
{
	uint8_t bytes[INSN_MAX];
	unsigned n = fetch_instruction(r, bytes);
	enum outcome out;
	struct insn i;

	if (!n)
		return false;
	insn_begin(&i, bytes, n);
	out = one_instruction(v, r, &i);
	if (out == REFLECT)
		return false;
	if (out == DONE)
		finish_instruction(v, r, i.at - i.start);
	return true;
}

bool emulate_forced_cpuid(struct vcpu *v, struct regs *r)
{
	static const uint8_t want[] = { XEN_EMULATE_PREFIX_BYTES, 0x0f, 0xa2 };
	uint8_t bytes[sizeof(want)];

	if (copy_from_guest(bytes, gva(r->rip), sizeof(bytes)) || memcmp(bytes, want, sizeof(want)))
		return false;
	execute_cpuid(v, r, true);
	finish_instruction(v, r, sizeof(want));
	return true;
}
