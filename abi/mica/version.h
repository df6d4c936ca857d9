/* SPDX-License-Identifier: MIT */
/*
 * xen_version(cmd, arg): what the caller runs on.  arg is a guest pointer to the type
 * named with each command, written by the hypervisor; strings are NUL padded to their
 * full length.  All return 0 except where said.
 */
#ifndef MICA_ABI_VERSION_H
#define MICA_ABI_VERSION_H

#include <mica/types.h>
#include <mica/features.h>

#define XENVER_version			0	/* no arg; returns major << 16 | minor */
#define XENVER_extraversion		1	/* xen_extraversion_t */
#define XENVER_compile_info		2	/* struct xen_compile_info */
#define XENVER_capabilities		3	/* xen_capabilities_info_t */
#define XENVER_changeset		4	/* xen_changeset_info_t */
#define XENVER_platform_parameters	5	/* struct xen_platform_parameters */
#define XENVER_get_features		6	/* struct xen_feature_info */
#define XENVER_pagesize			7	/* no arg; returns 4096 */
#define XENVER_guest_handle		8	/* xen_domain_handle_t of the caller */
#define XENVER_commandline		9	/* xen_commandline_t; privileged */
#define XENVER_build_id			10	/* struct xen_build_id; returns the length */

#define XEN_EXTRAVERSION_LEN		16
#define XEN_CAPABILITIES_INFO_LEN	1024
#define XEN_CHANGESET_INFO_LEN		64
#define XEN_COMMANDLINE_LEN		1024

#ifndef __ASSEMBLER__

typedef char xen_extraversion_t[XEN_EXTRAVERSION_LEN];		/* what follows "4.17" */
typedef char xen_capabilities_info_t[XEN_CAPABILITIES_INFO_LEN]; /* "xen-3.0-x86_64 " */
typedef char xen_changeset_info_t[XEN_CHANGESET_INFO_LEN];	/* source revision */
typedef char xen_commandline_t[XEN_COMMANDLINE_LEN];		/* hypervisor's command line */

struct xen_compile_info {
	char compiler[64];
	char compile_by[16];
	char compile_domain[32];
	char compile_date[32];
};
ABI_SIZE(struct xen_compile_info, 144);

struct xen_platform_parameters {
	uint64_t virt_start;		/* first virtual address of the hypervisor's hole */
};
ABI_SIZE(struct xen_platform_parameters, 8);

struct xen_feature_info {
	uint32_t submap_idx;		/* in: which 32 bits; only 0 exists */
	uint32_t submap;		/* out: bit n = XENFEAT n */
};
ABI_SIZE(struct xen_feature_info, 8);

/* The bytes of the build id follow the structure. */
struct xen_build_id {
	uint32_t len;			/* in: bytes of room behind this field */
};
ABI_SIZE(struct xen_build_id, 4);

#endif /* __ASSEMBLER__ */
#endif /* MICA_ABI_VERSION_H */
