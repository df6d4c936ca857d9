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

#define MICA_FEATURE_audit		(1u << 0)	/* MICA_OP_audit works in this build */

#endif /* MICA_ABI_MICA_OP_H */
