/* SPDX-License-Identifier: MIT */
/*
 * vm_assist(cmd, type): behaviour a guest may switch on or off for itself.
 * An unknown cmd answers -ENOSYS, an unknown type -EINVAL.
 */
#ifndef MICA_ABI_VM_ASSIST_H
#define MICA_ABI_VM_ASSIST_H

#define VMASST_CMD_enable			0
#define VMASST_CMD_disable			1

#define VMASST_TYPE_4gb_segments		0	/* 32-bit guests; accepted, no effect */
#define VMASST_TYPE_4gb_segments_notify		1	/* 32-bit guests; accepted, no effect */
#define VMASST_TYPE_writable_pagetables		2	/* carry out stores to read-only L1s */
#define VMASST_TYPE_pae_extended_cr3		3	/* 32-bit guests; accepted, no effect */
#define VMASST_TYPE_architectural_iopl		4	/* IOPL in rflags, kernel as ring 0 */
#define VMASST_TYPE_runstate_update_flag	5	/* flag runstate while it is written */
#define VMASST_TYPE_m2p_strict			32	/* hide the m2p from guest-user mode */

#endif /* MICA_ABI_VM_ASSIST_H */
