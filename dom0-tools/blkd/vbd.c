/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk as libmicaback's back end: what the toolstack's keys ask for, what the guest's keys say,
 * and the steps of the handshake as steps of the disk's process.
 *
 *	probe        image opened and locked, process started; its READY ends the step
 *	connect      rings read from the store, sent to the process; its DONE ends the step
 *	disconnect   its DONE ends the step, or its death, or DRAIN_NS
 *	remove       process killed, image closed, journal removed
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "blkd/blkd.h"
#include "blkd/storage.h"

#define LOCK_NS		10000000000ull	/* an image may still be held by a process that is dying */
#define LOCK_AGAIN_NS	100000000ull
#define SERVER_NS	60000000000ull	/* for a storage server to come back */
#define TOLD_ALREADY	UINT64_MAX
#define MAX_ORDER	4u

struct vbd *vbds;

void vbd_done(struct vbd *v, int rc)
{
	v->step = VBD_NOTHING;
	back_done(v->dev, rc);
}

/* --- probe --- */

static int read_limits(struct vbd *v)
{
	int ops = back_read_u64(v->dev, &v->ops_limit, 0, UINT64_MAX, "iops-limit");
	int bytes = back_read_u64(v->dev, &v->bytes_limit, 0, UINT64_MAX, "bps-limit");

	if (ops)
		v->ops_limit = 0;
	if (bytes)
		v->bytes_limit = 0;
	if ((ops && ops != -ENOENT) || (bytes && bytes != -ENOENT))
		return back_fail(v->dev, -EINVAL, "MICA-DISK-001", "write plain numbers, 0 for no"
				 " limit", "iops-limit or bps-limit is no number");
	return 0;
}

static int read_keys(struct vbd *v, bool *read_only, uint64_t *sector_bytes)
{
	struct back_device *dev = v->dev;
	struct mica_io *io = back_io(dev->back);
	char mode[8] = "", cache[32] = "", path[64];

	if (back_read(dev, v->path, sizeof(v->path), "params") || !v->path[0])
		return back_fail(dev, -EINVAL, "MICA-DISK-001", NULL, "no image is named (params)");
	if (back_read(dev, v->type, sizeof(v->type), "type"))
		strcpy(v->type, "file");
	back_read(dev, mode, sizeof(mode), "mode");
	*read_only = mode[0] != 'w';
	back_read(dev, cache, sizeof(cache), "cache");
	v->durable = !strcmp(cache, "writethrough");
	if (cache[0] && !v->durable && strcmp(cache, "writeback"))
		return back_fail(dev, -EINVAL, "MICA-DISK-001", "cache is writeback or writethrough",
				 "cache mode '%s' is not known", cache);
	*sector_bytes = 0;
	if (!back_read_u64(dev, sector_bytes, 0, 4096, "logical-sector-size") && *sector_bytes &&
	    *sector_bytes != 512 && *sector_bytes != 4096)
		return back_fail(dev, -EINVAL, "MICA-DISK-001", NULL,
				 "sectors of %u bytes are not supported, only 512 and 4096",
				 (unsigned)*sector_bytes);
	snprintf(path, sizeof(path), "/local/domain/%u/name", dev->domid);
	if (io->ops->read(io, path, v->name, sizeof(v->name)))
		snprintf(v->name, sizeof(v->name), "domain %u", dev->domid);
	return read_limits(v);
}

/* The disk of ours that uses the same image in a way that excludes this one. */
static struct vbd *used_by(const struct vbd *v)
{
	for (struct vbd *o = vbds; o; o = o->next) {
		if (o == v || o->gone || !o->dev)
			continue;
		if (v->image.shape.read_only && o->image.shape.read_only)
			continue;
		if (v->storage || o->storage ? !strcmp(v->path, o->path) :
		    image_same(&v->image, &o->image))
			return o;
	}
	return NULL;
}

static int in_use(struct vbd *v, pid_t pid)
{
	static const char hint[] = "attach it read-only to all, or detach it there first";
	struct vbd *o = used_by(v);
	char comm[32] = "", path[64];
	FILE *f;

	if (o)
		return back_fail(v->dev, -EBUSY, "MICA-DISK-002", hint,
				 "%s is open for %s by %s (domain %u), as %u", v->path,
				 o->image.shape.read_only ? "reading" : "writing", o->name,
				 o->dev->domid, o->dev->handle);
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = pid ? fopen(path, "re") : NULL;
	if (f && fgets(comm, sizeof(comm), f))
		comm[strcspn(comm, "\n")] = '\0';
	if (f)
		fclose(f);
	return back_fail(v->dev, -EBUSY, "MICA-DISK-002", hint,
			 "%s is locked by another process of the host (pid %d %s)", v->path, pid,
			 comm);
}

static int open_raw(struct vbd *v, bool read_only, uint32_t sector_bytes)
{
	const char *why;
	int rc = image_open(&v->image, v->path, read_only, sector_bytes, &why);

	if (rc)
		return back_fail(v->dev, rc, "MICA-DISK-003", NULL, "%s %s: %s", v->path, why,
				 strerror(-rc));
	return 0;
}

static int open_storage(struct vbd *v, bool read_only)
{
	char socket[256];
	const char *why;
	int rc;

	why = storage_refuse(v->type);
	if (why)
		return back_fail(v->dev, -EINVAL, "MICA-DISK-001", why, "type '%s' is not known",
				 v->type);
	snprintf(socket, sizeof(socket), "%s/%u-%u", settings.run_dir, v->dev->domid,
		 v->dev->handle);
	if (used_by(v))
		return in_use(v, 0);
	rc = storage_start(&v->storage, v->type, v->path, read_only, socket, &why);
	if (rc)
		return back_fail(v->dev, rc, "MICA-DISK-003", NULL, "%s: %s", v->path, why);
	v->image.align = 1;
	v->image.physical_bytes = 4096;
	v->image.discard_bytes = 65536;
	v->image.shape = (struct blk_shape){ .sector_bytes = 512, .read_only = read_only,
					     .discard = !read_only };
	return 0;
}

static int write_features(struct vbd *v)
{
	struct back_device *dev = v->dev;
	const struct image *im = &v->image;
	bool discard = im->shape.discard;
	int rc = 0;

	rc |= back_write(dev, "feature-flush-cache", "1");
	rc |= back_write(dev, "feature-barrier", "1");
	rc |= back_write(dev, "feature-discard", discard ? "1" : "0");
	if (discard) {
		rc |= back_write(dev, "discard-granularity", "%u", im->discard_bytes);
		rc |= back_write(dev, "discard-alignment", "0");
		rc |= back_write(dev, "discard-secure", "0");
	}
	rc |= back_write(dev, "feature-persistent", "1");
	rc |= back_write(dev, "feature-max-indirect-segments", "%u", BLK_SEGMENTS);
	rc |= back_write(dev, "multi-queue-max-queues", "4");
	rc |= back_write(dev, "max-ring-page-order", "%u", MAX_ORDER);
	rc |= back_write(dev, "sectors", "%llu",
			 (unsigned long long)(im->shape.bytes / BLK_SECTOR));
	rc |= back_write(dev, "sector-size", "%u", im->shape.sector_bytes);
	rc |= back_write(dev, "physical-sector-size", "%u", im->physical_bytes);
	rc |= back_write(dev, "info", "%u", im->shape.read_only ? VDISK_READONLY : 0);
	return rc ? back_fail(dev, -EIO, "MICA-STORE-002", NULL, "cannot write the features") : 0;
}

/* The image is locked when nobody holds it, a storage server takes a connection when it is up;
 * both may take a while. */
void vbd_probe_on(struct vbd *v)
{
	pid_t holder = 0;
	int rc = v->storage ? 0 : image_lock(&v->image, &holder);
	bool locked = !rc, waits = rc == -EBUSY && !used_by(v);

	if (locked) {
		/* An earlier one may still have held the image when this one began. */
		if (v->storage)
			storage_restart(v->storage);
		rc = child_start(v);
		waits = v->storage && rc;
	}
	if (waits && now_ns() < v->retry_until_ns) {
		v->retry_ns = now_ns() + (v->storage ? 10 : 1) * LOCK_AGAIN_NS;
		loop_need_tick();
		return;
	}
	v->retry_ns = 0;
	if (rc == -EBUSY && !locked)
		rc = in_use(v, holder);
	else if (rc)
		rc = back_fail(v->dev, rc, locked && !v->storage ? "MICA-DISK-005" : "MICA-DISK-003",
			       NULL, v->storage ? "%s: the storage server does not open it: %s" :
			       locked ? "%s: cannot start the disk's process: %s" : "%s: %s", v->path,
			       strerror(-rc));
	if (rc)
		vbd_done(v, rc);
}

void vbd_ready(struct vbd *v, uint64_t bytes, bool can_discard)
{
	if (v->storage) {
		v->image.shape.bytes = bytes & ~(uint64_t)(BLK_SECTOR - 1);
		v->image.shape.discard = v->image.shape.discard && can_discard;
	}
	if (v->image.shape.bytes)
		vbd_done(v, write_features(v));
	else
		vbd_done(v, back_fail(v->dev, -ENODATA, "MICA-DISK-003", NULL, "%s is empty", v->path));
}

static int probe(struct back_device *dev)
{
	struct vbd *v = calloc(1, sizeof(*v));
	uint64_t sector_bytes = 0, discard;
	bool read_only = true;
	int rc;

	if (!v)
		return -ENOMEM;
	v->dev = dev;
	v->control = v->alive = v->journal_fd = v->image.fd = -1;
	v->next = vbds;
	vbds = v;
	dev->priv = v;
	rc = read_keys(v, &read_only, &sector_bytes);
	if (!rc)
		rc = storage_is_raw(v->type) ? open_raw(v, read_only, (uint32_t)sector_bytes) :
			open_storage(v, read_only);
	if (!back_read_u64(dev, &discard, 0, 1, "discard-enable") && !discard)
		v->image.shape.discard = false;
	if (!rc && child_journal(v))
		rc = back_fail(dev, -EIO, "MICA-DISK-005", NULL, "cannot make %s: %s",
			       v->journal_path, strerror(errno));
	if (rc)
		return rc;
	v->resume = dev->resuming;
	v->step = VBD_PROBE;
	v->retry_ns = 1;		/* by the next tick, when probe() has returned */
	v->retry_until_ns = now_ns() + (v->storage ? SERVER_NS : LOCK_NS);
	loop_need_tick();
	return BACK_LATER;
}

/* --- connect --- */

static int read_queue(struct vbd *v, unsigned q, const char *at)
{
	struct blk_rings *r = &v->rings;
	uint64_t value = 0;
	int rc = 0;

	for (unsigned i = 0; i < r->nr_pages && !rc; i++) {
		/* One page without an order: the key has no number. */
		rc = back_read_front_u64(v->dev, &value, 0, UINT32_MAX, "%sring-ref%u", at, i);
		if (rc && r->nr_pages == 1)
			rc = back_read_front_u64(v->dev, &value, 0, UINT32_MAX, "%sring-ref", at);
		r->ref[q][i] = (uint32_t)value;
	}
	if (rc)
		return back_fail(v->dev, rc, "MICA-DISK-004", NULL,
				 "queue %u: the guest's ring references are missing or no numbers", q);
	rc = back_read_front_u64(v->dev, &value, 1, UINT32_MAX, "%sevent-channel", at);
	if (rc)
		return back_fail(v->dev, rc, "MICA-DISK-004", NULL,
				 "queue %u: the guest's event channel is missing or no number", q);
	r->port[q] = (uint32_t)value;
	return 0;
}

static int read_rings(struct vbd *v)
{
	struct back_device *dev = v->dev;
	struct blk_rings *r = &v->rings;
	uint64_t queues, order, persistent;
	char protocol[32], at[24];
	int rc;

	memset(r, 0, sizeof(*r));
	rc = back_read_front(dev, protocol, sizeof(protocol), "protocol");
	if (!rc && strcmp(protocol, "x86_64-abi"))
		return back_fail(dev, -EPROTO, "MICA-DISK-004", NULL, "the guest's driver speaks"
				 " another form of the ring than x86_64-abi");
	if (back_read_front_or(dev, &queues, 1, BLK_QUEUES, 1, "multi-queue-num-queues") ||
	    back_read_front_or(dev, &order, 0, MAX_ORDER, 0, "ring-page-order") ||
	    back_read_front_or(dev, &persistent, 0, 1, 0, "feature-persistent"))
		return back_fail(dev, -EPROTO, "MICA-DISK-004", NULL, "the guest's queues, ring order"
				 " or feature-persistent are out of range");
	r->nr_queues = (uint32_t)queues;
	r->nr_pages = 1u << order;
	r->persistent = (uint32_t)persistent;
	rc = 0;
	for (unsigned q = 0; q < r->nr_queues && !rc; q++) {
		snprintf(at, sizeof(at), "queue-%u/", q);
		rc = read_queue(v, q, r->nr_queues > 1 ? at : "");
	}
	return rc;
}

static int connect(struct back_device *dev)
{
	struct vbd *v = dev->priv;
	int rc = read_rings(v);

	if (rc)
		return rc;
	v->step = VBD_CONNECT;
	v->resume = dev->resuming;
	child_connect(v);
	back_note(dev, "%s (%s, %s%s) to %s: %u queue%s of %u page%s%s%s", v->path, v->type,
		  engine_names[v->engine], v->image.direct ? ", direct" : "", v->name,
		  v->rings.nr_queues, v->rings.nr_queues > 1 ? "s" : "", v->rings.nr_pages,
		  v->rings.nr_pages > 1 ? "s" : "", v->rings.persistent ? ", persistent grants" : "",
		  v->resume ? ", resumed" : "");
	return BACK_LATER;
}

static int disconnect(struct back_device *dev)
{
	struct vbd *v = dev->priv;

	v->step = VBD_DISCONNECT;
	if (child_disconnect(v))
		return BACK_LATER;
	v->step = VBD_NOTHING;
	return 0;
}

static void remove_vbd(struct back_device *dev)
{
	struct vbd *v = dev->priv;

	if (!v)
		return;
	dev->priv = NULL;
	child_kill(v);
	if (v->storage)
		storage_stop(v->storage);
	v->storage = NULL;
	image_close(&v->image);
	if (v->journal)
		munmap(v->journal, sizeof(*v->journal));
	v->journal = NULL;
	if (v->journal_fd >= 0) {
		close(v->journal_fd);
		unlink(v->journal_path);
	}
	v->journal_fd = -1;
	if (v->alive >= 0)
		close(v->alive);
	v->alive = -1;
	v->gone = true;
}

/* --- while it is up --- */

/* The guest is to see it. */
static void tell_size(struct vbd *v, uint64_t bytes)
{
	back_note(v->dev, "%s: %llu bytes, was %llu", v->path, (unsigned long long)bytes,
		  (unsigned long long)v->image.shape.bytes);
	v->image.shape.bytes = bytes;
	back_write(v->dev, "sectors", "%llu", (unsigned long long)(bytes / BLK_SECTOR));
	back_touch_state(v->dev);
}

/* Another size for what a storage server has: it and the disk's process are ended and started anew,
 * as after a kill, and the new server resizes before it serves. */
static void new_size(struct vbd *v)
{
	uint64_t bytes;
	int rc = back_read_u64(v->dev, &bytes, BLK_SECTOR, (uint64_t)1 << 62, "size");

	if (rc == -ENOENT)
		return;
	if (rc || bytes % BLK_SECTOR || !v->storage || v->image.shape.read_only) {
		back_note(v->dev, "size is for images of a format that can be written, in bytes, "
			  "whole sectors");
		return;
	}
	if (bytes <= v->image.shape.bytes || v->resizing || v->child <= CHILD_STARTING) {
		back_note(v->dev, "it keeps its %llu bytes: %s",
			  (unsigned long long)v->image.shape.bytes,
			  bytes <= v->image.shape.bytes ? "images only grow here" : "try again");
		return;
	}
	v->resizing = true;
	storage_resize(v->storage, bytes);
	kill(v->pid, SIGKILL);
}

void vbd_ready_again(struct vbd *v, uint64_t bytes)
{
	char why[200];

	bytes &= ~(uint64_t)(BLK_SECTOR - 1);
	if (bytes && bytes != v->image.shape.bytes) {
		tell_size(v, bytes);
	} else if (v->resizing) {
		storage_complaint(v->storage, why, sizeof(why));
		back_note(v->dev, "%s keeps its size: %s", v->path, why);
	}
	v->resizing = false;
}

static void resized(struct vbd *v)
{
	uint64_t bytes = 0;
	int rc;

	if (v->storage) {
		back_note(v->dev, "an image of type %s is given a size by the key of that name",
			  v->type);
		return;
	}
	rc = image_measure(&v->image, &bytes);
	if (rc || !bytes) {
		back_note(v->dev, "cannot measure %s: %s", v->path, strerror(rc ? -rc : ENODATA));
		return;
	}
	if (bytes == v->image.shape.bytes)
		return;
	tell_size(v, bytes);
	child_resize(v);
}

static void changed(struct back_device *dev, const char *key)
{
	struct vbd *v = dev->priv;

	if (!v || v->step == VBD_PROBE)
		return;
	if (!strcmp(key, "resize")) {
		resized(v);
	} else if (!strcmp(key, "size")) {
		new_size(v);
	} else if (!read_limits(v)) {
		child_limits(v);
	}
}

static void told(void *ctx, const struct back_device *dev, const char *line)
{
	note("%s", line);
}

static const char *const keys[] = { "resize", "size", "iops-limit", "bps-limit", NULL };

const struct back_kind vbd_kind = {
	.dir = "mblk", .keys = keys, .probe = probe, .connect = connect, .disconnect = disconnect,
	.remove = remove_vbd, .changed = changed, .note = told,
};

/* --- time --- */

static void too_late(struct vbd *v)
{
	back_note(v->dev, "its process did not %s in time and is killed",
		  v->child == CHILD_STARTING ? "start" : "end input and output");
	v->deadline_ns = 0;
	kill(v->pid, SIGKILL);
}

/* The image of a process that died has not answered yet; the operator hears of it once. */
static void still_under_way(struct vbd *v, uint64_t now)
{
	v->retry_ns = now + 1;
	if (!v->stuck_ns) {
		v->stuck_ns = now + LOCK_NS;
	} else if (now >= v->stuck_ns && v->stuck_ns != TOLD_ALREADY) {
		v->stuck_ns = TOLD_ALREADY;
		back_note(v->dev, "%s: what its last process had begun does not end; the host's disk"
			  " may be stuck, and the guest waits for it", v->path);
	}
}

/* The process, and the storage server if that died too.  A server that does not come back does
 * not leave the guest waiting: a process without one answers everything with an error. */
static void start_again(struct vbd *v)
{
	uint64_t now = now_ns();
	int rc;

	if (!child_is_over(v)) {
		still_under_way(v, now);
		return;
	}
	v->stuck_ns = 0;
	if (v->storage && !v->retry_until_ns)
		v->retry_until_ns = now + SERVER_NS;
	if (v->storage)
		storage_restart(v->storage);
	if (v->storage && now >= v->retry_until_ns && !v->broken) {
		v->broken = true;
		back_fail(v->dev, 0, "MICA-DISK-006", "detach the disk and attach it again",
			  "its storage server does not come back; the guest gets errors");
	}
	rc = child_start(v);
	if (rc)
		v->retry_ns = now + (v->storage ? 10 : 1) * LOCK_AGAIN_NS;
	else
		v->retry_until_ns = 0;
}

static void retry(struct vbd *v)
{
	v->retry_ns = 0;
	if (v->step == VBD_PROBE) {
		vbd_probe_on(v);
	} else if (v->child == CHILD_NONE) {
		start_again(v);
	}
}

bool vbd_tick(uint64_t now)
{
	bool again = false;
	struct vbd *next;

	for (struct vbd *v = vbds; v; v = next) {
		next = v->next;
		if (!v->gone && v->retry_ns && now >= v->retry_ns)
			retry(v);
		if (!v->gone && v->deadline_ns && now >= v->deadline_ns)
			too_late(v);
		again |= !v->gone && (v->retry_ns || v->deadline_ns);
	}
	return again;
}

void vbd_reap(void)
{
	struct vbd **link = &vbds, *v;

	while ((v = *link)) {
		if (!v->gone) {
			link = &v->next;
			continue;
		}
		*link = v->next;
		free(v);
	}
}

void vbd_sweep(struct back *b)
{
	DIR *dir = opendir(settings.run_dir);
	unsigned domid, handle;
	struct dirent *e;
	int end;

	while (dir && (e = readdir(dir))) {
		end = 0;
		if (sscanf(e->d_name, "%u-%u.journal%n", &domid, &handle, &end) == 2 && end &&
		    !e->d_name[end] && !back_find(b, (domid_t)domid, handle))
			unlinkat(dirfd(dir), e->d_name, 0);
	}
	if (dir)
		closedir(dir);
}
