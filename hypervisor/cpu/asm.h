/* SPDX-License-Identifier: BSD-2-Clause */
/* Every privileged instruction we use from C, once.  SDM vol. 2 has each by its mnemonic. */
#ifndef CPU_ASM_H
#define CPU_ASM_H

#include "lib/util.h"

#define CR0_PE		BIT(0)
#define CR0_MP		BIT(1)
#define CR0_TS		BIT(3)
#define CR0_ET		BIT(4)
#define CR0_NE		BIT(5)
#define CR0_WP		BIT(16)
#define CR0_AM		BIT(18)
#define CR0_PG		BIT(31)

#define DEFINE_READ_REG(name, reg) \
	static inline uint64_t read_##name(void) \
	{ uint64_t v; __asm__ volatile("mov %%" reg ", %0" : "=r"(v) :: "memory"); return v; }
#define DEFINE_WRITE_REG(name, reg) \
	static inline void write_##name(uint64_t v) \
	{ __asm__ volatile("mov %0, %%" reg :: "r"(v) : "memory"); }
DEFINE_READ_REG(cr0, "cr0") DEFINE_WRITE_REG(cr0, "cr0")
DEFINE_READ_REG(cr2, "cr2") DEFINE_WRITE_REG(cr2, "cr2")
DEFINE_READ_REG(cr3, "cr3") DEFINE_WRITE_REG(cr3, "cr3")
DEFINE_READ_REG(cr4, "cr4") DEFINE_WRITE_REG(cr4, "cr4")
DEFINE_READ_REG(dr0, "dr0") DEFINE_WRITE_REG(dr0, "dr0")
DEFINE_READ_REG(dr1, "dr1") DEFINE_WRITE_REG(dr1, "dr1")
DEFINE_READ_REG(dr2, "dr2") DEFINE_WRITE_REG(dr2, "dr2")
DEFINE_READ_REG(dr3, "dr3") DEFINE_WRITE_REG(dr3, "dr3")
DEFINE_READ_REG(dr6, "dr6") DEFINE_WRITE_REG(dr6, "dr6")
DEFINE_READ_REG(dr7, "dr7") DEFINE_WRITE_REG(dr7, "dr7")

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr) : "memory");
	return (uint64_t)hi << 32 | lo;
}

static inline void wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr" :: "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)) : "memory");
}

/* The same, a #GP becomes false (exception table in cpu/uaccess.S). */
bool rdmsr_safe(uint32_t msr, uint64_t *v);

static inline void outb(uint16_t port, uint8_t v) { __asm__ volatile("outb %0, %1" :: "a"(v), "Nd"(port)); }
static inline void outw(uint16_t port, uint16_t v) { __asm__ volatile("outw %0, %1" :: "a"(v), "Nd"(port)); }
static inline void outl(uint16_t port, uint32_t v) { __asm__ volatile("outl %0, %1" :: "a"(v), "Nd"(port)); }
static inline uint8_t inb(uint16_t port) { uint8_t v; __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port)); return v; }
static inline uint16_t inw(uint16_t port) { uint16_t v; __asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port)); return v; }
static inline uint32_t inl(uint16_t port) { uint32_t v; __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port)); return v; }

/* @bytes: 1, 2 or 4. */
static inline uint32_t in_bytes(uint16_t port, unsigned bytes)
{
	return bytes == 1 ? inb(port) : bytes == 2 ? inw(port) : inl(port);
}

static inline void out_bytes(uint16_t port, unsigned bytes, uint32_t v)
{
	if (bytes == 1)
		outb(port, (uint8_t)v);
	else if (bytes == 2)
		outw(port, (uint16_t)v);
	else
		outl(port, v);
}

static inline void cpu_pause(void) { __asm__ volatile("pause" ::: "memory"); }
static inline void cli(void) { __asm__ volatile("cli" ::: "memory"); }
static inline void noreturn cpu_hang(void) { for (;;) __asm__ volatile("cli; hlt" ::: "memory"); }
static inline void sti(void) { __asm__ volatile("sti" ::: "memory"); }
static inline void invlpg(uint64_t va) { __asm__ volatile("invlpg (%0)" :: "r"(va) : "memory"); }

/* SDM vol. 2, INVPCID.  @type: one address of a tag; all of a tag; all of every tag, but what is global. */
enum invpcid { INVPCID_ADDRESS, INVPCID_TAG, INVPCID_ALL = 3 };
static inline void invpcid(enum invpcid type, uint64_t tag, uint64_t va)
{
	struct { uint64_t tag, va; } what = { tag, va };

	__asm__ volatile("invpcid %0, %1" :: "m"(what), "r"((uint64_t)type) : "memory");
}

static inline void swapgs(void) { __asm__ volatile("swapgs" ::: "memory"); }
static inline void wbinvd(void) { __asm__ volatile("wbinvd" ::: "memory"); }
static inline void clts(void) { __asm__ volatile("clts" ::: "memory"); }

static inline void xsetbv(uint32_t reg, uint64_t v)
{
	__asm__ volatile("xsetbv" :: "c"(reg), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)) : "memory");
}

/* One interrupt window: STI holds interrupts off for one more instruction, NOP takes it. */
static inline void interrupt_window(void) { __asm__ volatile("sti; nop; cli" ::: "memory"); }

#endif
