/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The small words every file uses: integer types, container_of, alignment, atomics, barriers.
 *
 * Atomics are the compiler's __atomic builtins under short names.  Everything here is pure: it
 * compiles for the hypervisor and for the build host's unit tests alike.
 */
#ifndef LIB_UTIL_H
#define LIB_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define container_of(p, type, member) \
	((type *)((char *)(p) - offsetof(type, member)))
#define ALIGN_UP(x, a)		(((x) + ((a) - 1)) & ~((__typeof__(x))(a) - 1))
#define ALIGN_DOWN(x, a)	((x) & ~((__typeof__(x))(a) - 1))
#define DIV_UP(x, y)		(((x) + (y) - 1) / (y))
#define MIN(a, b)		({ __typeof__(a) a_ = (a); __typeof__(a) b_ = (b); a_ < b_ ? a_ : b_; })
#define MAX(a, b)		({ __typeof__(a) a_ = (a); __typeof__(a) b_ = (b); a_ > b_ ? a_ : b_; })
#define BIT(n)			(1ul << (n))
#define MASK(n)			((1ul << (n)) - 1)

#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)
#define noreturn		__attribute__((noreturn))
#define noinline		__attribute__((noinline))
#define always_inline		inline __attribute__((always_inline))
#define packed			__attribute__((packed))
#define aligned(n)		__attribute__((aligned(n)))
#define section(s)		__attribute__((section(s)))
#define printf_like(f, a)	__attribute__((format(printf, f, a)))
#define must_check		__attribute__((warn_unused_result))
#define maybe_unused		__attribute__((unused))

/* Code and data needed only until dom0 starts; the linker script groups them and start.c frees them. */
#define boot_text		section(".boot.text") noinline
#define boot_data		section(".boot.data")

#define barrier()		__asm__ volatile("" ::: "memory")
#define read_once(x)		(*(const volatile __typeof__(x) *)&(x))
#define write_once(x, v)	(*(volatile __typeof__(x) *)&(x) = (v))

#define atomic_read(p)		__atomic_load_n(p, __ATOMIC_RELAXED)
#define atomic_acquire(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define atomic_set(p, v)	__atomic_store_n(p, v, __ATOMIC_RELAXED)
#define atomic_release(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)
#define atomic_xchg(p, v)	__atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
#define atomic_or(p, v)		__atomic_fetch_or(p, v, __ATOMIC_SEQ_CST)
#define atomic_and(p, v)	__atomic_fetch_and(p, v, __ATOMIC_SEQ_CST)
#define atomic_add(p, v)	__atomic_fetch_add(p, v, __ATOMIC_SEQ_CST)
#define atomic_sub(p, v)	__atomic_fetch_sub(p, v, __ATOMIC_SEQ_CST)
/* On failure *old receives the present value. */
#define atomic_cmpxchg(p, old, new) \
	__atomic_compare_exchange_n(p, old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
#define smp_fence()		__atomic_thread_fence(__ATOMIC_SEQ_CST)

/* The two top values of errno space that never reach a guest. */
#define RESTART			(-85)	/* -ERESTART: call again, see call/hypercall.h */

#define PAGE_SHIFT		12
#define PAGE_SIZE		4096ul
#define PAGE_MASK		(~(PAGE_SIZE - 1))

#endif
