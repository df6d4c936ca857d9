/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A domain's grant table from birth to death: its pages, versions 1 and 2, exchanging entries.
 *
 * The table starts empty and grows when the guest asks; its pages are the hypervisor's, lent to the
 * guest (kind shared), and given back at teardown.  Use counts (struct active) stay until the
 * domain is gone, because others may still have its frames mapped.  Everything under the table's
 * lock.
 */
#include "cpu/keys.h"
#include "ipc/grant_priv.h"
#include "lib/string.h"
#include "mm/heap.h"

#define DEFAULT_FRAMES		64
#define DEFAULT_TRACK		1024

/* ---- the table's pages ---- */

static void *shared_page(struct domain *d)
{
	void *page = hv_page_alloc();

	if (page)
		frame_share(frame_of(virt_to_mfn(page)), &d->mem);
	return page;
}

static void unshare_page(void *page)
{
	frame_unshare(frame_of(virt_to_mfn(page)));
}

/* Status pages for @frames version-2 frames.  Lock held. */
static int status_grow(struct domain *d, unsigned frames)
{
	struct grant_table *gt = d->grant;
	unsigned want = DIV_UP(frames * V2_PER_FRAME, STATUS_PER_FRAME);

	while (gt->nr_status < want) {
		gt->status[gt->nr_status] = shared_page(d);
		if (!gt->status[gt->nr_status])
			return -ENOMEM;
		gt->nr_status++;
	}
	return 0;
}

static void status_drop(struct grant_table *gt)
{
	while (gt->nr_status)
		unshare_page(gt->status[--gt->nr_status]);
}

/* The arrays of pointers, on the first growth: most of a small domain's life it has none. */
static bool table_arrays(struct grant_table *gt)
{
	unsigned nr_status = DIV_UP(gt->max_frames * V2_PER_FRAME, STATUS_PER_FRAME);

	gt->nr_active = DIV_UP(gt->max_frames * V1_PER_FRAME, ACTIVE_PER_PAGE);
	if (!gt->frame)
		gt->frame = kmalloc(gt->max_frames * sizeof(*gt->frame));
	if (!gt->active)
		gt->active = kmalloc(gt->nr_active * sizeof(*gt->active));
	if (!gt->status)
		gt->status = kmalloc(nr_status * sizeof(*gt->status));
	return gt->frame && gt->active && gt->status;
}

static bool table_grow(struct domain *d, unsigned nr)
{
	struct grant_table *gt = d->grant;

	if (nr > gt->nr_frames && (!table_arrays(gt) || (gt->version == 2 && status_grow(d, nr))))
		return false;
	while (gt->nr_frames < nr) {
		gt->frame[gt->nr_frames] = shared_page(d);
		if (!gt->frame[gt->nr_frames])
			return false;
		gt->nr_frames++;
		grant_count_refs(gt);
	}
	return true;
}

int16_t grant_setup(struct domain *d, unsigned nr)
{
	struct grant_table *gt = d->grant;
	int16_t rc = GNTST_okay;

	lock_take(&gt->lock);
	if (nr > gt->max_frames || gt->dying)
		rc = refuse(GNTST_general_error, "setup_table: d%u may have %u frames, not %u", d->id,
			    gt->max_frames, nr);
	else if (!table_grow(d, nr))
		rc = refuse(GNTST_general_error, "setup_table: no memory");
	lock_drop(&gt->lock);
	return rc;
}

/* The lock keeps the page from going meanwhile. */
mfn_t grant_frame(struct domain *d, unsigned i)
{
	struct grant_table *gt = d->grant;
	mfn_t m;

	lock_take(&gt->lock);
	m = i < gt->nr_frames ? virt_to_mfn(gt->frame[i]) : mfn_none();
	lock_drop(&gt->lock);
	return m;
}

mfn_t grant_status_frame(struct domain *d, unsigned i)
{
	struct grant_table *gt = d->grant;
	mfn_t m;

	lock_take(&gt->lock);
	m = i < gt->nr_status ? virt_to_mfn(gt->status[i]) : mfn_none();
	lock_drop(&gt->lock);
	return m;
}

unsigned grant_nr_frames(struct domain *d)
{
	return read_once(d->grant->nr_frames);
}

unsigned grant_max_frames(struct domain *d)
{
	return d->grant->max_frames;
}

unsigned grant_nr_status_frames(struct domain *d)
{
	return read_once(d->grant->nr_status);
}

uint32_t grant_version(struct domain *d)
{
	return read_once(d->grant->version);
}

/* ---- changing the version ---- */

/* The first reference in use from *ref on, which becomes it; or NULL. */
static const struct active *next_active(const struct grant_table *gt, uint64_t *ref)
{
	for (; gt->active && *ref < gt->nr_active * ACTIVE_PER_PAGE; ++*ref) {
		const struct active *page = gt->active[*ref / ACTIVE_PER_PAGE];

		if (!page)
			*ref |= ACTIVE_PER_PAGE - 1;
		else if (page[*ref % ACTIVE_PER_PAGE].uses)
			return &page[*ref % ACTIVE_PER_PAGE];
	}
	return NULL;
}

static uint16_t active_marks(struct grant_table *gt, uint32_t ref)
{
	const struct active *a = gt->active[0] ? &gt->active[0][ref] : NULL;

	return a ? (a->writers ? MARKS : a->readers ? GTF_reading : 0) : 0;
}

/* The first eight entries in the other form; the rest of the table becomes empty. */
static int to_v2(struct domain *d)
{
	struct grant_table *gt = d->grant;
	struct grant_entry_v1 old[GNTTAB_NR_RESERVED_ENTRIES];
	union grant_entry_v2 *new = gt->frame[0];

	if (status_grow(d, gt->nr_frames)) {
		status_drop(gt);
		return -ENOMEM;
	}
	memcpy(old, gt->frame[0], sizeof(old));
	for (unsigned i = 0; i < gt->nr_frames; i++)
		page_clear(gt->frame[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(old); i++) {
		new[i].full_page.hdr.domid = old[i].domid;
		new[i].full_page.frame = old[i].frame;
		write_once(new[i].full_page.hdr.flags, (uint16_t)(old[i].flags & ~MARKS));
		gt->status[0][i] = active_marks(gt, i);
	}
	return 0;
}

static int to_v1(struct grant_table *gt)
{
	union grant_entry_v2 old[GNTTAB_NR_RESERVED_ENTRIES];
	struct grant_entry_v1 *new = gt->frame[0];

	memcpy(old, gt->frame[0], sizeof(old));
	for (unsigned i = 0; i < ARRAY_SIZE(old); i++)
		if ((old[i].hdr.flags & GTF_type_mask) == GTF_permit_access &&
		    (old[i].full_page.frame >> 32 || old[i].hdr.flags & GTF_sub_page))
			return refuse(-ERANGE, "set_version: entry %u does not fit version 1", i);
	for (unsigned i = 0; i < gt->nr_frames; i++)
		page_clear(gt->frame[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(old); i++) {
		if ((old[i].hdr.flags & GTF_type_mask) != GTF_permit_access)
			continue;
		new[i].domid = old[i].hdr.domid;
		new[i].frame = (uint32_t)old[i].full_page.frame;
		write_once(new[i].flags,
			   (uint16_t)((old[i].hdr.flags & ~MARKS) | active_marks(gt, i)));
	}
	status_drop(gt);
	return 0;
}

int grant_set_version(struct domain *d, uint32_t version)
{
	struct grant_table *gt = d->grant;
	uint64_t ref = GNTTAB_NR_RESERVED_ENTRIES;
	int rc = 0;

	if (version != 1 && version != 2)
		return refuse(-EINVAL, "set_version: %u", version);
	if (version > gt->max_version)
		return refuse(-ENOSYS, "set_version: d%u is offered %u", d->id, gt->max_version);
	lock_take(&gt->lock);
	if (gt->version != version && next_active(gt, &ref))
		rc = refuse(-EBUSY, "set_version: d%u has grants in use", d->id);
	else if (gt->version != version && gt->nr_frames)
		rc = version == 2 ? to_v2(d) : to_v1(gt);
	if (!rc)
		gt->version = (uint8_t)version;
	grant_count_refs(gt);
	lock_drop(&gt->lock);
	return rc;
}

static int16_t swap_locked(struct grant_table *gt, uint32_t a, uint32_t b)
{
	size_t size =
		gt->version == 1 ? sizeof(struct grant_entry_v1) : sizeof(union grant_entry_v2);
	union grant_entry_v2 keep;
	struct active *aa, *ab;

	if (a >= gt->nr_refs || b >= gt->nr_refs)
		return refuse(GNTST_bad_gntref, "swap: references %u and %u", a, b);
	aa = active_of(gt, a);
	ab = active_of(gt, b);
	if (!aa || !ab)
		return GNTST_general_error;
	if (aa->uses || ab->uses)
		return refuse(GNTST_eagain, "swap: %u or %u is in use", a, b);
	memcpy(&keep, grant_word(gt, a), size);
	memmove(grant_word(gt, a), grant_word(gt, b), size);
	memcpy(grant_word(gt, b), &keep, size);
	return GNTST_okay;
}

/* Two idle entries change places. */
uint32_t grant_swap(struct grant_batch *b, void *ops, uint32_t n)
{
	struct gnttab_swap_grant_ref *op = ops;

	lock_take(&b->mine->lock);
	for (uint32_t i = 0; i < n; i++)
		op[i].status = (int16_t)swap_locked(b->mine, op[i].ref_a, op[i].ref_b);
	lock_drop(&b->mine->lock);
	return n;
}

static int cache_flush_one(const struct domain *d, const struct gnttab_cache_flush *op)
{
	mfn_t m = mfn(op->a.dev_bus_addr >> PAGE_SHIFT);

	if (op->op & ~(GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_INVAL | GNTTAB_CACHE_SOURCE_GREF) ||
	    op->offset + op->length > (int)PAGE_SIZE)
		return refuse(-EINVAL, "cache_flush: op %x, %u+%u", op->op, op->offset, op->length);
	if (!op->length || !(op->op & (GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_INVAL)))
		return 0;
	if (op->op & GNTTAB_CACHE_SOURCE_GREF || !frame_valid(m))
		return refuse(-EINVAL, "cache_flush: %lx", op->a.dev_bus_addr);
	if (!frame_get(frame_of(m), &d->mem))
		return refuse(-EPERM, "cache_flush: frame %lx is not d%u's", m.n, d->id);
	frame_put(frame_of(m));
	return 0;
}

uint32_t grant_cache_flush(struct grant_batch *b, void *ops, uint32_t n)
{
	const struct gnttab_cache_flush *op = ops;
	uint32_t done = 0;
	int rc;

	for (; done < n; done++) {
		rc = cache_flush_one(b->v->dom, &op[done]);
		if (rc) {
			b->why = rc;
			break;
		}
	}
	return done;
}

/* ---- life, debugging ---- */

static void dump_active(const struct grant_table *gt)
{
	const struct active *a;

	for (uint64_t ref = 0; (a = next_active(gt, &ref)); ref++)
		log_info("  ref %lu: frame %x for d%u, %u read, %u write", ref, a->mfn, a->user, a->readers,
			 a->writers);
}

static void dump(void)
{
	const struct grant_table *gt;
	struct domain *d;

	for_each_domain(d) {
		gt = d->grant;
		lock_take(&d->grant->lock);
		log_info("d%u: version %u, %u of %u frames, maps %u", d->id, gt->version, gt->nr_frames,
			 gt->max_frames, maptrack_count(d->grant));
		dump_active(gt);
		lock_drop(&d->grant->lock);
	}
}

static void audit_grants(struct audit *a)
{
	struct domain *d;

	for_each_domain(d)
		maptrack_audit(d->grant, a);
}

static int grant_create(struct domain *d, const struct domain_config *cfg)
{
	static bool registered;
	struct grant_table *gt = kmalloc(sizeof(*gt));

	if (!gt)
		return -ENOMEM;
	if (!registered) {
		registered = true;
		audit_register(audit_grants);
		keys_register('g', "grant tables", dump);
	}
	lock_init(&gt->lock, RANK_GRANT);
	gt->version = 1;
	gt->max_version = cfg->grant_version == 1 ? 1 : 2;
	gt->max_frames = MIN(cfg->max_grant_frames ? cfg->max_grant_frames : DEFAULT_FRAMES,
			     (unsigned)MAX_FRAMES_LIMIT);
	gt->max_track = MIN(cfg->max_maptrack ? cfg->max_maptrack : DEFAULT_TRACK,
			    (unsigned)MAX_TRACK_LIMIT);
	gt->free_handle = NO_HANDLE;
	d->grant = gt;
	return 0;
}

/* Ends this domain's mappings, and gives its table's pages back; who mapped its grants keeps the
 * frames and the use counts until he unmaps. */
static int grant_teardown(struct domain *d)
{
	struct grant_table *gt = d->grant;

	if (maptrack_teardown(d))
		return RESTART;
	lock_take(&gt->lock);
	gt->dying = true;
	status_drop(gt);
	while (gt->nr_frames)
		unshare_page(gt->frame[--gt->nr_frames]);
	gt->nr_refs = 0;
	lock_drop(&gt->lock);
	return 0;
}

static void grant_destroy(struct domain *d)
{
	struct grant_table *gt = d->grant;

	for (unsigned i = 0; gt->active && i < gt->nr_active; i++)
		hv_page_free(gt->active[i]);
	kfree(gt->frame);
	kfree(gt->active);
	kfree(gt->status);
	maptrack_destroy(gt);
	kfree(gt);
	d->grant = NULL;
}

DOM_SERVICE(grant_service) = {
	.name = "grant tables",
	.create = grant_create,
	.teardown = grant_teardown,
	.destroy = grant_destroy,
};
