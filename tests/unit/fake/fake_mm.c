/* SPDX-License-Identifier: BSD-2-Clause */
/* Machine memory at the fake layout's addresses, and memspaces by number: see fake.h. */
#include "unit.h"
#include "mm/heap.h"
#include "mm/hvmap.h"
#include "mm/pt.h"
#include "mm/space.h"

#include <sys/mman.h>

static struct memspace *spaces[16];

static void map_at(uint64_t base, uint64_t bytes, int fill)
{
	void *p = mmap((void *)base, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);

	if (p != (void *)base) {
		fprintf(stderr, "cannot map %lu bytes at %lx\n", bytes, base);
		abort();
	}
	if (fill)
		memset(p, fill, bytes);
}

void fake_ram(uint64_t frames, bool heap)
{
	if (max_mfn) {
		fprintf(stderr, "fake_ram: once only\n");
		abort();
	}
	map_at(DIRECT_MAP_BASE, frames * PAGE_SIZE, 0);
	map_at(FRAME_TABLE_BASE, ALIGN_UP(frames * sizeof(struct frame), PAGE_SIZE), 0);
	map_at(M2P_RW_BASE, ALIGN_UP(frames * 8, PAGE_SIZE), 0xff);
	for (unsigned i = 0; i < 16; i++)
		pt_hv_slots[i] = 0xabc0000000000000 | i << 12 | 1;
	frame_set_max(frames);
	for (uint64_t n = 0; n < frames; n++)
		frame_table[n] = (struct frame){ .owner = n < 256 ? DOMID_IO : DOMID_INVALID };
	if (heap)
		heap_add(mfn(256), mfn(frames));
}

/* mm/hvmap.c's part in a guest's root: recognisable values. */
__attribute__((weak)) void hvmap_fill_root(uint64_t *root)
{
	for (unsigned i = 0; i < 16; i++)
		root[HV_SLOT_FIRST + i] = pt_hv_slots[i];
}

static struct memspace *find_space(domid_t id)
{
	return id < ARRAY_SIZE(spaces) ? spaces[id] : NULL;
}

void fake_space_register(struct memspace *m)
{
	spaces[m->id] = m;
	space_of = find_space;
}

void fake_space_forget_all(void)
{
	memset(spaces, 0, sizeof(spaces));
}
