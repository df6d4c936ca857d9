/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The facts as Debian's libxen-dev states them, seen the way its own tools see them
 * (__XEN_TOOLS__ also selects the newest interface version).  See fact.h and facts.def.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define __XEN_TOOLS__ 1
#define xen_mb()	__sync_synchronize()
#define xen_rmb()	__sync_synchronize()
#define xen_wmb()	__sync_synchronize()
#include <xen/xen.h>
#include <xen/arch-x86/cpuid.h>
#include <xen/arch-x86/xen-mca.h>
#include <xen/callback.h>
#include <xen/domctl.h>
#include <xen/elfnote.h>
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/io/blkif.h>
#include <xen/io/console.h>
#include <xen/io/netif.h>
#include <xen/io/ring.h>
#include <xen/io/xenbus.h>
#include <xen/io/xs_wire.h>
#include <xen/memory.h>
#include <xen/nmi.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#include "fact.h"

/* Their error numbers, with the two that only a hypervisor is shown. */
#define __XEN__ 1
#define XEN_ERRNO(name, value) THEIR_##name = value,
enum {
#include <xen/errno.h>
};
#undef __XEN__

/* Their flex ring is a macro, too. */
DEFINE_XEN_FLEX_RING_AND_INTF(flex);

/* A call with no name there: the last number of the architecture's own range. */
#define __HYPERVISOR_mica_op	__HYPERVISOR_arch_7

/* A structure without a name there. */
#define EFI_VARIABLE	__typeof__(((struct xenpf_efi_runtime_call *)0)->u.get_variable)

/* Bit-fields there, masks of one word here. */
union processor_flags {
	struct xen_processor_flags field;
	uint32_t word;
};
#define PROCESSOR_FLAG(name)	\
	({ union processor_flags flags = { .word = 0 }; flags.field.name = 1; flags.word; })

#define CONST(expr)			fact(#expr, (uint64_t)(expr));
#define CONST2(ours, theirs)		fact(#ours, (uint64_t)(theirs));
#define VALUE(name, ours, theirs)	fact(#name, (uint64_t)(theirs));
#define SIZE(type)			fact("sizeof " #type, sizeof(type));
#define SIZE2(ours, theirs)		fact("sizeof " #ours, sizeof(theirs));
#define FIELD(type, path)		FIELD2(type, path, type, path)
#define FIELD2(type, path, their_type, their_path)				\
	fact("offset of " #type "." #path, offsetof(their_type, their_path));	\
	fact("sizeof " #type "." #path, sizeof(((their_type *)0)->their_path));

void theirs_each(fact_fn fact)
{
#include "facts.def"
}
