// SPDX-License-Identifier: GPL-2.0
/*
 * Grants: pages of a peer in a row (mapped one by one, then joined by vmap), copies, and pages of
 * our own that a peer may map.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <xen/grant_table.h>
#include <xen/page.h>

#include "mica_io_priv.h"

#define COPY_BATCH	16

struct map {
	struct list_head list;
	void *where;
	unsigned int n;
	struct page **pages;
	struct gnttab_unmap_grant_ref *undo;
};

struct loan {
	struct list_head list;
	void *where;
	unsigned int n, ended;		/* references taken back so far */
	grant_ref_t refs[];
};

static void map_free(struct map *m)
{
	kfree(m->pages);
	kfree(m->undo);
	kfree(m);
}

static struct map *map_new(unsigned int n)
{
	struct map *m = kzalloc(sizeof(*m), GFP_KERNEL);

	if (!m)
		return NULL;
	m->n = n;
	m->pages = kcalloc(n, sizeof(*m->pages), GFP_KERNEL);
	m->undo = kcalloc(n, sizeof(*m->undo), GFP_KERNEL);
	if (!m->pages || !m->undo || gnttab_alloc_pages(n, m->pages)) {
		map_free(m);
		return NULL;
	}
	return m;
}

static unsigned long kernel_address(struct page *page)
{
	return (unsigned long)pfn_to_kaddr(page_to_pfn(page));
}

/* Map what can be; m->undo has the *done that were.  0 or what the first failure was. */
static int map_refs(struct map *m, domid_t peer, const uint32_t *refs, bool writable,
		    unsigned int *done)
{
	struct gnttab_map_grant_ref *op = kcalloc(m->n, sizeof(*op), GFP_KERNEL);
	int rc = op ? 0 : -ENOMEM;

	*done = 0;
	for (unsigned int i = 0; op && i < m->n; i++)
		gnttab_set_map_op(&op[i], kernel_address(m->pages[i]),
				  GNTMAP_host_map | (writable ? 0 : GNTMAP_readonly), refs[i], peer);
	if (op)
		rc = gnttab_map_refs(op, NULL, m->pages, m->n);
	for (unsigned int i = 0; !rc && i < m->n; i++) {
		if (op[i].status) {
			rc = -EINVAL;
			break;
		}
		(*done)++;
		gnttab_set_unmap_op(&m->undo[i], kernel_address(m->pages[i]), GNTMAP_host_map,
				    op[i].handle);
	}
	/* Those behind the one that failed may be mapped, too. */
	for (unsigned int i = *done; rc && op && i < m->n; i++) {
		if (op[i].status)
			continue;
		gnttab_set_unmap_op(&m->undo[*done], kernel_address(m->pages[i]), GNTMAP_host_map,
				    op[i].handle);
		swap(m->pages[*done], m->pages[i]);
		(*done)++;
	}
	kfree(op);
	return rc;
}

int linux_map(struct mica_io *io, domid_t peer, const uint32_t *refs, unsigned int n,
	      bool writable, void **where)
{
	struct map *m = map_new(n);
	unsigned int done;
	int rc;

	if (!m)
		return -ENOMEM;
	rc = map_refs(m, peer, refs, writable, &done);
	if (!rc) {
		m->where = vmap(m->pages, n, VM_MAP, writable ? PAGE_KERNEL : PAGE_KERNEL_RO);
		rc = m->where ? 0 : -ENOMEM;
	}
	if (rc) {
		if (done)
			gnttab_unmap_refs(m->undo, NULL, m->pages, done);
		gnttab_free_pages(n, m->pages);
		map_free(m);
		return rc;
	}
	list_add(&m->list, &linux_of(io)->maps);
	*where = m->where;
	return 0;
}

void linux_unmap(struct mica_io *io, void *where, unsigned int n)
{
	struct map *m, *next;

	list_for_each_entry_safe(m, next, &linux_of(io)->maps, list) {
		if (m->where != where)
			continue;
		list_del(&m->list);
		vunmap(m->where);
		gnttab_unmap_refs(m->undo, NULL, m->pages, m->n);
		gnttab_free_pages(m->n, m->pages);
		map_free(m);
		return;
	}
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
