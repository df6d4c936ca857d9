/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The front end of echo: requests go out, answers come back in any order.  The same source runs
 * in the simulator, in a guest's user space and in its kernel.
 */
#ifndef ECHO_FRONT_H
#define ECHO_FRONT_H

#include "echo.h"
#include "front/front.h"

struct echo_front;

struct echo_front_ops {
	/* Requests may be sent; they may not any more (open ones are lost). */
	void (*up)(void *ctx);
	void (*down)(void *ctx);
	/* The answer to what was sent with @token.  ECHO_UNKNOWN: the back end was killed as it
	 * wrote it; send it again, if serving it twice does no harm. */
	void (*answer)(void *ctx, void *token, const struct echo_response *rsp,
		       const void *data, uint32_t bytes);
	/* May be NULL: the world's timer. */
	void (*timer)(void *ctx);
};

/* @dir: the device's directory, "device/echo/0".  0 or -errno. */
int echo_front_open(struct echo_front **front, struct mica_io *io, const char *dir,
		      const struct echo_front_ops *ops, void *ctx);
/* Begin to close; echo_front_free() when echo_front_closed(). */
void echo_front_close(struct echo_front *front);
bool echo_front_closed(struct echo_front *front);
void echo_front_free(struct echo_front *front);

/*
 * Send a request with @bytes at @data as its payload; its id, gref and bytes are filled in here.
 * -ENOTCONN, -EMSGSIZE, -EBUSY: ECHO_WINDOW are open.  echo_front_flush() publishes.
 */
int echo_front_send(struct echo_front *front, struct echo_request *req, const void *data,
		      uint32_t bytes, void *token);
void echo_front_flush(struct echo_front *front);
/* Why it is not connected. */
const char *echo_front_words(const struct echo_front *front);

#endif
