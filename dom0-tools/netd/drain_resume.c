/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a killed predecessor left on a receiver's ring: answers that it had written and not published.
 *
 *	slots from rsp_prod on --answers, frame by frame--> published --a frame cut short--> pages go back
 *	                       --the first that is none--> a page, as every one behind it
 *
 * Apart from drain.c, so that what each packet passes through there has one caller, and is one piece.
 */
#include <string.h>

#include "netd/net.h"

/* No table of grants is so large that a reference of a page looks like this. */
static bool is_answer(const struct netif_rx_response *r)
{
	return !r->offset && r->flags < NETRXF_gso_prefix && r->status &&
		r->status >= NETIF_RSP_ERROR && r->status <= (int)MICA_IO_PAGE_BYTES;
}

static bool is_extra(const struct netif_extra_info *x)
{
	bool gso = x->u.gso.type == XEN_NETIF_GSO_TYPE_TCPV4 ||
		x->u.gso.type == XEN_NETIF_GSO_TYPE_TCPV6;

	return !(x->flags & ~XEN_NETIF_EXTRA_FLAG_MORE) &&
		(x->type == XEN_NETIF_EXTRA_TYPE_GSO ? gso && !x->u.gso.pad && !x->u.gso.features :
		 x->type == XEN_NETIF_EXTRA_TYPE_HASH &&
		 x->u.hash.algorithm == XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ);
}

/* A frame of @n slots as it stands; not whole: without its bytes, which are not all there. */
static void publish(struct drain *d, union netrx_response *r, unsigned n, unsigned extras,
		    bool whole)
{
	for (unsigned i = 0; i < n; i++) {
		if (whole) {
			;
		} else if (i && i <= extras) {
			r[i].extra.flags = i < extras ? XEN_NETIF_EXTRA_FLAG_MORE : 0;
		} else {
			r[i].rsp.flags = !i && extras ? NETRXF_extra_info : 0;
			r[i].rsp.status = NETIF_RSP_ERROR;
		}
		netrx_back_answer(&d->ring, &r[i]);
	}
}

void drain_resume(struct drain *d)
{
	union netrx_response r[LAYOUT_SLOTS + RX_EXTRAS];
	unsigned n = 0, extras = 0;
	bool extra = false, more = false;
	struct netif_rx_request page;

	_Static_assert(sizeof(page) == sizeof(r[0]), "one form of the slot");
	while (n < LAYOUT_SLOTS + RX_EXTRAS && netrx_back_take(&d->ring, &page) == 1) {
		memcpy(&r[n], &page, sizeof(page));
		if (extra ? !is_extra(&r[n].extra) : !is_answer(&r[n].rsp)) {
			d->page[d->taken % NET_SLOTS].id = page.id;
			d->page[d->taken % NET_SLOTS].gref = page.gref;
			d->taken++;
			break;
		}
		if (extra) {
			extra = r[n].extra.flags & XEN_NETIF_EXTRA_FLAG_MORE;
			extras++;
		} else {
			extra = !n && r[n].rsp.flags & NETRXF_extra_info;
			more = r[n].rsp.flags & NETRXF_more_data;
		}
		n++;
		if (extra || more)
			continue;
		publish(d, r, n, extras, true);
		n = extras = 0;
	}
	publish(d, r, n, extras, false);
}
