/* SPDX-License-Identifier: BSD-2-Clause */
/* Every ABI header a test kernel uses, in one place, and the two shortest helpers. */
#ifndef GUEST_ABI_H
#define GUEST_ABI_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <mica/types.h>
#include <mica/errno.h>
#include <mica/hypercall.h>
#include <mica/regs.h>
#include <mica/start_info.h>
#include <mica/shared_info.h>
#include <mica/mmu.h>
#include <mica/multicall.h>
#include <mica/memory.h>
#include <mica/evtchn.h>
#include <mica/grant.h>
#include <mica/sched.h>
#include <mica/vcpu.h>
#include <mica/callback.h>
#include <mica/physdev.h>
#include <mica/version.h>
#include <mica/features.h>
#include <mica/vm_assist.h>
#include <mica/console.h>
#include <mica/nmi.h>
#include <mica/mica_op.h>

/* a guest pointer field */
#define PTR(p)		((uint64_t)(p))
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#endif
