/* SPDX-License-Identifier: BSD-2-Clause */
/* Which devices there are, and whether what a new one wants is free (device.h). */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/device.h"
#include "lib/domain.h"

#define MAX_DEVICES	256

const char *mica_device_state(unsigned state)
{
	static const char *const words[] = {
		"none", "initialising", "waiting", "initialised", "connected", "closing", "closed",
		"reconfiguring", "reconfigured",
	};

	return state < sizeof(words) / sizeof(words[0]) ? words[state] : "unknown";
}

const char *mica_device_kind_word(enum mica_device_kind kind)
{
	return kind == MICA_DISK ? "disk" : "network card";
}

static unsigned state_at(struct mica_store *s, const char *dir)
{
	char text[16];

	return dir[0] && !mica_store_get(s, text, sizeof(text), "%s/state", dir) ?
		(unsigned)atoi(text) : DEVICE_UNKNOWN;
}

static void fill(struct mica_store *s, struct mica_device *d, const char *back)
{
	char node[160];

	snprintf(d->back, sizeof(d->back), "%s", back);
	snprintf(d->front, sizeof(d->front), "/local/domain/%u/device/%s/%u", d->domain,
		 d->kind == MICA_DISK ? "vbd" : "vif", d->number);
	if (d->kind == MICA_DISK)
		mica_vdev_name(d->number, d->name);
	else
		snprintf(d->name, sizeof(d->name), "eth%u", d->number);
	d->back_state = state_at(s, d->back);
	d->front_state = state_at(s, d->front);
	snprintf(node, sizeof(node), "/local/domain/0/error/%s/error", back + strlen("/local/domain/0/"));
	if (mica_store_get(s, d->error, sizeof(d->error), "%s", node))
		d->error[0] = 0;
}

static int by_number(const void *a, const void *b)
{
	const struct mica_device *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

/* From the back ends' side, which the guest cannot write. */
static int add_dir(struct mica_store *s, domid_t id, enum mica_device_kind kind, bool kernel,
		   struct mica_device *list, int n)
{
	char dir[64], back[96], **names;
	int found;

	snprintf(dir, sizeof(dir), "/local/domain/0/backend/%s/%u",
		 kind == MICA_DISK ? kernel ? "vbd" : "mblk" : kernel ? "vif" : "mnet", id);
	found = mica_store_list(s, dir, &names);
	if (found < 0)
		return found == -ENOENT ? n : found;
	for (int i = 0; i < found && n < MAX_DEVICES; i++) {
		if (strspn(names[i], "0123456789") != strlen(names[i]))
			continue;
		snprintf(back, sizeof(back), "%s/%.16s", dir, names[i]);
		list[n] = (struct mica_device){ .kind = kind, .domain = id, .kernel = kernel,
						.number = (uint32_t)strtoul(names[i], NULL, 10) };
		fill(s, &list[n++], back);
	}
	free(names);
	return n;
}

int mica_device_list(struct mica_store *s, domid_t id, enum mica_device_kind kind,
		     struct mica_device **list)
{
	int n;

	*list = calloc(MAX_DEVICES, sizeof(**list));
	if (!*list)
		return -ENOMEM;
	n = add_dir(s, id, kind, false, *list, 0);
	if (n >= 0)
		n = add_dir(s, id, kind, true, *list, n);
	if (n < 0) {
		free(*list);
		*list = NULL;
		return n;
	}
	qsort(*list, (size_t)n, sizeof(**list), by_number);
	return n;
}

static bool is_called(const struct mica_device *d, const char *name)
{
	uint32_t number;

	if (d->kind == MICA_DISK)
		return mica_vdev_number(name, &number) && number == d->number;
	if (!strncmp(name, "eth", 3))
		name += 3;
	return isdigit((unsigned char)name[0]) && strtoul(name, NULL, 10) == d->number;
}

int mica_device_find(struct mica_store *s, domid_t id, enum mica_device_kind kind,
		     const char *name, struct mica_device *d, struct mica_error *e)
{
	char there[200] = "";
	struct mica_device *list;
	int n = mica_device_list(s, id, kind, &list), rc = -1;

	if (n < 0)
		return mica_fail(e, "MICA-STORE-002", "cannot list devices: %s", strerror(-n));
	for (int i = 0; i < n; i++) {
		size_t at = strlen(there);

		if (is_called(&list[i], name)) {
			*d = list[i];
			rc = 0;
		}
		snprintf(there + at, sizeof(there) - at, " %s", list[i].name);
	}
	free(list);
	if (!rc)
		return 0;
	rc = mica_fail(e, "MICA-DEV-002", "it has no %s called '%s'", mica_device_kind_word(kind), name);
	mica_fact(e, "it has:%s", there[0] ? there : " none");
	return rc;
}

int mica_device_free_number(struct mica_store *s, domid_t id, enum mica_device_kind kind,
			    uint32_t *number)
{
	struct mica_device *list;
	int n = mica_device_list(s, id, kind, &list);
	uint32_t disk = 0;

	if (n < 0)
		return n;
	for (;; disk++) {
		bool taken = false;
		char name[MICA_VDEV_BYTES];

		*number = disk;
		snprintf(name, sizeof(name), "d%up0", disk);
		if (kind == MICA_DISK && !mica_vdev_number(name, number))
			break;
		for (int i = 0; i < n; i++)
			taken |= list[i].number == *number;
		if (!taken)
			break;
	}
	free(list);
	return 0;
}

/* --- who uses what --- */

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	if (stat(a, &x) || stat(b, &y))
		return !strcmp(a, b);
	if (S_ISBLK(x.st_mode) && S_ISBLK(y.st_mode))
		return x.st_rdev == y.st_rdev;
	return x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int in_use(struct mica_store *s, const struct mica_disk *d, const char *back, domid_t id,
		  uint32_t number, struct mica_error *e)
{
	char mode[8], path[1024], name[MICA_NAME_MAX], vdev[MICA_VDEV_BYTES];

	if (mica_store_get(s, path, sizeof(path), "%s/params", back) || !same_file(path, d->target))
		return 0;
	if (mica_store_get(s, mode, sizeof(mode), "%s/mode", back))
		strcpy(mode, "w");
	if (d->read_only && mode[0] == 'r')
		return 0;
	mica_domain_name(s, id, name);
	mica_vdev_name(number, vdev);
	mica_fail(e, "MICA-DISK-010", "disk %s is in use by '%s'", d->vdev[0] ? d->vdev : d->target, name);
	mica_fact(e, "%s is open for %s as its %s (domain %u)", path,
		  mode[0] == 'r' ? "reading" : "writing", vdev, id);
	mica_hint(e, "mica disk detach %s %s     (if it is to move)", name, vdev);
	mica_hint(e, "read-only (access=ro) in both, any number may use it");
	return -e->code->errnum;
}

static int cannot_list(int rc, const char *path, struct mica_error *e)
{
	return mica_fail(e, "MICA-STORE-002", "cannot list %s: %s", path, strerror(-rc));
}

/* Every disk of every domain below one kind of back end. */
static int look_through(struct mica_store *s, const struct mica_disk *d, const char *kind,
			struct mica_error *e)
{
	char path[96], **domains, **numbers;
	int n, rc = 0;

	snprintf(path, sizeof(path), "/local/domain/0/backend/%s", kind);
	n = mica_store_list(s, path, &domains);
	for (int i = 0; i < n && !rc; i++) {
		int m;

		snprintf(path, sizeof(path), "/local/domain/0/backend/%s/%.12s", kind, domains[i]);
		m = mica_store_list(s, path, &numbers);
		if (m < 0 && m != -ENOENT)
			rc = cannot_list(m, path, e);
		for (int k = 0; k < m && !rc; k++) {
			char back[128];

			snprintf(back, sizeof(back), "%s/%.16s", path, numbers[k]);
			rc = in_use(s, d, back, (domid_t)atoi(domains[i]),
				    (uint32_t)strtoul(numbers[k], NULL, 10), e);
		}
		if (m >= 0)
			free(numbers);
	}
	if (n >= 0)
		free(domains);
	else if (n != -ENOENT)
		rc = cannot_list(n, path, e);
	return rc;
}

int mica_disk_check(struct mica_store *s, const struct mica_disk *d, struct mica_error *e)
{
	struct stat st;
	int rc;

	if (strcmp(d->format, "blockdev")) {
		if (stat(d->target, &st))
			return mica_fail(e, "MICA-DISK-003", "disk %s: %s: %s", d->vdev, d->target,
					 strerror(errno));
		if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
			return mica_fail(e, "MICA-DISK-003", "disk %s: %s is neither a file nor a block "
					 "device", d->vdev, d->target);
	}
	rc = look_through(s, d, "mblk", e);
	return rc ? rc : look_through(s, d, "vbd", e);
}

static bool is_directory(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

int mica_nic_check(struct mica_store *s, struct mica_nic *n, struct mica_error *e)
{
	char **names, path[64], there[200] = "";
	bool found = false;
	int count, rc;

	if (n->kernel && n->network[0]) {
		snprintf(path, sizeof(path), "/sys/class/net/%s/bridge", n->network);
		if (!is_directory(path))
			return mica_fail(e, "MICA-NET-020", "dom0 has no bridge '%s'", n->network);
		return 0;
	}
	if (n->kernel)
		return mica_fail(e, "MICA-NET-020", "a card of the kernel's back end needs bridge=NAME");
	count = mica_store_list(s, "/mica/net", &names);
	for (int i = 0; i < count; i++) {
		size_t at = strlen(there);

		found |= !strcmp(names[i], n->network);
		snprintf(there + at, sizeof(there) - at, " %s", names[i]);
	}
	if (!n->network[0] && count == 1 && strlen(names[0]) < sizeof(n->network)) {
		strcpy(n->network, names[0]);
		found = true;
	}
	if (count >= 0)
		free(names);
	if (found)
		return 0;
	rc = n->network[0] ? mica_fail(e, "MICA-NET-020", "there is no network '%s'", n->network) :
		mica_fail(e, "MICA-NET-020", "card %u names no network, and there is not just one",
			  n->handle);
	mica_fact(e, "networks:%s", there[0] ? there : " none");
	mica_hint(e, "mica net create NAME");
	mica_hint(e, "mica net start");
	return rc;
}
