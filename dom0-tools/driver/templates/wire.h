/* SPDX-License-Identifier: MIT */
/*
 * @name@: @summary@.
 * What the two ends of the device say to each other.  Made from @name@.json by `mica driver new`.
 */
#ifndef MICA_IO_@NAME@_H
#define MICA_IO_@NAME@_H

#include <mica/types.h>
#include <mica/grant.h>
#include <mica/ring.h>

#define @NAME@_VERSION		@version@
#define @NAME@_RING_PAGES	@pages@
#define @NAME@_WINDOW		@window@	/* requests a front end keeps open */
@if payload@
#define @NAME@_PAYLOAD_MAX	@payload_max@	/* bytes in the granted page of a request */
@end@

/* status, besides the protocol's own */
#define @NAME@_BAD_PAYLOAD	(-1000)	/* too long, or its page cannot be copied */
#define @NAME@_UNKNOWN	(-1001)	/* the back end was killed while it wrote the answer; it was served */

/*
 * An answer takes the place of its request on the ring.  Its first word, written first, is the
 * request's id with this bit, and its last one, written last, is the complement of that.  So a new
 * back end tells a request from an answer, and from one that was not finished.
 */
#define @NAME@_ANSWER		(1ull << 63)

@constants@/* Front end to back end. */
struct @name@_request {
	uint64_t id;			/* echoed in the response */
@request@};
ABI_SIZE(struct @name@_request, @request_bytes@);

/* Back end to front end. */
struct @name@_response {
	uint64_t id;			/* of the request, with @NAME@_ANSWER */
@response@	uint64_t seal;			/* ~id: the answer is whole */
};
ABI_SIZE(struct @name@_response, @response_bytes@);

/* What a back end may find in a slot. */
union @name@_message {
	struct @name@_request req;
	struct @name@_response rsp;
};

MICA_RING(@name@_ring, union @name@_message, struct @name@_response)

#endif /* MICA_IO_@NAME@_H */
