/* SPDX-License-Identifier: MIT */
/*
 * Grant tables: how a domain lets another use its frames.
 *
 * The granting domain writes an entry (flags last) and hands out its index, the
 * reference.  The other domain maps or copies by reference through
 * grant_table_op(cmd, list, count).  While it uses the frame the hypervisor keeps
 * GTF_reading and GTF_writing set in the entry; the granter may only take the entry
 * back while both are clear.  Each list element carries its own status (GNTST_*);
 * the call itself fails only for a bad pointer or count.
 */
#ifndef MICA_ABI_GRANT_H
#define MICA_ABI_GRANT_H

#include <mica/types.h>

typedef uint32_t grant_ref_t;		/* index of an entry */
typedef uint32_t grant_handle_t;	/* names one mapping, for unmap */
typedef uint16_t grant_status_t;	/* v2: GTF_reading/GTF_writing of one entry */

/* Entries 0-7 keep their contents when the version changes; two have a use. */
#define GNTTAB_NR_RESERVED_ENTRIES	8
#define GNTTAB_RESERVED_CONSOLE		0
#define GNTTAB_RESERVED_XENSTORE	1

/* Entry flags: what kind. */
#define GTF_invalid			0u
#define GTF_permit_access		1u	/* domid may map or copy the frame */
#define GTF_accept_transfer		2u	/* domid may give us a frame; not offered */
#define GTF_transitive			3u	/* v2: passes on a grant we hold */
#define GTF_type_mask			3u
/* For permit_access; (H): set and cleared by the hypervisor. */
#define GTF_readonly			(1u << 2)
#define GTF_reading			(1u << 3)	/* (H) somebody can read it */
#define GTF_writing			(1u << 4)	/* (H) somebody can write it */
#define GTF_PWT				(1u << 5)	/* cache attributes of the mapping */
#define GTF_PCD				(1u << 6)
#define GTF_PAT				(1u << 7)
#define GTF_sub_page			(1u << 8)	/* v2: only a part, by copy */
/* For accept_transfer. */
#define GTF_transfer_committed		(1u << 2)	/* (H) */
#define GTF_transfer_completed		(1u << 3)	/* (H) */

struct grant_entry_v1 {
	uint16_t flags;			/* GTF_*; write it last */
	domid_t domid;			/* to whom */
	uint32_t frame;			/* gmfn */
};
ABI_SIZE(struct grant_entry_v1, 8);

struct grant_entry_header {
	uint16_t flags;			/* GTF_*, without reading and writing */
	domid_t domid;
};
ABI_SIZE(struct grant_entry_header, 4);

/* Version 2: wide frame numbers; reading and writing live in separate status frames. */
union grant_entry_v2 {
	struct grant_entry_header hdr;
	struct {
		struct grant_entry_header hdr;
		uint32_t pad0;
		uint64_t frame;		/* gmfn */
	} full_page;
	struct {
		struct grant_entry_header hdr;
		uint16_t page_off;	/* bytes */
		uint16_t length;	/* bytes */
		uint64_t frame;		/* gmfn */
	} sub_page;
	struct {
		struct grant_entry_header hdr;
		domid_t trans_domid;	/* whose grant we pass on */
		uint16_t pad0;
		grant_ref_t gref;	/* its reference */
	} transitive;
	uint32_t _spacer[4];
};
ABI_SIZE(union grant_entry_v2, 16);

#define GNTTABOP_map_grant_ref		0
#define GNTTABOP_unmap_grant_ref	1
#define GNTTABOP_setup_table		2
#define GNTTABOP_dump_table		3
#define GNTTABOP_transfer		4
#define GNTTABOP_copy			5
#define GNTTABOP_query_size		6
#define GNTTABOP_unmap_and_replace	7
#define GNTTABOP_set_version		8
#define GNTTABOP_get_status_frames	9
#define GNTTABOP_get_version		10
#define GNTTABOP_swap_grant_ref		11
#define GNTTABOP_cache_flush		12

/* status fields */
#define GNTST_okay			0
#define GNTST_general_error		(-1)
#define GNTST_bad_domain		(-2)
#define GNTST_bad_gntref		(-3)
#define GNTST_bad_handle		(-4)
#define GNTST_bad_virt_addr		(-5)
#define GNTST_bad_dev_addr		(-6)
#define GNTST_no_device_space		(-7)
#define GNTST_permission_denied		(-8)
#define GNTST_bad_page			(-9)
#define GNTST_bad_copy_arg		(-10)	/* crosses a page */
#define GNTST_address_too_big		(-11)
#define GNTST_eagain			(-12)	/* not now: try again */
#define GNTST_no_space			(-13)	/* out of handles */

/* gnttab_map_grant_ref.flags; bits 16-31 go to the PTE's available bits. */
#define GNTMAP_device_map		(1 << 0)	/* for devices: fill dev_bus_addr */
#define GNTMAP_host_map			(1 << 1)	/* for the CPU, at host_addr */
#define GNTMAP_readonly			(1 << 2)
#define GNTMAP_application_map		(1 << 3)	/* user mode may use it too */
#define GNTMAP_contains_pte		(1 << 4)	/* host_addr is where the PTE lies */
#define GNTMAP_guest_avail0		16
#define GNTMAP_guest_avail_mask		((uint32_t)~0 << GNTMAP_guest_avail0)

struct gnttab_map_grant_ref {
	uint64_t host_addr;		/* in: virtual address, or machine address of a PTE */
	uint32_t flags;			/* in: GNTMAP_* */
	grant_ref_t ref;		/* in */
	domid_t dom;			/* in: who granted */
	int16_t status;			/* out: GNTST_* */
	grant_handle_t handle;		/* out */
	uint64_t dev_bus_addr;		/* out: machine address of the frame, always */
};
ABI_SIZE(struct gnttab_map_grant_ref, 32);

struct gnttab_unmap_grant_ref {
	uint64_t host_addr;		/* in: as mapped; 0: leave the CPU mapping */
	uint64_t dev_bus_addr;		/* in: as returned; 0: leave the device mapping */
	grant_handle_t handle;		/* in */
	int16_t status;			/* out: GNTST_* */
	uint16_t _pad;
};
ABI_SIZE(struct gnttab_unmap_grant_ref, 24);

/* Grow our (or a built domain's) table and learn where its frames are. */
struct gnttab_setup_table {
	domid_t dom;			/* in */
	uint16_t _pad0;
	uint32_t nr_frames;		/* in: frames the table shall have at least */
	int16_t status;			/* out: GNTST_* */
	uint16_t _pad1[3];
	uint64_t frame_list;		/* guest pointer to u64, out: mfns */
};
ABI_SIZE(struct gnttab_setup_table, 24);

struct gnttab_dump_table {
	domid_t dom;			/* in */
	int16_t status;			/* out */
};
ABI_SIZE(struct gnttab_dump_table, 4);

struct gnttab_transfer {
	xen_pfn_t mfn;			/* in: frame to give away */
	domid_t domid;			/* in: to whom */
	uint16_t _pad0;
	grant_ref_t ref;		/* in: its accept_transfer entry */
	int16_t status;			/* out */
	uint16_t _pad1[3];
};
ABI_SIZE(struct gnttab_transfer, 24);

/* gnttab_copy.flags: which ends are references; the others are gmfns of the caller. */
#define GNTCOPY_source_gref		(1 << 0)
#define GNTCOPY_dest_gref		(1 << 1)

struct gnttab_copy_ptr {
	union {
		grant_ref_t ref;
		xen_pfn_t gmfn;
	} u;
	domid_t domid;			/* who granted, or DOMID_SELF */
	uint16_t offset;		/* bytes into the frame */
	uint32_t _pad;
};
ABI_SIZE(struct gnttab_copy_ptr, 16);

struct gnttab_copy {
	struct gnttab_copy_ptr source;	/* in */
	struct gnttab_copy_ptr dest;	/* in */
	uint16_t len;			/* in: bytes; neither end may cross its page */
	uint16_t flags;			/* in: GNTCOPY_* */
	int16_t status;			/* out */
	uint16_t _pad;
};
ABI_SIZE(struct gnttab_copy, 40);

struct gnttab_query_size {
	domid_t dom;			/* in */
	uint16_t _pad0;
	uint32_t nr_frames;		/* out: now */
	uint32_t max_nr_frames;		/* out: at most */
	int16_t status;			/* out */
	uint16_t _pad1;
};
ABI_SIZE(struct gnttab_query_size, 16);

/* Unmap host_addr and put new_addr's mapping there instead. */
struct gnttab_unmap_and_replace {
	uint64_t host_addr;		/* in: virtual address */
	uint64_t new_addr;		/* in: virtual address */
	grant_handle_t handle;		/* in */
	int16_t status;			/* out */
	uint16_t _pad;
};
ABI_SIZE(struct gnttab_unmap_and_replace, 24);

struct gnttab_set_version {
	uint32_t version;		/* in: wanted, 1 or 2; out: in force */
};
ABI_SIZE(struct gnttab_set_version, 4);

struct gnttab_get_status_frames {
	uint32_t nr_frames;		/* in */
	domid_t dom;			/* in */
	int16_t status;			/* out */
	uint64_t frame_list;		/* guest pointer to u64, out: mfns */
};
ABI_SIZE(struct gnttab_get_status_frames, 16);

struct gnttab_get_version {
	domid_t dom;			/* in */
	uint16_t pad;
	uint32_t version;		/* out */
};
ABI_SIZE(struct gnttab_get_version, 8);

struct gnttab_swap_grant_ref {
	grant_ref_t ref_a;		/* in */
	grant_ref_t ref_b;		/* in */
	int16_t status;			/* out */
	uint16_t _pad;
};
ABI_SIZE(struct gnttab_swap_grant_ref, 12);

/* gnttab_cache_flush.op */
#define GNTTAB_CACHE_CLEAN		(1u << 0)
#define GNTTAB_CACHE_INVAL		(1u << 1)
#define GNTTAB_CACHE_SOURCE_GREF	(1u << 31)	/* a.ref, not an address */

struct gnttab_cache_flush {
	union {
		uint64_t dev_bus_addr;	/* machine address */
		grant_ref_t ref;
	} a;
	uint16_t offset;		/* bytes */
	uint16_t length;		/* bytes */
	uint32_t op;			/* GNTTAB_CACHE_* */
};
ABI_SIZE(struct gnttab_cache_flush, 16);

#endif /* MICA_ABI_GRANT_H */
