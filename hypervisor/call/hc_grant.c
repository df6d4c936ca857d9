/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * grant_table_op(cmd, list, count): walks the list, some elements copied in once, done, their answers
 * copied out; delegates to ipc/grant*.c.  The commands that are not about lists are lists of one.
 * Between these parts it stops when preemption is due and continues with the rest.  What elements
 * share is in struct grant_batch, which ends before the guest sees the call's end.
 */
#include <mica/grant.h>
#include "call/handlers.h"
#include "ipc/grant.h"

#define MAX_SIZE		sizeof(struct gnttab_copy)

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

static uint32_t do_setup_table(struct grant_batch *b, void *ops, uint32_t n)
{
	struct gnttab_setup_table *op = ops;
	struct domain *d = table_of(b->v, op->dom, &op->status);

	if (!d)
		return 1;
	op->status = grant_setup(d, op->nr_frames);
	if (!op->status)
		op->status = list_frames(d, gva(op->frame_list), op->nr_frames, grant_frame);
	domain_put(d);
	return 1;
}

static uint32_t do_get_status_frames(struct grant_batch *b, void *ops, uint32_t n)
{
	struct gnttab_get_status_frames *op = ops;
	struct domain *d = table_of(b->v, op->dom, &op->status);

	if (!d)
		return 1;
	if (grant_version(d) != 2 || op->nr_frames > grant_nr_status_frames(d))
		op->status = refuse(GNTST_general_error, "get_status_frames: d%u has %u, not %u", d->id,
				    grant_nr_status_frames(d), op->nr_frames);
	else
		op->status = list_frames(d, gva(op->frame_list), op->nr_frames, grant_status_frame);
	domain_put(d);
	return 1;
}

static uint32_t do_query_size(struct grant_batch *b, void *ops, uint32_t n)
{
	struct gnttab_query_size *op = ops;
	struct domain *d = table_of(b->v, op->dom, &op->status);

	if (!d)
		return 1;
	op->nr_frames = grant_nr_frames(d);
	op->max_nr_frames = grant_max_frames(d);
	domain_put(d);
	return 1;
}

/* The version in force goes back whether or not it could be changed. */
static uint32_t do_set_version(struct grant_batch *b, void *ops, uint32_t n)
{
	struct gnttab_set_version *op = ops;

	b->result = grant_set_version(b->v->dom, op->version);
	op->version = grant_version(b->v->dom);
	return 1;
}

static uint32_t do_get_version(struct grant_batch *b, void *ops, uint32_t n)
{
	struct gnttab_get_version *op = ops;
	struct domain *d = domain_get_target(b->v, op->dom, &b->why);

	if (!d)
		return 0;
	op->version = grant_version(d);
	domain_put(d);
	return 1;
}

static const struct {
	grant_list_fn *fn;
	uint8_t size;
	enum { LIST, ONE, ONLY_ONE } form;	/* count elements; count must be 1; one, whatever it is */
} operation[] = {
	[GNTTABOP_map_grant_ref] = { grant_map, sizeof(struct gnttab_map_grant_ref), LIST },
	[GNTTABOP_unmap_grant_ref] = { grant_unmap, sizeof(struct gnttab_unmap_grant_ref), LIST },
	[GNTTABOP_setup_table] = { do_setup_table, sizeof(struct gnttab_setup_table), ONE },
	[GNTTABOP_copy] = { grant_copy, sizeof(struct gnttab_copy), LIST },
	[GNTTABOP_query_size] = { do_query_size, sizeof(struct gnttab_query_size), ONE },
	[GNTTABOP_unmap_and_replace] = { grant_unmap_and_replace,
					 sizeof(struct gnttab_unmap_and_replace), LIST },
	[GNTTABOP_set_version] = { do_set_version, sizeof(struct gnttab_set_version), ONLY_ONE },
	[GNTTABOP_get_status_frames] = { do_get_status_frames,
					 sizeof(struct gnttab_get_status_frames), ONE },
	[GNTTABOP_get_version] = { do_get_version, sizeof(struct gnttab_get_version), ONLY_ONE },
	[GNTTABOP_swap_grant_ref] = { grant_swap, sizeof(struct gnttab_swap_grant_ref), LIST },
	[GNTTABOP_cache_flush] = { grant_cache_flush, sizeof(struct gnttab_cache_flush), LIST },
};

/* Operation @cmd for each of @count elements.  A list that ends in a page that is not there is done up to
 * that page: then one by one. */
static long for_each_element(struct vcpu *self, uint64_t cmd, gva_t at, uint32_t count)
{
	uint64_t row = table_index(cmd, ARRAY_SIZE(operation));
	grant_list_fn *fn = operation[row].fn;
	size_t size = operation[row].size;
	char buf[GRANT_CHUNK * MAX_SIZE] aligned(8);
	struct grant_batch b;
	uint32_t n, done;
	int rc = 0;

	if (count && !guest_range_ok(at, count * size))
		return refuse(-EFAULT, "grant_table_op %lu: list at %lx", cmd, at.a);
	grant_batch_begin(&b, self, count);
	while (count && !rc) {
		n = MIN(count, (uint32_t)GRANT_CHUNK);
		if (copy_from_guest(buf, at, n * size)) {
			n = 1;
			rc = copy_from_guest(buf, at, size);
			if (rc)
				break;
		}
		done = fn(&b, buf, n);
		if (copy_to_guest(at, buf, done * size))
			rc = -EFAULT;
		else if (done < n)
			rc = b.why;
		else if (count > n && preempt_due())
			rc = RESTART;
		at = gva_add(at, done * size);
		count -= done;
	}
	grant_batch_end(&b);
	if (rc == RESTART)
		return hypercall_again(self, 3, cmd, at.a, (uint64_t)count);
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
