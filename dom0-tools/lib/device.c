/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the toolstack writes for a device.  The front end's directory is the guest's, dom0 reads it
 * (as domain 0 it may everything); the back end's is dom0's, the guest reads it.  Both name each
 * other and begin as Initialising.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/device.h"

#define RETRIES	50

/* A directory being filled; failures stick. */
struct dir {
	struct mica_store *s;
	char path[96];
	int rc;
};

static void put(struct dir *d, const char *key, const char *value, ...)
	__attribute__((format(printf, 3, 4)));

static void put(struct dir *d, const char *key, const char *value, ...)
{
	char path[160], text[1200];
	va_list args;

	va_start(args, value);
	vsnprintf(text, sizeof(text), value, args);
	va_end(args);
	snprintf(path, sizeof(path), "%s/%s", d->path, key);
	if (!d->rc)
		d->rc = mica_store_write(d->s, path, text, strlen(text));
}

static void make(struct dir *d, char owner_access, domid_t owner, domid_t reader)
{
	const struct mica_perm perms[] = { { owner_access, owner }, { 'r', reader } };

	if (!d->rc)
		d->rc = mica_store_mkdir(d->s, d->path);
	if (!d->rc)
		d->rc = mica_store_set_perms(d->s, d->path, perms, 2);
}

static const char *back_dir(enum mica_device_kind kind, bool kernel)
{
	return kind == MICA_DISK ? kernel ? "vbd" : "mblk" : kernel ? "vif" : "mnet";
}

static const char *front_dir(enum mica_device_kind kind)
{
	return kind == MICA_DISK ? "vbd" : "vif";
}

/* Both directories with what every device has. */
static void begin(struct dir *front, struct dir *back, struct mica_store *s, domid_t id,
		  enum mica_device_kind kind, bool kernel, uint32_t number)
{
	*front = (struct dir){ .s = s };
	*back = (struct dir){ .s = s };
	snprintf(front->path, sizeof(front->path), "/local/domain/%u/device/%s/%u", id,
		 front_dir(kind), number);
	snprintf(back->path, sizeof(back->path), "/local/domain/0/backend/%s/%u/%u",
		 back_dir(kind, kernel), id, number);
	make(back, 'n', 0, id);
	put(back, "frontend", "%s", front->path);
	put(back, "frontend-id", "%u", id);
	put(back, "online", "1");
	make(front, 'n', id, 0);
	put(front, "backend", "%s", back->path);
	put(front, "backend-id", "0");
}

/* State last: who sees it finds the rest. */
static int finish(struct dir *front, struct dir *back)
{
	put(back, "state", "%d", DEVICE_INITIALISING);
	put(front, "state", "%d", DEVICE_INITIALISING);
	return back->rc ? back->rc : front->rc;
}

const char *mica_disk_type(const struct mica_disk *d)
{
	struct stat st;

	if (strcmp(d->format, "raw"))
		return d->format;
	return !stat(d->target, &st) && S_ISBLK(st.st_mode) ? "phy" : "file";
}

int mica_device_put_disk(struct mica_store *s, domid_t id, const struct mica_disk *d)
{
	struct dir front, back;

	begin(&front, &back, s, id, MICA_DISK, d->kernel, d->number);
	put(&back, "params", "%s", d->target);
	put(&back, "type", "%s", d->kernel ? "phy" : mica_disk_type(d));
	put(&back, "mode", "%s", d->read_only ? "r" : "w");
	put(&back, "dev", "%s", d->vdev);
	put(&back, "device-type", "%s", d->cdrom ? "cdrom" : "disk");
	put(&back, "removable", "0");
	put(&back, "bootable", "1");
	put(&back, "discard-enable", "%d", !d->no_discard);
	put(&back, "direct-io-safe", "%d", d->direct_io_safe);
	if (!d->kernel) {
		put(&back, "iops-limit", "%llu", (unsigned long long)d->iops_limit);
		put(&back, "bps-limit", "%llu", (unsigned long long)d->bps_limit);
		put(&back, "cache", "%s", d->durable ? "writethrough" : "writeback");
		if (d->sector_bytes)
			put(&back, "logical-sector-size", "%u", d->sector_bytes);
	}
	put(&front, "virtual-device", "%u", d->number);
	put(&front, "device-type", "%s", d->cdrom ? "cdrom" : "disk");
	return finish(&front, &back);
}

int mica_device_put_nic(struct mica_store *s, domid_t id, const struct mica_nic *n)
{
	struct dir front, back;

	begin(&front, &back, s, id, MICA_NIC, n->kernel, n->handle);
	put(&back, "handle", "%u", n->handle);
	put(&back, "mac", "%s", n->mac);
	if (n->kernel) {
		put(&back, "bridge", "%s", n->network);
		put(&back, "type", "vif");
		/* xen-netback gives up without one when it first looks; hotplug.h does its work */
		put(&back, "script", "%s", "/bin/true");
		if (n->rate_bps)		/* bytes in a window of microseconds */
			put(&back, "rate", "%llu,50000", (unsigned long long)n->rate_bps / 20);
		if (n->ifname[0])
			put(&back, "vifname", "%s", n->ifname);
	} else {
		put(&back, "network", "%s", n->network);
		if (n->vlan >= 0)
			put(&back, "vlan", "%d", n->vlan);
		if (n->trunk[0])
			put(&back, "trunk", "%s", n->trunk);
		put(&back, "isolated", "%d", n->isolated);
		put(&back, "antispoof", "%d", n->antispoof);
		put(&back, "ip", "%s", n->ip);
		put(&back, "rate-bps", "%llu", (unsigned long long)n->rate_bps);
	}
	put(&front, "handle", "%u", n->handle);
	put(&front, "mac", "%s", n->mac);
	if (n->mtu) {
		put(&front, "mtu", "%u", n->mtu);
		put(&back, "mtu", "%u", n->mtu);
	}
	return finish(&front, &back);
}

static int attach(struct mica_store *s, domid_t id, const struct mica_disk *d,
		  const struct mica_nic *n)
{
	int rc = 0;

	for (int tries = 0; tries < RETRIES; tries++) {
		char state[8];

		rc = mica_store_begin(s);
		if (rc)
			return rc;
		rc = mica_store_get(s, state, sizeof(state), "/local/domain/%u/device/%s/%u/state", id,
				    front_dir(d ? MICA_DISK : MICA_NIC), d ? d->number : n->handle);
		if (rc != -ENOENT) {
			mica_store_end(s, false);
			return rc ? rc : -EEXIST;
		}
		mica_store_batch(s);
		if (d)
			mica_device_put_disk(s, id, d);
		else
			mica_device_put_nic(s, id, n);
		rc = mica_store_batch_end(s);
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

static int attached(int rc, const char *what, struct mica_error *e)
{
	if (rc == -EEXIST)
		return mica_fail(e, "MICA-DEV-001", "the domain has %s already", what);
	return rc ? mica_fail(e, "MICA-STORE-002", "cannot write its nodes: %s", strerror(-rc)) : 0;
}

int mica_device_attach_disk(struct mica_store *s, domid_t id, const struct mica_disk *d,
			    struct mica_error *e)
{
	return attached(attach(s, id, d, NULL), d->vdev, e);
}

int mica_device_attach_nic(struct mica_store *s, domid_t id, const struct mica_nic *n,
			   struct mica_error *e)
{
	char name[24];

	snprintf(name, sizeof(name), "card %u", n->handle);
	return attached(attach(s, id, NULL, n), name, e);
}
