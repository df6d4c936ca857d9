/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What commands begin with: the hypervisor, the store, the domains named on the command line.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

int cli_open(struct mica **m)
{
	struct mica_error e;
	int rc = mica_open(m);

	if (!rc)
		return 0;
	if ((rc == -EACCES || rc == -EPERM) && geteuid())
		mica_fail(&e, "MICA-AUTH-001", "cannot open the hypervisor: %s", strerror(-rc));
	else
		mica_fail(&e, "MICA-HOST-001", "cannot open the hypervisor: %s", strerror(-rc));
	if (access("/proc/xen", F_OK))
		mica_hint(&e, "this system was not started under Mica; restart and choose its entry");
	else
		mica_hint(&e, "modprobe xen-privcmd");
	return cli_report(&e);
}

int cli_open_store(struct mica_store **s)
{
	struct mica_error e;
	int rc = mica_store_open(s);

	if (!rc)
		return 0;
	mica_fail(&e, rc == -EACCES ? "MICA-AUTH-001" : "MICA-STORE-001",
		  "cannot reach the store: %s", strerror(-rc));
	mica_hint(&e, "mica doctor");
	return cli_report(&e);
}

void cli_try_store(struct mica_store **s)
{
	if (mica_store_open_socket(s))
		*s = NULL;
}

int cli_open_both(struct mica **m, struct mica_store **s)
{
	int status = cli_open(m);

	return status ? status : cli_open_store(s);
}

static int look_up(struct target *t, const char *word, struct mica_error *e)
{
	int rc = mica_domain_find(t->m, t->s, word, &t->id, e);

	if (rc)
		return rc;
	mica_domain_name(t->s, t->id, t->name);
	rc = mica_domain_info(t->m, t->id, &t->info);
	return rc ? mica_fail_errno(e, rc, "cannot look at domain %u", t->id) : 0;
}

int cli_target(struct target *t, struct mica *m, struct mica_store *s, const char *word)
{
	struct mica_error e;

	*t = (struct target){ .m = m, .s = s };
	return look_up(t, word, &e) ? cli_report(&e) : 0;
}

int cli_target_or_none(struct target *t, struct mica *m, struct mica_store *s, const char *word)
{
	struct mica_error e;

	*t = (struct target){ .m = m, .s = s };
	if (!look_up(t, word, &e))
		return 0;
	return e.code->exit == EXIT_NOT_FOUND ? -1 : cli_report(&e);
}

int cli_each(int argc, char **argv, const char *verb, bool need_store,
	     int (*act)(struct target *t, struct mica_error *e))
{
	autoclean(mica_close) struct mica *m = NULL;
	autoclean(mica_store_close) struct mica_store *s = NULL;
	int status = cli_open(&m), failed = 0, done = 0;

	if (!status && need_store)
		status = cli_open_store(&s);
	else if (!status)
		cli_try_store(&s);
	if (status)
		return status;
	for (int i = 1; i < argc; i++) {
		struct target t = { .m = m, .s = s };
		struct mica_error e;

		int rc = look_up(&t, argv[i], &e);

		if (!rc && cli.plan)
			cli_plan(verb, t.name, "domain %u", t.id);
		else if (!rc)
			rc = act(&t, &e);
		if (rc) {
			mica_what(&e, "cannot %s '%s'", verb, argv[i]);
			failed = cli_report(&e);
		} else {
			done++;
		}
	}
	return failed && done ? EXIT_PARTLY : failed;
}
