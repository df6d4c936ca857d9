/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * grant_table_op(cmd, list, count): walks the list, one element copied in once, done, its answer
 * copied out; delegates to ipc/grant*.c.  Between elements it stops when preemption is due and
 * continues with the rest.  What elements share (page-table batch, unmaps waiting for the flush,
 * the ends of copies) is one struct batch, finished before the guest sees the call's end.
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
};

struct batch {
	struct pt_batch pt;
	struct grant_unmaps unmaps;
	struct grant_copier copier;
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

static void batch_begin(struct vcpu *self, struct batch *b)
{
	pt_batch_begin(&b->pt, &self->dom->mem, &self->dom->mem, &self->scan);
	b->unmaps.n = 0;
	b->copier = (struct grant_copier){ 0 };
}

/* Copies end first: they hold frames; then the flush, then what unmapping left to undo. */
static void batch_end(struct vcpu *self, struct batch *b)
{
	grant_copier_finish(&b->copier);
	grant_unmaps_finish(self, &b->unmaps);
	pt_batch_end(&b->pt);
}

/* @fn for each of @count elements of @size bytes. */
static long for_each_element(struct vcpu *self, uint64_t cmd, gva_t ops, uint32_t count,
			     size_t size, element_fn *fn)
{
	union element e;
	struct batch b;
	uint32_t done;
	long rc = 0;

	if (count && !guest_range_ok(ops, count * size))
		return refuse(-EFAULT, "grant_table_op %lu: list at %lx", cmd, ops.a);
	batch_begin(self, &b);
	for (done = 0; done < count; done++) {
		rc = done && preempt_due() ? RESTART : 0;
		if (!rc && copy_from_guest(&e, gva_nth(ops, done, size), size))
			rc = -EFAULT;
		if (!rc)
			rc = fn(self, &b, &e);
		if (!rc && copy_to_guest(gva_nth(ops, done, size), &e, size))
			rc = -EFAULT;
		if (rc)
			break;
	}
	batch_end(self, &b);
	if (rc == RESTART)
		return hypercall_again(self, 3, cmd, gva_nth(ops, done, size).a,
				       (uint64_t)(count - done));
	return rc;
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

static long setup_table(struct vcpu *self, gva_t arg)
{
	struct gnttab_setup_table op;
	struct domain *d;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	d = table_of(self, op.dom, &op.status);
	if (d) {
		op.status = grant_setup(d, op.nr_frames);
		if (!op.status)
			op.status = list_frames(d, gva(op.frame_list), op.nr_frames, grant_frame);
		domain_put(d);
	}
	return copy_to_guest(arg, &op, sizeof(op));
}

static long get_status_frames(struct vcpu *self, gva_t arg)
{
	struct gnttab_get_status_frames op;
	struct domain *d;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	d = table_of(self, op.dom, &op.status);
	if (d) {
		if (grant_version(d) != 2 || op.nr_frames > grant_nr_status_frames(d))
			op.status =
				refuse(GNTST_general_error, "get_status_frames: d%u has %u, not %u",
				       d->id, grant_nr_status_frames(d), op.nr_frames);
		else
			op.status = list_frames(d, gva(op.frame_list), op.nr_frames,
						grant_status_frame);
		domain_put(d);
	}
	return copy_to_guest(arg, &op, sizeof(op));
}

static long query_size(struct vcpu *self, gva_t arg)
{
	struct gnttab_query_size op;
	struct domain *d;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	d = table_of(self, op.dom, &op.status);
	if (d) {
		op.nr_frames = grant_nr_frames(d);
		op.max_nr_frames = grant_max_frames(d);
		domain_put(d);
	}
	return copy_to_guest(arg, &op, sizeof(op));
}

/* The version in force goes back whether or not it could be changed. */
static long set_version(struct vcpu *self, gva_t arg)
{
	struct gnttab_set_version op;
	long rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	rc = grant_set_version(self->dom, op.version);
	op.version = grant_version(self->dom);
	return copy_to_guest(arg, &op, sizeof(op)) ? -EFAULT : rc;
}

static long get_version(struct vcpu *self, gva_t arg)
{
	struct gnttab_get_version op;
	struct domain *d;
	int rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	d = domain_get_target(self, op.dom, &rc);
	if (!d)
		return rc;
	op.version = grant_version(d);
	domain_put(d);
	return copy_to_guest(arg, &op, sizeof(op));
}

/* The commands that take exactly one structure, whatever count says of it. */
static long single_op(struct vcpu *self, uint64_t cmd, gva_t arg, uint64_t count)
{
	if (count != 1 && cmd != GNTTABOP_set_version && cmd != GNTTABOP_get_version)
		return refuse(-EINVAL, "grant_table_op %lu: count %lu", cmd, count);
	switch (cmd) {
	case GNTTABOP_setup_table:
		return setup_table(self, arg);
	case GNTTABOP_query_size:
		return query_size(self, arg);
	case GNTTABOP_set_version:
		return set_version(self, arg);
	case GNTTABOP_get_status_frames:
		return get_status_frames(self, arg);
	default:
		return get_version(self, arg);
	}
}

long hc_grant_table_op(struct vcpu *self, uint64_t cmd, gva_t ops, uint64_t count)
{
	static const struct { element_fn *fn; size_t size;
	} list_op[] = {
		[GNTTABOP_map_grant_ref] = { do_map, sizeof(struct gnttab_map_grant_ref) },
		[GNTTABOP_unmap_grant_ref] = { do_unmap, sizeof(struct gnttab_unmap_grant_ref) },
		[GNTTABOP_copy] = { do_copy, sizeof(struct gnttab_copy) },
		[GNTTABOP_unmap_and_replace] = { do_replace,
						 sizeof(struct gnttab_unmap_and_replace) },
		[GNTTABOP_swap_grant_ref] = { do_swap, sizeof(struct gnttab_swap_grant_ref) },
		[GNTTABOP_cache_flush] = { do_cache_flush, sizeof(struct gnttab_cache_flush) },
	};

	if (count > INT32_MAX)
		return refuse(-EINVAL, "grant_table_op %lu: count %lx", cmd, count);
	switch (cmd) {
	case GNTTABOP_setup_table:
	case GNTTABOP_query_size:
	case GNTTABOP_set_version:
	case GNTTABOP_get_status_frames:
	case GNTTABOP_get_version:
		return single_op(self, cmd, ops, count);
	case GNTTABOP_transfer:
		return refuse(-EOPNOTSUPP, "grant transfer");
	default:
		break;
	}
	if (cmd >= ARRAY_SIZE(list_op) || !list_op[cmd].fn)
		return refuse(-ENOSYS, "grant_table_op %lu", cmd);
	return for_each_element(self, cmd, ops, (uint32_t)count, list_op[cmd].size,
				list_op[cmd].fn);
}
