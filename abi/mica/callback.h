/* SPDX-License-Identifier: MIT */
/*
 * callback_op(cmd, arg): where the hypervisor enters the guest kernel.  Addresses must
 * be canonical.  Only the NMI callback can be unregistered.
 */
#ifndef MICA_ABI_CALLBACK_H
#define MICA_ABI_CALLBACK_H

#include <mica/types.h>

#define CALLBACKOP_register		0	/* struct callback_register */
#define CALLBACKOP_unregister		1	/* struct callback_unregister */

#define CALLBACKTYPE_event		0	/* an event is pending */
#define CALLBACKTYPE_failsafe		1	/* a segment register could not be loaded */
#define CALLBACKTYPE_syscall		2	/* SYSCALL from 64-bit user code */
#define CALLBACKTYPE_sysenter_deprecated 3
#define CALLBACKTYPE_nmi		4
#define CALLBACKTYPE_sysenter		5	/* SYSENTER from user code */
#define CALLBACKTYPE_syscall32		7	/* SYSCALL from 32-bit user code */

#define CALLBACKF_mask_events		(1u << 0)	/* enter with upcalls masked */

struct callback_register {
	uint16_t type;			/* CALLBACKTYPE_* */
	uint16_t flags;			/* CALLBACKF_* */
	uint32_t _pad;
	uint64_t address;		/* virtual address of the entry point */
};
ABI_SIZE(struct callback_register, 16);

struct callback_unregister {
	uint16_t type;			/* CALLBACKTYPE_* */
	uint16_t _unused;
};
ABI_SIZE(struct callback_unregister, 4);

#endif /* MICA_ABI_CALLBACK_H */
