/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a configuration to a running domain: check, build, tell the store, start.  A transaction:
 * whatever fails, everything before it is undone in reverse and the error says so.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "lib/device.h"
#include "lib/domain.h"
#include "lib/hotplug.h"

#define UNDO_TIMEOUT_MS	30000

struct start {
	struct mica *m;
	struct mica_store *s;
	const struct mica_domain_config *d;
	const struct mica_create_options *o;
	struct mica_error *e;
	struct mica_kernel kernel;
	struct mica_source initrd;
	struct mica_build_request request;
	struct mica_built built;
	char uuid[37];
	struct timespec step_began;
	int claim;			/* of its name and its disks' images */
};

static void step_done(struct start *t, const char *step, const char *what)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (t->o->progress)
		t->o->progress(t->o->ctx, step, what,
			       (double)(now.tv_sec - t->step_began.tv_sec) +
			       1e-9 * (double)(now.tv_nsec - t->step_began.tv_nsec));
	t->step_began = now;
}

/* Early, because reading a kernel takes long; the claim decides. */
static int check_memory(struct start *t)
{
	struct xen_sysctl_physinfo host;
	uint64_t kib = t->d->memory_kib, left;
	int rc;

	if (mica_physinfo(t->m, &host))
		return 0;
	left = (host.free_pages - host.outstanding_pages) * KIB_PER_PAGE;
	if (host.outstanding_pages <= host.free_pages && left >= kib)
		return 0;
	rc = mica_fail(t->e, "MICA-MEM-001", "not enough free memory");
	mica_fact(t->e, "needs %llu MiB; free %llu MiB, of which claimed %llu MiB",
		  (unsigned long long)kib >> 10, (unsigned long long)host.free_pages >> 8,
		  (unsigned long long)host.outstanding_pages >> 8);
	mica_hint(t->e, "mica memory set dom0 SIZE     (give back some of dom0's)");
	return rc;
}

/* Early too: what a guest cannot have is said before anything is built for it. */
static int check_devices(struct start *t)
{
	int rc = mica_disks_claim(t->claim, t->d->disks, t->d->nr_disks, t->o->interrupted, t->e);

	for (unsigned i = 0; !rc && i < t->d->nr_disks; i++)
		rc = mica_disk_check(t->s, &t->d->disks[i], t->e);
	for (unsigned i = 0; !rc && i < t->d->nr_nics; i++)
		rc = mica_nic_check(t->s, &t->d->nics[i], t->e);
	return rc;
}

static int check(struct start *t)
{
	const struct mica_domain_config *d = t->d;
	char what[256];
	int rc = check_memory(t);

	if (!rc)
		rc = check_devices(t);
	if (!rc)
		rc = mica_kernel_load(&t->kernel, d->kernel, t->o->cache_dir, t->e);
	if (!rc && d->ramdisk)
		rc = mica_source_open(&t->initrd, "initrd", d->ramdisk, MICA_INITRD_MAX_BYTES, t->e);
	if (rc)
		return rc;
	snprintf(what, sizeof(what), "kernel %s: %s%s%s, %s%s, 64-bit PV", d->kernel,
		 t->kernel.guest_os[0] ? t->kernel.guest_os : "unnamed",
		 t->kernel.version[0] ? " " : "", t->kernel.version, t->kernel.packing,
		 t->kernel.from_cache ? " (cached)" : "");
	step_done(t, "check", what);
	return 0;
}

static int build(struct start *t)
{
	const struct mica_domain_config *d = t->d;
	struct mica_build_request *r = &t->request;
	char what[128];
	int rc;

	*r = (struct mica_build_request){
		.kernel = &t->kernel, .initrd = t->initrd.bytes ? &t->initrd : NULL,
		.cmdline = d->cmdline, .pages = d->memory_kib / KIB_PER_PAGE,
		.max_kib = d->maxmem_kib, .vcpus = d->maxvcpus, .max_ports = d->event_channels,
		.grant_frames = d->grant_frames, .maptrack_frames = d->maptrack_frames,
	};
	memcpy(r->uuid, d->uuid, sizeof(r->uuid));
	if (!d->has_uuid) {
		if (getrandom(r->uuid, sizeof(r->uuid), 0) != sizeof(r->uuid))
			return mica_fail(t->e, "MICA-HOST-002", "no random numbers for a UUID");
		r->uuid[6] = (uint8_t)((r->uuid[6] & 0x0f) | 0x40);
		r->uuid[8] = (uint8_t)((r->uuid[8] & 0x3f) | 0x80);
	}
	mica_print_uuid(r->uuid, t->uuid);
	for (unsigned i = 0; i < d->nr_nics; i++)
		if (!d->nics[i].mac[0])
			mica_mac_make(d->mac_seed, d->nics[i].handle, d->nics[i].mac);
	rc = mica_build(t->m, r, &t->built, t->e);
	if (rc)
		return rc;
	snprintf(what, sizeof(what), "%llu MiB: %llu MiB kernel, %llu MiB initrd, %u vCPU%s",
		 (unsigned long long)d->memory_kib >> 10, (unsigned long long)
		 (t->kernel.end - t->kernel.start + 0xfffff) >> 20,
		 (unsigned long long)(t->initrd.bytes + 0xfffff) >> 20, d->maxvcpus,
		 d->maxvcpus == 1 ? "" : "s");
	step_done(t, "build", what);
	return 0;
}

static int place(struct start *t)
{
	const struct mica_domain_config *d = t->d;
	domid_t id = t->built.id;
	int rc = 0;

	if (d->weight || d->cap)
		rc = mica_sched_set(t->m, id, d->weight, (int)d->cap);
	if (rc)
		return mica_fail_errno(t->e, rc, "cannot set its share of the CPUs");
	for (unsigned v = 0; d->has_cpus && v < d->maxvcpus; v++) {
		rc = mica_vcpu_set_affinity(t->m, id, v, d->cpus);
		if (rc) {
			mica_fail(t->e, "MICA-CPU-002", "cannot pin vCPU %u: %s", v, strerror(-rc));
			return rc;
		}
	}
	if (d->time_offset_s)
		rc = mica_domain_time_offset(t->m, id, d->time_offset_s);
	return rc ? mica_fail_errno(t->e, rc, "cannot set its clock") : 0;
}

static int introduce(struct start *t)
{
	const char *at = "write its nodes";
	int rc = mica_store_add_domain(t->s, &t->built, t->d, t->uuid);

	if (!rc) {
		at = "be introduced to it";
		rc = mica_store_introduce(t->s, t->built.id, t->built.store_mfn,
					  t->built.store_port);
	}
	if (rc) {
		mica_fail(t->e, "MICA-STORE-002", "cannot %s: %s", at, strerror(-rc));
		return rc;
	}
	mica_run_write(t->built.id, "name", t->d->name);
	step_done(t, "store", "nodes written, connected");
	return 0;
}

/* The host's part of its devices, and a line for each. */
static int devices(struct start *t)
{
	const struct mica_domain_config *d = t->d;
	char what[256];
	int rc = 0;

	for (unsigned i = 0; !rc && i < d->nr_disks; i++) {
		const struct mica_disk *disk = &d->disks[i];

		rc = mica_hotplug_disk(t->s, t->built.id, disk, t->e);
		snprintf(what, sizeof(what), "%s %s %.180s (%s%s)", disk->vdev,
			 disk->kernel ? "kernel" : "mica-blkd", disk->target, disk->format,
			 disk->read_only ? ", read-only" : "");
		if (!rc)
			step_done(t, "devices", what);
	}
	for (unsigned i = 0; !rc && i < d->nr_nics; i++) {
		const struct mica_nic *nic = &d->nics[i];

		rc = mica_hotplug_nic(t->s, t->built.id, nic, t->e);
		snprintf(what, sizeof(what), "eth%u %s net %s mac %s", nic->handle,
			 nic->kernel ? "kernel" : "mica-netd", nic->network, nic->mac);
		if (!rc)
			step_done(t, "devices", what);
	}
	return rc;
}

static int launch(struct start *t)
{
	char what[64];
	int rc = t->o->paused ? 0 : mica_domain_resume(t->m, t->built.id);

	if (rc)
		return mica_fail_errno(t->e, rc, "cannot start it");
	snprintf(what, sizeof(what), "%s as id %u", t->o->paused ? "paused" : "running",
		 t->built.id);
	step_done(t, "start", what);
	return 0;
}

/* Asked before each step. */
static int stop(struct start *t)
{
	return t->o->interrupted && t->o->interrupted() ?
		mica_fail(t->e, "MICA-OP-002", "interrupted") : 0;
}

/* The domain exists and something after building it failed. */
static void undo(struct start *t)
{
	struct mica_error ignored, *e = t->e;
	int rc = mica_domain_remove(t->m, t->s, t->built.id, UNDO_TIMEOUT_MS, &ignored);

	if (rc)
		mica_undone(e, "store nodes removed; domain %u could not be freed: %s", t->built.id,
			    ignored.why);
	else
		mica_undone(e, "store nodes removed, memory released, domain id %u freed; nothing "
			    "left behind", t->built.id);
}

int mica_domain_start(struct mica *m, struct mica_store *s, const struct mica_domain_config *d,
		      const struct mica_create_options *o, domid_t *id, struct mica_error *e)
{
	static int (*const after_build[])(struct start *t) = {
		place, introduce, devices, launch,
	};
	struct start *t = calloc(1, sizeof(*t));
	int rc;

	if (!t)
		return mica_fail(e, "MICA-HOST-002", "out of memory");
	t->m = m, t->s = s, t->d = d, t->o = o, t->e = e;
	clock_gettime(CLOCK_MONOTONIC, &t->step_began);
	t->claim = mica_domain_name_claim(m, s, d->name, -1, e);
	rc = t->claim < 0 ? t->claim : check(t);
	if (!rc)
		rc = stop(t);
	if (!rc)
		rc = build(t);
	mica_kernel_free(&t->kernel);
	mica_source_close(&t->initrd);
	if (!rc) {
		for (unsigned i = 0; !rc && i < 4; i++) {
			rc = stop(t);
			if (!rc)
				rc = after_build[i](t);
		}
		if (rc)
			undo(t);
	}
	if (t->claim >= 0)
		close(t->claim);	/* the store has the name and the images, or nobody */
	*id = t->built.id;
	if (rc)
		mica_what(e, "cannot create '%s'", d->name);
	free(t);
	return rc;
}
