// SPDX-License-Identifier: GPL-2.0
/*
 * Grants: pages of a peer in a row, copies, and pages of our own that a peer may map.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <xen/grant_table.h>
#include <xen/page.h>

#include "mica_io_priv.h"

#define COPY_BATCH	16

struct loan {
	struct list_head list;
	void *where;
	unsigned int n, ended;		/* references taken back so far */
	grant_ref_t refs[];
};

/*
 * A grant can be mapped in a row only where the page tables themselves name it, which xenbus does
 * for rings.  It wants to know for which device: one of no bus, whose errors go below error/ and
 * whose state is never written.
 */
static void device_of(struct xenbus_device *dev, domid_t peer)
{
	memset(dev, 0, sizeof(*dev));
	dev->dev.init_name = "mica-io";
	dev->nodename = "mica-io";
	dev->otherend_id = peer;
	dev->state = XenbusStateClosing;
}

/* Always writable: the kernel maps rings no other way.  At most 16 pages. */
int linux_map(struct mica_io *io, domid_t peer, const uint32_t *refs, unsigned int n,
	      bool writable, void **where)
{
	struct xenbus_device *dev = kmalloc(sizeof(*dev), GFP_KERNEL);
	grant_ref_t list[XENBUS_MAX_RING_GRANTS];
	int rc;

	if (!dev)
		return -ENOMEM;
	if (n > XENBUS_MAX_RING_GRANTS) {
		kfree(dev);
		return -EINVAL;
	}
	memcpy(list, refs, n * sizeof(*list));
	device_of(dev, peer);
	rc = xenbus_map_ring_valloc(dev, list, n, where);
	kfree(dev);
	return rc;
}

void linux_unmap(struct mica_io *io, void *where, unsigned int n)
{
	struct xenbus_device *dev = kmalloc(sizeof(*dev), GFP_KERNEL | __GFP_NOFAIL);

	device_of(dev, DOMID_SELF);
	xenbus_unmap_ring_vfree(dev, where);
	kfree(dev);
}

/* How many bytes one operation can take of memory that is not granted. */
static unsigned int run_of(const struct mica_io_side *side, unsigned int done, unsigned int bytes)
{
	unsigned long at = side->by_ref ? side->offset + done : (unsigned long)side->mem + done;
	unsigned int room = XEN_PAGE_SIZE - (at & (XEN_PAGE_SIZE - 1));

	return min(room, bytes - done);
}

static void set_side(struct gnttab_copy *op, bool source, const struct mica_io_side *side,
		     unsigned int done)
{
	typeof(op->source) *end = source ? &op->source : (typeof(op->source) *)&op->dest;

	end->domid = side->by_ref ? side->domid : DOMID_SELF;
	if (side->by_ref) {
		end->u.ref = side->ref;
		end->offset = side->offset + done;
		op->flags |= source ? GNTCOPY_source_gref : GNTCOPY_dest_gref;
	} else {
		end->u.gmfn = virt_to_gfn(side->mem + done);
		end->offset = offset_in_page(side->mem + done);
	}
}

/* Memory of ours comes from kmalloc or lend(): its pages have a frame each. */
static int copy_piece(struct mica_io_copy *piece)
{
	struct gnttab_copy op[COPY_BATCH];
	unsigned int done = 0, n;

	while (done < piece->bytes) {
		for (n = 0; n < COPY_BATCH && done < piece->bytes; n++) {
			unsigned int run = min(run_of(&piece->from, done, piece->bytes),
					       run_of(&piece->to, done, piece->bytes));

			op[n] = (struct gnttab_copy){ .len = run };
			set_side(&op[n], true, &piece->from, done);
			set_side(&op[n], false, &piece->to, done);
			done += run;
		}
		gnttab_batch_copy(op, n);
		for (unsigned int i = 0; i < n; i++)
			if (op[i].status)
				return -EFAULT;
	}
	return 0;
}

int linux_copy(struct mica_io *io, struct mica_io_copy *pieces, unsigned int n)
{
	int rc = 0;

	for (unsigned int i = 0; i < n; i++) {
		pieces[i].status = copy_piece(&pieces[i]);
		if (!rc)
			rc = pieces[i].status;
	}
	return rc;
}

int linux_lend(struct mica_io *io, domid_t peer, unsigned int n, bool writable, uint32_t *refs,
	       void **where)
{
	struct loan *loan = kzalloc(struct_size(loan, refs, n), GFP_KERNEL);
	int rc = 0;

	if (!loan)
		return -ENOMEM;
	loan->where = alloc_pages_exact(n * PAGE_SIZE, GFP_KERNEL | __GFP_ZERO);
	if (!loan->where) {
		kfree(loan);
		return -ENOMEM;
	}
	for (loan->n = 0; loan->n < n; loan->n++) {
		rc = gnttab_grant_foreign_access(peer, virt_to_gfn(loan->where +
								   loan->n * PAGE_SIZE), !writable);
		if (rc < 0)
			break;
		refs[loan->n] = loan->refs[loan->n] = rc;
		rc = 0;
	}
	if (rc) {		/* nobody knows the references yet: they end at once */
		while (loan->n--)
			gnttab_try_end_foreign_access(loan->refs[loan->n]);
		free_pages_exact(loan->where, n * PAGE_SIZE);
		kfree(loan);
		return rc;
	}
	list_add(&loan->list, &linux_of(io)->loans);
	*where = loan->where;
	return 0;
}

int linux_reclaim(struct mica_io *io, void *where, unsigned int n)
{
	struct loan *loan, *next;

	list_for_each_entry_safe(loan, next, &linux_of(io)->loans, list) {
		if (loan->where != where)
			continue;
		for (; loan->ended < loan->n; loan->ended++)
			if (!gnttab_try_end_foreign_access(loan->refs[loan->ended]))
				return -EBUSY;
		list_del(&loan->list);
		free_pages_exact(loan->where, loan->n * PAGE_SIZE);
		kfree(loan);
		return 0;
	}
	return -ENOENT;
}
