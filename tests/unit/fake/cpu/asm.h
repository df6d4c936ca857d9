/* SPDX-License-Identifier: BSD-2-Clause */
/* Privileged instructions as plain variables: what a test may look at lives in struct fake_machine. */
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

struct fake_machine {
	uint64_t cr0, cr2, cr3, cr4, dr[8], xcr0;
};
extern struct fake_machine fake_machine;

#define FAKE_REG(name, field) \
	static inline uint64_t read_##name(void) { return fake_machine.field; } \
	static inline void write_##name(uint64_t v) { fake_machine.field = v; }
FAKE_REG(cr0, cr0) FAKE_REG(cr2, cr2) FAKE_REG(cr4, cr4)
FAKE_REG(dr0, dr[0]) FAKE_REG(dr1, dr[1]) FAKE_REG(dr2, dr[2]) FAKE_REG(dr3, dr[3])
FAKE_REG(dr6, dr[6]) FAKE_REG(dr7, dr[7])

/* Weak, like all of fake_*.c: a test of the TLB has its own. */
enum invpcid { INVPCID_ADDRESS, INVPCID_TAG, INVPCID_ALL = 3 };
uint64_t read_cr3(void);
void write_cr3(uint64_t v);
void invlpg(uint64_t va);
void invpcid(enum invpcid type, uint64_t tag, uint64_t va);

uint64_t rdmsr(uint32_t msr);
void wrmsr(uint32_t msr, uint64_t v);
bool rdmsr_safe(uint32_t msr, uint64_t *v);

static inline void outb(uint16_t port, uint8_t v) { }
static inline void outw(uint16_t port, uint16_t v) { }
static inline void outl(uint16_t port, uint32_t v) { }
static inline uint8_t inb(uint16_t port) { return 0xff; }
static inline uint16_t inw(uint16_t port) { return 0xffff; }
static inline uint32_t inl(uint16_t port) { return 0xffffffff; }

static inline void cpu_pause(void) { __asm__ volatile("pause" ::: "memory"); }
static inline void cli(void) { }
static inline void sti(void) { }
static inline void swapgs(void) { }
static inline void wbinvd(void) { }
static inline void clts(void) { }
static inline void xsetbv(uint32_t reg, uint64_t v) { fake_machine.xcr0 = v; }
static inline uint64_t xgetbv(uint32_t reg) { return fake_machine.xcr0; }
static inline void interrupt_window(void) { }

#endif
