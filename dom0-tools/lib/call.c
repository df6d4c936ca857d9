/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The handle, and how an argument travels: copied into hypercall-safe memory, passed, copied back.
 * One page of such memory is kept per handle because getting some is a system call each time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <mica/hypercall.h>

#include "lib/mica.h"

int mica_open_with(struct mica **m, const struct mica_hv_ops *ops, void *ctx)
{
	struct mica *new = calloc(1, sizeof(*new));

	if (!new)
		return -ENOMEM;
	new->hv = ops;
	new->ctx = ctx;
	new->scratch = ops->alloc(ctx, MICA_SCRATCH_BYTES);
	if (!new->scratch) {
		free(new);
		return -ENOMEM;
	}
	*m = new;
	return 0;
}

int mica_open(struct mica **m)
{
	const struct mica_hv_ops *ops;
	void *ctx;
	int rc;

	/* The library would print its own words about this. */
	if (access("/dev/xen/privcmd", R_OK | W_OK) && access("/proc/xen/privcmd", R_OK | W_OK))
		return -errno;
	rc = hv_xen_open(&ops, &ctx);
	if (rc)
		return rc;
	rc = mica_open_with(m, ops, ctx);
	if (rc)
		ops->close(ctx);
	return rc;
}

void mica_close(struct mica *m)
{
	if (!m)
		return;
	m->hv->free(m->ctx, m->scratch);
	m->hv->close(m->ctx);
	free(m);
}

void *mica_alloc(struct mica *m, size_t bytes)
{
	return m->hv->alloc(m->ctx, bytes);
}

void mica_free(struct mica *m, void *p)
{
	if (p)
		m->hv->free(m->ctx, p);
}

static long call(struct mica *m, unsigned op, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	const uint64_t args[5] = { a, b, c, d, 0 };

	return m->hv->call(m->ctx, op, args);
}

int mica_domctl(struct mica *m, uint32_t cmd, domid_t id, struct xen_domctl *op)
{
	struct xen_domctl *arg = m->scratch;
	int rc;

	op->cmd = cmd;
	op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	op->domain = id;
	do {
		*arg = *op;
		rc = (int)call(m, __HYPERVISOR_domctl, (uintptr_t)arg, 0, 0, 0);
	} while (rc == -EAGAIN);
	*op = *arg;
	return rc;
}

int mica_sysctl(struct mica *m, uint32_t cmd, struct xen_sysctl *op)
{
	struct xen_sysctl *arg = m->scratch;
	int rc;

	op->cmd = cmd;
	op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	*arg = *op;
	rc = (int)call(m, __HYPERVISOR_sysctl, (uintptr_t)arg, 0, 0, 0);
	*op = *arg;
	return rc;
}

/* Both of the next kind: an operation number and one structure, in and out. */
static long call_struct(struct mica *m, unsigned op, unsigned cmd, void *arg, size_t bytes)
{
	long rc;

	if (bytes > MICA_SCRATCH_BYTES)
		return -EINVAL;
	if (arg)
		memcpy(m->scratch, arg, bytes);
	rc = call(m, op, cmd, arg ? (uintptr_t)m->scratch : 0, 0, 0);
	if (arg)
		memcpy(arg, m->scratch, bytes);
	return rc;
}

long mica_memory_op(struct mica *m, unsigned cmd, void *arg, size_t bytes)
{
	return call_struct(m, __HYPERVISOR_memory_op, cmd, arg, bytes);
}

long mica_xen_version(struct mica *m, unsigned cmd, void *arg, size_t bytes)
{
	return call_struct(m, __HYPERVISOR_xen_version, cmd, arg, bytes);
}

int mica_mmuext(struct mica *m, domid_t id, struct mmuext_op *ops, unsigned n)
{
	if (n * sizeof(*ops) > MICA_SCRATCH_BYTES)
		return -EINVAL;
	memcpy(m->scratch, ops, n * sizeof(*ops));
	return (int)call(m, __HYPERVISOR_mmuext_op, (uintptr_t)m->scratch, n, 0, id);
}
