/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest pointers: is the range one a guest may name, then the copy itself in uaccess.S.
 *
 * A guest's addresses are the canonical ones outside our sixteen slots.  The check comes first and is
 * all there is: whether memory is mapped there is the copy's business, which faults and comes back
 * as -EFAULT.  Only the page tables loaded now decide whose memory it is.
 */
#include <mica/errno.h>
#include "cpu/layout.h"
#include "cpu/uaccess.h"

#define LOWER_HALF_END		(1ul << 47)

/* uaccess.S */
int uaccess_copy_from(void *dst, uint64_t src, size_t n);
int uaccess_copy_to(uint64_t dst, const void *src, size_t n);
int uaccess_get64(uint64_t *dst, uint64_t src);
int uaccess_put64(uint64_t dst, uint64_t v);

/* boot/mica.lds.S */
struct ex_entry { int32_t from, to; };
extern const struct ex_entry ex_table_start[], ex_table_end[];

/* For n > 0: one past the end would wrap for the last page, so look at the last byte. */
static always_inline bool range_ok(uint64_t start, uint64_t n)
{
	uint64_t last = start + n - 1;

	return likely(last >= start) && (last < LOWER_HALF_END || start >= HV_END);
}

bool guest_range_ok(gva_t p, uint64_t bytes)
{
	return !bytes || range_ok(p.a, bytes);
}

int copy_from_guest(void *dst, gva_t src, size_t bytes)
{
	if (unlikely(!range_ok(src.a, bytes)))
		return bytes ? -EFAULT : 0;
	return uaccess_copy_from(dst, src.a, bytes);
}

int copy_to_guest(gva_t dst, const void *src, size_t bytes)
{
	if (unlikely(!range_ok(dst.a, bytes)))
		return bytes ? -EFAULT : 0;
	return uaccess_copy_to(dst.a, src, bytes);
}

int clear_guest(gva_t dst, size_t bytes)
{
	static const uint64_t zeroes[64];

	for (size_t n; bytes; bytes -= n, dst = gva_add(dst, n)) {
		n = MIN(bytes, sizeof(zeroes));
		if (copy_to_guest(dst, zeroes, n))
			return -EFAULT;
	}
	return 0;
}

int get_guest_u64(uint64_t *dst, gva_t src)
{
	return range_ok(src.a, 8) ? uaccess_get64(dst, src.a) : -EFAULT;
}

int put_guest_u64(gva_t dst, uint64_t v)
{
	return range_ok(dst.a, 8) ? uaccess_put64(dst.a, v) : -EFAULT;
}

/* About two hundred entries, and faults here are rare: looked through from the start. */
uint64_t uaccess_fixup(uint64_t rip)
{
	for (const struct ex_entry *e = ex_table_start; e < ex_table_end; e++)
		if ((uint64_t)&e->from + (uint64_t)(int64_t)e->from == rip)
			return (uint64_t)&e->to + (uint64_t)(int64_t)e->to;
	return 0;
}
