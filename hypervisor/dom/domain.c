/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of domains and their life.
 *
 *	NEW --first unpause--> LIVE --domain_destroy--> DYING --all given back--> DEAD --refs 0--> freed
 *
 * A domain in the table holds one reference to itself; whoever looks it up holds another.  Destruction
 * gives back everything the domain holds itself; its own reference goes then, or with the last of
 * its frames that others still hold (space_emptied).  At refs 0 it is found by nobody: so it begins, so that
 * only a complete domain is ever seen, and so it waits for SOFTIRQ_REAP, which frees it where no lock is
 * held, whoever dropped the last reference.
 *
 * The table (two levels, 512 ids a leaf) changes under RANK_DOMAINS; life, pause and shutdown fields
 * under the domain's own RANK_LIFE lock.  Nothing here is global in the steady state: creating or
 * destroying one domain stops no other.
 */
#include <mica/errno.h>
#include <mica/evtchn.h>
#include "cpu/log.h"
#include "cpu/panic.h"
#include "cpu/smp.h"
#include "cpu/softirq.h"
#include "cpu/time.h"
#include "cpu/uaccess.h"
#include "dom/domain.h"
#include "dom/ending.h"
#include "dom/event.h"
#include "dom/sched.h"
#include "dom/segdesc.h"
#include "dom/vcpu.h"
#include "dom/vtime.h"
#include "lib/bug.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "mm/audit.h"
#include "mm/heap.h"
#include "mm/hvmap.h"
#include "mm/pt.h"

#define LEAF_IDS	512
#define REFS_MAX	(1u << 30)		/* of a domain: a leak shall not wrap the count */

static struct spinlock table_lock = SPINLOCK_INIT(RANK_DOMAINS);
static struct domain **leaf[DOMID_FIRST_RESERVED / LEAF_IDS + 1] GUARDED_BY(table_lock);
static struct domain *reap_list;	/* atomic, linked by reap_next */
struct domain *dom0;
int (*domain_signal)(struct domain *d, uint32_t port);

extern const struct dom_service __start_dom_services[], __stop_dom_services[];
#define for_each_service(s) \
	for (const struct dom_service *s = __start_dom_services; s < __stop_dom_services; s++)

static struct domain *lookup(domid_t id)
{
	struct domain **l = id < DOMID_FIRST_RESERVED ? atomic_acquire(&leaf[id / LEAF_IDS]) : NULL;

	return l ? atomic_acquire(&l[id % LEAF_IDS]) : NULL;
}

/* A domain cannot go while it owns a frame, so mm/ may ask without a reference. */
static struct memspace *memspace_of(domid_t id)
{
	struct domain *d = lookup(id);

	return d ? &d->mem : NULL;
}

/* One more reference, unless there is none: it is not complete, or gone. */
static bool get_existing(struct domain *d)
{
	uint32_t now = atomic_read(&d->refs);

	while (now && now < REFS_MAX)
		if (atomic_cmpxchg(&d->refs, &now, now + 1))
			return true;
	return false;
}

struct domain *domain_get(domid_t id)
{
	struct domain *d;

	if (id == DOMID_SELF)
		id = current->dom->id;
	d = lookup(id);
	return d && get_existing(d) ? d : NULL;
}

struct domain *domain_next(domid_t from)
{
	struct domain *d = NULL;

	lock_take(&table_lock);
	for (unsigned id = from; id < DOMID_FIRST_RESERVED && !d; id++) {
		if (!leaf[id / LEAF_IDS])
			id |= LEAF_IDS - 1;
		else
			d = lookup(id);
		if (d && !get_existing(d))
			d = NULL;
	}
	lock_drop(&table_lock);
	return d;
}

struct domain *domain_get_target(struct vcpu *caller, domid_t id, int *rc)
{
	struct domain *d = domain_get(id);

	*rc = 0;
	if (!d) {
		*rc = refuse(-ESRCH, "domain %u does not exist", id);
	} else if (d != caller->dom && !caller->dom->privileged) {
		domain_put(d);
		d = NULL;
		*rc = refuse(-EPERM, "domain %u is not yours to control", id);
	}
	return d;
}

static void free_domain(struct domain *d)
{
	struct vcpu *v;

	timer_stop(&d->cap_timer);		/* first: what these run looks at the vCPUs */
	for (unsigned i = 0; i < ARRAY_SIZE(d->watchdog); i++)
		if (d->watchdog[i].fn)
			timer_stop(&d->watchdog[i]);
	for_each_vcpu(d, v)
		vcpu_destroy(v);
	for_each_service(s)
		if (s->destroy)
			s->destroy(d);
	frame_unshare(frame_of(virt_to_mfn(d->shared)));
	space_fini(&d->mem);
	kfree(d->cpuid_words);
	kfree(d->e820);
	kfree(d->vcpu);
	kfree(d);
}

static void leave_table(const struct domain *d)
{
	lock_take(&table_lock);
	atomic_release(&leaf[d->id / LEAF_IDS][d->id % LEAF_IDS], NULL);
	lock_drop(&table_lock);
}

/* SOFTIRQ_REAP.  A CPU may still look at a domain that it just found in the table (domain_get) or whose vCPU
 * it just let go of (dom/vcpu.c, let_go).  It does not poll there: once every CPU has answered a call none
 * does any more. */
static void reap(void)
{
	struct domain *list = atomic_xchg(&reap_list, NULL), *next;

	if (!list)
		return;
	for (struct domain *d = list; d; d = d->reap_next)
		leave_table(d);
	smp_pass_all();
	for (; list; list = next) {
		next = list->reap_next;
		free_domain(list);
	}
	virq_raise_global(VIRQ_DOM_EXC);
}

void domain_put_many(struct domain *d, uint32_t n)
{
	if (atomic_sub(&d->refs, n) != n)
		return;
	d->reap_next = atomic_read(&reap_list);
	while (!atomic_cmpxchg(&reap_list, &d->reap_next, d))
		;
	softirq_raise(SOFTIRQ_REAP);
}

/* The last frame of a space went that only others had kept. */
static void last_frame_gone(struct memspace *m)
{
	domain_put(space_domain(m));
}

/* One try of enter_table.  -EEXIST; -ENOMEM: a leaf is missing and *fresh is none. */
static int take_id(struct domain *d, domid_t id, struct domain ***fresh) NEEDS(table_lock)
{
	static domid_t last;
	bool any = id == DOMID_INVALID;

	for (unsigned tries = 0; tries < DOMID_FIRST_RESERVED; tries++) {
		if (any)
			id = last + 1 < DOMID_FIRST_RESERVED ? last + 1 : 1;
		if (!leaf[id / LEAF_IDS]) {
			if (!*fresh)
				return -ENOMEM;
			atomic_release(&leaf[id / LEAF_IDS], *fresh);
			*fresh = NULL;
		}
		if (any)
			last = id;
		if (!lookup(id)) {
			d->id = d->mem.id = id;
			atomic_release(&leaf[id / LEAF_IDS][id % LEAF_IDS], d);
			return 0;
		}
		if (!any)
			break;
	}
	return -EEXIST;
}

/* Puts @d into the table under @id, or under the next free id from 1 on.  -EEXIST, -ENOMEM. */
static int enter_table(struct domain *d, domid_t id)
{
	struct domain **fresh = NULL;
	int rc;

	do {
		lock_take(&table_lock);
		rc = take_id(d, id, &fresh);
		lock_drop(&table_lock);
	} while (rc == -ENOMEM && (fresh = kmalloc(LEAF_IDS * sizeof(*fresh))));
	kfree(fresh);
	return rc;
}

static int create_services(struct domain *d, const struct domain_config *cfg)
{
	const struct dom_service *s;
	int rc = 0;

	for (s = __start_dom_services; s < __stop_dom_services; s++) {
		rc = s->create ? s->create(d, cfg) : 0;
		if (rc)
			break;
	}
	while (rc && s-- > __start_dom_services)
		if (s->destroy)
			s->destroy(d);
	return rc;
}

int domain_create(domid_t id, const struct domain_config *cfg, struct domain **out)
{
	struct domain *d;
	int rc;

	if (!cfg->max_vcpus || cfg->max_vcpus > 8192 || (id != DOMID_INVALID && id >= DOMID_FIRST_RESERVED))
		return refuse(-EINVAL, "create: domain %u with %u vCPUs", id, cfg->max_vcpus);
	d = kmalloc(sizeof(*d));
	if (!d)
		return -ENOMEM;
	rc = space_init(&d->mem, id, cfg->max_frames);
	d->vcpu = kmalloc(cfg->max_vcpus * sizeof(*d->vcpu));
	d->shared = hv_page_alloc();
	if (rc || !d->vcpu || !d->shared) {
		rc = -ENOMEM;
		goto free;
	}
	lock_init(&d->life_lock, RANK_LIFE);
	d->pause_count = 1;
	d->max_vcpus = cfg->max_vcpus;
	d->privileged = cfg->privileged;
	d->hardware = cfg->hardware;
	d->xs_domain = cfg->xs_domain;
	d->msr_relaxed = cfg->msr_relaxed;
	d->mem.cache_attrs = d->mem.may_map_io = cfg->hardware;
	d->weight = 256;
	d->created_ns = now_ns();
	memcpy(d->handle, cfg->handle, sizeof(d->handle));
	for (unsigned i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
		d->shared->vcpu_info[i].evtchn_upcall_mask = 1;
	rc = enter_table(d, id);
	if (rc)
		goto free;
	frame_share(frame_of(virt_to_mfn(d->shared)), &d->mem);
	sched_domain_init(d);
	rc = create_services(d, cfg);
	if (rc)
		goto leave_table;
	vtime_init_domain(d);
	*out = d;
	atomic_release(&d->refs, 2u);		/* its own, and the caller's */
	return 0;

leave_table:
	leave_table(d);
	frame_unshare(frame_of(virt_to_mfn(d->shared)));
	d->shared = NULL;
free:
	hv_page_free(d->shared);
	space_fini(&d->mem);
	kfree(d->vcpu);
	kfree(d);
	return rc;
}

void domain_pause(struct domain *d)
{
	struct vcpu *v;

	lock_take(&d->life_lock);
	d->pause_count++;
	for_each_vcpu(d, v)
		vcpu_pause_nosync(v);
	lock_drop(&d->life_lock);
	/* Not under the lock: who is to stop may be waiting for it. */
	for_each_vcpu(d, v)
		if (v != current)
			sched_sleep_sync(v);
}

int domain_unpause(struct domain *d)
{
	bool first = false;
	struct vcpu *v;

	lock_take(&d->life_lock);
	if (!d->pause_count || d->life >= DOM_DYING) {
		lock_drop(&d->life_lock);
		return refuse(-EINVAL, "domain %u is not paused, or is dying", d->id);
	}
	if (!--d->pause_count && d->life == DOM_NEW) {
		d->life = DOM_LIVE;
		first = true;
	}
	for_each_vcpu(d, v)
		vcpu_unpause(v);
	lock_drop(&d->life_lock);
	if (first)
		log_debug("d%u: runs", d->id);
	return 0;
}

/* False: it is dead already. */
static bool begin_dying(struct domain *d)
{
	bool first, dead;

	lock_take(&d->life_lock);
	dead = d->life == DOM_DEAD;
	first = d->life < DOM_DYING;
	if (first)
		d->life = DOM_DYING;
	lock_drop(&d->life_lock);
	if (first) {
		space_begin_dying(&d->mem);
		domain_pause(d);
	}
	return !dead;
}

/* Gives back what the domain holds.  0, RESTART, or -EBUSY: others hold frames of it. */
static int tear_down(struct domain *d)
{
	struct vcpu *v;
	int rc = 0;

	for_each_service(s)
		if (!rc && s->teardown)
			rc = s->teardown(d);
	if (rc)
		return rc;
	for_each_vcpu(d, v)
		vcpu_teardown(v);
	return space_relinquish(&d->mem);
}

int domain_destroy(struct domain *d)
{
	int rc;

	if (d == dom0 || d == current->dom)
		return refuse(-EINVAL, "domain %u cannot be destroyed", d->id);
	if (atomic_xchg(&d->destroying, true))
		return RESTART;			/* another vCPU of dom0 is at it */
	if (!begin_dying(d)) {
		atomic_release(&d->destroying, false);
		return 0;
	}
	rc = tear_down(d);
	if (rc != RESTART) {
		lock_take(&d->life_lock);
		d->life = DOM_DEAD;
		lock_drop(&d->life_lock);
	}
	atomic_release(&d->destroying, false);
	if (rc == RESTART)
		return rc;
	log_debug("d%u: dead%s", d->id, rc ? ", but others hold memory of it" : "");
	virq_raise_global(VIRQ_DOM_EXC);
	if (space_abandon(&d->mem))
		domain_put(d);			/* its own reference; else last_frame_gone() does it */
	return 0;
}

static void show_guest_stack(const struct vcpu *v, const struct regs *r)
{
	uint64_t w[4];

	if (v != current)
		return;
	log_err("guest stack at %lx:", r->rsp);
	for (unsigned line = 0; line < 6; line++) {
		if (copy_from_guest(w, gva(r->rsp + line * sizeof(w)), sizeof(w))) {
			log_err("  (not readable)");
			return;
		}
		log_err("  %016lx %016lx %016lx %016lx", w[0], w[1], w[2], w[3]);
	}
}

static void show_guest(const struct vcpu *v, const struct regs *r)
{
	log_err("d%uv%u in guest %s mode, kernel root %lx, user root %lx, cr2 %lx", v->dom->id, v->id,
		in_kernel(v) ? "kernel" : "user", v->kernel_cr3 & PTE_ADDR, v->user_cr3 & PTE_ADDR,
		v->info->arch.cr2);
	panic_show_regs(r);
	show_guest_stack(v, r);
}

static void noreturn hardware_shutdown(unsigned reason)
{
	static const char *const name[] = { "power off", "reboot", "suspend", "crash", "watchdog", "soft reset" };

	log_info("dom0 asks for %s", reason < ARRAY_SIZE(name) ? name[reason] : "unknown");
	ending_audit();
	switch (reason) {
	case SHUTDOWN_poweroff:
		machine_halt(EXIT_OK);
	case SHUTDOWN_reboot:
		machine_reboot(EXIT_REBOOT);
	default:
		show_guest(current, guest_regs());
		if (opt_noreboot)
			machine_halt(EXIT_DOM0_CRASH);
		machine_reboot(EXIT_DOM0_CRASH);
	}
}

void domain_shutdown(struct domain *d, unsigned reason, uint64_t arg)
{
	struct vcpu *v;

	if (d->hardware)
		hardware_shutdown(reason);
	lock_take(&d->life_lock);
	if (d->shutting_down) {
		lock_drop(&d->life_lock);
		return;
	}
	d->shutting_down = true;
	d->shutdown_code = reason;
	d->suspend_arg = arg;
	for_each_vcpu(d, v)			/* under the lock, as who creates or resumes them counts */
		vcpu_pause_nosync(v);
	lock_drop(&d->life_lock);
	domain_vcpu_stopped(d);
}

/* A vCPU of a domain that shuts down left its CPU: if it was the last, dom0 is told, or who asked to be
 * told of a suspend. */
void domain_vcpu_stopped(struct domain *d)
{
	struct vcpu *v;

	for_each_vcpu(d, v)
		if (read_once(v->running) || atomic_acquire(&v->on_cpu))
			return;
	if (atomic_xchg(&d->shut_down, true))
		return;
	if (d->shutdown_code == SHUTDOWN_suspend && d->suspend_port && domain_signal)
		domain_signal(d, d->suspend_port);
	else
		virq_raise_global(VIRQ_DOM_EXC);
}

void domain_resume(struct domain *d)
{
	struct vcpu *v;
	bool was;

	lock_take(&d->life_lock);
	was = d->shutting_down;
	d->shutting_down = d->shut_down = false;
	if (was)
		for_each_vcpu(d, v)
			vcpu_unpause(v);
	lock_drop(&d->life_lock);
}

void domain_crash(struct vcpu *v, const char *fmt, ...)
{
	const struct regs *r = v == current ? guest_regs() : &v->regs;
	char why[160];
	va_list ap;

	va_start(ap, fmt);
	fmt_vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	log_err("d%uv%u crashed: %s", v->dom->id, v->id, why);
	show_guest(v, r);
	atomic_or(&v->work, VWORK_CRASH);
	domain_shutdown(v->dom, SHUTDOWN_crash, 0);
}

/* The auditor's list of what vCPUs hold. */
static void audit_vcpu(struct audit *a, struct vcpu *v)
{
	audit_scan(a, &v->scan);
	if (v->kernel_root)
		audit_use(a, frame_mfn(v->kernel_root), KIND_L4);
	if (v->user_root)
		audit_use(a, frame_mfn(v->user_root), KIND_L4);
	for (unsigned i = 0; i < v->gdt_frames; i++)
		audit_use(a, v->gdt[i], KIND_SEGDESC);
	for (unsigned i = 0; i < ARRAY_SIZE(v->ldt_page); i++)
		if (v->ldt_page[i])
			audit_use(a, frame_mfn(v->ldt_page[i]), KIND_SEGDESC);
	if (v->info_frame)
		audit_use(a, frame_mfn(v->info_frame), KIND_WRITABLE);
}

static void audit_domains(struct audit *a)
{
	struct domain *d;
	struct vcpu *v;

	for_each_domain(d)
		for_each_vcpu(d, v)
			audit_vcpu(a, v);
}

void domain_init_all(void)
{
	space_of = memspace_of;
	space_emptied = last_frame_gone;
	softirq_register(SOFTIRQ_REAP, reap);
	segdesc_check = segdesc_fix_page;
	audit_register(audit_domains);
	iomem_init();
}
