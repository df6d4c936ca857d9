/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's page faults that are ours to resolve (abi-inventory 2.5, 3.6):
 *
 *	in our LDT window      a page of the guest's LDT that is mapped on first touch, else the
 *	                       guest's own fault at the address its LDT has for it
 *	kernel store, present  a level-1 table: the store is decoded and made through pt_store(),
 *	and read-only          which checks it as mmu_update would; a read-only device page: swallowed
 *	kernel, present        stale: the tables allow the access by now; executed again
 *
 * Everything else is reflected, and so is what cannot be decoded.  A user-mode fault costs one
 * comparison.  Acts on the current vCPU; no lock is held, so what is read from the tables may be
 * old: pt_store checks again with the table taken.
 */
#include <mica/vm_assist.h>
#include "call/fetch.h"
#include "call/handlers.h"
#include "call/trap.h"
#include "cpu/asm.h"
#include "cpu/desc.h"
#include "cpu/msr.h"
#include "dom/bounce.h"
#include "dom/segdesc.h"
#include "mm/hvmap.h"
#include "mm/pt.h"

#define PF_PRESENT	1u
#define PF_WRITE	2u
#define PF_RESERVED	8u
#define PF_FETCH	16u

#define STORE_TRIES	16

/* What all levels together allow at @va: PTE_RW and PTE_US set if every level has them, PTE_NX if
 * any forbids; *leaf is the entry found.  False: not mapped. */
static bool walk(const struct vcpu *v, uint64_t va, uint64_t *rights, pte_t *leaf)
{
	const struct frame *root = in_kernel(v) ? v->kernel_root : v->user_root;
	uint64_t all = ~0ul, any = 0;
	mfn_t table = frame_mfn(root);

	for (unsigned level = PT_LEVELS; level; level--) {
		if (!frame_valid(table))
			return false;
		*leaf = pte(read_once(((uint64_t *)mfn_to_virt(table))[pt_index(va, level)]));
		if (!pte_present(*leaf) || (level > 1 && (leaf->v & PTE_PSE)))
			return false;
		all &= leaf->v;
		any |= leaf->v;
		table = pte_mfn(*leaf);
	}
	*rights = (all & (PTE_RW | PTE_US)) | (any & PTE_NX);
	return true;
}

static bool now_allowed(uint32_t error, uint64_t rights)
{
	return (rights & PTE_US) && (!(error & PF_WRITE) || (rights & PTE_RW)) &&
	       !((error & PF_FETCH) && (rights & PTE_NX));
}

/* Replaces @bytes at byte @at of an entry. */
static uint64_t merge(uint64_t entry, unsigned at, unsigned bytes, uint64_t val)
{
	uint64_t mask = bytes == 8 ? ~0ul : MASK(8 * bytes) << (8 * at);

	return (entry & ~mask) | ((val << (8 * at)) & mask);
}

/* Makes the decoded store to the entry at machine address @slot; @at is its first byte within. */
static int store_entry(struct vcpu *v, const struct store *s, struct regs *r, maddr_t slot,
		       unsigned at)
{
	const uint64_t *entry = maddr_to_virt(slot);
	pte_t old = pte(read_once(*entry)), seen;
	struct pt_batch batch;
	struct regs after;
	int rc = -EAGAIN;

	pt_batch_begin(&batch, &v->dom->mem, &v->dom->mem, &v->scan);
	for (unsigned tries = 0; rc == -EAGAIN && tries < STORE_TRIES; tries++) {
		uint64_t part = old.v >> (8 * at), val = 0;

		if (s->bytes < 8)
			part &= MASK(8 * s->bytes);
		after = *r;
		rc = 0;
		if (!store_execute(s, &after, part, &val))
			break;			/* cmpxchg that found something else */
		seen = old;
		rc = pt_store(&batch, slot, old, pte(merge(old.v, at, s->bytes, val)),
			      s->op != STORE_MOV || s->bytes < 8, &seen);
		old = seen;
	}
	pt_batch_end(&batch);
	if (!rc)
		*r = after;
	return rc;
}

/* The fault was on the first byte the instruction may not write: the operand is around it. */
static bool operand_at(const struct store *s, struct regs *r, uint64_t cr2, uint64_t *address)
{
	uint64_t a = store_address(s, r, s->segment == 0x64 ? rdmsr(MSR_FS_BASE) : 0,
				   s->segment == 0x65 ? rdmsr(MSR_GS_BASE) : 0);

	*address = a;
	return a <= cr2 && cr2 - a < s->bytes && !(a & (s->bytes - 1));
}

static bool is_level1(const struct vcpu *v, mfn_t m)
{
	return frame_valid(m) && frame_of(m)->owner == v->dom->id &&
	       frame_word(frame_of(m)).kind == KIND_L1;
}

static bool is_readonly_device(const struct vcpu *v, mfn_t m)
{
	return !frame_valid(m) && v->dom->mem.may_map_io && pt_io_check &&
	       pt_io_check(m) == IO_READONLY;
}

/* A guest-kernel store to a page it has mapped read-only. */
static bool store_to_readonly(struct vcpu *v, struct regs *r, uint64_t cr2, pte_t leaf)
{
	bool device = is_readonly_device(v, pte_mfn(leaf));
	uint8_t bytes[INSN_MAX];
	uint64_t address;
	struct store s;
	unsigned n;
	int rc;

	if (!device && (!(v->dom->vm_assist & 1u << VMASST_TYPE_writable_pagetables) ||
			!is_level1(v, pte_mfn(leaf))))
		return false;
	n = fetch_instruction(r, bytes);
	if (!n || !decode_store(bytes, n, &s) || !operand_at(&s, r, cr2, &address))
		return false;
	if (!device) {
		rc = store_entry(v, &s, r, maddr(mfn_maddr(pte_mfn(leaf)).a + (address & 0xff8)),
				 address & 7);
		if (rc == RESTART || rc == -EAGAIN)
			return true;		/* executed again */
		if (rc)
			return false;
	}
	finish_instruction(v, r, s.length);
	return true;
}

bool pagefault_handle(struct vcpu *v, struct regs *r, uint64_t cr2)
{
	uint32_t error = r->error_code, offset;
	uint64_t rights;
	pte_t leaf;

	if (cr2 >= HV_START && cr2 < HV_END) {
		/* Our LDT window: selector loads in ring 3 reach it with supervisor rights. */
		if (!desc_in_ldt_window(cr2, &offset))
			return false;
		if (!segdesc_ldt_fault(v, offset))
			bounce_page_fault(v, v->ldt_base + offset, error);
		return true;
	}
	if (!(error & PF_PRESENT) || (error & PF_RESERVED) || !in_kernel(v))
		return false;
	if (!walk(v, cr2, &rights, &leaf))
		return false;
	if (now_allowed(error, rights))
		return true;
	return (error & PF_WRITE) && (rights & PTE_US) && !(leaf.v & PTE_RW) &&
	       store_to_readonly(v, r, cr2, leaf);
}
