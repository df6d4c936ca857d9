/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mapping other domains' grants, and the list of what is mapped (maptrack).
 *
 * Map: a handle is reserved, the grant pinned, the frame taken, the page-table entry written; the
 * first failure undoes what went before.  Unmap: the entry goes, the handle stays busy on the
 * batch's list until one TLB flush for the whole batch is done; only then the frame is let go and
 * the granter sees its entry idle.  So nobody reaches a frame through a stale translation once its
 * owner has it back.
 *
 * Batches keep what they would ask for again and again: free handles, the granter, the place of the
 * last page-table entry.  That place is like a TLB entry: it was right when the batch began, and
 * mm/pt_foreign.c writes only to what is a level-1 table of the domain's now.
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

#define HANDLES_AT_ONCE		64u
#define L1_SPAN			BIT(21)		/* bytes that one level-1 table maps */

/* ---- the list of mappings ---- */

/* @handle is below nr_track * TRACK_PER_PAGE. */
static struct maptrack *track_at(struct grant_table *gt, uint32_t handle)
{
	return &gt->track[handle / TRACK_PER_PAGE][handle % TRACK_PER_PAGE];
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
	for (uint32_t i = 0; i < TRACK_PER_PAGE; i++)
		page[i].mfn = i + 1 < TRACK_PER_PAGE ? first + i + 1 : gt->free_handle;
	gt->free_handle = first;
	gt->track[gt->nr_track] = page;
	atomic_release(&gt->nr_track, gt->nr_track + 1);
	return true;
}

/* Makes the first @n free handles, or what there is of them, the batch's. */
static void reserve_handles(struct grant_table *gt, struct grant_batch *b, uint32_t n)
{
	lock_take(&gt->lock);
	if (!gt->dying && (gt->free_handle != NO_HANDLE || track_grow(gt))) {
		b->spare = b->spare_end = gt->free_handle;
		while (--n && track_at(gt, b->spare_end)->mfn != NO_HANDLE)
			b->spare_end = track_at(gt, b->spare_end)->mfn;
		gt->free_handle = track_at(gt, b->spare_end)->mfn;
		track_at(gt, b->spare_end)->mfn = NO_HANDLE;
	}
	lock_drop(&gt->lock);
}

/* The handles from @first to @last, linked, are free for all. */
static void free_chain(struct grant_table *gt, uint32_t first, uint32_t last)
{
	lock_take(&gt->lock);
	track_at(gt, last)->mfn = gt->free_handle;
	gt->free_handle = first;
	lock_drop(&gt->lock);
}

/* A live handle, made busy: *t is ours alone until track_release, *was its word.  GNTST_bad_handle, or RESTART:
 * another vCPU, or this batch, is about to free it. */
static always_inline int track_claim(struct grant_table *gt, uint32_t handle, struct maptrack **t, uint32_t *was)
{
	bool exists = handle < atomic_acquire(&gt->nr_track) * TRACK_PER_PAGE;

	*t = exists ? track_at(gt, handle) : NULL;
	*was = exists ? atomic_read(&(*t)->word) : 0;
	do {
		if (unlikely(!(*was & TRACK_LIVE)))
			return refuse(GNTST_bad_handle, "unmap: handle %u", handle);
		if (unlikely(*was & TRACK_BUSY))
			return RESTART;
	} while (!atomic_cmpxchg(&(*t)->word, was, *was | TRACK_BUSY));
	return GNTST_okay;
}

static void track_release(struct maptrack *t, uint32_t word)
{
	atomic_release(&t->word, word & ~TRACK_BUSY);
}

static bool track_writes(const struct maptrack *t)
{
	return !(t->word & GNTMAP_readonly);
}

/* ---- map ---- */

/* Asks the guest's tables where the entry for @va is, and remembers the table. */
static noinline int walk_to_slot(struct grant_batch *b, uint64_t va, maddr_t *slot)
{
	const struct frame *root = b->v->kernel_root;
	int rc = root ? pt_find_slot(frame_mfn(root), va, slot) : -EINVAL;

	if (!rc) {
		b->va = ALIGN_DOWN(va, L1_SPAN);
		b->entries = slot->a & PAGE_MASK;
	}
	return rc;
}

/* Where the page-table entry is: named by its machine address, or by the address it maps. */
static always_inline int find_slot(struct grant_batch *b, uint32_t flags, uint64_t host_addr,
				   maddr_t *slot)
{
	if (flags & GNTMAP_contains_pte) {
		*slot = maddr(host_addr);
		return 0;
	}
	if (unlikely(host_addr - b->va >= L1_SPAN))
		return walk_to_slot(b, host_addr, slot);
	*slot = maddr(b->entries + ((host_addr - b->va) >> PAGE_SHIFT) * sizeof(uint64_t));
	return 0;
}

static pte_t grant_pte(mfn_t m, uint32_t flags)
{
	uint64_t bits = PTE_P | PTE_A | PTE_D | (cpu.nx ? PTE_NX : 0);

	if (!(flags & GNTMAP_readonly))		/* GNTMAP_application_map: everything is user-accessible */
		bits |= PTE_RW;
	return pte_make(m, bits | (((uint64_t)flags >> GNTMAP_guest_avail0) << 9 & PTE_AVAIL));
}

/* Pins what the first of @n elements ask for of domain b->peer, and notes the frames.  How many. */
static uint32_t pin_run(struct grant_batch *b, struct gnttab_map_grant_ref *op, uint32_t n, mfn_t *m)
{
	struct grant_table *gt = b->peer->grant;
	const domid_t user = b->v->dom->id, peer = b->peer->id;
	const struct active *a;
	uint32_t i;
	bool write;

	lock_take(&gt->lock);
	for (i = 0; i < n && op[i].dom == peer; i++) {
		write = !(op[i].flags & GNTMAP_readonly);
		if (unlikely(!(op[i].flags & (GNTMAP_host_map | GNTMAP_device_map)))) {
			op[i].status = refuse(GNTST_bad_gntref, "map: flags %x", op[i].flags);
			continue;
		}
		op[i].status = (int16_t)grant_pin(gt, op[i].ref, user, write, &a);
		if (unlikely(op[i].status))
			continue;
		m[i] = mfn(a->mfn);
		if (unlikely(a->len != PAGE_SIZE)) {
			grant_unpin(gt, op[i].ref, write);
			op[i].status = refuse(GNTST_general_error, "map: %u is a part of a page",
					      op[i].ref);
		}
	}
	lock_drop(&gt->lock);
	return i;
}

static void unpin_run(struct grant_batch *b, struct gnttab_map_grant_ref *op, uint32_t n)
{
	lock_take(&b->peer->grant->lock);
	for (uint32_t i = 0; i < n; i++)
		if (!op[i].status)
			grant_unpin(b->peer->grant, op[i].ref, !(op[i].flags & GNTMAP_readonly));
	lock_drop(&b->peer->grant->lock);
}

/* Takes the frame and writes the entry, or neither.  0, -errno, RESTART. */
static always_inline int map_frame(struct grant_batch *b, mfn_t m, const struct gnttab_map_grant_ref *op)
{
	const struct memspace *owner = &b->peer->mem;
	maddr_t slot;
	int rc;

	if (!(op->flags & GNTMAP_host_map))
		return grant_take_frame(m, owner, !(op->flags & GNTMAP_readonly), &b->v->scan);
	rc = find_slot(b, op->flags, op->host_addr, &slot);
	return rc ? rc : pt_map_foreign(&b->pt, slot, grant_pte(m, op->flags), owner);
}

/* The batch has a handle left, if need be after asking for as many as it may use. */
static always_inline bool have_handle(struct grant_batch *b)
{
	if (unlikely(b->spare == NO_HANDLE))
		reserve_handles(b->mine, b, MIN(b->left, HANDLES_AT_ONCE));
	return likely(b->spare != NO_HANDLE);
}

/* Frame @m is pinned for it.  GNTST_*, or RESTART, and it is not mapped, but still pinned. */
static always_inline int map_pinned(struct grant_batch *b, struct gnttab_map_grant_ref *op, mfn_t m)
{
	struct maptrack *t;
	int rc;

	if (!have_handle(b))
		return refuse(GNTST_no_space, "map: d%u has no handle left", b->v->dom->id);
	rc = map_frame(b, m, op);
	if (unlikely(rc))
		return rc == RESTART ? rc : refuse(GNTST_general_error, "map: ref %u of d%u at %lx: %d",
						   op->ref, b->peer->id, op->host_addr, rc);
	op->handle = b->spare;
	op->dev_bus_addr = mfn_maddr(m).a;	/* always: it is how backends learn the frame */
	t = track_at(b->mine, b->spare);
	b->spare = t->mfn;
	t->peer = b->peer;
	t->mfn = (uint32_t)m.n;
	atomic_release(&t->word, op->ref << TRACK_REF_SHIFT | TRACK_LIVE | (op->flags & 0x1f));
	return GNTST_okay;
}

/* The first of @n elements, all that are about domain b->peer.  How many; *again: the next one is to be
 * done again. */
static uint32_t map_run(struct grant_batch *b, struct gnttab_map_grant_ref *op, uint32_t n, bool *again)
{
	mfn_t m[GRANT_CHUNK];
	uint32_t i, mapped = 0;
	int rc = 0;

	n = pin_run(b, op, n, m);
	domain_get_many(b->peer, n);		/* one for each mapping */
	for (i = 0; i < n; i++) {
		if (unlikely(op[i].status))
			continue;
		rc = map_pinned(b, &op[i], m[i]);
		mapped += !rc;
		if (likely(!rc))
			continue;
		if (rc == RESTART)
			break;
		unpin_run(b, &op[i], 1);
		op[i].status = (int16_t)rc;
	}
	domain_put_many(b->peer, n - mapped);
	*again = i < n;
	if (*again)
		unpin_run(b, &op[i], n - i);
	return i;
}

/* Makes @id the domain mapped from.  False: there is none, or it can grant nothing. */
static bool set_granter(struct grant_batch *b, domid_t id)
{
	if (!b->peer || b->peer->id != id) {
		if (b->peer)
			domain_put(b->peer);
		b->peer = id == DOMID_SELF ? NULL : domain_get(id);
	}
	return b->peer && !b->peer->mem.dying;
}

uint32_t grant_map(struct grant_batch *b, void *ops, uint32_t n)
{
	struct gnttab_map_grant_ref *op = ops;
	uint32_t done = 0;
	bool again = false;

	while (done < n && !again) {
		if (set_granter(b, op[done].dom)) {
			done += map_run(b, op + done, n - done, &again);
		} else {
			op[done].status = refuse(GNTST_bad_domain, "map: domain %u", op[done].dom);
			done++;
		}
	}
	return done;
}

/* ---- unmap ---- */

/* The first of these handles, which are ours alone, and those that follow with the same granter go with all
 * they hold, and on the chain from *free on.  @unmapped: what their page-table entries held is theirs, too.
 * How many. */
static unsigned let_go_of_peer(struct grant_table *mine, const uint32_t *handle, unsigned n, bool unmapped,
			       uint32_t *free)
{
	struct maptrack *t = track_at(mine, handle[0]);
	struct domain *peer = t->peer;
	unsigned i = 0;

	lock_take(&peer->grant->lock);
	do {
		if (unmapped && (t->word & GNTMAP_host_map))
			pt_drop_foreign(mfn(t->mfn), track_writes(t));
		else
			grant_drop_frame(mfn(t->mfn), track_writes(t));
		grant_unpin(peer->grant, t->word >> TRACK_REF_SHIFT, track_writes(t));
		*t = (struct maptrack){ .mfn = *free };
		*free = handle[i];
		t = ++i < n ? track_at(mine, handle[i]) : NULL;
	} while (t && t->peer == peer);
	lock_drop(&peer->grant->lock);
	domain_put_many(peer, i);
	return i;
}

static void let_go(struct grant_table *mine, const uint32_t *handle, unsigned n, bool unmapped)
{
	uint32_t free = NO_HANDLE;

	for (unsigned i = 0; i < n;)
		i += let_go_of_peer(mine, handle + i, n - i, unmapped, &free);
	free_chain(mine, free, handle[0]);
}

static void unmaps_finish(struct grant_batch *b)
{
	if (!b->nr_unmapped)
		return;
	tlb_flush_mask(read_once(b->v->dom->mem.dirty_cpus));
	let_go(b->mine, b->unmapped, b->nr_unmapped, true);
	b->nr_unmapped = 0;
}

/* What became of unmapping the parts @gone of a claimed handle: the last part puts it on the list for the
 * flush, still busy and with what its page-table entry held. */
static always_inline void unmapped(struct grant_batch *b, uint32_t handle, struct maptrack *t,
				   uint32_t was, uint32_t gone)
{
	uint32_t left = was & ~gone;

	if (likely(!(left & (GNTMAP_host_map | GNTMAP_device_map)))) {
		b->unmapped[b->nr_unmapped++] = handle;
		return;
	}
	if (gone & GNTMAP_host_map)
		grant_drop_frame(mfn(t->mfn), track_writes(t));
	track_release(t, left);
}

/* How the attempt ended to unmap the parts @gone of a claimed handle.  GNTST_* or RESTART. */
static always_inline int unmap_end(struct grant_batch *b, uint32_t handle, struct maptrack *t,
				   uint32_t was, uint32_t gone, int rc)
{
	if (likely(!rc)) {
		unmapped(b, handle, t, was, gone);
		return GNTST_okay;
	}
	track_release(t, was);
	return rc == RESTART ? rc : refuse(GNTST_general_error, "unmap: handle %u is mapped otherwise",
					   handle);
}

/* Elements of both unmap calls have their status at the same place. */
_Static_assert(sizeof(struct gnttab_unmap_grant_ref) == sizeof(struct gnttab_unmap_and_replace) &&
	       offsetof(struct gnttab_unmap_grant_ref, status) ==
	       offsetof(struct gnttab_unmap_and_replace, status), "unmap elements");

/* @one says GNTST_* or RESTART.  How many are done. */
static always_inline uint32_t unmap_all(struct grant_batch *b, struct gnttab_unmap_grant_ref *op, uint32_t n,
					int (*one)(struct grant_batch *b, const void *op))
{
	uint32_t done;
	int rc;

	if (b->nr_unmapped + n > GRANT_UNMAPS)
		unmaps_finish(b);
	for (done = 0; done < n; done++) {
		rc = one(b, &op[done]);
		if (rc == RESTART)
			break;
		op[done].status = (int16_t)rc;
	}
	return done;
}

static always_inline int unmap_one(struct grant_batch *b, const void *element)
{
	const struct gnttab_unmap_grant_ref *op = element;
	struct maptrack *t;
	uint32_t was, gone = 0;
	maddr_t slot;
	int rc = track_claim(b->mine, op->handle, &t, &was);

	if (unlikely(rc))
		return rc;
	if (op->dev_bus_addr && (was & GNTMAP_device_map)) {
		gone |= GNTMAP_device_map;
		if (op->dev_bus_addr >> PAGE_SHIFT != t->mfn)
			rc = -EINVAL;
	}
	if (!rc && op->host_addr && (was & GNTMAP_host_map)) {
		gone |= GNTMAP_host_map;
		rc = find_slot(b, was, op->host_addr, &slot);
		if (!rc)
			rc = pt_unmap_foreign(&b->pt, slot, mfn(t->mfn), track_writes(t), pte(0));
	}
	return unmap_end(b, op->handle, t, was, gone, rc);
}

uint32_t grant_unmap(struct grant_batch *b, void *ops, uint32_t n)
{
	return unmap_all(b, ops, n, unmap_one);
}

/* A moved-out entry that cannot go anywhere any more. */
static void drop_moved(pte_t moved)
{
	if (pte_present(moved) && frame_valid(pte_mfn(moved)))
		grant_drop_frame(pte_mfn(moved), moved.v & PTE_RW);
}

/* Replaces the grant's entry at @host_addr by the one at @new_addr, which becomes empty. */
static int replace_entry(struct grant_batch *b, const struct maptrack *t, uint64_t host_addr,
			 uint64_t new_addr)
{
	maddr_t slot, from;
	pte_t moved;
	int rc = find_slot(b, 0, host_addr, &slot), back;

	if (!rc)
		rc = find_slot(b, 0, new_addr, &from);
	if (!rc && slot.a == from.a)
		rc = -EINVAL;
	if (!rc)
		rc = pt_move_out(&b->pt, from, &moved);
	if (rc)
		return rc;
	rc = pt_unmap_foreign(&b->pt, slot, mfn(t->mfn), track_writes(t), moved);
	if (!rc)
		return 0;
	do
		back = pt_move_in(&b->pt, from, moved);
	while (back == RESTART); /* each try goes on with the work that was in the way */
	if (back)
		drop_moved(moved);		/* the table is none any more */
	return rc;
}

static int replace_one(struct grant_batch *b, const void *element)
{
	const struct gnttab_unmap_and_replace *op = element;
	struct maptrack *t;
	uint32_t was;
	int rc = track_claim(b->mine, op->handle, &t, &was);

	if (rc)
		return rc;
	if ((was & GNTMAP_contains_pte) || !(was & GNTMAP_host_map))
		rc = -EINVAL;
	else
		rc = replace_entry(b, t, op->host_addr, op->new_addr);
	return unmap_end(b, op->handle, t, was, GNTMAP_host_map, rc);
}

uint32_t grant_unmap_and_replace(struct grant_batch *b, void *ops, uint32_t n)
{
	return unmap_all(b, ops, n, replace_one);
}

/* ---- the batch ---- */

void grant_batch_begin(struct grant_batch *b, struct vcpu *v, uint32_t count)
{
	b->v = v;
	pt_batch_begin(&b->pt, &v->dom->mem, &v->dom->mem, &v->scan);
	b->mine = v->dom->grant;
	b->left = count;
	b->why = RESTART;
	b->result = 0;
	b->peer = NULL;
	copy_end_init(&b->from);
	copy_end_init(&b->to);
	b->spare = NO_HANDLE;
	b->va = HV_START;			/* no guest has a table for that, and frame 0 is none */
	b->entries = 0;
	b->nr_unmapped = 0;
}

/* Copies end first: they hold frames; then the flush, then what unmapping left to undo. */
void grant_batch_end(struct grant_batch *b)
{
	if (b->from.peer)
		copy_end_drop(&b->from, false);
	if (b->to.peer)
		copy_end_drop(&b->to, true);
	unmaps_finish(b);
	if (b->spare != NO_HANDLE)
		free_chain(b->mine, b->spare, b->spare_end);
	if (b->peer)
		domain_put(b->peer);
	pt_batch_end(&b->pt);
}

/* ---- life, debugging ---- */

/* No vCPU of @d runs, so no CPU has a translation of its; its tables hold what they map. */
int maptrack_teardown(struct domain *d)
{
	struct grant_table *gt = d->grant;
	uint32_t end = gt->nr_track * TRACK_PER_PAGE;

	for (uint32_t handle = 0; handle < end; handle++) {
		if (track_at(gt, handle)->word & TRACK_LIVE) {
			let_go(gt, &handle, 1, false);
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
		n += !!(track_at(gt, handle)->word & TRACK_LIVE);
	return n;
}

void maptrack_audit(struct grant_table *gt, struct audit *a)
{
	const struct maptrack *t;

	for (uint32_t handle = 0; handle < gt->nr_track * TRACK_PER_PAGE; handle++) {
		t = track_at(gt, handle);
		if (!(t->word & TRACK_LIVE))
			continue;
		if (track_writes(t))
			audit_use(a, mfn(t->mfn), KIND_WRITABLE);
		else
			audit_ref(a, mfn(t->mfn), 1);
	}
}
