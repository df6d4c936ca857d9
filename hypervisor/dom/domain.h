/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Domains: identity, life cycle, and what hangs on them.
 *
 * Life: NEW (being built, paused) -> LIVE -> SHUT (asked to stop; memory kept) -> DYING (destroy runs,
 * resources given back step by step) -> DEAD (last reference gone, freed).
 * Lookup: domain_get() by id takes a reference; the table is changed under RANK_DOMAINS.
 */
#ifndef DOM_DOMAIN_H
#define DOM_DOMAIN_H

#include <mica/shared_info.h>
#include <mica/memory.h>
#include <mica/sched.h>
#include "cpu/lock.h"
#include "cpu/timer.h"
#include "lib/list.h"
#include "mm/space.h"

struct vcpu;
struct evtchn_state;			/* ipc/evtchn.c */
struct pirq_state;			/* ipc/pirq.c */
struct grant_table;			/* ipc/grant.c */

enum domain_life { DOM_NEW, DOM_LIVE, DOM_DYING, DOM_DEAD };

struct domain {
	struct memspace mem;		/* first: space_of() and container_of are free */
	domid_t id;
	bool privileged;		/* control domain: may use domctl, sysctl, foreign frames */
	bool hardware;			/* hardware domain: devices, MMIO, console, power */
	bool xs_domain, msr_relaxed;	/* what createdomain asked for: runs the store; unknown MSRs read 0 */
	uint32_t refs;			/* domain_get/put; 0: not complete yet, or waiting to be freed */
	struct domain *reap_next;	/* list of those that wait; atomic */

	struct spinlock life_lock;	/* RANK_LIFE, guards: */
	enum domain_life life;
	bool destroying;		/* atomic: some CPU is in domain_destroy */
	uint32_t pause_count;		/* domctl pause; a new domain starts with 1 */
	bool shutting_down, shut_down;	/* SCHEDOP_shutdown seen; all vCPUs stopped */
	uint8_t shutdown_code;
	uint64_t suspend_arg;		/* third argument of shutdown(suspend) */

	uint32_t suspend_port;		/* its port to signal when it suspends, 0 = tell dom0; life_lock */

	unsigned max_vcpus;		/* fixed at creation */
	struct vcpu **vcpu;		/* max_vcpus pointers; entry NULL until created */
	struct shared_info *shared;	/* one SHARED frame */

	uint32_t vm_assist;		/* bit per VMASST_TYPE */
	bool pae_note;			/* guest declared/asked pae_extended_cr3: XENFEAT bit 4 */
	uint8_t handle[16];
	int64_t time_offset_s;		/* wall clock offset */
	uint64_t created_ns;
	uint32_t *cpuid_words;		/* its own feature words (cpu/features.h); NULL: the default */
	uint32_t tsc_mode, tsc_incarnation;	/* as settscinfo said; kept for gettscinfo */
	struct e820entry *e820;		/* XENMEM_set_memory_map, NULL = none */
	unsigned e820_nr;

	/* scheduling, read by dom/sched.c; written under its lock */
	uint16_t weight;		/* 1..65535, 256 is the norm */
	uint16_t cap;			/* percent of one CPU, 0 = none */
	uint64_t cap_used_ns, cap_period_start_ns;	/* atomic add; start of the present period */
	struct timer cap_timer;

	/* upper floors, each allocated by its DOM_SERVICE */
	struct evtchn_state *evtchn;
	struct pirq_state *pirq;
	struct grant_table *grant;
	struct timer watchdog[2];	/* armed: in use; set under life_lock */

	uint32_t logged_unknown[2];	/* bit per hypercall number already reported as unknown */
};

extern struct domain *dom0;

struct domain_config {
	unsigned max_vcpus;
	uint64_t max_frames;
	bool privileged, hardware, xs_domain, msr_relaxed;
	unsigned max_evtchn_port, max_grant_frames, max_maptrack;	/* 0 = default */
	unsigned grant_version;		/* highest offered: 1 or 2 */
	uint8_t handle[16];
};

void domain_init_all(void);
void iomem_init(void);			/* dom/iomem.c */
/* Creates an empty, paused domain with no vCPUs; id DOMID_INVALID picks the next free one.  0, -EEXIST,
 * -ENOMEM, -EINVAL.  Nobody finds it before this returns; *out is referenced. */
int domain_create(domid_t id, const struct domain_config *cfg, struct domain **out);
/* NULL when there is none.  Accepts DOMID_SELF. */
struct domain *domain_get(domid_t id);
/* @n references more, of which the caller has one already; @n of his fewer. */
static inline void domain_get_many(struct domain *d, uint32_t n) { atomic_add(&d->refs, n); }
void domain_put_many(struct domain *d, uint32_t n);
static inline void domain_put(struct domain *d) { domain_put_many(d, 1); }
/* For a caller acting on another: NULL and *rc = -ESRCH / -EPERM unless it is itself or the caller is
 * privileged.  Takes a reference. */
struct domain *domain_get_target(struct vcpu *caller, domid_t id, int *rc);
struct domain *domain_next(domid_t from);	/* first with id >= from, referenced */
/* Every domain, referenced while the body looks at it: do not leave early. */
#define for_each_domain(d) \
	for (domid_t id_##d = 0; ((d) = domain_next(id_##d)); \
	     id_##d = (domid_t)((d)->id + 1), domain_put(d))
void domain_pause(struct domain *d);		/* counted; returns when no vCPU of it runs */
int domain_unpause(struct domain *d);		/* -EINVAL below zero */
/*
 * Two-phase destruction: 0, or RESTART to be called again, or -EINVAL for dom0 and oneself.  After 0 it is
 * gone, or listed as dying until the last who holds one of its frames lets go; then it goes by itself.
 * VIRQ_DOM_EXC tells both.
 */
int domain_destroy(struct domain *d);
/* SCHEDOP_shutdown and the like: stops all vCPUs, records the code, tells dom0 (VIRQ_DOM_EXC).  The
 * hardware domain's shutdown ends the machine and does not return. */
void domain_shutdown(struct domain *d, unsigned reason, uint64_t arg);
void domain_vcpu_stopped(struct domain *d);
/* Undoes a shutdown: its vCPUs run again. */
void domain_resume(struct domain *d);
/* Signals port @port of @d, which has just suspended: ipc/ joins here. */
extern int (*domain_signal)(struct domain *d, uint32_t port);
/* The guest cannot go on: logs why with registers and guest stack, then shutdown(crash). */
void domain_crash(struct vcpu *v, const char *fmt, ...) printf_like(2, 3);

/*
 * Upper floors join the life of every domain by a static DOM_SERVICE, called in link order:
 *   create   0 or -errno; undone by destroy on the services before it
 *   teardown gives back what refers to other domains or holds frames: 0, or RESTART to be called again
 *   destroy  frees memory; nothing refers to the domain any more
 */
struct dom_service {
	const char *name;
	int (*create)(struct domain *d, const struct domain_config *cfg);
	int (*teardown)(struct domain *d);
	void (*destroy)(struct domain *d);
};
#define DOM_SERVICE(id) \
	static const struct dom_service id __attribute__((used, __section__(".data.rel.ro.dom_services"), __aligned__(8)))

static inline struct domain *space_domain(struct memspace *m) { return container_of(m, struct domain, mem); }

#endif
