/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The less common targets of level-1 entries: device memory, exported frames of ours, frames that must
 * change their kind first; and the refusals.  No state of its own, no lock.
 */
#include <mica/errno.h>
#include "cpu/log.h"
#include "mm/entry.h"

enum io_verdict (*pt_io_check)(mfn_t m);

/* Device memory: no references, but permission. */
static int take_io(const struct entry_rights *r, mfn_t m, uint64_t *v)
{
	enum io_verdict verdict = IO_DENY;

	if (r->tables->may_map_io && !r->readonly_foreign && pt_io_check)
		verdict = pt_io_check(m);
	if (verdict == IO_DENY)
		return refuse(-EPERM, "domain %u may not map %lx, which is not RAM", r->tables->id, m.n);
	if (verdict == IO_READONLY)
		*v &= ~PTE_RW;
	return 0;
}

static int take_exported(struct frame *f, uint64_t *v)
{
	if (frame_owner(f) != DOMID_XEN || !(f->flags & FRAME_EXPORTED) ||
	    !frame_get_fast(f, DOMID_XEN))
		return refuse(-EPERM, "frame %x is not exported", frame_nr(f));
	*v &= ~PTE_RW;
	return 0;
}

int entry_take_slow(const struct entry_rights *r, uint64_t *v, struct scan *s)
{
	mfn_t m = pte_mfn(pte(*v));
	struct frame *f = frame_of(m);

	if (!frame_valid(m))
		return take_io(r, m, v);
	if (r->readonly_foreign)
		return take_exported(f, v);
	if (!r->frames || frame_owner(f) != r->frames->id)
		return refuse(-EPERM, "frame %lx belongs to domain %u", m.n, frame_owner(f));
	if (r->frames != r->tables && r->frames->dying)
		return refuse(-EPERM, "domain %u is being destroyed", r->frames->id);
	if (*v & PTE_RW)
		return frame_take(f, r->frames, KIND_WRITABLE, s);
	return frame_get_fast(f, r->frames->id) ? 0 : refuse(-EPERM, "frame %lx is gone", m.n);
}
