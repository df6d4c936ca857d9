/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies between frames of two domains, by grant reference or (own frames) by number, without
 * mapping anything for anybody: we reach all memory through the direct map.
 *
 * While a copy is under way its ends are held like mappings: the grant is pinned and the frame
 * taken, writable for the destination.  Network back ends copy many pieces of the same page in one
 * call, so both ends stay held from one element to the next while the same frame is named.
 */
#include "ipc/grant_priv.h"
#include "lib/string.h"

#define FEW			256	/* bytes that are copied under the granter's lock */

/* copy_end.whom */
#define BY_REF			1u
static always_inline uint32_t whom(domid_t domid, bool by_ref) { return (uint32_t)domid << 1 | by_ref; }
#define NOBODY			(~0u)

static void unpin(const struct copy_end *e, bool write)
{
	lock_take(&e->peer->grant->lock);
	grant_unpin(e->peer->grant, (uint32_t)e->name, write);
	lock_drop(&e->peer->grant->lock);
}

void copy_end_init(struct copy_end *e)
{
	e->peer = NULL;
	e->whom = NOBODY;
	e->held = false;
}

void copy_end_drop(struct copy_end *e, bool write)
{
	if (e->held) {
		grant_drop_frame(e->m, write);
		if (e->whom & BY_REF)
			unpin(e, write);
	}
	domain_put(e->peer);
	copy_end_init(e);
}

/* @e, which holds nothing, is about domain @domid from now on.  GNTST_*. */
static int set_peer(struct vcpu *v, struct copy_end *e, domid_t domid, bool by_ref)
{
	struct domain *d;

	if (!by_ref && domid != DOMID_SELF && domid != v->dom->id)
		return refuse(GNTST_permission_denied, "copy: frame of domain %u", domid);
	d = domain_get(domid);
	if (!d)
		return refuse(GNTST_bad_domain, "copy: domain %u", domid);
	e->peer = d;
	e->whom = whom(domid, by_ref);
	return GNTST_okay;
}

/* Pins reference @ref of e->peer, instead of e->name if @pinned, and says which frame it is.  GNTST_*. */
static always_inline int pin_instead(struct copy_end *e, uint32_t ref, bool pinned, domid_t user,
				     bool write, mfn_t *m)
{
	struct grant_table *gt = e->peer->grant;
	const struct active *a;
	int rc;

	lock_take(&gt->lock);
	if (pinned)
		grant_unpin(gt, (uint32_t)e->name, write);
	rc = grant_pin(gt, ref, user, write, &a);
	lock_drop(&gt->lock);
	if (unlikely(rc))
		return rc;
	*m = mfn(a->mfn);
	e->off = a->off;
	e->len = a->len;
	return GNTST_okay;
}

/* Makes @e hold what @p names, which it does not yet.  GNTST_* or RESTART. */
static always_inline int end_change(struct vcpu *v, struct copy_end *e, const struct gnttab_copy_ptr *p,
				    bool by_ref, bool write)
{
	uint64_t name = by_ref ? p->u.ref : p->u.gmfn;
	bool held;
	mfn_t m = mfn(name);
	int rc;

	if (unlikely(e->whom != whom(p->domid, by_ref))) {
		if (e->peer)
			copy_end_drop(e, write);
		rc = set_peer(v, e, p->domid, by_ref);
		if (rc)
			return rc;
	}
	held = e->held;
	if (held)
		grant_drop_frame(e->m, write);
	e->held = false;
	if (by_ref) {
		rc = pin_instead(e, (uint32_t)name, held, v->dom->id, write, &m);
		if (unlikely(rc))
			return rc;
	} else {
		e->off = 0;
		e->len = PAGE_SIZE;
	}
	e->name = name;
	rc = grant_take_frame(m, &e->peer->mem, write, &v->scan);
	if (unlikely(rc)) {
		if (by_ref)
			unpin(e, write);
		return rc == RESTART ? rc : refuse(GNTST_bad_page, "copy: frame %lx: %d", m.n, rc);
	}
	e->m = m;
	e->held = true;
	return GNTST_okay;
}

static always_inline bool end_holds(const struct copy_end *e, const struct gnttab_copy_ptr *p, bool by_ref)
{
	return e->held && e->whom == whom(p->domid, by_ref) && e->name == (by_ref ? p->u.ref : p->u.gmfn);
}

static bool inside(const struct copy_end *e, uint16_t offset, uint16_t len)
{
	return offset >= e->off && offset + len <= e->off + e->len;
}

/* From frame @from to the one that the destination holds. */
static always_inline void move(const struct copy_end *to, const struct gnttab_copy *op, mfn_t from)
{
	const char *src = (const char *)mfn_to_virt(from) + op->source.offset;
	char *dst = (char *)mfn_to_virt(to->m) + op->dest.offset;

	if (unlikely(to->m.n == from.n))
		memmove(dst, src, op->len);
	else
		memcpy(dst, src, op->len);
}

static always_inline bool args_ok(const struct gnttab_copy *op)
{
	return op->source.offset + op->len <= (int)PAGE_SIZE && op->dest.offset + op->len <= (int)PAGE_SIZE &&
	       !(op->flags & ~(GNTCOPY_source_gref | GNTCOPY_dest_gref));
}

/* Few bytes, by reference from the domain that b->from is about, to the frame that b->to holds. */
static always_inline bool is_simple(const struct grant_batch *b, const struct gnttab_copy *op)
{
	return op->len <= FEW && (op->flags & GNTCOPY_source_gref) && args_ok(op) &&
	       b->from.whom == whom(op->source.domid, true) && b->to.len == PAGE_SIZE &&
	       end_holds(&b->to, &op->dest, op->flags & GNTCOPY_dest_gref);
}

/*
 * Those of the first @n elements that are simple, by references that nobody uses: under the lock, so
 * that for all others it is as if these were idle, but for the mark in the entry that keeps the granter
 * off.  How many.
 */
static uint32_t copy_simple(struct grant_batch *b, struct gnttab_copy *op, uint32_t n)
{
	const struct memspace *owner = &b->from.peer->mem;
	struct grant_table *gt = b->from.peer->grant;
	const domid_t user = b->v->dom->id;
	struct grant_entry_v1 *e;
	struct active *a;
	bool ok = true;
	uint32_t i;
	mfn_t m;

	lock_take(&gt->lock);
	for (i = 0; i < n && is_simple(b, &op[i]); i++) {
		e = grant_mark_idle(gt, op[i].source.u.ref, user, false, &a);
		if (unlikely(!e))
			break;
		m = mfn(read_once(e->frame));
		ok = m.n < max_mfn && !owner->dying && frame_get(frame_of(m), owner);
		if (likely(ok)) {
			move(&b->to, &op[i], m);
			frame_put(frame_of(m));
			op[i].status = GNTST_okay;
		}
		atomic_and(&e->flags, (uint16_t)~MARKS);
		if (unlikely(!ok))
			break;
	}
	lock_drop(&gt->lock);
	return i;
}

/* GNTST_* or RESTART. */
static int copy_one(struct grant_batch *b, const struct gnttab_copy *op)
{
	bool from_ref = op->flags & GNTCOPY_source_gref, to_ref = op->flags & GNTCOPY_dest_gref;
	int rc = 0;

	if (!args_ok(op))
		return refuse(GNTST_bad_copy_arg, "copy: %u bytes from %u to %u", op->len,
			      op->source.offset, op->dest.offset);
	if (!end_holds(&b->from, &op->source, from_ref))
		rc = end_change(b->v, &b->from, &op->source, from_ref, false);
	if (!rc && !end_holds(&b->to, &op->dest, to_ref))
		rc = end_change(b->v, &b->to, &op->dest, to_ref, true);
	if (unlikely(rc))
		return rc;
	if (unlikely(!inside(&b->from, op->source.offset, op->len) ||
		     !inside(&b->to, op->dest.offset, op->len)))
		return refuse(GNTST_general_error, "copy: outside of what is granted");
	move(&b->to, op, b->from.m);
	return GNTST_okay;
}

uint32_t grant_copy(struct grant_batch *b, void *ops, uint32_t n)
{
	struct gnttab_copy *op = ops;
	uint32_t done = 0;
	int rc;

	while (done < n) {
		if (is_simple(b, &op[done])) {
			done += copy_simple(b, op + done, n - done);
			if (done == n)
				break;
		}
		rc = copy_one(b, &op[done]);
		if (rc == RESTART)
			break;
		op[done++].status = (int16_t)rc;
	}
	return done;
}
