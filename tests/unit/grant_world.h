/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scene of the grant table tests, over the real mm/: domain 1 grants its pages, domain 2 has page
 * tables of its own, whose one L1 maps VA0 on, and maps into them.  Included by one test file each: it
 * defines what ipc/ and mm/ want from the floors around them.
 */
#ifndef GRANT_WORLD_H
#define GRANT_WORLD_H

#include "ipc_world.h"
#include "call/handlers.h"
#include "../../hypervisor/ipc/grant_table.c"

static const struct domain_config cfg = { .max_vcpus = WORLD_VCPUS,
					  .max_maptrack = 1,
					  .max_grant_frames = 4 };

#define SLOTS		32
#define VA0		0x10000000ul
#define PAGES		6

static struct domain *const granter = &world[1], *const mapper = &world[2];
static struct vcpu *const gv = &world_vcpu[1][0], *const mv = &world_vcpu[2][0];
static mfn_t l1;
static uint64_t *l1_va;
static mfn_t page[PAGES], own[2];
static uint8_t *page_va[PAGES], *own_va[2];

/* ---- what hypercall.c and cpu/ would do ---- */
static unsigned agains;
static uint64_t again_arg[3];

long hypercall_again(struct vcpu *self, unsigned n, ...)
{
	va_list ap;

	va_start(ap, n);
	for (unsigned i = 0; i < n; i++)
		again_arg[i] = va_arg(ap, uint64_t);
	va_end(ap);
	agains++;
	return 1000;
}

static void (*at_flush)(void);

void tlb_flush_mask(cpumask_t mask)
{
	fake_flushes++;
	if (at_flush)
		at_flush();
}

/* The whole call, started again as often as it asks. */
static inline long call(struct vcpu *v, unsigned cmd, void *ops, unsigned count)
{
	long rc = hc_grant_table_op(v, cmd, gva((uint64_t)ops), count);

	while (rc == 1000)
		rc = hc_grant_table_op(v, again_arg[0], gva(again_arg[1]), again_arg[2]);
	return rc;
}

/* ---- the scene ---- */

static inline struct grant_entry_v1 *v1(unsigned ref)
{
	return &((struct grant_entry_v1 *)mfn_to_virt(grant_frame(granter, 0)))[ref];
}

static inline union grant_entry_v2 *v2(unsigned ref)
{
	return &((union grant_entry_v2 *)mfn_to_virt(grant_frame(granter, 0)))[ref];
}

static inline void grant_it(unsigned ref, domid_t to, mfn_t m, uint16_t flags)
{
	if (grant_version(granter) == 1) {
		v1(ref)->domid = to;
		v1(ref)->frame = (uint32_t)m.n;
		v1(ref)->flags = flags;
	} else {
		v2(ref)->full_page.hdr.domid = to;
		v2(ref)->full_page.frame = m.n;
		v2(ref)->full_page.hdr.flags = flags;
	}
}

static inline uint16_t marks_of(unsigned ref)
{
	if (grant_version(granter) == 1)
		return v1(ref)->flags & MARKS;
	return ((uint16_t *)mfn_to_virt(grant_status_frame(granter, 0)))[ref];
}

static inline void audit_root(struct audit *a)
{
	if (mv->kernel_root)
		audit_use(a, frame_mfn(mv->kernel_root), KIND_L4);
}

/* L4 -> L3 -> L2 -> one L1 that maps VA0..; all checked and in use. */
static inline void make_tables(void)
{
	mfn_t table[5];
	uint64_t *va[5];
	struct frame *root;

	for (unsigned level = 4; level >= 1; level--)
		table[level] = world_page(mapper, (void **)&va[level]);
	for (unsigned level = 4; level >= 2; level--)
		va[level][pt_index(VA0, level)] =
			pte_make(table[level - 1], PTE_P | PTE_RW | PTE_US).v;
	root = frame_of(table[4]);
	while (frame_take(root, &mapper->mem, KIND_L4, &mv->scan) == RESTART)
		;
	mv->kernel_root = root;
	l1 = table[1];
	l1_va = va[1];
}

static inline void begin(void)
{
	static bool registered;

	world_make(&grant_service, &cfg);
	if (!registered)
		audit_register(audit_root);
	registered = true;
	mapper->mem.dirty_cpus = 1;
	make_tables();
	for (unsigned i = 0; i < PAGES; i++)
		page[i] = world_page(granter, (void **)&page_va[i]);
	for (unsigned i = 0; i < 2; i++)
		own[i] = world_page(mapper, (void **)&own_va[i]);
	assert_int_equal(grant_setup(granter, 1), GNTST_okay);
}

static inline void end(void)
{
	assert_int_equal(frame_audit(), 0);
	frame_drop(mv->kernel_root, KIND_L4);
	mv->kernel_root = NULL;
	while (scan_drain(&mapper->mem) == RESTART)
		;
	world_end(&grant_service);
}

static inline uint64_t pte_address(unsigned slot)
{
	return mfn_maddr(l1).a + slot * 8;
}

static inline struct gnttab_map_grant_ref map_op(unsigned ref, unsigned slot, uint32_t flags)
{
	return (struct gnttab_map_grant_ref){
		.host_addr =
			flags & GNTMAP_contains_pte ? pte_address(slot) : VA0 + slot * PAGE_SIZE,
		.flags = flags,
		.ref = ref,
		.dom = 1,
	};
}

static inline int16_t do_map1(unsigned ref, unsigned slot, uint32_t flags, uint32_t *handle)
{
	struct gnttab_map_grant_ref op = map_op(ref, slot, flags);

	assert_int_equal(call(mv, GNTTABOP_map_grant_ref, &op, 1), 0);
	*handle = op.handle;
	return op.status;
}

static inline int16_t do_unmap1(uint32_t handle, uint64_t host_addr, uint64_t dev)
{
	struct gnttab_unmap_grant_ref op = { .host_addr = host_addr,
					     .dev_bus_addr = dev,
					     .handle = handle };

	assert_int_equal(call(mv, GNTTABOP_unmap_grant_ref, &op, 1), 0);
	return op.status;
}

#endif
