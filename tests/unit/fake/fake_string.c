/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of lib/string.c that the host's C library does not have. */
#include "unit.h"

#define weak __attribute__((weak))

weak void page_clear(void *page)
{
	memset(page, 0, PAGE_SIZE);
}

weak void page_copy(void *dst, const void *src)
{
	memcpy(dst, src, PAGE_SIZE);
}

weak bool str_copy(char *dst, size_t size, const char *src)
{
	size_t n = strlen(src);
	bool fits = n < size;

	n = fits ? n : size - 1;
	memcpy(dst, src, n);
	memset(dst + n, 0, size - n);
	return fits;
}
