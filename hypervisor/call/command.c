/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hypercalls that take a command and a pointer to its structure, served from tables: who may, how
 * much is copied in, about which domain it is, and whether the structure goes back, are a row's
 * fields (call/hypercall.h), checked here in this order.  And the three calls that control a machine,
 * whose structures begin alike.  No state.
 */
#include "call/hypercall.h"

static bool may(const struct domain *caller, uint8_t flags)
{
	return (!(flags & CMD_CONTROL) || caller->privileged) &&
	       (!(flags & CMD_HARDWARE) || caller->hardware);
}

long command_run(const struct command *list, unsigned n, const char *call, struct vcpu *self,
		 uint64_t cmd, gva_t at)
{
	union { uint64_t aligned; uint32_t words[CMD_ARG_MAX / 4]; domid_t ids[CMD_ARG_MAX / 2]; } arg;
	struct domain *d = self->dom;
	const struct command *c = cmd < n ? &list[table_index(cmd, n)] : NULL;
	long rc;
	int err;

	if (!c || !c->fn)
		return refuse(-ENOSYS, "%s %lu", call, cmd);
	if (!may(self->dom, c->flags))
		return refuse(-EPERM, "%s %lu: not a control or hardware domain", call, cmd);
	if (copy_from_guest(&arg, at, c->size))
		return refuse(-EFAULT, "%s %lu: argument at %lx", call, cmd, at.a);
	if (c->domid_end) {
		d = domain_get_target(self, arg.ids[c->domid_end / sizeof(domid_t) - 1], &err);
		if (!d)
			return err;
	}
	rc = c->fn(self, d, (unsigned)cmd, &arg, at);
	if (!rc && (c->flags & CMD_ANSWERS) && copy_to_guest(at, &arg, c->size)) {
		rc = refuse(-EFAULT, "%s %lu: answer to %lx", call, cmd, at.a);
		if (c->undo)
			c->undo(d, arg.words[c->size / 4 - 1]);
	}
	if (c->domid_end)
		domain_put(d);
	return rc == RESTART ? hypercall_again(self, 0) : rc;
}

long control_op(const struct control *c, struct vcpu *self, gva_t at)
{
	union { uint64_t aligned; uint32_t words[CONTROL_MAX / 4]; } op;
	long rc;

	if (copy_from_guest(&op, at, c->size))
		return -EFAULT;
	if (op.words[1] != c->version)
		return refuse(-EACCES, "%s: interface version %x", c->name, op.words[1]);
	require_privilege(self, c->name);
	rc = c->run(self, &op);
	if (rc == RESTART)
		return hypercall_again(self, 0);
	if ((!rc || rc == -ENOBUFS || rc == -EINVAL) && copy_to_guest(at, &op, c->size))
		rc = -EFAULT;
	return rc;
}
