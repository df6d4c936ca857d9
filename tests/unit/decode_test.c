/* unit: call/decode.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store decoder against the processor it runs on: each instruction is executed for real on a
 * word of memory and by store_execute() on a copy; memory, registers and flags must agree.  Then
 * addressing, by hand, and random bytes at the very end of a readable page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "call/decode.h"

#define FLAGS 0x8d5ul

static uint64_t seed = 88172645463325252ul;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Values around which carries, signs and parities change. */
static uint64_t interesting(void)
{
	static const uint64_t v[] = { 0,
				      1,
				      0x7f,
				      0x80,
				      0xff,
				      0x7fff,
				      0x8000,
				      0xffff,
				      0x7fffffff,
				      0x80000000,
				      0xffffffff,
				      0x7fffffffffffffff,
				      0x8000000000000000,
				      ~0ul };

	return rnd() & 1 ? v[rnd() % 14] : rnd();
}

struct vector {
	const char *name;
	uint8_t bytes[12];
	uint8_t length;
	uint8_t size;
	uint64_t rcx_mask;		/* limits a bit offset; 0 = any value */
};

/* All operate on (%rdi). */
static const struct vector vectors[] = {
	{ "mov %cl", { 0x88, 0x0f }, 2, 1, 0 },
	{ "mov %ch", { 0x88, 0x2f }, 2, 1, 0 },
	{ "mov %sil", { 0x40, 0x88, 0x37 }, 3, 1, 0 },
	{ "mov %cx", { 0x66, 0x89, 0x0f }, 3, 2, 0 },
	{ "mov %ecx", { 0x89, 0x0f }, 2, 4, 0 },
	{ "mov %rcx", { 0x48, 0x89, 0x0f }, 3, 8, 0 },
	{ "mov %r9", { 0x4c, 0x89, 0x0f }, 3, 8, 0 },
	{ "movb $", { 0xc6, 0x07, 0x85 }, 3, 1, 0 },
	{ "movw $", { 0x66, 0xc7, 0x07, 0x34, 0x92 }, 5, 2, 0 },
	{ "movl $", { 0xc7, 0x07, 0x78, 0x56, 0x34, 0x92 }, 6, 4, 0 },
	{ "movq $", { 0x48, 0xc7, 0x07, 0x78, 0x56, 0x34, 0x92 }, 7, 8, 0 },
	{ "movnti %rcx", { 0x48, 0x0f, 0xc3, 0x0f }, 4, 8, 0 },
	{ "xchg %cl", { 0x86, 0x0f }, 2, 1, 0 },
	{ "xchg %ch", { 0x86, 0x2f }, 2, 1, 0 },
	{ "xchg %cx", { 0x66, 0x87, 0x0f }, 3, 2, 0 },
	{ "xchg %ecx", { 0x87, 0x0f }, 2, 4, 0 },
	{ "xchg %rcx", { 0x48, 0x87, 0x0f }, 3, 8, 0 },
	{ "xchg %r8", { 0x4c, 0x87, 0x07 }, 3, 8, 0 },
	{ "cmpxchg %cl", { 0xf0, 0x0f, 0xb0, 0x0f }, 4, 1, 0 },
	{ "cmpxchg %cx", { 0x66, 0xf0, 0x0f, 0xb1, 0x0f }, 5, 2, 0 },
	{ "cmpxchg %ecx", { 0x0f, 0xb1, 0x0f }, 3, 4, 0 },
	{ "cmpxchg %rcx", { 0xf0, 0x48, 0x0f, 0xb1, 0x0f }, 5, 8, 0 },
	{ "xadd %cl", { 0x0f, 0xc0, 0x0f }, 3, 1, 0 },
	{ "xadd %ecx", { 0x0f, 0xc1, 0x0f }, 3, 4, 0 },
	{ "xadd %rcx", { 0xf0, 0x48, 0x0f, 0xc1, 0x0f }, 5, 8, 0 },
	{ "add %cl", { 0x00, 0x0f }, 2, 1, 0 },
	{ "add %rcx", { 0x48, 0x01, 0x0f }, 3, 8, 0 },
	{ "or %cx", { 0x66, 0x09, 0x0f }, 3, 2, 0 },
	{ "or %rcx", { 0xf0, 0x48, 0x09, 0x0f }, 4, 8, 0 },
	{ "adc %ecx", { 0x11, 0x0f }, 2, 4, 0 },
	{ "adc %rcx", { 0x48, 0x11, 0x0f }, 3, 8, 0 },
	{ "sbb %cl", { 0x18, 0x0f }, 2, 1, 0 },
	{ "sbb %rcx", { 0x48, 0x19, 0x0f }, 3, 8, 0 },
	{ "and %rcx", { 0xf0, 0x48, 0x21, 0x0f }, 4, 8, 0 },
	{ "sub %cx", { 0x66, 0x29, 0x0f }, 3, 2, 0 },
	{ "sub %rcx", { 0x48, 0x29, 0x0f }, 3, 8, 0 },
	{ "xor %ecx", { 0x31, 0x0f }, 2, 4, 0 },
	{ "andb $", { 0xf0, 0x80, 0x27, 0xfd }, 4, 1, 0 },
	{ "orb $", { 0xf0, 0x80, 0x0f, 0x42 }, 4, 1, 0 },
	{ "addw $", { 0x66, 0x81, 0x07, 0x34, 0x92 }, 5, 2, 0 },
	{ "subl $", { 0x81, 0x2f, 0x78, 0x56, 0x34, 0x92 }, 6, 4, 0 },
	{ "adcq $", { 0x48, 0x81, 0x17, 0x78, 0x56, 0x34, 0x92 }, 7, 8, 0 },
	{ "xorq $8", { 0x48, 0x83, 0x37, 0x9c }, 4, 8, 0 },
	{ "sbbl $8", { 0x83, 0x1f, 0x81 }, 3, 4, 0 },
	{ "incb", { 0xfe, 0x07 }, 2, 1, 0 },
	{ "incq", { 0xf0, 0x48, 0xff, 0x07 }, 4, 8, 0 },
	{ "decw", { 0x66, 0xff, 0x0f }, 3, 2, 0 },
	{ "decl", { 0xff, 0x0f }, 2, 4, 0 },
	{ "notb", { 0xf6, 0x17 }, 2, 1, 0 },
	{ "notq", { 0x48, 0xf7, 0x17 }, 3, 8, 0 },
	{ "negb", { 0xf6, 0x1f }, 2, 1, 0 },
	{ "negq", { 0x48, 0xf7, 0x1f }, 3, 8, 0 },
	{ "btsw %cx", { 0x66, 0x0f, 0xab, 0x0f }, 4, 2, 15 },
	{ "btsl %ecx", { 0x0f, 0xab, 0x0f }, 3, 4, 31 },
	{ "btrq %rcx", { 0xf0, 0x48, 0x0f, 0xb3, 0x0f }, 5, 8, 63 },
	{ "btcq %rcx", { 0x48, 0x0f, 0xbb, 0x0f }, 4, 8, 63 },
	{ "btsq $", { 0xf0, 0x48, 0x0f, 0xba, 0x2f, 0x3f }, 6, 8, 0 },
	{ "btrl $", { 0x0f, 0xba, 0x37, 0x25 }, 4, 4, 0 },
	{ "btcw $", { 0x66, 0x0f, 0xba, 0x3f, 0x0b }, 5, 2, 0 },
};

/* Runs @code (an instruction and RET) with these registers and flags on this processor. */
static void run_for_real(void *code, struct regs *r, uint64_t *word)
{
	register uint64_t r8 __asm__("r8") = r->r8;
	register uint64_t r9 __asm__("r9") = r->r9;

	__asm__ volatile("sub $128, %%rsp\n\t"		/* keep off the red zone */
			 "pushq %[flags]\n\tpopfq\n\tcall *%[code]\n\tpushfq\n\tpopq %[flags]\n\t"
			 "lea 128(%%rsp), %%rsp"
			 : "+a"(r->rax), "+c"(r->rcx), "+S"(r->rsi), "+r"(r8), "+r"(r9),
			   [flags] "+r"(r->rflags)
			 : "D"(word), [code] "r"(code) : "memory", "cc");
	r->r8 = r8;
	r->r9 = r9;
}

static void compare_one(const struct vector *v, void *code)
{
	struct regs real = { .rax = interesting(),
			     .rcx = interesting(),
			     .rsi = interesting(),
			     .r8 = interesting(),
			     .r9 = interesting(),
			     .rflags = 0x202 | (rnd() & FLAGS) };
	uint64_t memory = interesting(), real_memory,
		 mask = v->size == 8 ? ~0ul : (1ul << 8 * v->size) - 1;
	uint64_t val = 0;
	struct regs ours;
	struct store s;

	if (rnd() % 3 == 0)
		real.rax = memory;		/* cmpxchg that matches */
	if (v->rcx_mask)
		real.rcx &= v->rcx_mask;
	ours = real;
	real_memory = memory;
	run_for_real(code, &real, &real_memory);

	assert_true(decode_store(v->bytes, v->length, &s));
	assert_int_equal(s.length, v->length);
	assert_int_equal(s.bytes, v->size);
	ours.rdi = 0x1000;
	assert_int_equal(store_address(&s, &ours, 0, 0), 0x1000);
	if (store_execute(&s, &ours, memory & mask, &val))
		memory = (memory & ~mask) | (val & mask);
	assert_int_equal(memory, real_memory);
	assert_int_equal(ours.rax, real.rax);
	assert_int_equal(ours.rcx, real.rcx);
	assert_int_equal(ours.rsi, real.rsi);
	assert_int_equal(ours.r8, real.r8);
	/* AF is undefined after logic and bit operations; so are others after bit operations. */
	uint64_t flags = s.op >= STORE_BTS ? 1
			 : s.op == STORE_AND || s.op == STORE_OR || s.op == STORE_XOR
				 ? FLAGS & ~0x10ul
				 : FLAGS;
	if ((ours.rflags ^ real.rflags) & flags)
		fail_msg("%s: flags %lx, real %lx", v->name, ours.rflags, real.rflags);
}

static void executes_like_the_processor(void **state)
{
	uint8_t *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(code, MAP_FAILED);
	for (unsigned i = 0; i < ARRAY_SIZE(vectors); i++) {
		memcpy(code, vectors[i].bytes, vectors[i].length);
		code[vectors[i].length] = 0xc3;
		for (int n = 0; n < 400; n++)
			compare_one(&vectors[i], code);
	}
	munmap(code, 4096);
}

static uint64_t address(const char *bytes, unsigned n, struct regs *r)
{
	struct store s;

	assert_true(decode_store((const uint8_t *)bytes, n, &s));
	assert_int_equal(s.length, n);
	return store_address(&s, r, 0xf5000000, 0x65000000);
}

#define ADDRESS(bytes, r)	address(bytes, sizeof(bytes) - 1, r)

static void finds_its_operand(void **state)
{
	struct regs r = { .rax = 0x1000, .rcx = 0x20, .rbx = 0x300000, .rsp = 0x7000, .rbp = 0x5000,
			  .r12 = 0xc000, .r13 = 0xd000, .rip = 0x400000 };

	assert_int_equal(ADDRESS("\x48\x89\x08", &r), 0x1000);				/* (rax) */
	assert_int_equal(ADDRESS("\x48\x89\x48\xf8", &r), 0xff8);	       /* -8(rax) */
	assert_int_equal(ADDRESS("\x48\x89\x88\x00\x01\x00\x00", &r), 0x1100); /* 0x100(rax) */
	assert_int_equal(ADDRESS("\x48\x89\x0c\xc8", &r), 0x1100);	       /* (rax,rcx,8) */
	assert_int_equal(ADDRESS("\x48\x89\x0c\x24", &r), 0x7000);			/* (rsp) */
	assert_int_equal(ADDRESS("\x48\x89\x4c\x24\x08", &r), 0x7008);			/* 8(rsp) */
	assert_int_equal(ADDRESS("\x48\x89\x4d\x00", &r), 0x5000);			/* 0(rbp) */
	assert_int_equal(ADDRESS("\x49\x89\x0c\x24", &r), 0xc000);			/* (r12) */
	assert_int_equal(ADDRESS("\x49\x89\x4d\x00", &r), 0xd000);			/* 0(r13) */
	assert_int_equal(ADDRESS("\x4a\x89\x0c\xe0", &r), 0x1000 + 8 * 0xc000);	 /* (rax,r12,8) */
	assert_int_equal(ADDRESS("\x48\x89\x0d\x10\x00\x00\x00", &r), 0x400017); /* 0x10(rip) */
	assert_int_equal(ADDRESS("\x48\xc7\x05\x10\x00\x00\x00\x01\x00\x00\x00", &r), 0x40001b);
	assert_int_equal(ADDRESS("\x48\x89\x0c\x25\x00\x10\x00\x80", &r), 0xffffffff80001000);
	assert_int_equal(ADDRESS("\x64\x48\x89\x08", &r), 0xf5001000); /* fs:(rax) */
	assert_int_equal(ADDRESS("\x65\x48\x89\x08", &r), 0x65001000); /* gs:(rax) */
	r.rax = 0x1234567800001000;
	assert_int_equal(ADDRESS("\x67\x48\x89\x08", &r), 0x1000);			/* (eax) */
	r.rax = 0x1000;
	r.rcx = 64 + 5;
	assert_int_equal(ADDRESS("\x48\x0f\xab\x08", &r), 0x1008); /* bts rcx,(rax) */
	r.rcx = -1ul;
	assert_int_equal(ADDRESS("\x48\x0f\xab\x08", &r), 0xff8);
	r.rcx = 0xffffffff;
	assert_int_equal(ADDRESS("\x0f\xab\x08", &r), 0xffc); /* 32-bit: -1 */
}

#define REFUSED(bytes)	assert_false(decode_store((const uint8_t *)(bytes), sizeof(bytes) - 1, &s))

static void refuses_the_rest(void **state)
{
	struct store s;

	REFUSED("");
	REFUSED("\x48");
	REFUSED("\x0f");
	REFUSED("\x48\x89");			/* no ModRM */
	REFUSED("\x48\x89\xc8");		/* register to register */
	REFUSED("\x48\x8b\x08");		/* a load */
	REFUSED("\x48\x89\x88\x00\x01\x00");	/* displacement cut short */
	REFUSED("\x48\xc7\x00\x00\x01\x00");	/* immediate cut short */
	REFUSED("\x83\x38\x05");		/* cmp */
	REFUSED("\x48\x39\x08");		/* cmp */
	REFUSED("\x48\x0f\xba\x20\x05");	/* bt */
	REFUSED("\xff\x10");			/* call */
	REFUSED("\xf6\x20");			/* mul */
	REFUSED("\xc7\x48\x00\x01\x00\x00\x00");	/* group 11 with /1 */
	REFUSED("\xf0\x48\x89\x08");		/* lock mov */
	REFUSED("\xf3\x48\xab");		/* rep stos */
	REFUSED("\x66\x0f\x7f\x08");		/* movdqa */
	REFUSED("\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x89\x08"); /* 17 bytes
											  */
}

static void never_reads_beyond_its_bytes(void **state)
{
	uint8_t *pages =
		mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct regs r = { .rax = 1 };
	unsigned decoded = 0;
	struct store s;
	uint64_t val;

	assert_ptr_not_equal(pages, MAP_FAILED);
	mprotect(pages + 4096, 4096, PROT_NONE);
	for (int n = 0; n < 2000000; n++) {
		unsigned len = rnd() % (INSN_MAX + 1);
		uint8_t *p = pages + 4096 - len;

		for (unsigned i = 0; i < len; i++)
			p[i] = rnd();
		if (!decode_store(p, len, &s))
			continue;
		decoded++;
		assert_true(s.length && s.length <= len);
		store_address(&s, &r, 0, 0);
		store_execute(&s, &r, rnd() & (s.bytes == 8 ? ~0ul : (1ul << 8 * s.bytes) - 1),
			      &val);
	}
	assert_true(decoded > 10000);
	munmap(pages, 8192);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(executes_like_the_processor),
		cmocka_unit_test(finds_its_operand),
		cmocka_unit_test(refuses_the_rest),
		cmocka_unit_test(never_reads_beyond_its_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
