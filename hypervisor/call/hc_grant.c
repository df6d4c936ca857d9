/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * grant_table_op(cmd, list, count): walks the list, one element copied in once, done, its answer
 * copied out; delegates to ipc/grant*.c.  The commands that are not about lists are lists of one.
 * Between elements it stops when preemption is due and continues with the rest.  What elements share
 * (page-table batch, unmaps waiting for the flush, the ends of copies) is one struct batch, finished
 * before the guest sees the call's end.
 */
#include <mica/grant.h>
#include "call/handlers.h"
#include "ipc/grant.h"

union element {
	struct gnttab_map_grant_ref map;
	struct gnttab_unmap_grant_ref unmap;
	struct gnttab_unmap_and_replace replace;
	struct gnttab_copy copy;
	struct gnttab_swap_grant_ref swap;
	struct gnttab_cache_flush flush;
	struct gnttab_setup_table setup;
	struct gnttab_get_status_frames status_frames;
	struct gnttab_query_size query;
	struct gnttab_set_version set_version;
	struct gnttab_get_version get_version;
};

struct batch {
	struct pt_batch pt;
	struct grant_unmaps unmaps;
	struct grant_copier copier;
	int result;			/* of a call whose elements all went back */
};

/* 0 or RESTART; a negative error ends the whole call. */
typedef int element_fn(struct vcpu *self, struct batch *b, union element *e);

static int do_map(struct vcpu *self, struct batch *b, union element *e)
{
	return grant_map(self, &b->pt, &e->map);
}

static int do_unmap(struct vcpu *self, struct batch *b, union element *e)
{
	if (grant_unmaps_full(&b->unmaps))
		grant_unmaps_finish(self, &b->unmaps);
	return grant_unmap(self, &b->pt, &b->unmaps, &e->unmap);
}

static int do_replace(struct vcpu *self, struct batch *b, union element *e)
{
	if (grant_unmaps_full(&b->unmaps))
		grant_unmaps_finish(self, &b->unmaps);
	return grant_unmap_and_replace(self, &b->pt, &b->unmaps, &e->replace);
}

static int do_copy(struct vcpu *self, struct batch *b, union element *e)
{
	return grant_copy(self, &b->copier, &e->copy);
}

static int do_swap(struct vcpu *self, struct batch *b, union element *e)
{
	e->swap.status = grant_swap(self->dom, e->swap.ref_a, e->swap.ref_b);
	return 0;
}

static int do_cache_flush(struct vcpu *self, struct batch *b, union element *e)
{
	return grant_cache_flush(self, &e->flush);
}

/* The domain whose table is asked for; GNTST_* in *status when the caller may not. */
static struct domain *table_of(struct vcpu *self, domid_t id, int16_t *status)
{
	int rc;
	struct domain *d = domain_get_target(self, id, &rc);

	*status = d ? GNTST_okay : rc == -EPERM ? GNTST_permission_denied : GNTST_bad_domain;
	return d;
}

/* Frame numbers 0..nr-1 into the guest's list. */
static int16_t list_frames(struct domain *d, gva_t list, unsigned nr,
			   mfn_t (*nth)(struct domain *d, unsigned i))
{
	for (unsigned i = 0; i < nr; i++)
		if (put_guest_u64(gva_nth(list, i, 8), nth(d, i).n))
			return refuse(GNTST_bad_virt_addr, "grant frame list at %lx", list.a);
	return GNTST_okay;
}

static int do_setup_table(struct vcpu *self, struct batch *b, union element *e)
{
	struct gnttab_setup_table *op = &e->setup;
	struct domain *d = table_of(self, op->dom, &op->status);

	if (!d)
		return 0;
	op->status = grant_setup(d, op->nr_frames);
	if (!op->status)
		op->status = list_frames(d, gva(op->frame_list), op->nr_frames, grant_frame);
	domain_put(d);
	return 0;
}

static int do_get_status_frames(struct vcpu *self, struct batch *b, union element *e)
{
	struct gnttab_get_status_frames *op = &e->status_frames;
	struct domain *d = table_of(self, op->dom, &op->status);

	if (!d)
		return 0;
	if (grant_version(d) != 2 || op->nr_frames > grant_nr_status_frames(d))
		op->status = refuse(GNTST_general_error, "get_status_frames: d%u has %u, not %u", d->id,
				    grant_nr_status_frames(d), op->nr_frames);
	else
		op->status = list_frames(d, gva(op->frame_list), op->nr_frames, grant_status_frame);
	domain_put(d);
	return 0;
}

static int do_query_size(struct vcpu *self, struct batch *b, union element *e)
{
	struct domain *d = table_of(self, e->query.dom, &e->query.status);

	if (!d)
		return 0;
	e->query.nr_frames = grant_nr_frames(d);
	e->query.max_nr_frames = grant_max_frames(d);
	domain_put(d);
	return 0;
}

/* The version in force goes back whether or not it could be changed. */
static int do_set_version(struct vcpu *self, struct batch *b, union element *e)
{
	b->result = grant_set_version(self->dom, e->set_version.version);
	e->set_version.version = grant_version(self->dom);
	return 0;
}

static int do_get_version(struct vcpu *self, struct batch *b, union element *e)
{
	int rc;
	struct domain *d = domain_get_target(self, e->get_version.dom, &rc);

	if (!d)
		return rc;
	e->get_version.version = grant_version(d);
	domain_put(d);
	return 0;
}

static void batch_begin(struct vcpu *self, struct batch *b)
{
	pt_batch_begin(&b->pt, &self->dom->mem, &self->dom->mem, &self->scan);
	b->unmaps.n = 0;
	b->result = 0;
	b->copier = (struct grant_copier){ 0 };
}

/* Copies end first: they hold frames; then the flush, then what unmapping left to undo. */
static void batch_end(struct vcpu *self, struct batch *b)
{
	grant_copier_finish(&b->copier);
	grant_unmaps_finish(self, &b->unmaps);
	pt_batch_end(&b->pt);
}

static const struct {
	element_fn *fn;
	uint8_t size;
	enum { LIST, ONE, ONLY_ONE } form;	/* count elements; count must be 1; one, whatever it is */
} operation[] = {
	[GNTTABOP_map_grant_ref] = { do_map, sizeof(struct gnttab_map_grant_ref), LIST },
	[GNTTABOP_unmap_grant_ref] = { do_unmap, sizeof(struct gnttab_unmap_grant_ref), LIST },
	[GNTTABOP_setup_table] = { do_setup_table, sizeof(struct gnttab_setup_table), ONE },
	[GNTTABOP_copy] = { do_copy, sizeof(struct gnttab_copy), LIST },
	[GNTTABOP_query_size] = { do_query_size, sizeof(struct gnttab_query_size), ONE },
	[GNTTABOP_unmap_and_replace] = { do_replace, sizeof(struct gnttab_unmap_and_replace), LIST },
	[GNTTABOP_set_version] = { do_set_version, sizeof(struct gnttab_set_version), ONLY_ONE },
	[GNTTABOP_get_status_frames] = { do_get_status_frames,
					 sizeof(struct gnttab_get_status_frames), ONE },
	[GNTTABOP_get_version] = { do_get_version, sizeof(struct gnttab_get_version), ONLY_ONE },
	[GNTTABOP_swap_grant_ref] = { do_swap, sizeof(struct gnttab_swap_grant_ref), LIST },
	[GNTTABOP_cache_flush] = { do_cache_flush, sizeof(struct gnttab_cache_flush), LIST },
};

/* Operation @cmd for each of @count elements. */
static long for_each_element(struct vcpu *self, uint64_t cmd, gva_t at, uint32_t count)
{
	uint64_t row = table_index(cmd, ARRAY_SIZE(operation));
	element_fn *fn = operation[row].fn;
	size_t size = operation[row].size;
	union element e;
	struct batch b;
	uint32_t done;
	int rc = 0;

	if (count && !guest_range_ok(at, count * size))
		return refuse(-EFAULT, "grant_table_op %lu: list at %lx", cmd, at.a);
	batch_begin(self, &b);
	for (done = 0; done < count; done++) {
		rc = done && preempt_due() ? RESTART : copy_from_guest(&e, at, size);
		if (!rc)
			rc = fn(self, &b, &e);
		if (!rc)
			rc = copy_to_guest(at, &e, size);
		if (rc)
			break;
		at = gva_add(at, size);
	}
	batch_end(self, &b);
	if (rc == RESTART)
		return hypercall_again(self, 3, cmd, at.a, (uint64_t)(count - done));
	return rc ? rc : b.result;
}

long hc_grant_table_op(struct vcpu *self, uint64_t cmd, gva_t ops, uint64_t count)
{
	if (count > INT32_MAX)
		return refuse(-EINVAL, "grant_table_op %lu: count %lx", cmd, count);
	if (cmd == GNTTABOP_transfer)
		return refuse(-EOPNOTSUPP, "grant transfer");
	if (cmd >= ARRAY_SIZE(operation) || !operation[cmd].fn)
		return refuse(-ENOSYS, "grant_table_op %lu", cmd);
	if (operation[cmd].form == ONLY_ONE)
		count = 1;
	else if (operation[cmd].form == ONE && count != 1)
		return refuse(-EINVAL, "grant_table_op %lu: count %lu", cmd, count);
	return for_each_element(self, cmd, ops, (uint32_t)count);
}
