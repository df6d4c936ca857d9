/* SPDX-License-Identifier: MIT */
/*
 * memory_op(cmd, arg): which frames a domain owns, what the machine looks like, and
 * where the m2p is.  arg is a guest pointer to the structure named with the command.
 *
 * Bits 0-5 of cmd are the operation; the hypervisor keeps the index to go on from in
 * the bits above when it lets the guest run in the middle of a long call.  The three
 * reservation calls return the number of extents done, never an error.
 */
#ifndef MICA_ABI_MEMORY_H
#define MICA_ABI_MEMORY_H

#include <mica/types.h>
#include <mica/physdev.h>

#define MEMOP_EXTENT_SHIFT		6	/* bits of cmd above the operation */
#define MEMOP_CMD_MASK			((1 << MEMOP_EXTENT_SHIFT) - 1)

#define XENMEM_increase_reservation	0	/* struct xen_memory_reservation */
#define XENMEM_decrease_reservation	1	/* struct xen_memory_reservation */
#define XENMEM_maximum_ram_page		2	/* no arg; returns the highest mfn + 1 */
#define XENMEM_current_reservation	3	/* struct xen_memory_domain; returns frames owned */
#define XENMEM_maximum_reservation	4	/* struct xen_memory_domain; returns the limit */
#define XENMEM_machphys_mfn_list	5	/* struct xen_machphys_mfn_list */
#define XENMEM_populate_physmap		6	/* struct xen_memory_reservation */
#define XENMEM_add_to_physmap		7	/* struct xen_add_to_physmap; not for PV */
#define XENMEM_memory_map		9	/* struct xen_memory_map: as the toolstack set it */
#define XENMEM_machine_memory_map	10	/* struct xen_memory_map: the machine's; dom0 */
#define XENMEM_exchange			11	/* struct xen_memory_exchange */
#define XENMEM_machphys_mapping		12	/* struct xen_machphys_mapping */
#define XENMEM_set_memory_map		13	/* struct xen_foreign_memory_map */
#define XENMEM_maximum_gpfn		14	/* struct xen_memory_domain; returns highest pfn */
#define XENMEM_remove_from_physmap	15	/* struct xen_remove_from_physmap; not for PV */
#define XENMEM_set_pod_target		16	/* struct xen_pod_target; not for PV */
#define XENMEM_get_pod_target		17	/* struct xen_pod_target; not for PV */
#define XENMEM_get_sharing_freed_pages	18	/* no arg; we share no frames: 0 */
#define XENMEM_get_sharing_shared_pages	19	/* no arg; 0 */
#define XENMEM_paging_op		20	/* not offered */
#define XENMEM_access_op		21	/* not offered */
#define XENMEM_sharing_op		22	/* not offered */
#define XENMEM_add_to_physmap_batch	23	/* struct xen_add_to_physmap_batch; not for PV */
#define XENMEM_claim_pages		24	/* struct xen_memory_reservation */
#define XENMEM_machphys_compat_mfn_list	25	/* struct xen_machphys_mfn_list; 32-bit guests */
#define XENMEM_get_vnumainfo		26	/* struct xen_vnuma_topology_info */
#define XENMEM_reserved_device_memory_map 27	/* struct xen_reserved_device_memory_map */
#define XENMEM_acquire_resource		28	/* struct xen_mem_acquire_resource */

/* xen_memory_reservation.mem_flags */
#define XENMEMF_address_bits(x)		(x)	/* bits 0-7: highest machine address bit; 0 any */
#define XENMEMF_get_address_bits(x)	((x) & 0xffu)
#define XENMEMF_node(x)			(((x) + 1) << 8)	/* bits 8-15: NUMA node */
#define XENMEMF_get_node(x)		((((x) >> 8) - 1) & 0xffu)
#define XENMEMF_populate_on_demand	(1 << 16)
#define XENMEMF_exact_node_request	(1 << 17)	/* that node or nothing */
#define XENMEMF_exact_node(n)		(XENMEMF_node(n) | XENMEMF_exact_node_request)
#define XENMEMF_vnode			(1 << 18)	/* the node is the guest's virtual one */

struct xen_memory_reservation {
	uint64_t extent_start;		/* guest pointer to nr_extents u64 frame numbers:
					 *   increase: out mfn; decrease: in gmfn;
					 *   populate: in pfn, out mfn; claim: 0 */
	uint64_t nr_extents;
	uint32_t extent_order;		/* an extent is 2^order frames, aligned to its size */
	uint32_t mem_flags;		/* XENMEMF_* */
	domid_t domid;			/* whose memory; others than DOMID_SELF: privileged */
	uint16_t _pad[3];
};
ABI_SIZE(struct xen_memory_reservation, 32);

/* Give back `in`, receive `out`: as many frames, but contiguous or low in memory. */
struct xen_memory_exchange {
	struct xen_memory_reservation in;	/* gmfns to give up */
	struct xen_memory_reservation out;	/* in pfns to fill, out mfns received */
	uint64_t nr_exchanged;			/* guest: 0; hypervisor: extents of `in` done */
};
ABI_SIZE(struct xen_memory_exchange, 72);

struct xen_memory_domain {
	domid_t domid;
};
ABI_SIZE(struct xen_memory_domain, 2);

/* The mfn of each 2 MiB piece of the m2p. */
struct xen_machphys_mfn_list {
	uint32_t max_extents;		/* in: room in the list */
	uint32_t _pad0;
	uint64_t extent_start;		/* guest pointer to u64 mfns; a hole repeats the last */
	uint32_t nr_extents;		/* out: entries stored */
	uint32_t _pad1;
};
ABI_SIZE(struct xen_machphys_mfn_list, 24);

struct xen_machphys_mapping {
	uint64_t v_start, v_end;	/* out: virtual addresses of the m2p */
	uint64_t max_mfn;		/* out: last mfn that can be looked up */
};
ABI_SIZE(struct xen_machphys_mapping, 24);

/* xen_add_to_physmap.space */
#define XENMAPSPACE_shared_info		0
#define XENMAPSPACE_grant_table		1
#define XENMAPSPACE_gmfn		2
#define XENMAPSPACE_gmfn_range		3
#define XENMAPSPACE_gmfn_foreign	4
#define XENMAPSPACE_dev_mmio		5
#define XENMAPIDX_grant_table_status	0x80000000	/* in idx: the v2 status frames */

struct xen_add_to_physmap {
	domid_t domid;
	uint16_t size;			/* frames, for gmfn_range */
	uint32_t space;			/* XENMAPSPACE_* */
	uint64_t idx;			/* which frame of that space */
	xen_pfn_t gpfn;			/* where to put it */
};
ABI_SIZE(struct xen_add_to_physmap, 24);

struct xen_add_to_physmap_batch {
	domid_t domid;
	uint16_t space;			/* XENMAPSPACE_* */
	uint16_t size;			/* entries in the lists */
	union {
		domid_t foreign_domid;	/* for gmfn_foreign */
		uint16_t res0;		/* zero otherwise */
	} u;
	uint64_t idxs;			/* guest pointer to u64 */
	uint64_t gpfns;			/* guest pointer to u64 */
	uint64_t errs;			/* guest pointer to s32, out: one result each */
};
ABI_SIZE(struct xen_add_to_physmap_batch, 32);

struct xen_remove_from_physmap {
	domid_t domid;
	uint16_t _pad[3];
	xen_pfn_t gpfn;
};
ABI_SIZE(struct xen_remove_from_physmap, 16);

/* One line of a memory map, 20 bytes without padding, as BIOS E820 gives it. */
struct e820entry {
	uint64_t addr;			/* first byte, physical */
	uint64_t size;			/* bytes */
	uint32_t type;			/* E820_* */
} __attribute__((__packed__));
ABI_SIZE(struct e820entry, 20);

#define E820_RAM		1
#define E820_RESERVED		2
#define E820_ACPI		3	/* tables, RAM once they have been read */
#define E820_NVS		4	/* firmware's, to be kept */
#define E820_UNUSABLE		5	/* broken */

struct xen_memory_map {
	uint32_t nr_entries;		/* in: room; out: entries stored */
	uint32_t _pad;
	uint64_t buffer;		/* guest pointer to struct e820entry; 0: only count */
};
ABI_SIZE(struct xen_memory_map, 16);

struct xen_foreign_memory_map {
	domid_t domid;
	uint16_t _pad[3];
	struct xen_memory_map map;
};
ABI_SIZE(struct xen_foreign_memory_map, 24);

struct xen_pod_target {
	uint64_t target_pages;		/* in */
	uint64_t tot_pages;		/* out */
	uint64_t pod_cache_pages;	/* out */
	uint64_t pod_entries;		/* out */
	domid_t domid;			/* in */
	uint16_t _pad[3];
};
ABI_SIZE(struct xen_pod_target, 40);

struct xen_reserved_device_memory {
	xen_pfn_t start_pfn;
	uint64_t nr_pages;
};
ABI_SIZE(struct xen_reserved_device_memory, 16);

#define XENMEM_RDM_ALL		1	/* every region, whatever the device */

struct xen_reserved_device_memory_map {
	uint32_t flags;			/* in: XENMEM_RDM_* */
	uint32_t nr_entries;		/* in: room; out: needed */
	uint64_t buffer;		/* guest pointer to xen_reserved_device_memory */
	union {
		struct physdev_pci_device pci;
	} dev;				/* in: which device */
	uint32_t _pad;
};
ABI_SIZE(struct xen_reserved_device_memory_map, 24);

/* xen_mem_acquire_resource.type, and .id where it is not 0. */
#define XENMEM_resource_ioreq_server		0
#define XENMEM_resource_grant_table		1
#define XENMEM_resource_vmtrace_buf		2
#define XENMEM_resource_grant_table_id_shared	0
#define XENMEM_resource_grant_table_id_status	1
#define XENMEM_resource_ioreq_server_frame_bufioreq	0
#define XENMEM_resource_ioreq_server_frame_ioreq(n)	(1 + (n))

/* Frames that belong to a domain's workings (its grant table), for the toolstack to map. */
struct xen_mem_acquire_resource {
	domid_t domid;			/* in: whose */
	uint16_t type;			/* in: XENMEM_resource_* */
	uint32_t id;			/* in: depends on type */
	uint32_t nr_frames;		/* in: wanted; out with a null list: size */
	uint32_t pad;			/* zero */
	uint64_t frame;			/* in: index of the first one */
	uint64_t frame_list;		/* guest pointer to u64, out: mfns for a PV caller */
};
ABI_SIZE(struct xen_mem_acquire_resource, 32);

struct xen_vmemrange {
	uint64_t start, end;		/* bytes, physical; end is exclusive */
	uint32_t flags;			/* zero */
	uint32_t nid;			/* virtual node */
};
ABI_SIZE(struct xen_vmemrange, 24);

/* The caller's virtual NUMA layout; counts are in: room, out: entries. */
struct xen_vnuma_topology_info {
	domid_t domid;
	uint16_t pad;
	uint32_t nr_vnodes;
	uint32_t nr_vcpus;
	uint32_t nr_vmemranges;
	uint64_t vdistance;		/* guest pointer to u32, nr_vnodes squared */
	uint64_t vcpu_to_vnode;		/* guest pointer to u32, one per vCPU */
	uint64_t vmemrange;		/* guest pointer to struct xen_vmemrange */
};
ABI_SIZE(struct xen_vnuma_topology_info, 40);

#endif /* MICA_ABI_MEMORY_H */
