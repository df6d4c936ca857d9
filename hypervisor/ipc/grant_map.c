/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mapping other domains' grants, and the list of what is mapped (maptrack).
 *
 * Map: a handle is reserved, the grant pinned, the frame taken, the page-table entry written; the
 * first failure undoes what went before.  Unmap: the entry goes, the handle stays busy on the
 * caller's list until one TLB flush for the whole batch is done; only then the frame is let go and
 * the granter sees its entry idle.  So nobody reaches a frame through a stale translation once its
 * owner has it back.
 *
 * The page-table entry has references of its own: a guest that overwrites it by other means, or
 * loses the whole table, keeps the grant in use until it unmaps the handle or dies, and that is
 * all.
 */
#include "cpu/features.h"
#include "cpu/softirq.h"
#include "cpu/tlb.h"
#include "ipc/grant_priv.h"
#include "mm/heap.h"

/* ---- the list of mappings ---- */

/* @handle is below nr_track * TRACK_PER_PAGE. */
static struct maptrack *track_at(struct grant_table *gt, uint32_t handle)
{
	return &gt->track[handle / TRACK_PER_PAGE][handle % TRACK_PER_PAGE];
}

static void track_free_locked(struct grant_table *gt, uint32_t handle)
{
	*track_at(gt, handle) = (struct maptrack){ .mfn = gt->free_handle };
	gt->free_handle = handle;
}

/* One page of handles more; lock held. */
static bool track_grow(struct grant_table *gt)
{
	struct maptrack *page;
	uint32_t first = gt->nr_track * TRACK_PER_PAGE;

	if (gt->nr_track == gt->max_track)
		return false;
	if (!gt->track)
		gt->track = kmalloc(gt->max_track * sizeof(*gt->track));
	page = gt->track ? hv_page_alloc() : NULL;
	if (!page)
		return false;
	gt->track[gt->nr_track++] = page;
	for (uint32_t i = TRACK_PER_PAGE; i-- > 0;)
		track_free_locked(gt, first + i);
	return true;
}

/* A handle that is ours alone, or NO_HANDLE. */
static uint32_t track_get(struct grant_table *gt)
{
	uint32_t handle = NO_HANDLE;

	lock_take(&gt->lock);
	if (!gt->dying && (gt->free_handle != NO_HANDLE || track_grow(gt))) {
		handle = gt->free_handle;
		gt->free_handle = track_at(gt, handle)->mfn;
		track_at(gt, handle)->flags = TRACK_BUSY;
	}
	lock_drop(&gt->lock);
	return handle;
}

static void track_put(struct grant_table *gt, uint32_t handle)
{
	lock_take(&gt->lock);
	track_free_locked(gt, handle);
	lock_drop(&gt->lock);
}

/* A live handle, made busy: ours alone until track_release.  False: no such mapping, or somebody
 * else is at it. */
static bool track_claim(struct grant_table *gt, uint32_t handle, struct maptrack *copy)
{
	bool ok = false;

	lock_take(&gt->lock);
	if (handle < gt->nr_track * TRACK_PER_PAGE) {
		*copy = *track_at(gt, handle);
		ok = (copy->flags & (TRACK_LIVE | TRACK_BUSY)) == TRACK_LIVE;
		if (ok)
			track_at(gt, handle)->flags |= TRACK_BUSY;
	}
	lock_drop(&gt->lock);
	return ok;
}

/* Writes @t back, not busy any more. */
static void track_release(struct grant_table *gt, uint32_t handle, struct maptrack t)
{
	t.flags &= ~TRACK_BUSY;
	lock_take(&gt->lock);
	*track_at(gt, handle) = t;
	lock_drop(&gt->lock);
}

/* ---- map ---- */

static bool track_writes(const struct maptrack *t)
{
	return !(t->flags & GNTMAP_readonly);
}

/* Where the page-table entry is: named by its machine address, or by the address it maps. */
static int find_slot(struct vcpu *v, uint32_t flags, uint64_t host_addr, maddr_t *slot)
{
	if (flags & GNTMAP_contains_pte) {
		*slot = maddr(host_addr);
		return 0;
	}
	return v->kernel_root ? pt_find_slot(frame_mfn(v->kernel_root), host_addr, slot) : -EINVAL;
}

static pte_t grant_pte(mfn_t m, uint32_t flags)
{
	uint64_t bits = PTE_P | PTE_A | PTE_D | (cpu.nx ? PTE_NX : 0);

	if (!(flags & GNTMAP_readonly))
		bits |= PTE_RW;
	if (flags & GNTMAP_application_map)
		bits |= PTE_US;
	return pte_make(m, bits | (((uint64_t)flags >> GNTMAP_guest_avail0) << 9 & PTE_AVAIL));
}

static int16_t pin_locked(struct domain *rd, uint32_t ref, domid_t user, bool write,
			  struct grant_hold *h)
{
	int16_t rc;

	lock_take(&rd->grant->lock);
	rc = grant_pin(rd->grant, ref, user, write, true, h);
	lock_drop(&rd->grant->lock);
	return rc;
}

static void unpin_locked(struct domain *rd, uint32_t ref, bool write)
{
	lock_take(&rd->grant->lock);
	grant_unpin(rd->grant, ref, write);
	lock_drop(&rd->grant->lock);
}

/* Pinned already: takes the frame and writes the entry, or neither.  0, -errno, RESTART. */
static int map_frame(struct vcpu *v, struct pt_batch *b, struct domain *rd, mfn_t m,
		     const struct gnttab_map_grant_ref *op)
{
	bool write = !(op->flags & GNTMAP_readonly);
	maddr_t slot;
	int rc = grant_take_frame(m, &rd->mem, write, &v->scan);

	if (rc || !(op->flags & GNTMAP_host_map))
		return rc;
	rc = find_slot(v, op->flags, op->host_addr, &slot);
	if (!rc)
		rc = pt_map_foreign(b, slot, grant_pte(m, op->flags));
	if (rc)
		grant_drop_frame(m, write);
	return rc;
}

static int map_from(struct vcpu *v, struct pt_batch *b, struct domain *rd,
		    struct gnttab_map_grant_ref *op)
{
	struct grant_table *mine = v->dom->grant;
	bool write = !(op->flags & GNTMAP_readonly);
	uint32_t handle = track_get(mine);
	struct grant_hold h;
	int rc;

	if (handle == NO_HANDLE) {
		op->status = refuse(GNTST_no_space, "map: d%u has no handle left", v->dom->id);
		return 0;
	}
	op->status = pin_locked(rd, op->ref, v->dom->id, write, &h);
	if (op->status)
		goto put_handle;
	rc = map_frame(v, b, rd, h.m, op);
	if (rc) {
		unpin_locked(rd, op->ref, write);
		op->status = refuse(GNTST_general_error, "map: ref %u of d%u at %lx: %d", op->ref,
				    rd->id, op->host_addr, rc);
		track_put(mine, handle);
		return rc == RESTART ? RESTART : 0;
	}
	track_release(mine, handle, (struct maptrack){
		.peer = rd, .mfn = (uint32_t)h.m.n, .ref = op->ref & 0xffffff,
		.flags = TRACK_LIVE | (op->flags & 0x1f),
	});
	op->handle = handle;
	op->dev_bus_addr = mfn_maddr(h.m).a;	/* always: it is how backends learn the frame */
	return 0;

put_handle:
	track_put(mine, handle);
	return 0;
}

int grant_map(struct vcpu *v, struct pt_batch *b, struct gnttab_map_grant_ref *op)
{
	struct domain *rd;
	int rc;

	if (!(op->flags & (GNTMAP_host_map | GNTMAP_device_map))) {
		op->status = refuse(GNTST_bad_gntref, "map: flags %x", op->flags);
		return 0;
	}
	rd = op->dom == DOMID_SELF ? NULL : domain_get(op->dom);
	if (!rd || !rd->grant || rd->mem.dying) {
		op->status = refuse(GNTST_bad_domain, "map: domain %u", op->dom);
		rc = 0;
	} else {
		rc = map_from(v, b, rd, op);
		if (!rc && !op->status)
			return 0;		/* the mapping keeps the reference */
	}
	if (rd)
		domain_put(rd);
	return rc;
}

/* ---- unmap ---- */

/* The parts @gone of a claimed handle are unmapped; the last part puts it on the list for the
 * flush. */
static void unmapped(struct vcpu *v, struct grant_unmaps *u, uint32_t handle, struct maptrack t,
		     uint32_t gone)
{
	const uint32_t parts = GNTMAP_host_map | GNTMAP_device_map;

	t.flags &= ~gone;
	if (t.flags & parts)
		track_release(v->dom->grant, handle, t);
	else
		u->handle[u->n++] = handle;	/* stays busy */
}

int grant_unmap(struct vcpu *v, struct pt_batch *b, struct grant_unmaps *u,
		struct gnttab_unmap_grant_ref *op)
{
	struct grant_table *mine = v->dom->grant;
	struct maptrack t;
	uint32_t gone = 0;
	maddr_t slot;
	int rc = 0;

	op->status = GNTST_okay;
	if (!track_claim(mine, op->handle, &t)) {
		op->status = refuse(GNTST_bad_handle, "unmap: handle %u", op->handle);
		return 0;
	}
	if (op->dev_bus_addr && (t.flags & GNTMAP_device_map)) {
		gone |= GNTMAP_device_map;
		if (op->dev_bus_addr >> PAGE_SHIFT != t.mfn)
			rc = -EINVAL;
	}
	if (!rc && op->host_addr && (t.flags & GNTMAP_host_map)) {
		gone |= GNTMAP_host_map;
		rc = find_slot(v, t.flags, op->host_addr, &slot);
		if (!rc)
			rc = pt_unmap_foreign(b, slot, mfn(t.mfn), track_writes(&t), pte(0));
	}
	if (!rc) {
		unmapped(v, u, op->handle, t, gone);
		return 0;
	}
	track_release(mine, op->handle, t);
	if (rc == RESTART)
		return RESTART;
	op->status =
		refuse(GNTST_general_error, "unmap: handle %u, %lx or %lx is not what was mapped",
		       op->handle, op->host_addr, op->dev_bus_addr);
	return 0;
}

/* A moved-out entry that cannot go anywhere any more. */
static void drop_moved(pte_t moved)
{
	if (pte_present(moved) && frame_valid(pte_mfn(moved)))
		grant_drop_frame(pte_mfn(moved), moved.v & PTE_RW);
}

/* Replaces the grant's entry at @host_addr by the one at @new_addr, which becomes empty. */
static int replace_entry(struct vcpu *v, struct pt_batch *b, const struct maptrack *t,
			 uint64_t host_addr, uint64_t new_addr)
{
	maddr_t slot, from;
	pte_t moved;
	int rc = find_slot(v, 0, host_addr, &slot), back;

	if (!rc)
		rc = find_slot(v, 0, new_addr, &from);
	if (!rc && slot.a == from.a)
		rc = -EINVAL;
	if (!rc)
		rc = pt_move_out(b, from, &moved);
	if (rc)
		return rc;
	rc = pt_unmap_foreign(b, slot, mfn(t->mfn), track_writes(t), moved);
	if (!rc)
		return 0;
	do
		back = pt_move_in(b, from, moved);
	while (back == RESTART); /* each try goes on with the work that was in the way */
	if (back)
		drop_moved(moved);		/* the table is none any more */
	return rc;
}

int grant_unmap_and_replace(struct vcpu *v, struct pt_batch *b, struct grant_unmaps *u,
			    struct gnttab_unmap_and_replace *op)
{
	struct grant_table *mine = v->dom->grant;
	struct maptrack t;
	int rc;

	op->status = GNTST_okay;
	if (!track_claim(mine, op->handle, &t)) {
		op->status = refuse(GNTST_bad_handle, "unmap_and_replace: handle %u", op->handle);
		return 0;
	}
	if ((t.flags & GNTMAP_contains_pte) || !(t.flags & GNTMAP_host_map))
		rc = -EINVAL;
	else
		rc = replace_entry(v, b, &t, op->host_addr, op->new_addr);
	if (!rc) {
		unmapped(v, u, op->handle, t, GNTMAP_host_map);
		return 0;
	}
	track_release(mine, op->handle, t);
	if (rc == RESTART)
		return RESTART;
	op->status = refuse(GNTST_general_error, "unmap_and_replace: handle %u, %lx by %lx",
			    op->handle, op->host_addr, op->new_addr);
	return 0;
}

/* A busy handle goes, with all it holds. */
static void let_go(struct grant_table *mine, uint32_t handle)
{
	struct maptrack t;

	lock_take(&mine->lock);
	t = *track_at(mine, handle);
	track_free_locked(mine, handle);
	lock_drop(&mine->lock);
	grant_drop_frame(mfn(t.mfn), track_writes(&t));
	unpin_locked(t.peer, t.ref, track_writes(&t));
	domain_put(t.peer);
}

void grant_unmaps_finish(struct vcpu *v, struct grant_unmaps *u)
{
	if (!u->n)
		return;
	tlb_flush_mask(read_once(v->dom->mem.dirty_cpus));
	for (unsigned i = 0; i < u->n; i++)
		let_go(v->dom->grant, u->handle[i]);
	u->n = 0;
}

/* ---- life, debugging ---- */

/* No vCPU of @d runs, so no CPU has a translation of its; its tables hold what they map. */
int maptrack_teardown(struct domain *d)
{
	struct grant_table *gt = d->grant;
	uint32_t end = gt->nr_track * TRACK_PER_PAGE;
	struct maptrack t;

	for (uint32_t handle = 0; handle < end; handle++) {
		if (track_claim(gt, handle, &t)) {
			let_go(gt, handle);
			if (preempt_due())
				return RESTART;
		}
	}
	return 0;
}

void maptrack_destroy(struct grant_table *gt)
{
	for (unsigned i = 0; i < gt->nr_track; i++)
		hv_page_free(gt->track[i]);
	kfree(gt->track);
}

unsigned maptrack_count(struct grant_table *gt)
{
	unsigned n = 0;

	for (uint32_t handle = 0; handle < gt->nr_track * TRACK_PER_PAGE; handle++)
		n += !!(track_at(gt, handle)->flags & TRACK_LIVE);
	return n;
}

void maptrack_audit(struct grant_table *gt, struct audit *a)
{
	const struct maptrack *t;

	for (uint32_t handle = 0; handle < gt->nr_track * TRACK_PER_PAGE; handle++) {
		t = track_at(gt, handle);
		if (!(t->flags & TRACK_LIVE))
			continue;
		if (track_writes(t))
			audit_use(a, mfn(t->mfn), KIND_WRITABLE);
		else
			audit_ref(a, mfn(t->mfn), 1);
	}
}
