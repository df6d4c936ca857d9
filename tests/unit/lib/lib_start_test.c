/* unit: dom0-tools/lib/start.c dom0-tools/lib/device.c dom0-tools/lib/device_list.c dom0-tools/lib/disk_claim.c dom0-tools/lib/device_wait.c dom0-tools/lib/hotplug.c dom0-tools/lib/spec.c dom0-tools/lib/disk_spec.c dom0-tools/lib/nic_spec.c dom0-tools/lib/vdev.c dom0-tools/lib/run.c dom0-tools/lib/restart.c dom0-tools/lib/domain.c dom0-tools/lib/holders.c dom0-tools/lib/names.c dom0-tools/lib/digest.c dom0-tools/lib/cache.c dom0-tools/lib/image.c dom0-tools/lib/file.c dom0-tools/lib/sandbox.c dom0-tools/lib/parse.c dom0-tools/lib/store.c dom0-tools/lib/store_wire.c dom0-tools/lib/store_tree.c dom0-tools/lib/build.c dom0-tools/lib/build_image.c dom0-tools/lib/build_memory.c dom0-tools/lib/build_tables.c dom0-tools/lib/layout.c dom0-tools/lib/notes.c dom0-tools/lib/error.c dom0-tools/lib/call.c dom0-tools/lib/domctl.c dom0-tools/lib/host.c dom0-tools/unpack/bzimage.c dom0-tools/unpack/decompress.c lib/elf.c tests/unit/lib/fake_hv.c tests/unit/lib/fake_store.c tests/unit/lib/kernel_image.c tests/unit/lib/fake_xen_open.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Creating a domain as a transaction, over a fake hypervisor and a fake store: what a good create
 * leaves in both, and that one that fails at any hypercall or any request leaves nothing in
 * either, nor a file, and says so.
 */
#include "start_world.h"
#include <errno.h>
#include <pthread.h>

static const char *perms(struct world *w, const char *name)
{
	char path[96];

	snprintf(path, sizeof(path), "/local/domain/%u/%s", w->id, name);
	return fake_store_perms(w->store, path) ? fake_store_perms(w->store, path) : "(none)";
}

static void test_start(void **state)
{
	struct world w;
	char *name;

	world_make(&w);
	if (start(&w))
		fail_msg("%s", w.e.why);
	assert_int_equal(w.id, 1);
	assert_string_equal(node(&w, "name"), "web");
	assert_string_equal(node(&w, "domid"), "1");
	assert_string_equal(node(&w, "cpu/0/availability"), "online");
	assert_string_equal(node(&w, "cpu/1/availability"), "offline");
	assert_string_equal(node(&w, "memory/target"), "16384");
	assert_string_equal(node(&w, "console/port"), "2");
	assert_string_equal(perms(&w, "name"), "n0 r1");
	assert_string_equal(perms(&w, "control/shutdown"), "n1");
	assert_string_equal(perms(&w, "data"), "n1");
	assert_string_equal(node(&w, "device/vbd/51712/state"), "1");
	assert_string_equal(node(&w, "device/vif/0/mac"), w.nic.mac);
	assert_memory_equal(w.nic.mac, "00:16:3e:", 9);
	assert_string_equal(perms(&w, "device/vif/0"), "n1 r0");
	assert_non_null(fake_store_get(w.store, "/local/domain/0/backend/mblk/1/51712/params"));
	assert_non_null(fake_store_get(w.store, "/local/domain/0/backend/mnet/1/0/network"));
	assert_true(w.store->introduced[1]);
	assert_int_equal(w.hv->dom[1].paused, 0);
	name = mica_run_read(1, "name");
	assert_string_equal(name, "web");
	free(name);
	/* the name is taken now, and so is the disk */
	snprintf(w.d.name, sizeof(w.d.name), "two");
	assert_true(start(&w) < 0);
	assert_string_equal(w.e.code->name, "MICA-DISK-010");
	snprintf(w.d.name, sizeof(w.d.name), "web");
	assert_true(start(&w) < 0);
	assert_string_equal(w.e.code->name, "MICA-DOM-002");
	w.id = 1;
	remove_it(&w);
	check_nothing_left(&w);
	world_end(&w);
}

/* Two creates of one name at a time: the second is refused though no domain has it yet. */
static void test_name_claimed(void **state)
{
	struct mica_error e;
	struct world w;
	int claim;

	world_make(&w);
	claim = mica_domain_name_claim(w.m, w.s, "web", -1, &e);
	assert_true(claim >= 0);
	assert_true(start(&w) < 0);
	assert_string_equal(w.e.code->name, "MICA-DOM-002");
	assert_string_equal(w.e.what, "cannot create 'web'");
	check_nothing_left(&w);
	snprintf(w.d.name, sizeof(w.d.name), "two");
	assert_int_equal(start(&w), 0);
	assert_true(mica_domain_rename(w.m, w.s, w.id, "web", &e) < 0);
	assert_string_equal(e.code->name, "MICA-DOM-002");
	assert_string_equal(node(&w, "name"), "two");
	close(claim);
	assert_int_equal(mica_domain_rename(w.m, w.s, w.id, "web", &e), 0);
	assert_string_equal(node(&w, "name"), "web");
	/* and what a create or a rename held, it let go */
	claim = mica_domain_name_claim(w.m, w.s, "two", -1, &e);
	assert_true(claim >= 0);
	close(claim);
	remove_it(&w);
	check_nothing_left(&w);
	world_end(&w);
}

static void *rename_it(void *arg)
{
	struct world *w = arg;
	struct mica_error e;

	assert_int_equal(mica_domain_rename(w->m, w->s, w->id, "new", &e), 0);
	return NULL;
}

/* Between a monitor's look at the name and its note of it nobody gives the domain another one. */
static void test_name_held(void **state)
{
	char name[MICA_NAME_MAX];
	struct mica_names *known;
	const uint8_t *uuid;
	pthread_t thread;
	struct world w;
	int hold;

	world_make(&w);
	assert_int_equal(start(&w), 0);
	uuid = w.hv->dom[w.id].handle;
	hold = mica_names_hold(NULL, w.id);
	assert_true(hold >= 0);
	pthread_create(&thread, NULL, rename_it, &w);
	usleep(50000);
	pthread_mutex_lock(&w.store->lock);
	assert_string_equal(node(&w, "name"), "web");
	pthread_mutex_unlock(&w.store->lock);
	assert_int_equal(mica_names_set(NULL, w.id, uuid, "web"), 0);
	close(hold);
	pthread_join(thread, NULL);
	assert_string_equal(node(&w, "name"), "new");
	known = mica_names_open(NULL);
	assert_false(mica_names_get(known, w.id, uuid, name));
	mica_names_close(known);
	hold = mica_names_hold(NULL, w.id);		/* it let go */
	assert_true(hold >= 0);
	close(hold);
	remove_it(&w);
	check_nothing_left(&w);
	world_end(&w);
}

/* One run with the call @at of the hypervisor or the store refused.  True: the create failed. */
static bool fail_once(unsigned hv_at, unsigned store_at, int hv_with, const char *store_with)
{
	struct world w;
	bool failed;

	world_make(&w);
	w.hv->fail_at = hv_at;
	w.hv->fail_with = hv_with;
	w.store->fail_at = store_at;
	w.store->fail_with = store_with;
	w.hv->stuck_ticks = hv_at % 2;
	failed = start(&w) != 0;
	w.hv->fail_at = w.store->fail_at = 0;
	if (failed) {
		assert_non_null(w.e.code);
		assert_true(w.e.why[0]);
		assert_string_equal(w.e.what, "cannot create 'web'");
		if (w.id)
			assert_non_null(strstr(w.e.undone, "nothing left behind"));
	} else {
		remove_it(&w);
	}
	check_nothing_left(&w);
	world_end(&w);
	return failed;
}

static void test_every_hypercall_fails(void **state)
{
	static const int errnums[] = { -ENOMEM, -EPERM, -EINVAL };
	unsigned calls, failures = 0;
	struct world w;

	world_make(&w);
	assert_int_equal(start(&w), 0);
	calls = w.hv->calls;
	remove_it(&w);
	world_end(&w);
	assert_true(calls > 20);
	for (unsigned at = 1; at <= calls; at++)
		failures += fail_once(at, 0, errnums[at % 3], NULL);
	/* The early look at free memory, large extents and giving back the claim may fail. */
	assert_true(failures >= calls - 3);
}

static void test_every_request_fails(void **state)
{
	static const char *const names[] = { "ENOSPC", "EACCES", "EINVAL" };
	unsigned requests, failures = 0;
	struct world w;

	world_make(&w);
	assert_int_equal(start(&w), 0);
	requests = w.store->requests;
	remove_it(&w);
	world_end(&w);
	assert_true(requests > 50);
	for (unsigned at = 1; at <= requests; at++)
		failures += fail_once(0, at, 0, names[at % 3]);
	assert_int_equal(failures, requests);
}

/* Somebody else changed the tree: again, and nothing of the first time stays. */
static void test_conflict_is_tried_again(void **state)
{
	unsigned requests;
	struct world w;

	world_make(&w);
	assert_int_equal(start(&w), 0);
	requests = w.store->requests;
	remove_it(&w);
	world_end(&w);
	/* the last request is the introduction, the commit comes before it */
	assert_false(fail_once(0, requests - 1, 0, "EAGAIN"));
}

static unsigned asked, interrupt_at;

static bool interrupted(void)
{
	return ++asked == interrupt_at;
}

/* Before each step: nothing stays.  One that came too late finds it running, whole. */
static void test_interrupted(void **state)
{
	const struct mica_create_options o = { .interrupted = interrupted };
	struct world w;
	int rc;

	for (interrupt_at = 1; interrupt_at < 10; interrupt_at++) {
		world_make(&w);
		asked = 0;
		rc = mica_domain_start(w.m, w.s, &w.d, &o, &w.id, &w.e);
		if (rc) {
			assert_string_equal(w.e.code->name, "MICA-OP-002");
			assert_int_equal(asked, interrupt_at);
		} else {
			assert_string_equal(node(&w, "name"), "web");
			assert_int_equal(w.hv->dom[w.id].paused, 0);
			remove_it(&w);
		}
		check_nothing_left(&w);
		world_end(&w);
		if (!rc)
			break;
	}
	assert_int_equal(interrupt_at, 6);
}

/* Waits of a guest that dies as it starts, until it has had enough. */
static void crash_loop(const struct mica_on_end *on, const unsigned *waits, unsigned n)
{
	unsigned restarts = 0;

	for (unsigned i = 0; i < n; i++) {
		struct mica_restart r = mica_restart_plan(on, false, 100, restarts);

		assert_true(r.again);
		assert_int_equal(r.wait_s, waits[i]);
		assert_int_equal(r.restarts, i + 1);
		restarts = r.restarts;
	}
	assert_int_equal(mica_restart_plan(on, false, 100, restarts).again, !on->max);
	/* one that took long to boot is no other; one that lived on, or restarts by itself, begins afresh */
	assert_int_equal(mica_restart_plan(on, false, 300000, restarts).again, !on->max);
	assert_int_equal(mica_restart_plan(on, false, 300001, restarts).wait_s, waits[0]);
	assert_int_equal(mica_restart_plan(on, false, 300001, restarts).restarts, 1);
	assert_int_equal(mica_restart_plan(on, true, 100, restarts).wait_s, 0);
	assert_int_equal(mica_restart_plan(on, true, 100, restarts).restarts, 0);
}

static void test_backoff(void **state)
{
	static const unsigned plain[] = { 0, 2, 4, 8, 16, 16, 16 };
	static const unsigned ten[] = { 10, 20, 40, 80, 160, 160 };
	static const unsigned day[] = { 86400, 86400, 86400 };

	crash_loop(&(struct mica_on_end){ ACT_RESTART, 0, 0 }, plain, 7);
	crash_loop(&(struct mica_on_end){ ACT_RESTART, 0, 4 }, plain, 4);
	crash_loop(&(struct mica_on_end){ ACT_RESTART, 10, 6 }, ten, 6);
	crash_loop(&(struct mica_on_end){ ACT_RESTART, 0xffffffff, 0 }, day, 3);
}

static void test_restart_file(void **state)
{
	char *text;

	assert_null(mica_restart_read("web"));
	assert_int_equal(mica_restart_write("web", "123"), 0);
	text = mica_restart_read("web");
	assert_string_equal(text, "123");
	free(text);
	assert_int_equal(mica_restart_write("web", NULL), 0);
	assert_null(mica_restart_read("web"));
	assert_int_equal(mica_restart_write("web", NULL), -ENOENT);
}

static void proc_file(const char *pid, const char *file, const char *text)
{
	char path[160];
	FILE *f;

	snprintf(path, sizeof(path), "mkdir -p %s/proc/%s", base, pid);
	assert_int_equal(system(path), 0);
	snprintf(path, sizeof(path), "%s/proc/%s/%s", base, pid, file);
	f = fopen(path, "we");
	fputs(text, f);
	fclose(f);
}

static void test_holders(void **state)
{
	static const char plain[] = "00400000-00452000 r-xp 00000000 08:02 1 /bin/sh\n";
	char proc[96], text[300], small[20];

	snprintf(proc, sizeof(proc), "%s/proc", base);
	proc_file("1", "maps", plain);
	proc_file("1", "comm", "init\n");
	proc_file("self", "maps", "0-1 rw-s 0 0:5 2 /dev/xen/privcmd\n");
	assert_int_equal(mica_holders(proc, text, sizeof(text)), 0);
	assert_string_equal(text, "");
	proc_file("81", "maps", "00400000-00452000 r-xp 00000000 08:02 1 /bin/x\n"
		  "7f0000000000-7f0000001000 rw-s 00000000 00:05 9 /dev/xen/gntdev\n");
	proc_file("81", "comm", "mica-consoled\n");
	assert_int_equal(mica_holders(proc, text, sizeof(text)), 1);
	assert_string_equal(text, "mica-consoled pid 81");
	proc_file("90", "maps", "7f0000000000-7f0000001000 rw-s 0 00:05 9 /dev/xen/privcmd\n");
	assert_int_equal(mica_holders(proc, text, sizeof(text)), 2);
	assert_non_null(strstr(text, "? pid 90"));
	assert_true(mica_holders(proc, small, sizeof(small)) >= 1);
	assert_true(strlen(small) < sizeof(small));
	assert_int_equal(mica_holders("/nonexistent", text, sizeof(text)), 0);
}

/* What holds a dead domain's pages is not known for sure, but how many are. */
static void test_cannot_die(void **state)
{
	struct world w;

	world_make(&w);
	assert_int_equal(start(&w), 0);
	w.hv->stuck_ticks = 1u << 30;
	assert_true(mica_domain_remove(w.m, w.s, w.id, 30, &w.e) < 0);
	assert_string_equal(w.e.code->name, "MICA-DOM-005");
	assert_int_equal(w.e.facts > 0, true);
	assert_non_null(strstr(w.e.fact[0], "pages"));
	w.hv->stuck_ticks = 0;
	assert_int_equal(mica_domain_end(w.m, w.id, 100), 0);
	check_nothing_left(&w);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start), cmocka_unit_test(test_name_claimed),
		cmocka_unit_test(test_every_hypercall_fails),
		cmocka_unit_test(test_every_request_fails),
		cmocka_unit_test(test_interrupted), cmocka_unit_test(test_name_held),
		cmocka_unit_test(test_conflict_is_tried_again), cmocka_unit_test(test_cannot_die),
		cmocka_unit_test(test_holders), cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_restart_file),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
