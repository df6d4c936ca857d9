/* SPDX-License-Identifier: MIT */
/*
 * The page shared between a domain and the hypervisor: which events are pending, what
 * time it is, and where the guest keeps its p2m.
 *
 * Both sides write it at any moment, so every word has one rule:
 *   pending bits, upcall flag   set by the hypervisor, cleared by the guest, atomically
 *   mask bits, upcall mask      written by the guest (the mask also by upcall entry/iret)
 *   times                       written by the hypervisor under a version number that is
 *                               odd while a write is in progress: read, and read again
 *                               if the version was odd or changed
 *   arch                        written by the guest, read by save/migrate tools
 * Path of an event: pending bit 0->1 and not masked -> selector bit of the bound vCPU
 * -> evtchn_upcall_pending -> upcall if evtchn_upcall_mask is 0.
 */
#ifndef MICA_ABI_SHARED_INFO_H
#define MICA_ABI_SHARED_INFO_H

#include <mica/types.h>

#define XEN_LEGACY_MAX_VCPUS		32	/* vCPUs whose vcpu_info starts in this page */
#define EVTCHN_2L_NR_CHANNELS		4096	/* ports of the two-level bitmaps */

/* vcpu_time_info.flags */
#define XEN_PVCLOCK_TSC_STABLE_BIT	(1 << 0)	/* same on every vCPU, never steps back */
#define XEN_PVCLOCK_GUEST_STOPPED	(1 << 1)	/* the guest was frozen meanwhile */

#ifndef __ASSEMBLER__

/*
 * System time at TSC value t:  system_time + ((t - tsc_timestamp) * 2^tsc_shift
 * * tsc_to_system_mul / 2^32), a negative shift meaning a right shift.
 */
struct vcpu_time_info {
	uint32_t version;		/* odd: being written */
	uint32_t pad0;
	uint64_t tsc_timestamp;		/* TSC when system_time was taken */
	uint64_t system_time;		/* ns since the hypervisor started */
	uint32_t tsc_to_system_mul;	/* 32-bit fraction: ns per shifted tick */
	int8_t tsc_shift;		/* -31..31 */
	uint8_t flags;			/* XEN_PVCLOCK_* */
	uint8_t pad1[2];
};
ABI_SIZE(struct vcpu_time_info, 32);

struct arch_vcpu_info {
	uint64_t cr2;			/* hypervisor: address of the last page fault */
	uint64_t pad;
};
ABI_SIZE(struct arch_vcpu_info, 16);

struct vcpu_info {
	uint8_t evtchn_upcall_pending;	/* hypervisor sets, guest clears: look at the selector */
	uint8_t evtchn_upcall_mask;	/* non-zero: no upcall now */
	uint8_t _pad[6];
	uint64_t evtchn_pending_sel;	/* bit w: word w of the pending bitmap has news */
	struct arch_vcpu_info arch;
	struct vcpu_time_info time;
};
ABI_SIZE(struct vcpu_info, 64);

struct arch_shared_info {
	uint64_t max_pfn;			/* entries of the p2m */
	xen_pfn_t pfn_to_mfn_frame_list_list;	/* top mfn of the 3-level p2m; 0 not yet, ~0 none */
	uint64_t nmi_reason;			/* hypervisor: XEN_NMIREASON_* */
	uint64_t p2m_cr3;			/* root for p2m_vaddr, as ctrlreg[3]; 0: not set */
	uint64_t p2m_vaddr;			/* virtual address of the linear p2m */
	uint64_t p2m_generation;		/* odd while the guest rearranges the p2m */
};
ABI_SIZE(struct arch_shared_info, 48);

struct shared_info {
	struct vcpu_info vcpu_info[XEN_LEGACY_MAX_VCPUS];
	uint64_t evtchn_pending[64];	/* bit p%64 of word p/64: port p has an event */
	uint64_t evtchn_mask[64];	/* same shape: do not tell me */
	uint32_t wc_version;		/* odd: wc_* being written */
	uint32_t wc_sec;		/* wall clock at system time 0: Unix seconds, low 32 bits */
	uint32_t wc_nsec;		/* and nanoseconds */
	uint32_t wc_sec_hi;		/* high 32 bits of wc_sec */
	struct arch_shared_info arch;
};
ABI_SIZE(struct shared_info, 3136);

#endif /* __ASSEMBLER__ */
#endif /* MICA_ABI_SHARED_INFO_H */
