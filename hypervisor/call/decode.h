/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A decoder for the short list of instructions by which kernels change one word of memory, and what each
 * of them does.  Pure: bytes and registers in, a description and new registers out (tests/unit runs it
 * against the build host's processor).  64-bit code only.  SDM vol. 2, ch. 2 and appendix A.
 */
#ifndef CALL_DECODE_H
#define CALL_DECODE_H

#include "cpu/regs.h"

#define INSN_MAX	15

/* A place in the bytes of one instruction, and the prefixes that were before it. */
struct insn {
	const uint8_t *at, *end, *start;
	uint8_t rex;			/* 0x40-0x4f, or 0 */
	uint8_t rep;			/* 0xf2, 0xf3 or 0 */
	uint8_t segment;		/* 0x64 FS, 0x65 GS, 0 none that matters */
	bool opsize, addrsize, lock;
};

void insn_begin(struct insn *i, const uint8_t *bytes, unsigned n);	/* reads the prefixes */
int insn_next(struct insn *i);		/* the next byte, or -1 at the end */

/* General register @nr (0-15 in encoding order). */
uint64_t *insn_register(struct regs *r, unsigned nr);
/* Writes @bytes of one from bit @shift on as an instruction does: 32 bits clear the upper half. */
void insn_set(uint64_t *reg, unsigned bytes, unsigned shift, uint64_t v);

enum store_op {
	STORE_ADD, STORE_OR, STORE_ADC, STORE_SBB, STORE_AND, STORE_SUB, STORE_XOR,	/* as opcodes count */
	STORE_MOV, STORE_XCHG, STORE_CMPXCHG, STORE_XADD, STORE_INC, STORE_DEC, STORE_NOT, STORE_NEG,
	STORE_BTS, STORE_BTR, STORE_BTC,
};

#define REG_NONE	0xff

struct store {
	enum store_op op;
	uint8_t length;			/* bytes of the instruction */
	uint8_t bytes;			/* of the operand: 1, 2, 4, 8 */
	uint8_t reg;			/* register operand, REG_NONE: imm */
	bool high;			/* it is AH, CH, DH or BH: bits 8-15 of reg */
	uint64_t imm;			/* sign extended */
	uint8_t base, index, scale;	/* REG_NONE: none; scale is a shift */
	bool rip_relative, addr32;
	uint8_t segment;		/* 0x64, 0x65 or 0 */
	int64_t disp;
};

/* False: not a store we know.  Never reads beyond bytes[n]. */
bool decode_store(const uint8_t *bytes, unsigned n, struct store *s);
/* Linear address of the operand. */
uint64_t store_address(const struct store *s, struct regs *r, uint64_t fs_base, uint64_t gs_base);
/*
 * Carries the instruction out on @r, memory operand being @old: flags, register results, and *val = what
 * memory becomes.  False: memory stays as it is (cmpxchg that did not match).  RIP is not moved.
 */
bool store_execute(const struct store *s, struct regs *r, uint64_t old, uint64_t *val);

#endif
