/* SPDX-License-Identifier: MIT */
/*
 * The store's wire protocol, spoken over a shared page by guests and over sockets by
 * dom0's processes: a header and up to 4096 bytes, both ways.  Replies echo type, req_id
 * and tx_id; a failure comes back as XS_ERROR with the error's name as payload; watches
 * arrive unasked as XS_WATCH_EVENT.  Strings are NUL terminated where several follow.
 *
 * On the page, indexes run freely and byte i is at i & (XENSTORE_RING_SIZE - 1).  The
 * guest writes req_prod and rsp_cons, the daemon req_cons and rsp_prod.
 */
#ifndef MICA_ABI_IO_XENSTORE_H
#define MICA_ABI_IO_XENSTORE_H

#include <mica/types.h>

/* xsd_sockmsg.type */
#define XS_CONTROL		0
#define XS_DEBUG		XS_CONTROL
#define XS_DIRECTORY		1
#define XS_READ			2
#define XS_GET_PERMS		3
#define XS_WATCH		4
#define XS_UNWATCH		5
#define XS_TRANSACTION_START	6
#define XS_TRANSACTION_END	7
#define XS_INTRODUCE		8
#define XS_RELEASE		9
#define XS_GET_DOMAIN_PATH	10
#define XS_WRITE		11
#define XS_MKDIR		12
#define XS_RM			13
#define XS_SET_PERMS		14
#define XS_WATCH_EVENT		15
#define XS_ERROR		16
#define XS_IS_DOMAIN_INTRODUCED	17
#define XS_RESUME		18
#define XS_SET_TARGET		19
#define XS_RESET_WATCHES	21
#define XS_DIRECTORY_PART	22
#define XS_TYPE_COUNT		23
#define XS_INVALID		0xffff

struct xsd_sockmsg {
	uint32_t type;			/* XS_* */
	uint32_t req_id;		/* echoed */
	uint32_t tx_id;			/* transaction, 0: none */
	uint32_t len;			/* bytes that follow */
};
ABI_SIZE(struct xsd_sockmsg, 16);

/* Payload of XS_WATCH_EVENT: two strings. */
#define XS_WATCH_PATH		0
#define XS_WATCH_TOKEN		1

#define XENSTORE_PAYLOAD_MAX	4096	/* more ends the connection */
#define XENSTORE_ABS_PATH_MAX	3072
#define XENSTORE_REL_PATH_MAX	2048
#define XENSTORE_RING_SIZE	1024

#define MASK_XENSTORE_IDX(idx)	((idx) & (XENSTORE_RING_SIZE - 1))

typedef uint32_t XENSTORE_RING_IDX;

/* server_features */
#define XENSTORE_SERVER_FEATURE_RECONNECTION	1	/* the guest may ask for a fresh start */
#define XENSTORE_SERVER_FEATURE_ERROR		2	/* the daemon fills in error */

/* connection */
#define XENSTORE_CONNECTED	0
#define XENSTORE_RECONNECT	1	/* guest asks; daemon clears when done */

/* error */
#define XENSTORE_ERROR_NONE	0
#define XENSTORE_ERROR_COMM	1
#define XENSTORE_ERROR_RINGIDX	2
#define XENSTORE_ERROR_PROTO	3

struct xenstore_domain_interface {
	char req[XENSTORE_RING_SIZE];	/* guest to daemon */
	char rsp[XENSTORE_RING_SIZE];	/* daemon to guest */
	XENSTORE_RING_IDX req_cons, req_prod;
	XENSTORE_RING_IDX rsp_cons, rsp_prod;
	uint32_t server_features;	/* daemon: XENSTORE_SERVER_FEATURE_* */
	uint32_t connection;
	uint32_t error;			/* daemon: why it stopped talking */
};
ABI_SIZE(struct xenstore_domain_interface, 2076);

#endif /* MICA_ABI_IO_XENSTORE_H */
