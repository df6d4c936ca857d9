/* SPDX-License-Identifier: MIT */
/*
 * mica_op(cmd, arg): what Mica offers beyond the ABI it shares with the field.  A guest
 * that never calls it loses nothing.  Unknown commands answer -ENOSYS.
 *
 * Whether it exists is told by a CPUID range of its own, found by scanning from
 * 0x40000000 in steps of 0x100 for the signature; leaf +1 eax has the feature bits that
 * MICA_OP_features returns too.
 */
#ifndef MICA_ABI_MICA_OP_H
#define MICA_ABI_MICA_OP_H

/* CPUID base leaf, ebx ecx edx: "MicaMicaMica". */
#define MICA_CPUID_SIGNATURE		0x6163694d	/* "Mica", in all three registers */

#define MICA_OP_features		0	/* no arg; returns MICA_FEATURE_* bits */
#define MICA_OP_audit			1	/* no arg; dom0: recount every frame reference,
						 * returns the number of differences found */
#define MICA_OP_port			2	/* struct mica_port; for who may control the domain:
						 * MICA_PORT_PENDING, _MASKED as they were, or an
						 * error.  Two-level and FIFO alike */

#define MICA_FEATURE_audit		(1u << 0)	/* MICA_OP_audit works in this build */
#define MICA_FEATURE_port		(1u << 1)	/* MICA_OP_port is there */

#define MICA_PORT_PENDING		1
#define MICA_PORT_MASKED		2
#define MICA_PORT_RAISE			1u	/* .flags: then make it pending, as if its other end had
						 * sent; -EINVAL unless it has one */

#ifndef __ASSEMBLER__
#include <mica/types.h>

struct mica_port {
	domid_t dom;
	uint16_t flags;
	uint32_t port;
};
ABI_SIZE(struct mica_port, 8);
#endif

#endif /* MICA_ABI_MICA_OP_H */
