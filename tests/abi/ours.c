/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The facts as abi/mica states them.  See fact.h and facts.def.
 */
#include <mica/callback.h>
#include <mica/console.h>
#include <mica/cpuid.h>
#include <mica/domctl.h>
#include <mica/elfnote.h>
#include <mica/errno.h>
#include <mica/evtchn.h>
#include <mica/features.h>
#include <mica/flex.h>
#include <mica/grant.h>
#include <mica/hypercall.h>
#include <mica/io/blkif.h>
#include <mica/io/console.h>
#include <mica/io/netif.h>
#include <mica/io/ring.h>
#include <mica/io/xenbus.h>
#include <mica/io/xenstore.h>
#include <mica/memory.h>
#include <mica/mmu.h>
#include <mica/multicall.h>
#include <mica/nmi.h>
#include <mica/physdev.h>
#include <mica/platform.h>
#include <mica/regs.h>
#include <mica/sched.h>
#include <mica/shared_info.h>
#include <mica/start_info.h>
#include <mica/sysctl.h>
#include <mica/types.h>
#include <mica/vcpu.h>
#include <mica/version.h>
#include <mica/vm_assist.h>

#include "fact.h"

#define CONST(expr)			fact(#expr, (uint64_t)(expr));
#define CONST2(ours, theirs)		fact(#ours, (uint64_t)(ours));
#define VALUE(name, ours, theirs)	fact(#name, (uint64_t)(ours));
#define SIZE(type)			fact("sizeof " #type, sizeof(type));
#define SIZE2(ours, theirs)		fact("sizeof " #ours, sizeof(ours));
#define FIELD(type, path)						\
	fact("offset of " #type "." #path, offsetof(type, path));	\
	fact("sizeof " #type "." #path, sizeof(((type *)0)->path));
#define FIELD2(type, path, their_type, their_path)	FIELD(type, path)

void ours_each(fact_fn fact)
{
#include "facts.def"
}
