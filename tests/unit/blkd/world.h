/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A world of io.h for the block daemon's tests: a guest's memory in a memfd, so that several
 * processes see it, grants that are page numbers, ports that count their notifications.
 *
 * Everything a guest can do wrong with grants is a table of bits: revoked[ref] makes the next map
 * or copy fail.  The store is not part of it; disk processes have none.
 */
#ifndef UNIT_BLKD_WORLD_H
#define UNIT_BLKD_WORLD_H

#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "blkd/disk.h"

#define PAGE		4096u
#define GUEST_PAGES	1024u
#define GUEST_PORT	7u

/* Shared by all processes of a test. */
struct shared {
	struct journal journal;
	uint8_t revoked[GUEST_PAGES];
	unsigned notified[64];		/* by local port */
	unsigned maps, copies, unmaps;
	unsigned steps, die_at;		/* of journal_step */
	unsigned long order;		/* of engine calls */
};

struct world {
	struct mica_io io;
	int memory;
	uint8_t *pages;			/* all of the guest's, mapped at once: the guest's view */
	struct shared *s;
	uint64_t now_ns, timer_ns;
	int mapped;			/* pages; 0 at the end or something leaked */
	int ports;
};

static struct world world;

static int w_bind(struct mica_io *io, domid_t peer, uint32_t remote, uint32_t *port)
{
	if (remote >= 60)
		return -EINVAL;
	*port = remote + 1;
	world.ports++;
	return 0;
}

static void w_close(struct mica_io *io, uint32_t port)
{
	world.ports--;
}

static void w_notify(struct mica_io *io, uint32_t port)
{
	world.s->notified[port]++;
}

static int w_map(struct mica_io *io, domid_t peer, const uint32_t *refs, unsigned n, bool writable,
		 void **where)
{
	char *at;

	for (unsigned i = 0; i < n; i++)
		if (refs[i] >= GUEST_PAGES || world.s->revoked[refs[i]])
			return -EINVAL;
	at = mmap(NULL, (size_t)n * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(at, MAP_FAILED);
	for (unsigned i = 0; i < n; i++)
		assert_ptr_equal(mmap(at + i * PAGE, PAGE, PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_FIXED, world.memory, (off_t)refs[i] * PAGE),
				 at + i * PAGE);
	world.mapped += (int)n;
	world.s->maps++;
	*where = at;
	return 0;
}

static void w_unmap(struct mica_io *io, void *where, unsigned n)
{
	munmap(where, (size_t)n * PAGE);
	world.mapped -= (int)n;
	world.s->unmaps++;
}

static void *side(const struct mica_io_side *s, uint32_t bytes)
{
	if (!s->by_ref)
		return s->mem;
	if (s->ref >= GUEST_PAGES || world.s->revoked[s->ref] || s->offset + bytes > PAGE)
		return NULL;
	return world.pages + s->ref * PAGE + s->offset;
}

static int w_copy(struct mica_io *io, struct mica_io_copy *pieces, unsigned n)
{
	int rc = 0;

	for (unsigned i = 0; i < n; i++) {
		void *from = side(&pieces[i].from, pieces[i].bytes);
		void *to = side(&pieces[i].to, pieces[i].bytes);

		pieces[i].status = from && to ? 0 : -EFAULT;
		if (from && to)
			memcpy(to, from, pieces[i].bytes);
		else if (!rc)
			rc = -EFAULT;
	}
	world.s->copies++;
	return rc;
}

static uint64_t w_now(struct mica_io *io)
{
	return world.now_ns += 1000;
}

static void w_timer(struct mica_io *io, uint64_t at_ns)
{
	world.timer_ns = at_ns;
}

static const struct mica_io_ops world_ops = {
	.port_bind = w_bind, .port_close = w_close, .port_notify = w_notify, .map = w_map,
	.unmap = w_unmap, .copy = w_copy, .now_ns = w_now, .timer_set = w_timer,
};

static void world_start(void)
{
	memset(&world, 0, sizeof(world));
	world.io.ops = &world_ops;
	world.memory = memfd_create("guest", 0);
	assert_int_equal(ftruncate(world.memory, GUEST_PAGES * PAGE), 0);
	world.pages = mmap(NULL, GUEST_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			   world.memory, 0);
	world.s = mmap(NULL, sizeof(*world.s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	assert_ptr_not_equal(world.pages, MAP_FAILED);
	assert_ptr_not_equal(world.s, MAP_FAILED);
}

static void world_end(void)
{
	munmap(world.pages, GUEST_PAGES * PAGE);
	munmap(world.s, sizeof(*world.s));
	close(world.memory);
}

static uint8_t *guest_page(uint32_t ref)
{
	return world.pages + ref * PAGE;
}

/* --- the disk under test, in this process --- */

static struct disk disk;
static struct engine engine;
static struct bounce fixed;
static unsigned faults, notes, drained;
static char last_note[256], last_fault[256];

static void saw_fault(struct disk *d, const char *why)
{
	faults++;
	snprintf(last_fault, sizeof(last_fault), "%s", why);
}

static void saw_note(struct disk *d, const char *text)
{
	notes++;
	snprintf(last_note, sizeof(last_note), "%s", text);
}

static void saw_drained(struct disk *d)
{
	drained++;
}

static int temp_image(uint64_t bytes)
{
	char path[] = "/tmp/blkd-image-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	return fd;
}

static void disk_begin(const struct engine_ops *ops, int image, uint64_t bytes)
{
	faults = notes = drained = 0;
	last_note[0] = last_fault[0] = '\0';
	if (!fixed.base)
		assert_int_equal(bounce_open(&fixed), 0);
	engine = (struct engine){ .ops = ops, .image = image, .depth = 64, .fixed = fixed.base,
				  .fixed_bytes = BOUNCE_BYTES };
	assert_int_equal(ops->start(&engine), 0);
	disk_init(&disk, &world.io, &engine, &world.s->journal, 3);
	disk.bounce = fixed;
	disk.shape = (struct blk_shape){ .bytes = bytes, .sector_bytes = 512, .discard = true };
	disk.fault = saw_fault;
	disk.note = saw_note;
	disk.drained = saw_drained;
}

/* Let the engine come to rest. */
__attribute__((unused)) static void disk_settle(void)
{
	struct pollfd p = { .fd = engine.fd, .events = POLLIN };

	disk_run(&disk);
	while (disk.in_flight) {
		assert_int_equal(poll(&p, 1, 20000), 1);
		disk_engine(&disk);
	}
}

__attribute__((unused)) static void disk_finish(void)
{
	disk_disconnect(&disk);
	while (disk.state != DISK_OFF)
		disk_settle();
	assert_int_equal(drained, 1);
	assert_int_equal(world.mapped, 0);
	assert_int_equal(world.ports, 0);
	assert_int_equal(disk.bounce_bytes, 0);
	fixed = disk.bounce;		/* in the order they were given back */
	engine.ops->stop(&engine);
}

/* Rings from page 0 on, data pages behind them. */
__attribute__((unused)) static struct blk_rings rings_at(unsigned queues, unsigned pages,
							 bool persistent)
{
	struct blk_rings r = { .nr_queues = queues, .nr_pages = pages, .persistent = persistent };

	for (unsigned q = 0; q < queues; q++) {
		for (unsigned i = 0; i < pages; i++)
			r.ref[q][i] = q * pages + i;
		r.port[q] = GUEST_PORT + 2 * q;
	}
	return r;
}

/* --- the guest --- */

__attribute__((unused)) static struct blkif_request request(uint8_t op, uint64_t id, uint64_t sector,
							    unsigned n, uint32_t first_ref)
{
	struct blkif_request r = { .operation = op, .nr_segments = (uint8_t)n, .id = id,
				   .sector_number = sector };

	for (unsigned i = 0; i < n && i < 11; i++)
		r.seg[i] = (struct blkif_request_segment){ .gref = first_ref + i, .last_sect = 7 };
	return r;
}

#endif
