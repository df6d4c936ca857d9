/* SPDX-License-Identifier: MIT */
/*
 * Words every other ABI header is written with: fixed-width integers, domain
 * numbers, and the assertion that pins the size of a structure.
 *
 * Rules of this folder: a guest pointer is a uint64_t holding a guest virtual
 * address, an mfn is a machine frame number, a gmfn is a frame number the guest
 * uses (for a PV guest: also the machine frame), a pfn is a guest's own pseudo-
 * physical frame number.  A frame is 4096 bytes.  Fields called _pad must be
 * zero when written and are to be ignored when read.  Times are nanoseconds.
 * "system time" is nanoseconds since the hypervisor started.
 */
#ifndef MICA_ABI_TYPES_H
#define MICA_ABI_TYPES_H

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

/* Stop the build unless a type has exactly this many bytes / a field this offset. */
#ifdef __cplusplus
#define ABI_SIZE(type, n)		static_assert(sizeof(type) == (n), #type)
#define ABI_OFFSET(t, f, n)		static_assert(offsetof(t, f) == (n), #t "." #f)
#else
#define ABI_SIZE(type, n)		_Static_assert(sizeof(type) == (n), #type)
#define ABI_OFFSET(t, f, n)		_Static_assert(offsetof(t, f) == (n), #t "." #f)
#endif

typedef uint16_t domid_t;			/* number of a domain */
typedef uint64_t xen_pfn_t;			/* frame number; the field says which space */
typedef uint8_t xen_domain_handle_t[16];	/* UUID of a domain, chosen by the toolstack */

ABI_SIZE(domid_t, 2);
ABI_SIZE(xen_domain_handle_t, 16);
#endif /* __ASSEMBLER__ */

/* Numbers from here on never name an ordinary domain. */
#define DOMID_FIRST_RESERVED	0x7FF0
#define DOMID_SELF		0x7FF0	/* the caller */
#define DOMID_IO		0x7FF1	/* owner of memory-mapped device registers */
#define DOMID_XEN		0x7FF2	/* owner of hypervisor pages a guest may map read-only */
#define DOMID_COW		0x7FF3	/* owner of shared copy-on-write pages; unused here */
#define DOMID_INVALID		0x7FF4	/* owner unknown */
#define DOMID_IDLE		0x7FFF	/* the idle vCPUs */
#define DOMID_MASK		0x7FFF	/* bits a domain number can have */

#endif /* MICA_ABI_TYPES_H */
