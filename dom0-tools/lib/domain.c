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

#include "lib/domain.h"

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

static int not_found(const char *word, const mica_dominfo *list, int n, struct mica_store *s,
		     struct mica_error *e)
{
	const char **names = calloc((size_t)n + 1, sizeof(*names)), *near = NULL;
	int rc = mica_fail(e, "MICA-DOM-001", "no domain is called '%s'", word);

	for (int i = 0; names && i < n; i++) {
		char name[MICA_NAME_MAX];

		mica_domain_name(s, list[i].domain, name);
		names[i] = strdup(name);
		if (!names[i])
			break;
	}
	if (names)
		near = mica_nearest(word, names);
	if (near)
		mica_hint(e, "did you mean '%s'?", near);
	mica_hint(e, "mica list");
	for (int i = 0; names && i < n; i++)
		free((char *)names[i]);
	free(names);
	return rc;
}

int mica_domain_find(struct mica *m, struct mica_store *s, const char *word, domid_t *id,
		     struct mica_error *e)
{
	mica_dominfo *list;
	char *end;
	unsigned long number = isdigit((unsigned char)word[0]) ? strtoul(word, &end, 10) : 0;
	bool is_number = isdigit((unsigned char)word[0]) && !*end;
	int n = mica_domain_list(m, &list), rc = -1;

	if (n < 0)
		return mica_fail_errno(e, n, "cannot list domains");
	for (int i = 0; i < n && rc; i++) {
		char name[MICA_NAME_MAX];

		*id = list[i].domain;
		if (is_number) {
			rc = *id == number ? 0 : -1;
			continue;
		}
		mica_domain_name(s, *id, name);
		rc = strcmp(name, word) && (*id || strcmp(word, "Domain-0")) ? -1 : 0;
	}
	if (rc)
		rc = not_found(word, list, n, s, e);
	free(list);
	return rc;
}

int mica_domain_name_free(struct mica *m, struct mica_store *s, const char *name, int but,
			  struct mica_error *e)
{
	mica_dominfo *list;
	int n = mica_domain_list(m, &list), rc = 0;

	if (n < 0)
		return mica_fail_errno(e, n, "cannot list domains");
	for (int i = 0; i < n && !rc; i++) {
		char other[MICA_NAME_MAX];

		mica_domain_name(s, list[i].domain, other);
		if (list[i].domain == but || strcmp(other, name))
			continue;
		rc = mica_fail(e, "MICA-DOM-002", "the name '%s' is taken by domain %u", name,
			       list[i].domain);
		mica_hint(e, "choose another with --name, or end that one: mica destroy %s", name);
	}
	free(list);
	return rc;
}

int mica_domain_rename(struct mica *m, struct mica_store *s, domid_t id, const char *name,
		       struct mica_error *e)
{
	char path[64], vm[128];
	int rc;

	if (!mica_name_is_valid(name))
		return mica_fail(e, "MICA-CFG-003", "'%s' is not a name: 1 to 63 letters, digits and "
				 ". _ + - with a letter in it", name);
	rc = mica_domain_name_free(m, s, name, id, e);
	if (rc)
		return rc;
	snprintf(path, sizeof(path), "/local/domain/%u/name", id);
	rc = mica_store_put(s, path, "%s", name);
	if (rc)
		return mica_fail(e, "MICA-STORE-002", "cannot write %s: %s", path, strerror(-rc));
	if (!mica_store_get(s, vm, sizeof(vm) - 8, "/local/domain/%u/vm", id) && vm[0]) {
		strcat(vm, "/name");
		mica_store_put(s, vm, "%s", name);
	}
	mica_run_write(id, "name", name);
	return 0;
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
	mica_hint(e, "mica list     (shows it until it is gone)");
	return -e->code->errnum;
}
