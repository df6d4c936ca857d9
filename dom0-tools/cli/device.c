/* SPDX-License-Identifier: BSD-2-Clause */
/* See device.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/device.h"

int device_target(struct target *t, struct mica **m, struct mica_store **s, const char *word)
{
	int status = cli_open_both(m, s);

	if (!status)
		status = cli_target(t, *m, *s, word);
	if (!status && !t->id)
		status = cli_fail("MICA-DOM-004", "devices", "domain 0 has the machine's own");
	return status;
}

int device_named(struct target *t, enum mica_device_kind kind, const char *name,
		 struct mica_device *d)
{
	struct mica_error e;

	if (!mica_device_find(t->s, t->id, kind, name, d, &e))
		return 0;
	mica_what(&e, "'%s'", t->name);
	return cli_report(&e);
}

static void rows_of(const struct target *t, enum mica_device_kind kind,
		    void (*row)(const struct target *t, const struct mica_device *d))
{
	struct mica_device *list;
	int n = mica_device_list(t->s, t->id, kind, &list);

	for (int i = 0; i < n; i++)
		row(t, &list[i]);
	if (n >= 0)
		free(list);
}

int device_list_run(int argc, char **argv, enum mica_device_kind kind,
		    void (*row)(const struct target *t, const struct mica_device *d))
{
	autoclean(mica_close) struct mica *m = NULL;
	autoclean(mica_store_close) struct mica_store *s = NULL;
	char (*names)[MICA_NAME_MAX];
	mica_dominfo *list;
	struct target t;
	int n, status = cli_open_both(&m, &s);

	for (int i = 1; i < argc && !status; i++) {
		status = cli_target(&t, m, s, argv[i]);
		if (!status)
			rows_of(&t, kind, row);
	}
	if (status)
		return status;
	n = argc == 1 ? mica_domain_list(m, &list) : 0;
	names = n > 0 ? mica_domain_names(s, list, n) : NULL;
	for (int i = 0; names && i < n; i++) {
		t = (struct target){ .m = m, .s = s, .id = list[i].domain, .info = list[i] };
		strcpy(t.name, names[i]);
		rows_of(&t, kind, row);
	}
	free(names);
	if (n > 0)
		free(list);
	return out_end();
}

const struct command_option device_detach_options[] = {
	{ "force", 'f', NULL, "take it away under the guest, which may lose what it had not written" },
	{ NULL, 0, NULL, NULL },
};

int device_detach_run(char **argv, enum mica_device_kind kind)
{
	autoclean(mica_close) struct mica *m = NULL;
	autoclean(mica_store_close) struct mica_store *s = NULL;
	bool force = cli_opt("force") != NULL;
	struct mica_device d;
	struct mica_error e;
	struct target t;
	int status = device_target(&t, &m, &s, argv[1]);

	if (!status)
		status = device_named(&t, kind, argv[2], &d);
	if (status)
		return status;
	if (cli.plan) {
		cli_plan("detach", d.name, "from %s%s", t.name, force ? ", by force" : "");
		return 0;
	}
	if (!mica_device_detach(s, t.id, kind, d.number, force, (unsigned)cli_timeout(DEVICE_WAIT_MS),
				&e))
		return 0;
	mica_what(&e, "cannot detach %s from '%s'", d.name, t.name);
	return cli_report(&e);
}

bool device_join(int argc, char **argv, char *text, size_t room)
{
	size_t at = 0;

	text[0] = 0;
	for (int i = 0; i < argc; i++) {
		int n = snprintf(text + at, room - at, "%s%s", i ? "," : "", argv[i]);

		if (n < 0 || (size_t)n >= room - at)
			return false;
		at += (size_t)n;
	}
	return true;
}

int device_spec_failed(const char *what, const char *text, const struct mica_spec_error *se)
{
	struct mica_error e;

	mica_fail(&e, "MICA-CFG-009", "%s", se->why);
	mica_what(&e, "%s", what);
	mica_fact(&e, "%.300s", text);
	mica_fact(&e, "%*s^", (int)(se->at < 300 ? se->at : 0), "");
	if (se->suggestion[0])
		mica_hint(&e, "did you mean '%s'?", se->suggestion);
	mica_hint(&e, "mica help %s", what);
	return cli_report(&e);
}

void device_text(struct mica_store *s, const struct mica_device *d, const char *node, char *text,
		 size_t room)
{
	if (mica_store_get(s, text, room, "%s/%s", d->back, node))
		text[0] = 0;
}

uint64_t device_number(struct mica_store *s, const struct mica_device *d, const char *node)
{
	char text[32];

	device_text(s, d, node, text, sizeof(text));
	return strtoull(text, NULL, 10);
}

const char *device_state_word(const struct mica_device *d)
{
	if (d->back_state == d->front_state)
		return mica_device_state(d->back_state);
	if (d->error[0] && d->back_state == DEVICE_CLOSED)
		return "failed";
	/* The one that is behind says what is waited for. */
	return mica_device_state(d->back_state < d->front_state ? d->back_state : d->front_state);
}

struct out_value device_summary(struct mica_store *s, domid_t id, enum mica_device_kind kind)
{
	struct mica_device *list;
	int n = mica_device_list(s, id, kind, &list);
	char text[512] = "";

	for (int i = 0; i < n; i++) {
		size_t at = strlen(text);

		snprintf(text + at, sizeof(text) - at, "%s%s %s", i ? ", " : "", list[i].name,
			 device_state_word(&list[i]));
	}
	if (n >= 0)
		free(list);
	return n > 0 ? out_text(text) : out_null();
}
