/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The nodes a new guest finds in the store, with their permissions: dom0 owns what the guest only
 * reads, the guest owns what it writes.  All in one transaction, tried again when somebody else
 * changed the tree meanwhile.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/device.h"
#include "lib/domain.h"

#define RETRIES		50

struct tree {
	struct mica_store *s;
	const struct mica_built *b;
	const struct mica_domain_config *d;
	const char *uuid;
	char home[32];			/* "/local/domain/7" */
	int rc;				/* first failure; later calls do nothing */
};

static void path_of(const struct tree *t, char *path, size_t room, const char *node)
{
	snprintf(path, room, "%s%s%s", t->home, node[0] ? "/" : "", node);
}

/* A node with a value; the guest may read it. */
static void put(struct tree *t, const char *node, const char *value)
{
	char path[128];

	path_of(t, path, sizeof(path), node);
	if (!t->rc)
		t->rc = mica_store_put(t->s, path, "%s", value);
}

static void put_number(struct tree *t, const char *node, unsigned long long value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", value);
	put(t, node, text);
}

/* Who owns a node: dom0 and the guest reads, or the guest.  Children inherit what they are made
 * under, so this comes before they are. */
static void own(struct tree *t, const char *node, bool guest)
{
	const struct mica_perm mine[] = { { 'n', 0 }, { 'r', t->b->id } };
	const struct mica_perm its[] = { { 'n', t->b->id } };
	char path[128];

	path_of(t, path, sizeof(path), node);
	if (!t->rc)
		t->rc = mica_store_mkdir(t->s, path);
	if (!t->rc)
		t->rc = guest ? mica_store_set_perms(t->s, path, its, 1) :
				mica_store_set_perms(t->s, path, mine, 2);
}

static void add_console(struct tree *t)
{
	own(t, "console", false);
	put(t, "console/backend-id", "0");
	put(t, "console/limit", "1048576");
	put(t, "console/type", "xenconsoled");
	put(t, "console/output", "pty");
	put_number(t, "console/ring-ref", t->b->console_mfn);
	put_number(t, "console/port", t->b->console_port);
	put(t, "console/tty", "");
}

static void add_resources(struct tree *t)
{
	char node[48];

	own(t, "cpu", false);
	for (unsigned i = 0; i < t->d->maxvcpus; i++) {
		snprintf(node, sizeof(node), "cpu/%u/availability", i);
		put(t, node, i < t->d->vcpus ? "online" : "offline");
	}
	own(t, "memory", false);
	put_number(t, "memory/static-max", t->d->maxmem_kib);
	put_number(t, "memory/target", t->d->memory_kib);
	put(t, "memory/videoram", "0");
	put_number(t, "store/port", t->b->store_port);
	put_number(t, "store/ring-ref", t->b->store_mfn);
}

static void add_control(struct tree *t)
{
	static const char *const its[] = {
		"control/shutdown", "control/feature-poweroff", "control/feature-reboot",
		"control/feature-suspend", "control/sysrq", "data", "drivers", "feature", "attr",
		"error", "device/suspend/event-channel",
	};

	own(t, "device", false);
	own(t, "control", false);
	put(t, "control/platform-feature-multiprocessor-suspend", "1");
	put(t, "control/platform-feature-xs_reset_watches", "1");
	for (size_t i = 0; i < sizeof(its) / sizeof(its[0]); i++)
		own(t, its[i], true);
}

static void add_devices(struct tree *t)
{
	for (unsigned i = 0; i < t->d->nr_disks && !t->rc; i++)
		t->rc = mica_device_put_disk(t->s, t->b->id, &t->d->disks[i]);
	for (unsigned i = 0; i < t->d->nr_nics && !t->rc; i++)
		t->rc = mica_device_put_nic(t->s, t->b->id, &t->d->nics[i]);
}

static void add_vm(struct tree *t)
{
	char path[96];

	snprintf(path, sizeof(path), "/vm/%s/name", t->uuid);
	if (!t->rc)
		t->rc = mica_store_put(t->s, path, "%s", t->d->name);
	snprintf(path, sizeof(path), "/vm/%s/uuid", t->uuid);
	if (!t->rc)
		t->rc = mica_store_put(t->s, path, "%s", t->uuid);
	snprintf(path, sizeof(path), "/vm/%s/start_time", t->uuid);
	if (!t->rc)
		t->rc = mica_store_put(t->s, path, "%lld", (long long)time(NULL));
	snprintf(path, sizeof(path), "/vm/%s", t->uuid);
	put(t, "vm", path);
}

static int add_all(struct tree *t)
{
	int rc;

	t->rc = mica_store_rm(t->s, t->home);
	if (t->rc == -ENOENT)
		t->rc = 0;
	mica_store_batch(t->s);
	own(t, "", false);
	add_vm(t);
	put(t, "name", t->d->name);
	put_number(t, "domid", t->b->id);
	add_resources(t);
	add_control(t);
	add_console(t);
	add_devices(t);
	rc = mica_store_batch_end(t->s);
	return t->rc ? t->rc : rc;
}

int mica_store_add_domain(struct mica_store *s, const struct mica_built *b,
			  const struct mica_domain_config *d, const char *uuid)
{
	struct tree t = { .s = s, .b = b, .d = d, .uuid = uuid };
	int rc = 0;

	snprintf(t.home, sizeof(t.home), "/local/domain/%u", b->id);
	for (int tries = 0; tries < RETRIES; tries++) {
		rc = mica_store_begin(s);
		if (rc)
			return rc;
		rc = add_all(&t);
		if (rc) {
			mica_store_end(s, false);
			return rc;
		}
		rc = mica_store_end(s, true);
		if (rc != -EAGAIN)
			return rc;
	}
	return rc;
}
