/* SPDX-License-Identifier: MIT */
/*
 * echo: bytes go to the control domain and come back.
 * What the two ends of the device say to each other.  Made from echo.json by `mica driver new`.
 */
#ifndef MICA_IO_ECHO_H
#define MICA_IO_ECHO_H

#include <mica/types.h>
#include <mica/grant.h>
#include <mica/ring.h>

#define ECHO_VERSION		1
#define ECHO_RING_PAGES	1
#define ECHO_WINDOW		16	/* requests a front end keeps open */
#define ECHO_PAYLOAD_MAX	4096	/* bytes in the granted page of a request */

/* status, besides the protocol's own */
#define ECHO_BAD_PAYLOAD	(-1000)	/* too long, or its page cannot be copied */
#define ECHO_UNKNOWN	(-1001)	/* the back end was killed while it wrote the answer; it was served */

/*
 * An answer takes the place of its request on the ring.  Its first word, written first, is the
 * request's id with this bit, and its last one, written last, is the complement of that.  So a new
 * back end tells a request from an answer, and from one that was not finished.
 */
#define ECHO_ANSWER		(1ull << 63)

#define ECHO_OK	0

/* Front end to back end. */
struct echo_request {
	uint64_t id;			/* echoed in the response */
	uint16_t bytes;			/* of payload */
	uint8_t _pad0[2];
	grant_ref_t gref;		/* page with the payload */
};
ABI_SIZE(struct echo_request, 16);

/* Back end to front end. */
struct echo_response {
	uint64_t id;			/* of the request, with ECHO_ANSWER */
	int16_t status;			/* ECHO_* */
	uint16_t bytes;			/* of payload that came back */
	uint8_t _pad0[4];
	uint64_t seal;			/* ~id: the answer is whole */
};
ABI_SIZE(struct echo_response, 24);

/* What a back end may find in a slot. */
union echo_message {
	struct echo_request req;
	struct echo_response rsp;
};

MICA_RING(echo_ring, union echo_message, struct echo_response)

#endif /* MICA_IO_ECHO_H */
