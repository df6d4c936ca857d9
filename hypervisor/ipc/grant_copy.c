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

static void end_drop(struct copy_end *e)
{
	if (!e->peer)
		return;
	grant_drop_frame(e->m, e->write);
	if (e->by_ref) {
		lock_take(&e->peer->grant->lock);
		grant_unpin(e->peer->grant, (uint32_t)e->name, e->write);
		lock_drop(&e->peer->grant->lock);
	}
	domain_put(e->peer);
	e->peer = NULL;
}

void grant_copier_finish(struct grant_copier *c)
{
	end_drop(&c->from);
	end_drop(&c->to);
}

/* The whole of a frame of the caller's own. */
static int16_t own_frame(struct copy_end *e)
{
	e->m = mfn(e->name);
	e->off = 0;
	e->len = PAGE_SIZE;
	return GNTST_okay;
}

static int16_t granted_frame(struct copy_end *e, struct domain *peer, domid_t user)
{
	struct grant_hold h;
	int16_t rc;

	if (!peer->grant)
		return GNTST_bad_domain;
	lock_take(&peer->grant->lock);
	rc = grant_pin(peer->grant, (uint32_t)e->name, user, e->write, false, &h);
	lock_drop(&peer->grant->lock);
	if (!rc) {
		e->m = h.m;
		e->off = h.off;
		e->len = h.len;
	}
	return rc;
}

/* @e says what is wanted, with peer NULL.  GNTST_* in *status, or RESTART. */
static int end_take(struct vcpu *v, struct copy_end *e, int16_t *status)
{
	struct domain *peer;
	int rc;

	*status = GNTST_okay;
	if (!e->by_ref && e->domid != DOMID_SELF && e->domid != v->dom->id) {
		*status = refuse(GNTST_permission_denied, "copy: frame of domain %u", e->domid);
		return 0;
	}
	peer = domain_get(e->domid);
	if (!peer) {
		*status = refuse(GNTST_bad_domain, "copy: domain %u", e->domid);
		return 0;
	}
	*status = e->by_ref ? granted_frame(e, peer, v->dom->id) : own_frame(e);
	if (*status)
		goto put_peer;
	e->peer = peer;
	rc = grant_take_frame(e->m, &peer->mem, e->write, &v->scan);
	if (!rc)
		return 0;
	if (e->by_ref) {
		lock_take(&peer->grant->lock);
		grant_unpin(peer->grant, (uint32_t)e->name, e->write);
		lock_drop(&peer->grant->lock);
	}
	e->peer = NULL;
	domain_put(peer);
	*status = refuse(GNTST_bad_page, "copy: frame %lx: %d", e->m.n, rc);
	return rc == RESTART ? RESTART : 0;

put_peer:
	domain_put(peer);
	return 0;
}

/* Makes @e hold what @p names, if it does not already. */
static int end_set(struct vcpu *v, struct copy_end *e, const struct gnttab_copy_ptr *p, bool by_ref,
		   bool write, int16_t *status)
{
	uint64_t name = by_ref ? p->u.ref : p->u.gmfn;

	*status = GNTST_okay;
	if (e->peer && e->by_ref == by_ref && e->domid == p->domid && e->name == name)
		return 0;
	end_drop(e);
	*e = (struct copy_end){ .by_ref = by_ref, .write = write, .domid = p->domid, .name = name };
	return end_take(v, e, status);
}

static bool inside(const struct copy_end *e, uint16_t offset, uint16_t len)
{
	return offset >= e->off && offset + len <= e->off + e->len;
}

int grant_copy(struct vcpu *v, struct grant_copier *c, struct gnttab_copy *op)
{
	char *to;
	const char *from;
	int rc;

	if (op->source.offset + op->len > (int)PAGE_SIZE ||
	    op->dest.offset + op->len > (int)PAGE_SIZE ||
	    op->flags & ~(GNTCOPY_source_gref | GNTCOPY_dest_gref)) {
		op->status = refuse(GNTST_bad_copy_arg, "copy: %u bytes from %u to %u", op->len,
				    op->source.offset, op->dest.offset);
		return 0;
	}
	rc = end_set(v, &c->from, &op->source, op->flags & GNTCOPY_source_gref, false, &op->status);
	if (rc || op->status)
		return rc;
	rc = end_set(v, &c->to, &op->dest, op->flags & GNTCOPY_dest_gref, true, &op->status);
	if (rc || op->status)
		return rc;
	if (!inside(&c->from, op->source.offset, op->len) ||
	    !inside(&c->to, op->dest.offset, op->len)) {
		op->status = refuse(GNTST_general_error, "copy: outside of what is granted");
		return 0;
	}
	from = (const char *)mfn_to_virt(c->from.m) + op->source.offset;
	to = (char *)mfn_to_virt(c->to.m) + op->dest.offset;
	if (c->from.m.n == c->to.m.n)
		memmove(to, from, op->len);
	else
		memcpy(to, from, op->len);
	return 0;
}
