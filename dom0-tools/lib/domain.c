/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names, and the end of domains.  Looking a name up asks the hypervisor which domains exist and
 * then each one's own node, so that a stale node can never lead to the wrong domain.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/domain.h"
#include "lib/hotplug.h"
#include "lib/names.h"

void mica_domain_name(struct mica_store *s, domid_t id, char name[MICA_NAME_MAX])
{
	char *kept;

	if (!id) {
		strcpy(name, "dom0");
		return;
	}
	if (s && !mica_store_get(s, name, MICA_NAME_MAX, "/local/domain/%u/name", id) && name[0])
		return;
	kept = mica_run_read(id, "name");
	if (kept && kept[0])
		snprintf(name, MICA_NAME_MAX, "%s", kept);
	else
		snprintf(name, MICA_NAME_MAX, "(%u)", id);
	free(kept);
}

/* Ask the store, in one go, what those without a name in @names are called. */
static void ask_names(struct mica_store *s, const mica_dominfo *list, int n,
		      char (*names)[MICA_NAME_MAX])
{
	char (*paths)[32] = calloc((size_t)n + 1, sizeof(*paths));
	const char **each = calloc((size_t)n + 1, sizeof(*each));
	char **values = calloc((size_t)n + 1, sizeof(*values));
	unsigned asked = 0, at = 0;

	for (int i = 0; paths && each && values && i < n; i++) {
		if (names[i][0])
			continue;
		snprintf(paths[asked], sizeof(paths[0]), "/local/domain/%u/name", list[i].domain);
		each[asked] = paths[asked];
		asked++;
	}
	if (asked)
		mica_store_read_many(s, asked, each, values);
	for (int i = 0; i < n && at < asked; i++) {
		if (names[i][0])
			continue;
		if (values[at] && strlen(values[at]) < MICA_NAME_MAX)
			strcpy(names[i], values[at]);
		free(values[at++]);
	}
	free(values);
	free(each);
	free(paths);
}

char (*mica_domain_names(struct mica_store *s, const mica_dominfo *list, int n))[MICA_NAME_MAX]
{
	char (*names)[MICA_NAME_MAX] = calloc((size_t)n + 1, sizeof(*names));
	struct mica_names *known = mica_names_open(NULL);

	for (int i = 0; names && i < n; i++) {
		if (!list[i].domain)
			strcpy(names[i], "dom0");
		else
			mica_names_get(known, list[i].domain, list[i].handle, names[i]);
	}
	mica_names_close(known);
	if (names && s)
		ask_names(s, list, n, names);
	for (int i = 0; names && i < n; i++)
		if (!names[i][0])
			mica_domain_name(NULL, list[i].domain, names[i]);
	return names;
}

/*
 * Keep those of @n domains that may be called @name; returns how many.  Most are known to be called
 * otherwise, so that what is done with each that is left hardly grows with the guests.
 */
static int keep_likely(mica_dominfo *list, int n, const char *name)
{
	struct mica_names *known = mica_names_open(NULL);
	int kept = 0;

	for (int i = 0; i < n; i++)
		if (!mica_names_is_other(known, list[i].domain, list[i].handle, name))
			list[kept++] = list[i];
	mica_names_close(known);
	return kept;
}

/* What is known may be about to change: is it really called so? */
static bool is_called_now(struct mica_store *s, domid_t id, const char *name)
{
	char now[MICA_NAME_MAX];

	mica_domain_name(s, id, now);
	return !strcmp(now, name);
}

static int not_found(const char *word, char (*names)[MICA_NAME_MAX], int n, struct mica_error *e)
{
	const char **each = calloc((size_t)n + 1, sizeof(*each)), *near = NULL;
	int rc = mica_fail(e, "MICA-DOM-001", "no domain is called '%s'", word);

	for (int i = 0; each && i < n; i++)
		each[i] = names[i];
	if (each)
		near = mica_nearest(word, each);
	if (near)
		mica_hint(e, "did you mean '%s'?", near);
	mica_hint(e, "mica list");
	free(each);
	return rc;
}

static bool is_called(domid_t id, const char *name, const char *word)
{
	return !strcmp(name, word) || (!id && !strcmp(word, "Domain-0"));
}

int mica_domain_find(struct mica *m, struct mica_store *s, const char *word, domid_t *id,
		     struct mica_error *e)
{
	mica_dominfo *list;
	char *end;
	unsigned long number = isdigit((unsigned char)word[0]) ? strtoul(word, &end, 10) : 0;
	bool is_number = isdigit((unsigned char)word[0]) && !*end;
	int n = mica_domain_list(m, &list), rc = -1;
	char (*names)[MICA_NAME_MAX];

	if (n < 0)
		return mica_fail_errno(e, n, "cannot list domains");
	names = is_number ? NULL : mica_domain_names(s, list, n);
	for (int i = 0; i < n && rc; i++) {
		*id = list[i].domain;
		if (is_number ? *id == number : names && is_called(*id, names[i], word))
			rc = 0;
	}
	if (rc && !names)
		names = mica_domain_names(s, list, n);
	if (rc)
		rc = names ? not_found(word, names, n, e) :
			mica_fail(e, "MICA-HOST-002", "out of memory");
	free(names);
	free(list);
	return rc;
}

/* Has a domain other than @but this name? */
static int name_is_free(struct mica *m, struct mica_store *s, const char *name, int but,
			struct mica_error *e)
{
	char (*names)[MICA_NAME_MAX];
	mica_dominfo *list;
	int n = mica_domain_list(m, &list), rc = 0;

	if (n < 0)
		return mica_fail_errno(e, n, "cannot list domains");
	n = keep_likely(list, n, name);
	names = mica_domain_names(s, list, n);
	if (!names)
		rc = mica_fail(e, "MICA-HOST-002", "out of memory");
	for (int i = 0; i < n && !rc; i++) {
		if (list[i].domain == but || strcmp(names[i], name) ||
		    !is_called_now(s, list[i].domain, name))
			continue;
		rc = mica_fail(e, "MICA-DOM-002", "the name '%s' is taken by domain %u", name,
			       list[i].domain);
		mica_hint(e, "choose another with --name, or end that one: mica destroy %s", name);
	}
	free(names);
	free(list);
	return rc;
}

int mica_domain_name_claim(struct mica *m, struct mica_store *s, const char *name, int but,
			   struct mica_error *e)
{
	int claim = mica_names_claim(NULL, name), rc;

	if (claim == -EBUSY) {
		rc = mica_fail(e, "MICA-DOM-002", "the name '%s' is being given to another domain "
			       "right now", name);
		mica_hint(e, "mica list     (shows that one when it is there)");
		return rc;
	}
	if (claim < 0)
		return mica_fail_errno(e, claim, "cannot write %s", mica_names_file);
	rc = name_is_free(m, s, name, but, e);
	if (!rc)
		return claim;
	close(claim);
	return rc;
}

/* Until its monitor has seen the change, the store is asked. */
static void forget_name(const mica_dominfo *info)
{
	char was[MICA_NAME_MAX];
	struct mica_names *known = mica_names_open(NULL);

	if (mica_names_get(known, info->domain, info->handle, was))
		mica_names_set(NULL, info->domain, info->handle, NULL);
	mica_names_close(known);
}

int mica_domain_rename(struct mica *m, struct mica_store *s, domid_t id, const char *name,
		       struct mica_error *e)
{
	char path[64], vm[128];
	mica_dominfo info;
	int rc, claim, hold;

	if (!mica_name_is_valid(name))
		return mica_fail(e, "MICA-CFG-003", "'%s' is not a name: 1 to 63 letters, digits and "
				 ". _ + - with a letter in it", name);
	claim = mica_domain_name_claim(m, s, name, id, e);
	if (claim < 0)
		return claim;
	hold = mica_names_hold(NULL, id);
	snprintf(path, sizeof(path), "/local/domain/%u/name", id);
	rc = hold < 0 ? hold : mica_store_put(s, path, "%s", name);
	if (!rc && !mica_domain_info(m, id, &info))
		forget_name(&info);
	if (hold >= 0)
		close(hold);
	close(claim);
	if (rc)
		return mica_fail(e, "MICA-STORE-002", "cannot write %s: %s", path, strerror(-rc));
	if (!mica_store_get(s, vm, sizeof(vm) - 8, "/local/domain/%u/vm", id) && vm[0]) {
		strcat(vm, "/name");
		mica_store_put(s, vm, "%s", name);
	}
	mica_run_write(id, "name", name);
	return 0;
}

/* What the host set up for its disks of the kernel's back end. */
static void undo_hotplug(struct mica_store *s, domid_t id)
{
	char path[96], back[128], **numbers;
	int n;

	snprintf(path, sizeof(path), "/local/domain/0/backend/vbd/%u", id);
	n = mica_store_list(s, path, &numbers);
	for (int i = 0; i < n; i++) {
		snprintf(back, sizeof(back), "%s/%.16s", path, numbers[i]);
		mica_hotplug_undo(s, back);
	}
	if (n >= 0)
		free(numbers);
}

/* Backends in dom0 keep a directory per guest. */
static void forget_backends(struct mica_store *s, domid_t id)
{
	char path[128], **kinds;
	int n = mica_store_list(s, "/local/domain/0/backend", &kinds);

	if (n < 0)
		return;
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "/local/domain/0/backend/%.60s/%u", kinds[i], id);
		mica_store_rm(s, path);
	}
	free(kinds);
}

void mica_domain_forget(struct mica_store *s, domid_t id, const uint8_t uuid[16])
{
	char path[64], text[37];

	mica_run_remove(id);
	if (!s)
		return;
	mica_store_release(s, id);
	undo_hotplug(s, id);
	forget_backends(s, id);
	snprintf(path, sizeof(path), "/local/domain/%u", id);
	mica_store_rm(s, path);
	mica_print_uuid(uuid, text);
	snprintf(path, sizeof(path), "/vm/%s", text);
	mica_store_rm(s, path);
}

int mica_domain_remove(struct mica *m, struct mica_store *s, domid_t id, unsigned timeout_ms,
		       struct mica_error *e)
{
	char holders[300];
	mica_dominfo info;
	int rc = mica_domain_info(m, id, &info);

	if (rc)
		return mica_fail_errno(e, rc, "cannot look at domain %u", id);
	if (!id)
		return mica_fail(e, "MICA-DOM-004", "domain 0 runs these tools");
	rc = mica_domain_destroy(m, id);
	if (rc && rc != -ESRCH)
		return mica_fail_errno(e, rc, "cannot destroy domain %u", id);
	/* The daemons let go of its pages when they hear of it, so before waiting. */
	mica_domain_forget(s, id, info.handle);
	rc = mica_domain_end(m, id, timeout_ms);
	if (rc != -ETIMEDOUT)
		return rc ? mica_fail_errno(e, rc, "cannot destroy domain %u", id) : 0;
	mica_fail(e, "MICA-DOM-005", "domain %u is dying, some of its pages are still in use", id);
	if (!mica_domain_info(m, id, &info))
		mica_fact(e, "%llu pages held", (unsigned long long)info.tot_pages);
	if (mica_holders(NULL, holders, sizeof(holders)))
		mica_fact(e, "processes that map pages of guests: %s", holders);
	else
		mica_fact(e, "no process of domain 0 maps pages of guests; another guest may");
	mica_hint(e, "mica list     (shows it until it is gone)");
	return -e->code->errnum;
}
