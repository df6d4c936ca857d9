/* SPDX-License-Identifier: BSD-2-Clause */
/* Debian's libxen-dev ring macros, used the way a stock driver uses them. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define __XEN_TOOLS__ 1	/* their newest interface */
#define xen_mb()	__sync_synchronize()
#define xen_rmb()	__sync_synchronize()
#define xen_wmb()	__sync_synchronize()
#include <xen/xen.h>
#include <xen/io/blkif.h>

#include "theirs.h"

struct theirs {
	blkif_back_ring_t back;
	blkif_front_ring_t front;
};

struct theirs *theirs_back(void *shared, size_t bytes)
{
	struct theirs *t = calloc(1, sizeof(*t));

	BACK_RING_INIT(&t->back, (blkif_sring_t *)shared, bytes);
	return t;
}

struct theirs *theirs_front(void *shared, size_t bytes)
{
	struct theirs *t = calloc(1, sizeof(*t));

	SHARED_RING_INIT((blkif_sring_t *)shared);
	FRONT_RING_INIT(&t->front, (blkif_sring_t *)shared, bytes);
	return t;
}

void theirs_free(struct theirs *t)
{
	free(t);
}

unsigned theirs_entries(const struct theirs *t)
{
	return t->back.sring ? t->back.nr_ents : t->front.nr_ents;
}

void theirs_set(struct theirs *t, uint32_t at)
{
	t->back.req_cons = t->back.rsp_prod_pvt = at;
	t->front.rsp_cons = t->front.req_prod_pvt = at;
}

bool theirs_back_take(struct theirs *t, void *request)
{
	RING_IDX prod = t->back.sring->req_prod;

	xen_rmb();
	if (t->back.req_cons == prod || RING_REQUEST_CONS_OVERFLOW(&t->back, t->back.req_cons))
		return false;
	memcpy(request, RING_GET_REQUEST(&t->back, t->back.req_cons), sizeof(blkif_request_t));
	t->back.req_cons++;
	return true;
}

void theirs_back_answer(struct theirs *t, const void *response)
{
	memcpy(RING_GET_RESPONSE(&t->back, t->back.rsp_prod_pvt), response,
	       sizeof(blkif_response_t));
	t->back.rsp_prod_pvt++;
}

bool theirs_back_push(struct theirs *t)
{
	int notify;

	RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&t->back, notify);
	return notify;
}

bool theirs_back_more(struct theirs *t)
{
	int more;

	RING_FINAL_CHECK_FOR_REQUESTS(&t->back, more);
	return more;
}

bool theirs_front_put(struct theirs *t, const void *request)
{
	if (RING_FULL(&t->front))
		return false;
	memcpy(RING_GET_REQUEST(&t->front, t->front.req_prod_pvt), request,
	       sizeof(blkif_request_t));
	t->front.req_prod_pvt++;
	return true;
}

bool theirs_front_push(struct theirs *t)
{
	int notify;

	RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&t->front, notify);
	return notify;
}

bool theirs_front_take(struct theirs *t, void *response)
{
	RING_IDX prod = t->front.sring->rsp_prod;

	xen_rmb();
	if (t->front.rsp_cons == prod)
		return false;
	memcpy(response, RING_GET_RESPONSE(&t->front, t->front.rsp_cons), sizeof(blkif_response_t));
	t->front.rsp_cons++;
	return true;
}

bool theirs_front_more(struct theirs *t)
{
	int more;

	RING_FINAL_CHECK_FOR_RESPONSES(&t->front, more);
	return more;
}
