/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The front end of @name@: requests go out, answers come back in any order.  The same source runs
 * in the simulator, in a guest's user space and in its kernel.
 */
#ifndef @NAME@_FRONT_H
#define @NAME@_FRONT_H

#include "@name@.h"
#include "front/front.h"

struct @name@_front;

struct @name@_front_ops {
	/* Requests may be sent; they may not any more (open ones are lost). */
	void (*up)(void *ctx);
	void (*down)(void *ctx);
	/* The answer to what was sent with @token.  @NAME@_UNKNOWN: the back end was killed as it
	 * wrote it; send it again, if serving it twice does no harm. */
	void (*answer)(void *ctx, void *token, const struct @name@_response *rsp@payload_params@);
	/* May be NULL: the world's timer. */
	void (*timer)(void *ctx);
};

/* @dir: the device's directory, "device/@name@/0".  0 or -errno. */
int @name@_front_open(struct @name@_front **front, struct mica_io *io, const char *dir,
		      const struct @name@_front_ops *ops, void *ctx);
/* Begin to close; @name@_front_free() when @name@_front_closed(). */
void @name@_front_close(struct @name@_front *front);
bool @name@_front_closed(struct @name@_front *front);
void @name@_front_free(struct @name@_front *front);

/*
 * Send a request@payload_note@; its id@payload_fields_note@ filled in here.
 * -ENOTCONN, -EMSGSIZE, -EBUSY: @NAME@_WINDOW are open.  @name@_front_flush() publishes.
 */
int @name@_front_send(struct @name@_front *front, struct @name@_request *req@payload_args@, void *token);
void @name@_front_flush(struct @name@_front *front);
/* Why it is not connected. */
const char *@name@_front_words(const struct @name@_front *front);

#endif
