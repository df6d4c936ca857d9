/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Questions about the machine (sysctl) and the memory calls the builder makes.  Lists are split so
 * that no argument grows with the domain; mapping failures undo themselves.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <mica/memory.h>

#include "lib/mica.h"

#define POPULATE_CHUNK	4096		/* entries per call */

int mica_physinfo(struct mica *m, struct xen_sysctl_physinfo *info)
{
	struct xen_sysctl op = { 0 };
	int rc = mica_sysctl(m, XEN_SYSCTL_physinfo, &op);

	*info = op.u.physinfo;
	return rc;
}

int mica_sched_id(struct mica *m, uint32_t *id)
{
	struct xen_sysctl op = { 0 };
	int rc = mica_sysctl(m, XEN_SYSCTL_sched_id, &op);

	*id = op.u.sched_id.sched_id;
	return rc;
}

static int ratelimit(struct mica *m, uint32_t cmd, unsigned *us)
{
	struct xen_sysctl op = { .u.scheduler_op = {
		.cmd = cmd, .u.sched_credit2.ratelimit_us = *us,
	} };
	int rc = mica_sched_id(m, &op.u.scheduler_op.sched_id);

	rc = rc ? rc : mica_sysctl(m, XEN_SYSCTL_scheduler_op, &op);
	*us = op.u.scheduler_op.u.sched_credit2.ratelimit_us;
	return rc;
}

int mica_ratelimit_get(struct mica *m, unsigned *us)
{
	*us = 0;
	return ratelimit(m, XEN_SYSCTL_SCHEDOP_getinfo, us);
}

int mica_ratelimit_set(struct mica *m, unsigned us)
{
	return ratelimit(m, XEN_SYSCTL_SCHEDOP_putinfo, &us);
}

int mica_cpu_idle(struct mica *m, uint64_t *idle_ns, unsigned max)
{
	struct xen_sysctl_cpuinfo *list = mica_alloc(m, max * sizeof(*list));
	struct xen_sysctl op = { .u.getcpuinfo = { .max_cpus = max, .info = (uintptr_t)list } };
	int rc;

	if (!list)
		return -ENOMEM;
	rc = mica_sysctl(m, XEN_SYSCTL_getcpuinfo, &op);
	for (unsigned i = 0; !rc && i < op.u.getcpuinfo.nr_cpus && i < max; i++)
		idle_ns[i] = list[i].idletime;
	mica_free(m, list);
	return rc ? rc : (int)op.u.getcpuinfo.nr_cpus;
}

int mica_dmesg(struct mica *m, char *text, size_t room, bool clear, bool from_index,
	       uint32_t *index)
{
	char *buffer = mica_alloc(m, room);
	struct xen_sysctl op = { .u.readconsole = {
		.clear = clear, .incremental = from_index, .index = *index,
		.buffer = (uintptr_t)buffer, .count = (uint32_t)room,
	} };
	int rc;

	if (!buffer)
		return -ENOMEM;
	rc = mica_sysctl(m, XEN_SYSCTL_readconsole, &op);
	if (!rc) {
		rc = (int)op.u.readconsole.count;
		memcpy(text, buffer, (size_t)rc);
		*index = op.u.readconsole.index;
	}
	mica_free(m, buffer);
	return rc;
}

int mica_keys(struct mica *m, const char *keys)
{
	size_t n = strlen(keys);
	char *copy = mica_alloc(m, n + 1);
	struct xen_sysctl op = { .u.debug_keys = {
		.keys = (uintptr_t)copy, .nr_keys = (uint32_t)n,
	} };
	int rc;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, keys, n);
	rc = mica_sysctl(m, XEN_SYSCTL_debug_keys, &op);
	mica_free(m, copy);
	return rc;
}

long mica_populate(struct mica *m, domid_t id, uint64_t *list, uint64_t n, unsigned order)
{
	uint64_t room = n < POPULATE_CHUNK ? n : POPULATE_CHUNK, done = 0;
	uint64_t *chunk = mica_alloc(m, (room ? room : 1) * sizeof(*chunk));
	long rc = 0;

	if (!chunk)
		return -ENOMEM;
	while (done < n) {
		uint64_t now = n - done < room ? n - done : room;
		struct xen_memory_reservation arg = {
			.extent_start = (uintptr_t)chunk, .nr_extents = now,
			.extent_order = order, .domid = id,
		};

		memcpy(chunk, list + done, now * sizeof(*chunk));
		rc = mica_memory_op(m, XENMEM_populate_physmap, &arg, sizeof(arg));
		if (rc > 0) {
			memcpy(list + done, chunk, (size_t)rc * sizeof(*chunk));
			done += (uint64_t)rc;
		}
		if (rc < (long)now)
			break;
	}
	mica_free(m, chunk);
	return rc < 0 ? rc : (long)done;
}

int mica_claim(struct mica *m, domid_t id, uint64_t pages)
{
	struct xen_memory_reservation arg = { .nr_extents = pages, .domid = id };

	return (int)mica_memory_op(m, XENMEM_claim_pages, &arg, sizeof(arg));
}

int mica_set_memory_limit_map(struct mica *m, domid_t id, uint64_t bytes)
{
	struct e820entry *entry = mica_alloc(m, sizeof(*entry));
	struct xen_foreign_memory_map arg = {
		.domid = id, .map = { .nr_entries = 1, .buffer = (uintptr_t)entry },
	};
	int rc;

	if (!entry)
		return -ENOMEM;
	*entry = (struct e820entry){ .addr = 0, .size = bytes, .type = E820_RAM };
	rc = (int)mica_memory_op(m, XENMEM_set_memory_map, &arg, sizeof(arg));
	mica_free(m, entry);
	return rc;
}

int mica_map(struct mica *m, domid_t id, size_t n, const uint64_t *mfns, void **p)
{
	int *errs = calloc(n, sizeof(*errs)), rc = 0;

	if (!errs)
		return -ENOMEM;
	errno = 0;
	*p = m->hv->map(m->ctx, id, n, mfns, errs);
	if (!*p)
		rc = errno ? -errno : -ENOMEM;
	for (size_t i = 0; !rc && i < n; i++)
		rc = errs[i];
	if (rc && *p)
		m->hv->unmap(m->ctx, *p, n);
	free(errs);
	return rc > 0 ? -rc : rc;
}

void mica_unmap(struct mica *m, void *p, size_t n)
{
	m->hv->unmap(m->ctx, p, n);
}
