/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mica-blkd in the simulated world: libmicaback, vbd.c and the disk's code as they are; only between
 * supervisor and disk process, which here are one, messages are a queue, and the engine is memory that
 * takes its time.
 *
 * Each of the two has a world of its own, as in the real daemon, over the one of domain 0.  When the
 * domain is killed, so are both: mappings and ports go, journal and image stay, and of what the engine
 * had under way some is done and some is not.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host.h"
#include "sim_disk.h"
#include "blkd/blkd.h"
#include "blkd/storage.h"

#define TICK_NS		20000000ull
#define DEPTH		64u

struct settings settings = { .run_dir = "/nonexistent" };
uint8_t sim_image[SIM_IMAGE_BYTES];

struct shim {
	struct mica_io io;		/* first */
	uint64_t timer_ns;
};

enum message { READY, CONNECT, DISCONNECT, DONE, FAULT };

static struct {
	struct pair *pair;
	struct mica_io *real;		/* NULL: killed */
	struct shim super, process;
	uint64_t tick_ns, engine_ns;
	struct back *back;
	/* the disk's process */
	struct vbd *vbd;
	struct disk disk;
	struct engine engine;
	struct xfer *under_way[DEPTH];
	unsigned nr_under_way;
	enum message queue[16];
	unsigned nr_queue;
	int done_rc;
	char words[256];
} host;

static struct journal *journal;		/* outlives them */
static int journal_fd = -1;
static char image_path[] = "/tmp/blkd-plans-XXXXXX";

/* --- one world for each of the two --- */

static void arm(void)
{
	uint64_t due[] = { host.super.timer_ns, host.process.timer_ns, host.tick_ns, host.engine_ns };
	uint64_t first = 0;

	for (unsigned i = 0; i < 4; i++)
		if (due[i] && (!first || due[i] < first))
			first = due[i];
	if (host.real)
		host.real->ops->timer_set(host.real, first);
}

#define FORWARD(call, otherwise)	(host.real ? host.real->ops->call : (otherwise))

static int s_bind(struct mica_io *io, domid_t peer, uint32_t remote, uint32_t *port)
{
	return FORWARD(port_bind(host.real, peer, remote, port), -EIO);
}

static void s_close(struct mica_io *io, uint32_t port)
{
	FORWARD(port_close(host.real, port), (void)0);
}

static void s_notify(struct mica_io *io, uint32_t port)
{
	FORWARD(port_notify(host.real, port), (void)0);
}

static int s_map(struct mica_io *io, domid_t peer, const uint32_t *refs, unsigned n, bool writable,
		 void **where)
{
	return FORWARD(map(host.real, peer, refs, n, writable, where), -EIO);
}

static void s_unmap(struct mica_io *io, void *where, unsigned n)
{
	FORWARD(unmap(host.real, where, n), (void)0);
}

static int s_copy(struct mica_io *io, struct mica_io_copy *pieces, unsigned n)
{
	return FORWARD(copy(host.real, pieces, n), -EIO);
}

static int s_read(struct mica_io *io, const char *path, char *value, size_t room)
{
	return FORWARD(read(host.real, path, value, room), -EIO);
}

static int s_write(struct mica_io *io, const char *path, const char *value)
{
	return FORWARD(write(host.real, path, value), -EIO);
}

static int s_remove(struct mica_io *io, const char *path)
{
	return FORWARD(remove(host.real, path), -EIO);
}

static int s_list(struct mica_io *io, const char *path, char *names, size_t room)
{
	return FORWARD(list(host.real, path, names, room), -EIO);
}

static int s_watch(struct mica_io *io, const char *path, const char *token)
{
	return FORWARD(watch(host.real, path, token), -EIO);
}

static int s_unwatch(struct mica_io *io, const char *path, const char *token)
{
	return FORWARD(unwatch(host.real, path, token), -EIO);
}

static int s_begin(struct mica_io *io)
{
	return FORWARD(begin(host.real), -EIO);
}

static int s_end(struct mica_io *io, bool commit)
{
	return FORWARD(end(host.real, commit), -EIO);
}

static uint64_t s_now(struct mica_io *io)
{
	return FORWARD(now_ns(host.real), 0);
}

static void s_timer(struct mica_io *io, uint64_t at_ns)
{
	((struct shim *)io)->timer_ns = at_ns;
	arm();
}

static domid_t s_self(struct mica_io *io)
{
	return 0;
}

static const struct mica_io_ops shim_ops = {
	.port_bind = s_bind, .port_close = s_close, .port_notify = s_notify, .map = s_map,
	.unmap = s_unmap, .copy = s_copy, .read = s_read, .write = s_write, .remove = s_remove,
	.list = s_list, .watch = s_watch, .unwatch = s_unwatch, .begin = s_begin, .end = s_end,
	.now_ns = s_now, .timer_set = s_timer, .self = s_self,
};

/* --- an engine of memory --- */

static int engine_start(struct engine *e)
{
	return 0;
}

static int engine_submit(struct engine *e, struct xfer *x)
{
	if (host.nr_under_way == DEPTH)
		return -EBUSY;
	host.under_way[host.nr_under_way++] = x;
	host.engine_ns = now_ns() + 1000 + dice(500000);
	return 0;
}

static void engine_nothing(struct engine *e)
{
}

static void carry_out(const struct xfer *x)
{
	uint8_t *at = sim_image + x->offset;

	assert_true(x->offset + x->bytes <= sizeof(sim_image));
	if (x->op == XFER_DISCARD)
		memset(at, 0, x->bytes);
	if (x->op == XFER_DISCARD || x->op == XFER_FLUSH)
		return;
	for (unsigned i = 0; i < x->nr_iov; i++) {
		if (x->op == XFER_READ)
			memcpy(x->iov[i].iov_base, at, x->iov[i].iov_len);
		else
			memcpy(at, x->iov[i].iov_base, x->iov[i].iov_len);
		at += x->iov[i].iov_len;
	}
}

/* Those that are through, in any order. */
static void engine_reap(struct engine *e)
{
	unsigned n = host.nr_under_way;

	while (n--) {
		unsigned i = (unsigned)dice(host.nr_under_way);
		struct xfer *x = host.under_way[i];

		if (dice(4) == 0)
			continue;
		host.under_way[i] = host.under_way[--host.nr_under_way];
		carry_out(x);
		x->done(x, 0);
	}
	host.engine_ns = host.nr_under_way ? now_ns() + 1000 + dice(500000) : 0;
}

static const struct engine_ops engine_ops = {
	.kind = ENGINE_THREADS, .start = engine_start, .submit = engine_submit,
	.kick = engine_nothing, .reap = engine_reap, .stop = engine_nothing,
};

/* --- what main.c has --- */

void note(const char *fmt, ...)
{
	char line[400];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	if (!strncmp(line, "error", 5))
		snprintf(host.pair->back_words, sizeof(host.pair->back_words), "%.199s", line);
}

uint64_t now_ns(void)
{
	return s_now(NULL);
}

int loop_watch(int fd, struct vbd *v)
{
	return 0;
}

void loop_need_tick(void)
{
	if (!host.tick_ns)
		host.tick_ns = now_ns() + TICK_NS;
	arm();
}

/* --- all images are raw --- */

bool storage_is_raw(const char *type) { return true; }
const char *storage_refuse(const char *type) { return NULL; }
int storage_start(struct storage **s, const char *type, const char *path, bool read_only,
		  const char *socket, const char **why) { return -ENOSYS; }
int storage_restart(struct storage *s) { return -ENOSYS; }
void storage_resize(struct storage *s, uint64_t bytes) { }
void storage_complaint(struct storage *s, char *text, size_t room) { }
void storage_stop(struct storage *s) { }

/* --- what child.c and process.c have --- */

static void post(enum message m)
{
	assert_true(host.nr_queue < 16);
	host.queue[host.nr_queue++] = m;
}

static void on_fault(struct disk *d, const char *why)
{
	snprintf(host.words, sizeof(host.words), "%s", why);
	post(FAULT);
}

static void on_note(struct disk *d, const char *text)
{
	back_note(host.vbd->dev, "%s", text);
}

static void on_drained(struct disk *d)
{
	host.done_rc = 0;
	post(DONE);
}

int child_journal(struct vbd *v)
{
	if (!v->dev->resuming)
		memset(journal, 0, sizeof(*journal));
	v->journal_fd = dup(journal_fd);
	v->journal = mmap(NULL, sizeof(*journal), PROT_READ, MAP_SHARED, journal_fd, 0);
	return v->journal == MAP_FAILED ? -ENOMEM : 0;
}

int child_start(struct vbd *v)
{
	host.vbd = v;
	host.engine = (struct engine){ .ops = &engine_ops, .depth = DEPTH, .fd = -1, .image = -1 };
	disk_init(&host.disk, &host.process.io, &host.engine, journal, v->dev->domid);
	host.disk.shape = v->image.shape;
	host.disk.fault = on_fault;
	host.disk.note = on_note;
	host.disk.drained = on_drained;
	v->child = CHILD_STARTING;
	post(READY);
	return 0;
}

void child_connect(struct vbd *v)
{
	v->has_rings = true;
	if (v->child != CHILD_IDLE)
		return;
	v->child = CHILD_CONNECTING;
	post(CONNECT);
}

bool child_disconnect(struct vbd *v)
{
	v->has_rings = false;
	if (v->child != CHILD_UP)
		return v->child == CHILD_CONNECTING || v->child == CHILD_DISCONNECTING;
	v->child = CHILD_DISCONNECTING;
	post(DISCONNECT);
	return true;
}

void child_limits(struct vbd *v)
{
	if (v->child > CHILD_STARTING)
		disk_limits(&host.disk, v->ops_limit, v->bytes_limit);
}

void child_resize(struct vbd *v)
{
	host.disk.shape.bytes = v->image.shape.bytes;
}

bool child_is_over(struct vbd *v)
{
	return true;
}

/* Its end: nothing of it is left, whatever it was doing. */
void child_kill(struct vbd *v)
{
	host.nr_queue = host.nr_under_way = 0;
	host.engine_ns = 0;
	host.disk.in_flight = 0;
	if (host.vbd == v && host.disk.state != DISK_OFF)
		disk_disconnect(&host.disk);
	host.nr_queue = 0;
	host.vbd = NULL;
	v->child = CHILD_NONE;
}

static void on_ready(struct vbd *v)
{
	v->child = CHILD_IDLE;
	v->engine = ENGINE_THREADS;
	if (v->step == VBD_PROBE)
		vbd_ready(v, 0, false);
	if (v->has_rings && v->child == CHILD_IDLE)
		child_connect(v);
}

static void on_done(struct vbd *v)
{
	int rc = host.done_rc;

	if (v->child == CHILD_DISCONNECTING) {
		v->child = CHILD_IDLE;
		if (v->step == VBD_DISCONNECT)
			vbd_done(v, 0);
		return;
	}
	if (v->child != CHILD_CONNECTING)
		return;
	v->child = rc ? CHILD_IDLE : CHILD_UP;
	if (!v->has_rings) {
		if (!child_disconnect(v) && v->step == VBD_DISCONNECT)
			vbd_done(v, 0);
		return;
	}
	v->resume = !rc;
	if (v->step == VBD_CONNECT)
		vbd_done(v, rc ? back_fail(v->dev, -EPROTO, "MICA-DISK-004", NULL,
					   "cannot connect: %d", rc) : 0);
}

static void deliver(enum message m)
{
	struct vbd *v = host.vbd;

	switch (m) {
	case READY:
		on_ready(v);
		break;
	case CONNECT:
		host.done_rc = disk_connect(&host.disk, &v->rings, v->resume);
		post(DONE);
		if (!host.done_rc)
			disk_run(&host.disk);
		break;
	case DISCONNECT:
		disk_disconnect(&host.disk);
		break;
	case DONE:
		on_done(v);
		break;
	case FAULT:
		if (v->child == CHILD_UP)
			back_cut_off(v->dev, "%s", host.words);
		break;
	}
}

static void pump(void)
{
	while (host.nr_queue) {
		enum message m = host.queue[0];

		memmove(host.queue, host.queue + 1, --host.nr_queue * sizeof(m));
		if (host.vbd)
			deliver(m);
	}
	vbd_reap();
	arm();
}

/* --- callbacks of domain 0 --- */

static void on_event(void *ctx, uint32_t port)
{
	disk_event(&host.disk, port);
	pump();
}

static void on_changed(void *ctx, const char *path, const char *token)
{
	host.super.io.driver.changed(host.super.io.driver.ctx, path, token);
	pump();
}

static bool due(uint64_t *at, uint64_t now)
{
	if (!*at || *at > now)
		return false;
	*at = 0;
	return true;
}

static void on_timer(void *ctx)
{
	uint64_t now = now_ns();

	if (due(&host.super.timer_ns, now))
		host.super.io.driver.timer(host.super.io.driver.ctx);
	if (due(&host.process.timer_ns, now) && host.vbd)
		disk_timer(&host.disk);
	if (due(&host.engine_ns, now) && host.vbd)
		disk_engine(&host.disk);
	if (due(&host.tick_ns, now) && vbd_tick(now))
		loop_need_tick();
	pump();
}

static void start_back(struct pair *p)
{
	memset(&host, 0, sizeof(host));
	host.pair = p;
	host.real = p->back_io;
	host.super.io.ops = host.process.io.ops = &shim_ops;
	host.real->driver = (struct mica_io_driver){ .event = on_event, .changed = on_changed,
						     .timer = on_timer, .resumed = on_timer };
	assert_true(back_open(&host.back, &host.super.io, &vbd_kind, NULL) || host.back);
	pump();
}

/* What the kernel frees of dead processes; what they had begun is done, or not. */
static void bury_back(struct pair *p)
{
	host.real = NULL;
	for (unsigned i = 0; i < host.nr_under_way; i++)
		if (host.under_way[i]->op == XFER_WRITE && dice(2))
			carry_out(host.under_way[i]);
	for (struct vbd *v = vbds; v; v = v->next) {
		if (v->gone)
			continue;
		image_close(&v->image);
		if (v->journal)
			munmap(v->journal, sizeof(*v->journal));
		if (v->journal_fd >= 0)
			close(v->journal_fd);
		v->gone = true;
	}
	vbd_reap();
	if (host.back)
		back_close(host.back);
	memset(&host, 0, sizeof(host));
}

static bool back_is_gone(struct pair *p)
{
	return host.back && !back_first(host.back);
}

static void make_keys(struct pair *p, unsigned guest)
{
	memset(sim_image, 0, sizeof(sim_image));
	memset(journal, 0, sizeof(*journal));
	pair_key(p, guest, true, "params", image_path);
	pair_key(p, guest, true, "type", "file");
	pair_key(p, guest, true, "mode", "w");
	pair_key(p, guest, true, "discard-enable", "1");
}

static void open_files(void)
{
	int fd = mkstemp(image_path);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, SIM_IMAGE_BYTES), 0);
	close(fd);
	journal_fd = memfd_create("journal", 0);
	assert_int_equal(ftruncate(journal_fd, sizeof(*journal)), 0);
	journal = mmap(NULL, sizeof(*journal), PROT_READ | PROT_WRITE, MAP_SHARED, journal_fd, 0);
	assert_ptr_not_equal(journal, MAP_FAILED);
	dice_start();
}

void sim_back_use(struct pair *p)
{
	if (!journal)
		open_files();
	p->make_keys = make_keys;
	p->start_back = start_back;
	p->bury_back = bury_back;
	p->back_is_gone = back_is_gone;
}

void sim_back_end(void)
{
	unlink(image_path);
}
