/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decoding and executing stores: see decode.h.  State: none.
 *
 * The forms: MOV, MOVNTI, XCHG, CMPXCHG, XADD, the eight arithmetic operations but CMP, INC, DEC,
 * NOT, NEG, BTS, BTR, BTC, each with register or immediate, with or without LOCK.  String and
 * vector stores are left out: kernels do not use them on live page tables.
 */
#include "call/decode.h"

#define FLAG_CF		0x001u
#define FLAG_OF		0x800u
#define FLAGS_ALL	(FLAG_OF | 0xd5u)	/* SF ZF AF PF CF are where LAHF puts them */

#define REX_W		8
#define REX_R		4
#define REX_X		2
#define REX_B		1

int insn_next(struct insn *i)
{
	return i->at < i->end ? *i->at++ : -1;
}

void insn_begin(struct insn *i, const uint8_t *bytes, unsigned n)
{
	*i = (struct insn){ .at = bytes, .start = bytes, .end = bytes + MIN(n, (unsigned)INSN_MAX) };
	for (; i->at < i->end; i->at++) {
		switch (*i->at) {
		case 0x66: i->opsize = true; break;
		case 0x67: i->addrsize = true; break;
		case 0xf0: i->lock = true; break;
		case 0xf2: case 0xf3: i->rep = *i->at; break;
		case 0x64: case 0x65: i->segment = *i->at; break;
		case 0x26: case 0x2e: case 0x36: case 0x3e: break;	/* no effect here */
		default:
			/* REX counts only right before the opcode. */
			if ((*i->at & 0xf0) == 0x40)
				i->rex = *i->at++;
			return;
		}
	}
}

uint64_t *insn_register(struct regs *r, unsigned nr)
{
	uint64_t *const reg[16] = {
		&r->rax, &r->rcx, &r->rdx, &r->rbx, &r->rsp, &r->rbp, &r->rsi, &r->rdi,
		&r->r8, &r->r9, &r->r10, &r->r11, &r->r12, &r->r13, &r->r14, &r->r15,
	};

	return reg[nr & 15];
}

/* @bytes little-endian bytes, sign extended; false when there are not so many. */
static bool next_signed(struct insn *i, unsigned bytes, int64_t *value)
{
	uint64_t v = 0;

	for (unsigned n = 0; n < bytes; n++) {
		int b = insn_next(i);

		if (b < 0)
			return false;
		v |= (uint64_t)b << (8 * n);
	}
	*value = (int64_t)(v << (64 - 8 * bytes)) >> (64 - 8 * bytes);
	return true;
}

/* ModRM, SIB and displacement of a memory operand.  *field = the three "reg" bits. */
static bool decode_modrm(struct insn *i, struct store *s, unsigned *field)
{
	int modrm = insn_next(i), mod = modrm >> 6, rm = modrm & 7, sib;

	if (modrm < 0 || mod == 3)
		return false;
	*field = (modrm >> 3) & 7;
	s->base = s->index = REG_NONE;
	s->addr32 = i->addrsize;
	s->segment = i->segment;
	if (rm == 4) {
		sib = insn_next(i);
		if (sib < 0)
			return false;
		s->scale = sib >> 6;
		s->index = ((sib >> 3) & 7) | (i->rex & REX_X ? 8 : 0);
		if (s->index == 4)
			s->index = REG_NONE;
		rm = sib & 7;
		if (mod || rm != 5)
			s->base = rm | (i->rex & REX_B ? 8 : 0);
		else
			mod = 2;		/* no base, 32-bit displacement */
	} else if (!mod && rm == 5) {
		s->rip_relative = true;
		mod = 2;
	} else {
		s->base = rm | (i->rex & REX_B ? 8 : 0);
	}
	return !mod || next_signed(i, mod == 1 ? 1 : 4, &s->disp);
}

/* Operations that the "reg" bits choose. */
#define NO_STORE	0xff
enum group { GROUP_ARITHMETIC, GROUP_MOV, GROUP_UNARY, GROUP_STEP, GROUP_BIT };
static const uint8_t group_op[][8] = {
	[GROUP_ARITHMETIC] = { STORE_ADD, STORE_OR, STORE_ADC, STORE_SBB, STORE_AND, STORE_SUB, STORE_XOR,
			       NO_STORE /* CMP */ },
	[GROUP_MOV] = { STORE_MOV, [1 ... 7] = NO_STORE },
	[GROUP_UNARY] = { NO_STORE, NO_STORE, STORE_NOT, STORE_NEG, [4 ... 7] = NO_STORE },
	[GROUP_STEP] = { STORE_INC, STORE_DEC, [2 ... 7] = NO_STORE },
	[GROUP_BIT] = { [0 ... 4] = NO_STORE, STORE_BTS, STORE_BTR, STORE_BTC },
};

/* What comes after the opcode: ModRM, whose "reg" bits name a register or an operation, and for some
 * of the latter an immediate of operand size (at most 4 bytes) or of one sign-extended byte. */
enum form { NONE, REGISTER, GROUP, GROUP_IMM, GROUP_IMM8 };

#define WORD(code, form, op)	[code] = { form, op, false }
#define BOTH(code, form, op)	[code] = { form, op, true }, WORD((code) + 1, form, op)

/* By opcode, plus 0x100 after 0F. */
static const struct opcode {
	uint8_t form, op;		/* enum form; store_op, or the group */
	bool byte;
} opcodes[] = {
	BOTH(0x00, REGISTER, STORE_ADD), BOTH(0x08, REGISTER, STORE_OR),
	BOTH(0x10, REGISTER, STORE_ADC), BOTH(0x18, REGISTER, STORE_SBB),
	BOTH(0x20, REGISTER, STORE_AND), BOTH(0x28, REGISTER, STORE_SUB),
	BOTH(0x30, REGISTER, STORE_XOR), BOTH(0x80, GROUP_IMM, GROUP_ARITHMETIC),
	WORD(0x83, GROUP_IMM8, GROUP_ARITHMETIC), BOTH(0x86, REGISTER, STORE_XCHG),
	BOTH(0x88, REGISTER, STORE_MOV), BOTH(0xc6, GROUP_IMM, GROUP_MOV),
	BOTH(0xf6, GROUP, GROUP_UNARY), BOTH(0xfe, GROUP, GROUP_STEP),
	WORD(0x1ab, REGISTER, STORE_BTS), BOTH(0x1b0, REGISTER, STORE_CMPXCHG),
	WORD(0x1b3, REGISTER, STORE_BTR), WORD(0x1ba, GROUP_IMM8, GROUP_BIT),
	WORD(0x1bb, REGISTER, STORE_BTC), BOTH(0x1c0, REGISTER, STORE_XADD),
	WORD(0x1c3, REGISTER, STORE_MOV),	/* MOVNTI */
};

static void set_register(struct store *s, const struct insn *i, unsigned field)
{
	s->reg = field | (i->rex & REX_R ? 8 : 0);
	if (s->bytes == 1 && !i->rex && field >= 4) {
		s->reg = field - 4;
		s->high = true;
	}
}

bool decode_store(const uint8_t *bytes, unsigned n, struct store *s)
{
	const struct opcode *o;
	struct insn i;
	unsigned field;
	int code;

	*s = (struct store){ .reg = REG_NONE };
	insn_begin(&i, bytes, n);
	code = insn_next(&i);
	if (code == 0x0f)
		code = 0x100 | insn_next(&i);
	if (code < 0 || code >= (int)ARRAY_SIZE(opcodes))
		return false;
	o = &opcodes[code];
	if (!o->form || !decode_modrm(&i, s, &field))
		return false;
	s->bytes = o->byte ? 1 : i.rex & REX_W ? 8 : i.opsize ? 2 : 4;
	s->op = o->form == REGISTER ? o->op : group_op[o->op][field];
	if (o->form == REGISTER)
		set_register(s, &i, field);
	else if (s->op == NO_STORE)
		return false;
	if ((o->form == GROUP_IMM && !next_signed(&i, MIN(s->bytes, 4), (int64_t *)&s->imm)) ||
	    (o->form == GROUP_IMM8 && !next_signed(&i, 1, (int64_t *)&s->imm)))
		return false;
	s->length = i.at - i.start;
	/* LOCK MOV is an invalid opcode. */
	return !(i.lock && s->op == STORE_MOV);
}

static uint64_t size_mask(const struct store *s)
{
	return MASK(8 * s->bytes - 1) << 1 | 1;
}

static uint64_t operand(const struct store *s, struct regs *r)
{
	if (s->reg == REG_NONE)
		return s->imm & size_mask(s);
	return (*insn_register(r, s->reg) >> (s->high ? 8 : 0)) & size_mask(s);
}

void insn_set(uint64_t *reg, unsigned bytes, unsigned shift, uint64_t v)
{
	uint64_t mask = MASK(8 * bytes - 1) << 1 | 1;

	if (bytes == 4)
		*reg = (uint32_t)v;
	else
		*reg = (*reg & ~(mask << shift)) | (v & mask) << shift;
}

uint64_t store_address(const struct store *s, struct regs *r, uint64_t fs_base, uint64_t gs_base)
{
	uint64_t a = (uint64_t)s->disp;

	if (s->rip_relative)
		a += r->rip + s->length;
	if (s->base != REG_NONE)
		a += *insn_register(r, s->base);
	if (s->index != REG_NONE)
		a += *insn_register(r, s->index) << s->scale;
	if (s->op >= STORE_BTS && s->reg != REG_NONE) {	/* the bit may lie in another word */
		unsigned shift = 64 - 8 * s->bytes, log = __builtin_ctz(8 * s->bytes);
		int64_t bit = (int64_t)(operand(s, r) << shift) >> shift;

		a += (uint64_t)(bit >> log) * s->bytes;
	}
	if (s->addr32)
		a = (uint32_t)a;
	return a + (s->segment == 0x64 ? fs_base : s->segment == 0x65 ? gs_base : 0);
}

static void set_flags(struct regs *r, uint64_t which, uint64_t flags)
{
	r->rflags = (r->rflags & ~which) | (flags & which);
}

/*
 * @insn on operands of @type: [d] changes, [s] is read, CF comes from the guest, and the flags go to
 * *flags as LAHF and SETO give them.
 */
#define RUN(insn, type) ({ \
	type d_ = (type)dst, s_ = (type)src; \
	__asm__("bt $0, %k[f]\n\t" insn "\n\tlahf\n\tseto %%al" \
		: [d] "+q"(d_), "=a"(flags) : [s] "q"(s_), [f] "r"(r->rflags) : "cc"); \
	(uint64_t)d_; })
#define ALU(insn) (s->bytes == 1 ? RUN(insn, uint8_t) : s->bytes == 2 ? RUN(insn, uint16_t) : \
		   s->bytes == 4 ? RUN(insn, uint32_t) : RUN(insn, uint64_t))

/* What @op makes of @dst and @src, and its flags: by the instruction itself, on registers. */
static uint64_t arithmetic(const struct store *s, struct regs *r, enum store_op op, uint64_t dst,
			   uint64_t src)
{
	uint16_t flags;
	uint64_t v;

	switch (op) {
	case STORE_ADC: v = ALU("adc %[s], %[d]"); break;
	case STORE_SBB: v = ALU("sbb %[s], %[d]"); break;
	case STORE_SUB: v = ALU("sub %[s], %[d]"); break;
	case STORE_OR:  v = ALU("or %[s], %[d]"); break;
	case STORE_AND: v = ALU("and %[s], %[d]"); break;
	case STORE_XOR: v = ALU("xor %[s], %[d]"); break;
	case STORE_INC: v = ALU("inc %[d]"); break;
	case STORE_DEC: v = ALU("dec %[d]"); break;
	case STORE_NEG: v = ALU("neg %[d]"); break;
	default: v = ALU("add %[s], %[d]"); break;		/* XADD too */
	}
	set_flags(r, FLAGS_ALL, flags >> 8 | (flags & 1 ? FLAG_OF : 0));
	return v;
}

static uint64_t bit_op(const struct store *s, struct regs *r, uint64_t old)
{
	uint64_t bit = 1ul << (operand(s, r) & (8 * s->bytes - 1));

	set_flags(r, FLAG_CF, old & bit ? FLAG_CF : 0);
	return s->op == STORE_BTS ? old | bit : s->op == STORE_BTR ? old & ~bit : old ^ bit;
}

bool store_execute(const struct store *s, struct regs *r, uint64_t old, uint64_t *val)
{
	uint64_t arg = operand(s, r), expect = r->rax & size_mask(s);

	switch (s->op) {
	case STORE_CMPXCHG:
		arithmetic(s, r, STORE_SUB, expect, old);
		if (expect != old) {
			insn_set(&r->rax, s->bytes, 0, old);
			return false;
		}
		*val = arg;
		break;
	case STORE_MOV: case STORE_XCHG: *val = arg; break;
	case STORE_NOT: *val = ~old & size_mask(s); break;
	case STORE_BTS: case STORE_BTR: case STORE_BTC: *val = bit_op(s, r, old); break;
	default: *val = arithmetic(s, r, s->op, old, arg);
	}
	if (s->op == STORE_XCHG || s->op == STORE_XADD)
		insn_set(insn_register(r, s->reg), s->bytes, s->high ? 8 : 0, old);
	return true;
}
