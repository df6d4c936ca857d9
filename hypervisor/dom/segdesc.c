/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest descriptors.  A guest may have code and data segments of privilege 3, and nothing else: no
 * gates, no TSS, no LDT descriptor.  Guests write DPL 0 for their kernel's segments (Linux starts its
 * second CPU on one): it becomes 3, since that kernel runs in ring 3.  In 64-bit mode bases and limits of code and
 * data segments hardly matter; what matters is DPL and S (SDM vol. 3, 3.4.5).
 *
 * Pages of a guest's GDT and LDT have kind SEGDESC while they are in use, so nobody can write them but
 * through update_descriptor.
 */
#include <mica/errno.h>
#include "cpu/desc.h"
#include "cpu/log.h"
#include "cpu/tlb.h"
#include "cpu/uaccess.h"
#include "dom/segdesc.h"
#include "mm/hvmap.h"
#include "mm/pt.h"

#define DESC_ACCESSED	BIT(40)
#define DESC_CODE	BIT(43)
#define DESC_S		BIT(44)
#define DESC_DPL	(3ul << 45)
#define DESC_P		BIT(47)
#define DESC_L		BIT(53)
#define DESC_DB		BIT(54)

bool segdesc_fix(uint64_t *desc)
{
	if (!(*desc & DESC_P))
		return true;
	if (!(*desc & DESC_S))
		return false;
	if ((*desc & DESC_CODE) && (*desc & DESC_L) && (*desc & DESC_DB))
		return false;			/* reserved combination */
	*desc |= DESC_DPL;
	return true;
}

bool segdesc_fix_page(uint64_t *page)
{
	uint64_t desc;

	for (unsigned i = 0; i < 512; i++) {
		desc = page[i];
		if (!segdesc_fix(&desc))
			return false;
		if (desc != page[i])
			page[i] = desc;
	}
	return true;
}

int segdesc_set_gdt(struct vcpu *v, const mfn_t *frames, unsigned nr, unsigned entries)
{
	unsigned taken;
	int rc;

	for (taken = 0; taken < nr; taken++) {
		if (!frame_valid(frames[taken])) {
			rc = refuse(-EINVAL, "set_gdt: frame %lx is not RAM", frames[taken].n);
			goto drop;
		}
		rc = frame_take(frame_of(frames[taken]), &v->dom->mem, KIND_SEGDESC, &current->scan);
		if (rc)
			goto drop;
	}
	segdesc_drop_gdt(v);
	for (unsigned i = 0; i < nr; i++)
		v->gdt[i] = frames[i];
	v->gdt_frames = nr;
	v->gdt_entries = entries;
	if (v == current) {
		desc_set_guest_gdt(v->gdt, nr);
		tlb_flush_local();
	}
	return 0;
drop:
	while (taken--)
		frame_drop(frame_of(frames[taken]), KIND_SEGDESC);
	return rc;
}

void segdesc_drop_gdt(struct vcpu *v)
{
	unsigned n = v->gdt_frames;

	v->gdt_frames = v->gdt_entries = 0;
	if (v == current && n) {
		desc_set_guest_gdt(NULL, 0);
		tlb_flush_local();
	}
	for (unsigned i = 0; i < n; i++)
		frame_drop(frame_of(v->gdt[i]), KIND_SEGDESC);
}

int segdesc_set_ldt(struct vcpu *v, uint64_t base, unsigned entries)
{
	if (entries > 8192)
		return refuse(-EINVAL, "SET_LDT: %u entries", entries);
	if (entries && ((base & ~PAGE_MASK) || !guest_range_ok(gva(base), entries * 8ul)))
		return refuse(-EINVAL, "SET_LDT: base %lx", base);
	segdesc_drop_ldt(v);
	v->ldt_base = entries ? base : 0;
	v->ldt_entries = entries;
	if (v == current)
		desc_set_guest_ldt(entries);
	return 0;
}

void segdesc_drop_ldt(struct vcpu *v)
{
	if (v == current && v->ldt_entries) {
		desc_set_guest_ldt(0);
		tlb_flush_local();
	}
	for (unsigned i = 0; i < ARRAY_SIZE(v->ldt_page); i++) {
		if (v->ldt_page[i])
			frame_drop(v->ldt_page[i], KIND_SEGDESC);
		v->ldt_page[i] = NULL;
	}
	v->ldt_base = v->ldt_entries = 0;
}

/* The page of the guest's LDT is found through the guest's own tables, then must become SEGDESC. */
bool segdesc_ldt_fault(struct vcpu *v, uint32_t offset)
{
	unsigned page = offset >> PAGE_SHIFT, level;
	struct frame *f;
	pte_t leaf;

	if (!v->ldt_base || offset >= v->ldt_entries * 8 || v->ldt_page[page])
		return false;
	if (pt_walk(frame_mfn(v->kernel_root), v->ldt_base + (offset & PAGE_MASK), &leaf, &level) ||
	    level != 1 || !frame_valid(pte_mfn(leaf)))
		return false;
	f = frame_of(pte_mfn(leaf));
	if (frame_take(f, &v->dom->mem, KIND_SEGDESC, &v->scan))
		return false;
	v->ldt_page[page] = f;
	desc_map_ldt_page(page, frame_mfn(f));
	return true;
}

int segdesc_update(struct vcpu *v, maddr_t slot, uint64_t desc)
{
	enum frame_kind kind;
	union frame_word w;
	struct frame *f;
	int rc;

	if ((slot.a & 7) || !frame_valid(maddr_mfn(slot)))
		return refuse(-EINVAL, "update_descriptor: address %lx", slot.a);
	if (!segdesc_fix(&desc))
		return refuse(-EINVAL, "update_descriptor: %016lx is not allowed", desc);
	f = frame_of(maddr_mfn(slot));
	/* In use as descriptors it stays so; else it is a page the guest could write itself. */
	w = frame_word(f);
	kind = w.kind == KIND_SEGDESC && w.users ? KIND_SEGDESC : KIND_WRITABLE;
	rc = frame_take(f, &v->dom->mem, kind, &v->scan);
	if (rc)
		return rc;
	write_once(*(uint64_t *)maddr_to_virt(slot), desc);
	frame_drop(f, kind);
	return 0;
}
