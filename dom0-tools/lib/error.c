/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The error object and the catalogue of codes.  Codes are never renumbered or reused: scripts and
 * search engines know them.  No state, no locks.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/error.h"

static const struct mica_code catalogue[] = {
#define CODE(name, exit, errnum, title, cause, remedy) \
	{ "MICA-" name, exit, errnum, title, cause, remedy },
#include "lib/codes.def"
#undef CODE
};

#define NR_CODES	(sizeof(catalogue) / sizeof(catalogue[0]))

const struct mica_code *mica_code_nth(size_t i)
{
	return i < NR_CODES ? &catalogue[i] : NULL;
}

static const struct mica_code *find(const char *name)
{
	for (size_t i = 0; i < NR_CODES; i++)
		if (!strcmp(catalogue[i].name, name))
			return &catalogue[i];
	return NULL;
}

const struct mica_code *mica_code_find(const char *name)
{
	const struct mica_code *code = find(name);

	return code ? code : find("MICA-INT-001");
}

int mica_fail(struct mica_error *e, const char *code, const char *why, ...)
{
	va_list args;

	memset(e, 0, sizeof(*e));
	e->code = mica_code_find(code);
	va_start(args, why);
	vsnprintf(e->why, sizeof(e->why), why, args);
	va_end(args);
	return -e->code->errnum;
}

#define PRINT_INTO(buffer, text)					\
	do {								\
		va_list args_;						\
		va_start(args_, text);					\
		vsnprintf(buffer, sizeof(buffer), text, args_);		\
		va_end(args_);						\
	} while (0)

void mica_fact(struct mica_error *e, const char *text, ...)
{
	if (e->facts < MICA_ERROR_ITEMS)
		PRINT_INTO(e->fact[e->facts++], text);
}

void mica_hint(struct mica_error *e, const char *text, ...)
{
	if (e->hints < MICA_ERROR_ITEMS)
		PRINT_INTO(e->hint[e->hints++], text);
}

void mica_undone(struct mica_error *e, const char *text, ...)
{
	PRINT_INTO(e->undone, text);
}

void mica_what(struct mica_error *e, const char *text, ...)
{
	if (!e->what[0])
		PRINT_INTO(e->what, text);
}

/* Which code an errno of the hypervisor means when nothing more is known. */
static const char *code_of(int errnum)
{
	switch (errnum) {
	case ESRCH: return "MICA-DOM-001";
	case EPERM: case EACCES: return "MICA-AUTH-001";
	case ENOMEM: return "MICA-MEM-001";
	case ENOSYS: case EOPNOTSUPP: return "MICA-ABI-001";
	case EBUSY: case EAGAIN: return "MICA-HV-002";
	default: return "MICA-HV-001";
	}
}

int mica_fail_errno(struct mica_error *e, int rc, const char *why, ...)
{
	char text[MICA_ERROR_TEXT];
	int errnum = rc < 0 ? -rc : rc;

	PRINT_INTO(text, why);
	mica_fail(e, code_of(errnum), "%s: %s", text, strerror(errnum));
	return -errnum;
}
