/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Access to any machine address before mm_init(), through the tables that head.S made; one CPU, gone
 * once dom0 runs.
 */
#include "boot/early.h"
#include "cpu/asm.h"
#include "cpu/features.h"
#include "cpu/image.h"

#define LOW_BYTES	(4ul << 30)	/* mapped by head.S, at IMAGE_BASE and at 0 */
#define WINDOW_PAGE	(2ul << 20)

extern uint64_t boot_window_l2[];

boot_text const void *early_at(uint64_t phys, size_t len)
{
	uint64_t base = ALIGN_DOWN(phys, WINDOW_PAGE), limit;

	if (phys <= LOW_BYTES && len <= LOW_BYTES - phys)
		return (const void *)(IMAGE_BASE + phys);
	limit = 1ul << features_phys_bits();	/* firmware may claim any */
	if (len > WINDOW_PAGE || phys >= limit || len > limit - phys)
		return NULL;
	for (unsigned i = 0; i < 2; i++) {
		boot_window_l2[i] = (base + i * WINDOW_PAGE) | PTE_PSE | PTE_P | PTE_A;
		if (base + i * WINDOW_PAGE >= limit)
			boot_window_l2[i] = 0;
		invlpg(IMAGE_BASE + LOW_BYTES + i * WINDOW_PAGE);
	}
	return (const void *)(IMAGE_BASE + LOW_BYTES + (phys - base));
}
