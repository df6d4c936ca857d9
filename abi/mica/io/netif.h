/* SPDX-License-Identifier: MIT */
/*
 * Network device rings, one pair per queue.  On the tx ring the frontend offers frames
 * that hold packets; on the rx ring it offers empty frames the backend fills.  A packet
 * may take several slots (more_data); slots after the first may be extra_info, which
 * occupies a request slot on tx and a response slot on rx.  Offsets and sizes: bytes.
 * A control ring sets receive hashing and long-lived grants.
 */
#ifndef MICA_ABI_IO_NETIF_H
#define MICA_ABI_IO_NETIF_H

#include <mica/types.h>
#include <mica/grant.h>
#include <mica/io/ring.h>

#define XEN_NETIF_NR_SLOTS_MIN		18	/* slots of one packet any backend takes */
#define XEN_NETIF_MAX_TX_SIZE		0xFFFF	/* bytes of one packet */

/* netif_tx_request.flags */
#define NETTXF_csum_blank		(1u << 0)	/* the backend must compute the checksum */
#define NETTXF_data_validated		(1u << 1)	/* the data is known to be intact */
#define NETTXF_more_data		(1u << 2)	/* the next slot belongs to this packet */
#define NETTXF_extra_info		(1u << 3)	/* the next slot is netif_extra_info */

/* Frontend. */
struct netif_tx_request {
	grant_ref_t gref;		/* frame with the data */
	uint16_t offset;
	uint16_t flags;			/* NETTXF_* */
	uint16_t id;			/* echoed in the response */
	uint16_t size;			/* first slot: whole packet; others: this slot */
};
ABI_SIZE(struct netif_tx_request, 12);

/* netif_extra_info.type and flags */
#define XEN_NETIF_EXTRA_TYPE_NONE	0
#define XEN_NETIF_EXTRA_TYPE_GSO	1
#define XEN_NETIF_EXTRA_TYPE_MCAST_ADD	2
#define XEN_NETIF_EXTRA_TYPE_MCAST_DEL	3
#define XEN_NETIF_EXTRA_TYPE_HASH	4
#define XEN_NETIF_EXTRA_TYPE_MAX	5
#define XEN_NETIF_EXTRA_FLAG_MORE	(1u << 0)	/* another one follows */

#define XEN_NETIF_GSO_TYPE_NONE		0
#define XEN_NETIF_GSO_TYPE_TCPV4	1
#define XEN_NETIF_GSO_TYPE_TCPV6	2

struct netif_extra_info {
	uint8_t type;			/* XEN_NETIF_EXTRA_TYPE_* */
	uint8_t flags;			/* XEN_NETIF_EXTRA_FLAG_* */
	union {
		struct {
			uint16_t size;		/* payload of each segment */
			uint8_t type;		/* XEN_NETIF_GSO_TYPE_* */
			uint8_t pad;
			uint16_t features;	/* zero */
		} gso;
		struct {
			uint8_t addr[6];	/* MAC address */
		} mcast;
		struct {
			uint8_t type;		/* bit number XEN_NETIF_CTRL_HASH_TYPE_* */
			uint8_t algorithm;
			uint8_t value[4];	/* little-endian */
		} hash;
		uint16_t pad[3];
	} u;
};
ABI_SIZE(struct netif_extra_info, 8);

/* status of both rings */
#define NETIF_RSP_NULL			1	/* answers an extra_info slot */
#define NETIF_RSP_OKAY			0
#define NETIF_RSP_ERROR			(-1)
#define NETIF_RSP_DROPPED		(-2)

/* Backend. */
struct netif_tx_response {
	uint16_t id;
	int16_t status;			/* NETIF_RSP_* */
};
ABI_SIZE(struct netif_tx_response, 4);

/* Frontend. */
struct netif_rx_request {
	uint16_t id;			/* echoed in the response */
	uint16_t pad;
	grant_ref_t gref;		/* frame to fill */
};
ABI_SIZE(struct netif_rx_request, 8);

/* netif_rx_response.flags */
#define NETRXF_data_validated		(1u << 0)
#define NETRXF_csum_blank		(1u << 1)
#define NETRXF_more_data		(1u << 2)
#define NETRXF_extra_info		(1u << 3)
#define NETRXF_gso_prefix		(1u << 4)

/* Backend. */
struct netif_rx_response {
	uint16_t id;
	uint16_t offset;		/* where the data starts in the frame */
	uint16_t flags;			/* NETRXF_* */
	int16_t status;			/* bytes received, or NETIF_RSP_* < 0 */
};
ABI_SIZE(struct netif_rx_response, 8);

union netif_tx_sring_entry {
	struct netif_tx_request req;
	struct netif_tx_response rsp;
};
ABI_SIZE(union netif_tx_sring_entry, 12);

union netif_rx_sring_entry {
	struct netif_rx_request req;
	struct netif_rx_response rsp;
};
ABI_SIZE(union netif_rx_sring_entry, 8);

#define NETIF_TX_RING_ENTRIES(bytes)	RING_ENTRIES(bytes, 12)
#define NETIF_RX_RING_ENTRIES(bytes)	RING_ENTRIES(bytes, 8)

/* Control ring: type, and what data[] means. */
#define XEN_NETIF_CTRL_TYPE_INVALID			0
#define XEN_NETIF_CTRL_TYPE_GET_HASH_FLAGS		1	/* out: supported types */
#define XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS		2	/* types wanted */
#define XEN_NETIF_CTRL_TYPE_SET_HASH_KEY		3	/* gref, bytes */
#define XEN_NETIF_CTRL_TYPE_GET_HASH_MAPPING_SIZE	4	/* out: most entries */
#define XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE	5	/* entries */
#define XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING		6	/* gref, entries, first */
#define XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM		7	/* algorithm */
#define XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE	8	/* queue; out: most entries */
#define XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING		9	/* queue, gref, entries */
#define XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING		10	/* queue, gref, entries */

/* What is hashed: bits in requests, their numbers in netif_extra_info.hash.type */
#define _XEN_NETIF_CTRL_HASH_TYPE_IPV4			0
#define _XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP		1
#define _XEN_NETIF_CTRL_HASH_TYPE_IPV6			2
#define _XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP		3
#define XEN_NETIF_CTRL_HASH_TYPE_IPV4			(1 << _XEN_NETIF_CTRL_HASH_TYPE_IPV4)
#define XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP		(1 << _XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP)
#define XEN_NETIF_CTRL_HASH_TYPE_IPV6			(1 << _XEN_NETIF_CTRL_HASH_TYPE_IPV6)
#define XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP		(1 << _XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP)

#define XEN_NETIF_CTRL_HASH_ALGORITHM_NONE		0
#define XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ		1

struct xen_netif_ctrl_request {
	uint16_t id;			/* echoed in the response */
	uint16_t type;			/* XEN_NETIF_CTRL_TYPE_* */
	uint32_t data[3];
};
ABI_SIZE(struct xen_netif_ctrl_request, 16);

#define XEN_NETIF_CTRL_STATUS_SUCCESS			0
#define XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED		1
#define XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER		2
#define XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW		3

struct xen_netif_ctrl_response {
	uint16_t id;
	uint16_t type;
	uint32_t status;		/* XEN_NETIF_CTRL_STATUS_* */
	uint32_t data;
};
ABI_SIZE(struct xen_netif_ctrl_response, 12);

union xen_netif_ctrl_sring_entry {
	struct xen_netif_ctrl_request req;
	struct xen_netif_ctrl_response rsp;
};
ABI_SIZE(union xen_netif_ctrl_sring_entry, 16);

#define NETIF_CTRL_RING_ENTRIES(bytes)	RING_ENTRIES(bytes, 16)

#define XEN_NETIF_CTRLF_GREF_readonly	(1u << 0)

/* An entry of the list that ADD and DEL_GREF_MAPPING point to. */
struct xen_netif_gref {
	grant_ref_t ref;
	uint16_t flags;			/* XEN_NETIF_CTRLF_GREF_* */
	uint16_t status;		/* backend: XEN_NETIF_CTRL_STATUS_* */
};
ABI_SIZE(struct xen_netif_gref, 8);

#endif /* MICA_ABI_IO_NETIF_H */
