/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A few domains for the tests of hypervisor/ipc: real memory underneath, and what dom/ would do
 * replaced by the least that shows: upcalls are flags and counters, domains live in an array.
 * Included by one test file each, so the functions that ipc/ calls are defined here.
 */
#ifndef IPC_WORLD_H
#define IPC_WORLD_H

#include "unit.h"
#include "cpu/keys.h"
#include "dom/event.h"
#include "mm/heap.h"
#include "mm/hvmap.h"
#include "mm/pt.h"

struct domain *domain_get_target(struct vcpu *caller, domid_t id, int *rc)
{
	struct domain *d = domain_get(id == DOMID_SELF ? caller->dom->id : id);

	*rc = !d ? -ESRCH : d != caller->dom && !caller->dom->privileged ? -EPERM : 0;
	if (d && *rc)
		domain_put(d);
	return *rc ? NULL : d;
}

#define WORLD_DOMS	3
#define WORLD_VCPUS	2
#define WORLD_FRAMES	4096

static struct domain world[WORLD_DOMS];
static struct vcpu world_vcpu[WORLD_DOMS][WORLD_VCPUS];
static unsigned world_kicks;
static uint64_t world_free;		/* frames free, or in kmalloc's hands, before */
struct domain *dom0;
void (*virq_raise)(struct vcpu *v, unsigned virq);
void (*virq_raise_global)(unsigned virq);

void event_pend(struct vcpu *v)
{
	atomic_set(&v->info->evtchn_upcall_pending, 1);
	event_kick(v);
}

void event_kick(struct vcpu *v) { atomic_add(&world_kicks, 1); }
void keys_register(char key, const char *help, void (*fn)(void)) { }

struct domain *domain_get(domid_t id)
{
	if (id >= WORLD_DOMS || !world[id].max_vcpus)
		return NULL;
	atomic_add(&world[id].refs, 1);
	return &world[id];
}

void domain_put_many(struct domain *d, uint32_t n)
{
	assert_true(atomic_sub(&d->refs, n) > n);
}

struct domain *domain_next(domid_t from)
{
	return domain_get(from);
}

static inline void world_make(const struct dom_service *service, const struct domain_config *cfg)
{
	static bool ram;

	fake_cpus(2);
	if (!ram)
		fake_ram(WORLD_FRAMES, true);
	ram = true;
	world_free = heap_free_frames() + kmalloc_pages();
	fake_space_forget_all();
	memset(world, 0, sizeof(world));
	memset(world_vcpu, 0, sizeof(world_vcpu));
	for (domid_t id = 0; id < WORLD_DOMS; id++) {
		struct domain *d = &world[id];
		static struct vcpu *table[WORLD_DOMS][WORLD_VCPUS];

		assert_int_equal(space_init(&d->mem, id, 512), 0);
		fake_space_register(&d->mem);
		d->id = id;
		d->refs = 1;
		d->max_vcpus = WORLD_VCPUS;
		d->vcpu = table[id];
		d->shared = hv_page_alloc();
		frame_share(frame_of(virt_to_mfn(d->shared)), &d->mem);
		for (unsigned i = 0; i < WORLD_VCPUS; i++) {
			struct vcpu *v = d->vcpu[i] = &world_vcpu[id][i];

			v->dom = d;
			v->id = i;
			v->info = &d->shared->vcpu_info[i];
			scan_init(&v->scan, &d->mem);
		}
		assert_int_equal(service->create(d, cfg), 0);
	}
	dom0 = &world[0];
}

/* Every domain goes; nothing may be left of it: no reference, no frame in use. */
static inline void world_end(const struct dom_service *service)
{
	for (domid_t id = 0; id < WORLD_DOMS; id++) {
		world[id].mem.dying = true;
		while (service->teardown(&world[id]) == RESTART)
			;
	}
	for (domid_t id = 0; id < WORLD_DOMS; id++) {
		assert_int_equal(world[id].refs, 1);
		service->destroy(&world[id]);
		frame_unshare(frame_of(virt_to_mfn(world[id].shared)));
		while (space_relinquish(&world[id].mem) == RESTART)
			;
		assert_int_equal(world[id].mem.tot_frames, 0);
		space_fini(&world[id].mem);
	}
	fake_lock_check_none();
	assert_int_equal(heap_free_frames() + kmalloc_pages(), world_free);
}

/* A fresh page of @d, as its guest would have it: number and contents. */
static inline mfn_t world_page(struct domain *d, void **va)
{
	struct frame *f = space_alloc(&d->mem, 0, 0);

	assert_non_null(f);
	if (va)
		*va = frame_to_virt(f);
	return frame_mfn(f);
}

#endif
