/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hypercall table (abi/mica/hypercalls.def) and what handlers need: restart, privilege, targets.
 *
 * A handler is  long hc_NAME(struct vcpu *self, arguments...)  with up to five uint64_t-sized arguments
 * (gva_t counts as one) in the ABI's order; its result goes to the guest's RAX, sign-extended.
 */
#ifndef CALL_HYPERCALL_H
#define CALL_HYPERCALL_H

#include <mica/errno.h>
#include <mica/hypercall.h>
#include "cpu/log.h"
#include "cpu/softirq.h"
#include "cpu/uaccess.h"
#include "dom/vcpu.h"

typedef long hypercall_fn(struct vcpu *self, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
			  uint64_t a5);

/*
 * The handler stops here and wants to be executed again with these first @n arguments (the others stay
 * as they are).  Returns what the handler must return.  Works inside a multicall too.
 *	return hypercall_again(self, 2, list.a + done * size, n - done);
 */
long hypercall_again(struct vcpu *self, unsigned n, ...);

/* @i, which is below @n; 0 when the processor runs ahead of that check (tables of functions). */
static inline uint64_t table_index(uint64_t i, uint64_t n)
{
	uint64_t mask;

	__asm__("cmp %2, %1\n\tsbb %0, %0" : "=r"(mask) : "r"(i), "r"(n) : "cc");
	return i & mask;
}

/* -EPERM unless the caller is a control domain. */
#define require_privilege(self, what) \
	do { if (!(self)->dom->privileged) return refuse(-EPERM, "%s: not a control domain", what); } while (0)

/*
 * One command of a call (cmd, pointer to its structure).  @arg is the copy of the structure at @at, @d the
 * domain it is about.  0 or more, -errno, or RESTART: the call comes again as it was.
 */
typedef long command_fn(struct vcpu *self, struct domain *d, unsigned cmd, void *arg, gva_t at);

struct command {
	command_fn *fn;			/* NULL: -ENOSYS */
	uint8_t size;			/* of the structure that is copied in, at most CMD_ARG_MAX */
	uint8_t flags;
	uint8_t domid_end;		/* where in it the domain it is about ends; 0: it is the caller's */
	/* The answer cannot be written: what was made, the last word of the structure, goes again. */
	int (*undo)(struct domain *d, uint32_t made);
};

#define CMD_ARG_MAX		72
/* Size of a @type, which does not compile when it is too large. */
#define SIZE_WITHIN(max, type)	(sizeof(type) + 0 * sizeof(char[sizeof(type) <= (max) ? 1 : -1]))
#define CMD_SIZE(type)		SIZE_WITHIN(CMD_ARG_MAX, type)

/* Rows of a table: command @nr, whose structure is a @type; of the domain named in its @field. */
#define COMMAND(nr, fn, type, flags)	[nr] = { fn, CMD_SIZE(type), flags, 0, NULL }
#define COMMAND_OF(nr, fn, type, field, flags) \
	[nr] = { fn, CMD_SIZE(type), flags, offsetof(type, field) + sizeof(domid_t), NULL }

#define CMD_CONTROL		1	/* for control domains; -EPERM before anything is read */
#define CMD_HARDWARE		2	/* for the hardware domain */
#define CMD_ANSWERS		4	/* the structure goes back when 0 is returned */

/* Row @cmd of @list (@n rows); @call is the name of the hypercall for the log. */
long command_run(const struct command *list, unsigned n, const char *call, struct vcpu *self,
		 uint64_t cmd, gva_t at);

/*
 * The calls of control domains whose structure begins {command, version}: it is copied in, looked at, and
 * goes back on 0, -ENOBUFS (counts say what is needed) and -EINVAL (some say what was wrong).
 */
struct control {
	const char *name;
	uint32_t version, size;			/* of the structure, at most CONTROL_MAX */
	long (*run)(struct vcpu *self, void *op);	/* or RESTART: the call comes again as it is now */
};

#define CONTROL_MAX		144
#define CONTROL_SIZE(type)	SIZE_WITHIN(CONTROL_MAX, type)

long control_op(const struct control *c, struct vcpu *self, gva_t at);

#endif
