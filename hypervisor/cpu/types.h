/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses and page-table entries as distinct types, so that a frame number, a machine address and
 * a guest pointer can never be confused.  Written out by hand, in every build, so grep finds them.
 *
 *   mfn_t    number of a machine frame (machine address >> 12)
 *   maddr_t  machine address in bytes
 *   gva_t    a guest's virtual address as it was passed to us: never dereferenced but by uaccess
 *   pte_t    one page-table entry of any level (SDM vol. 3, 4.5)
 */
#ifndef CPU_TYPES_H
#define CPU_TYPES_H

#include "cpu/layout.h"
#include "lib/util.h"

typedef struct { uint64_t n; } mfn_t;
typedef struct { uint64_t a; } maddr_t;
typedef struct { uint64_t a; } gva_t;
typedef struct { uint64_t v; } pte_t;

#define MFN_NONE_N		(~0ul >> 12)

static inline mfn_t mfn(uint64_t n) { return (mfn_t){ n }; }
static inline maddr_t maddr(uint64_t a) { return (maddr_t){ a }; }
static inline gva_t gva(uint64_t a) { return (gva_t){ a }; }
static inline pte_t pte(uint64_t v) { return (pte_t){ v }; }

static inline mfn_t mfn_none(void) { return mfn(MFN_NONE_N); }
static inline bool mfn_is_none(mfn_t m) { return m.n == MFN_NONE_N; }
static inline mfn_t maddr_mfn(maddr_t m) { return mfn(m.a >> PAGE_SHIFT); }
static inline maddr_t mfn_maddr(mfn_t m) { return maddr(m.n << PAGE_SHIFT); }

/* The nth element of an array of @size-byte elements in guest memory. */
static inline gva_t gva_nth(gva_t base, uint64_t n, size_t size) { return gva(base.a + n * size); }
static inline gva_t gva_add(gva_t base, uint64_t bytes) { return gva(base.a + bytes); }
static inline bool gva_is_null(gva_t p) { return !p.a; }

/* Page-table entry bits, SDM vol. 3 table 4-15 to 4-20. */
#define PTE_P			BIT(0)
#define PTE_RW			BIT(1)
#define PTE_US			BIT(2)
#define PTE_PWT			BIT(3)
#define PTE_PCD			BIT(4)
#define PTE_A			BIT(5)
#define PTE_D			BIT(6)
#define PTE_PSE			BIT(7)		/* level 2 and 3: superpage; level 1: PAT */
#define PTE_PAT			BIT(7)
#define PTE_G			BIT(8)
#define PTE_AVAIL		(7ul << 9)
#define PTE_AVAIL_HIGH		(0x7fful << 52)
#define PTE_NX			BIT(63)
#define PTE_ADDR		0x000ffffffffff000ul
#define PTE_CACHE		(PTE_PWT | PTE_PCD | PTE_PAT)

static inline bool pte_present(pte_t e) { return e.v & PTE_P; }
static inline mfn_t pte_mfn(pte_t e) { return mfn((e.v & PTE_ADDR) >> PAGE_SHIFT); }
static inline pte_t pte_make(mfn_t m, uint64_t flags) { return pte((m.n << PAGE_SHIFT) | flags); }

#define PT_ENTRIES		512
#define PT_LEVELS		4
/* Index into the table of @level (1..4) for virtual address @va. */
static inline unsigned pt_index(uint64_t va, unsigned level)
{
	return (va >> (PAGE_SHIFT + 9 * (level - 1))) & (PT_ENTRIES - 1);
}

static inline bool va_canonical(uint64_t va)
{
	return (uint64_t)((int64_t)(va << 16) >> 16) == va;
}

/* One bit per physical CPU. */
typedef uint64_t cpumask_t;
#define for_each_cpu(cpu, mask) \
	for (cpumask_t m_##cpu = (mask); m_##cpu && ((cpu = (unsigned)__builtin_ctzl(m_##cpu)), true); \
	     m_##cpu &= m_##cpu - 1)

#endif
