/* SPDX-License-Identifier: BSD-2-Clause */
/* The back end of echo: what libmicaback calls, and what it asks of echo_serve.c. */
#ifndef ECHO_BACK_H
#define ECHO_BACK_H

#include "echo.h"
#include "back/back.h"

/* For back_open(). */
extern const struct back_kind echo_back_kind;

/*
 * Serve one request: yours to write, in echo_serve.c.  @req is a private copy; the guest may
 * have put anything into it; after a kill of the back end it may be served again.  @rsp is zero but for its id.  @data holds *bytes of
 * payload; what it and *bytes hold afterwards goes back.
 */
void echo_serve(struct back_device *dev, const struct echo_request *req, uint8_t *data,
		uint32_t *bytes, struct echo_response *rsp);

#endif
