/* SPDX-License-Identifier: BSD-2-Clause */
/* The back end of @name@: what libmicaback calls, and what it asks of @name@_serve.c. */
#ifndef @NAME@_BACK_H
#define @NAME@_BACK_H

#include "@name@.h"
#include "back/back.h"

/* For back_open(). */
extern const struct back_kind @name@_back_kind;

/*
 * Serve one request: yours to write, in @name@_serve.c.  @req is a private copy; the guest may
 * have put anything into it; after a kill of the back end it may be served again.  @rsp is zero but for its id.@serve_note@
 */
void @name@_serve(struct back_device *dev, const struct @name@_request *req@serve_params@);

#endif
