/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory_op(XENMEM_exchange): a domain gives frames back and receives as many others that are
 * contiguous or low in memory.  Dom0 does this for every DMA buffer its devices could not reach
 * otherwise.
 *
 * Works in chunks, the larger of the two extent sizes: all frames of a chunk are taken from the
 * domain (nothing but its allocation may refer to them), the new ones allocated for it, then listed.
 * A chunk is exchanged whole or not at all.  nr_exchanged tells how many input extents were; a
 * preempted call starts again from there.
 */
#include <mica/memory.h>
#include "call/memory.h"
#include "mm/heap.h"
#include "mm/hvmap.h"

struct exchange {
	struct xen_memory_exchange *x;
	struct domain *d;
	unsigned in_shift, out_shift;	/* extents of each side in one chunk, as shifts */
	gva_t in, out;			/* lists of this chunk */
	struct taken { uint64_t mfn, pfn; } *taken;	/* frames of the domain, in this chunk */
	unsigned nr_taken;
	uint32_t *fresh;		/* first frame of each new extent */
	unsigned nr_fresh;
};

static int check(const struct vcpu *self, const struct xen_memory_exchange *x)
{
	const struct xen_memory_reservation *in = &x->in, *out = &x->out;

	if (in->extent_order > memory_max_order(self) || out->extent_order > memory_max_order(self))
		return refuse(-EPERM, "exchange: order %u for %u", in->extent_order, out->extent_order);
	if (in->nr_extents > ~0ul >> (in->extent_order + 3) ||
	    out->nr_extents > ~0ul >> (out->extent_order + 3) ||
	    in->nr_extents << in->extent_order != out->nr_extents << out->extent_order ||
	    x->nr_exchanged > in->nr_extents || in->domid != out->domid)
		return refuse(-EINVAL, "exchange: %lu extents for %lu, %lu done", in->nr_extents,
			      out->nr_extents, x->nr_exchanged);
	if (!guest_range_ok(gva(in->extent_start), in->nr_extents * 8) ||
	    !guest_range_ok(gva(out->extent_start), out->nr_extents * 8))
		return refuse(-EFAULT, "exchange: lists at %lx and %lx", in->extent_start,
			      out->extent_start);
	return 0;
}

/* Takes the frames of the chunk from the domain, and remembers what they were in its M2P. */
static int take_old(struct exchange *e)
{
	uint64_t first;

	for (uint64_t i = 0; i < BIT(e->in_shift); i++) {
		if (get_guest_u64(&first, gva_nth(e->in, i, sizeof(first))))
			return -EFAULT;
		for (uint64_t j = 0; j < BIT(e->x->in.extent_order); j++) {
			mfn_t m = mfn(first + j);

			if (!frame_valid(m))
				return refuse(-EINVAL, "exchange: frame %lx is not RAM", m.n);
			e->taken[e->nr_taken] = (struct taken){ m.n, m2p_get(m) };
			if (space_steal(&e->d->mem, frame_of(m)))
				return refuse(-EINVAL, "exchange: frame %lx is in use or foreign", m.n);
			e->nr_taken++;
		}
	}
	return 0;
}

/* The new frames are the domain's at once, so that nothing can fail when the old ones are gone. */
static int allocate_new(struct exchange *e)
{
	const struct xen_memory_reservation *out = &e->x->out;
	unsigned bits = XENMEMF_get_address_bits(out->mem_flags);
	struct frame *f;

	if (bits && bits < PAGE_SHIFT + out->extent_order)
		return refuse(-ENOMEM, "exchange: order %u below 2^%u", out->extent_order, bits);
	while (e->nr_fresh < BIT(e->out_shift)) {
		f = space_alloc(&e->d->mem, out->extent_order, SPACE_ADDR_BITS(bits));
		if (!f)
			return refuse(-ENOMEM, "exchange: no memory of order %u below 2^%u",
				      out->extent_order, bits);
		e->fresh[e->nr_fresh++] = frame_mfn(f).n;
	}
	return 0;
}

/* The old frames go back where they were, the new ones to the heap.  A new one that another vCPU of
 * the guest has found and mapped meanwhile stays: it is the domain's. */
static void undo(struct exchange *e)
{
	for (; e->nr_fresh; e->nr_fresh--)
		for (uint64_t j = 0; j < BIT(e->x->out.extent_order); j++) {
			struct frame *f = frame_of(mfn(e->fresh[e->nr_fresh - 1] + j));

			if (!space_steal(&e->d->mem, f))
				heap_free(f, 0);
		}
	while (e->nr_taken) {
		const struct taken *t = &e->taken[--e->nr_taken];

		if (space_assign(&e->d->mem, frame_of(mfn(t->mfn))))
			heap_free(frame_of(mfn(t->mfn)), 0);
		else
			m2p_set(mfn(t->mfn), t->pfn);
	}
}

/* Nothing can be refused any more but the guest's own list. */
static int give_new(struct exchange *e)
{
	int rc = 0;

	for (uint64_t i = 0; i < e->nr_fresh; i++) {
		gva_t at = gva_nth(e->out, i, sizeof(uint64_t));
		uint64_t pfn, first = e->fresh[i];

		if (get_guest_u64(&pfn, at) || put_guest_u64(at, first)) {
			rc = -EFAULT;
			continue;
		}
		for (uint64_t j = 0; j < BIT(e->x->out.extent_order); j++)
			m2p_set(mfn(first + j), pfn + j);
	}
	while (e->nr_taken)
		heap_free(frame_of(mfn(e->taken[--e->nr_taken].mfn)), 0);
	return rc;
}

/* Every entry of the output list of a chunk must be readable before anything is given away. */
static int probe_out(struct exchange *e)
{
	uint64_t pfn;

	for (uint64_t i = 0; i < BIT(e->out_shift); i++) {
		gva_t at = gva_nth(e->out, i, sizeof(pfn));

		if (get_guest_u64(&pfn, at) || put_guest_u64(at, pfn))
			return refuse(-EFAULT, "exchange: output list at %lx", at.a);
	}
	return 0;
}

static int exchange_chunk(struct exchange *e, uint64_t chunk)
{
	int rc;

	e->in = gva_nth(gva(e->x->in.extent_start), chunk << e->in_shift, sizeof(uint64_t));
	e->out = gva_nth(gva(e->x->out.extent_start), chunk << e->out_shift, sizeof(uint64_t));
	e->nr_taken = e->nr_fresh = 0;
	rc = probe_out(e);
	if (!rc)
		rc = take_old(e);
	if (!rc)
		rc = allocate_new(e);
	if (!rc)
		return give_new(e);
	undo(e);
	return rc;
}

static long exchange_all(struct exchange *e, gva_t arg)
{
	uint64_t first = e->x->nr_exchanged >> e->in_shift, end = e->x->in.nr_extents >> e->in_shift;
	gva_t done = gva_add(arg, offsetof(struct xen_memory_exchange, nr_exchanged));
	uint64_t chunk = first;
	long rc = 0;

	for (; !rc && chunk < end; chunk += !rc)
		rc = chunk != first && preempt_due() ? RESTART : exchange_chunk(e, chunk);
	if (put_guest_u64(done, chunk << e->in_shift))
		return refuse(-EFAULT, "exchange: result at %lx", done.a);
	return rc;
}

long memory_exchange(struct vcpu *self, struct domain *d, unsigned cmd, void *arg, gva_t at)
{
	struct exchange e = { .x = arg, .d = d };
	unsigned most;
	long rc = check(self, e.x);

	if (rc)
		return rc;
	most = MAX(e.x->in.extent_order, e.x->out.extent_order);
	e.in_shift = most - e.x->in.extent_order;
	e.out_shift = most - e.x->out.extent_order;
	e.taken = kmalloc(sizeof(*e.taken) << most);
	e.fresh = kmalloc(sizeof(*e.fresh) << e.out_shift);
	rc = e.taken && e.fresh ? exchange_all(&e, at) : -ENOMEM;
	kfree(e.fresh);
	kfree(e.taken);
	return rc;
}
