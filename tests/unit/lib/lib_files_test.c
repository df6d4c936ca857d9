/* unit: dom0-tools/lib/start.c dom0-tools/lib/device.c dom0-tools/lib/device_list.c dom0-tools/lib/disk_claim.c dom0-tools/lib/device_wait.c dom0-tools/lib/hotplug.c dom0-tools/lib/spec.c dom0-tools/lib/disk_spec.c dom0-tools/lib/nic_spec.c dom0-tools/lib/vdev.c dom0-tools/lib/run.c dom0-tools/lib/restart.c dom0-tools/lib/domain.c dom0-tools/lib/holders.c dom0-tools/lib/names.c dom0-tools/lib/digest.c dom0-tools/lib/cache.c dom0-tools/lib/image.c dom0-tools/lib/file.c dom0-tools/lib/sandbox.c dom0-tools/lib/parse.c dom0-tools/lib/store.c dom0-tools/lib/store_wire.c dom0-tools/lib/store_tree.c dom0-tools/lib/build.c dom0-tools/lib/build_image.c dom0-tools/lib/build_memory.c dom0-tools/lib/build_tables.c dom0-tools/lib/layout.c dom0-tools/lib/notes.c dom0-tools/lib/error.c dom0-tools/lib/call.c dom0-tools/lib/domctl.c dom0-tools/lib/host.c dom0-tools/unpack/bzimage.c dom0-tools/unpack/decompress.c lib/elf.c tests/unit/lib/fake_hv.c tests/unit/lib/fake_store.c tests/unit/lib/kernel_image.c tests/unit/lib/fake_xen_open.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files a domain is made of: an image that two domains are given at a time, a kernel or an initrd that
 * is cut off while it is read.
 */
#include "start_world.h"
#include <limits.h>

#include "lib/device.h"

/* Another create: it has claimed the image, and comes to its end while this one waits. */
static struct {
	struct world *w;
	int claim;
	unsigned asked, end_at;		/* with a domain that has the image, if the world is one */
} other;

static bool other_ends(void)
{
	struct fake_store *f = other.w->store;

	if (++other.asked < other.end_at)
		return false;
	if (other.asked > other.end_at)
		return other.claim >= 0;
	if (other.w->d.nr_disks) {
		pthread_mutex_lock(&f->lock);
		fake_store_set(f, "/local/domain/9/name", "db");
		fake_store_set(f, "/local/domain/0/backend/vbd/9/51728/params", kernel_path);
		fake_store_set(f, "/local/domain/0/backend/vbd/9/51728/mode", "w");
		pthread_mutex_unlock(&f->lock);
	}
	close(other.claim);
	other.claim = -1;
	return false;
}

static void other_begins(struct world *w, unsigned end_at)
{
	struct mica_error e;

	other.w = w, other.asked = 0, other.end_at = end_at;
	other.claim = mica_names_claim_none(NULL);
	assert_true(other.claim >= 0);
	assert_int_equal(mica_disks_claim(other.claim, &w->disk, 1, NULL, &e), 0);
}

/*
 * Two creates with one image at a time, neither of which is in the store when both look: the second waits
 * for the first, and is told whose it is.
 */
static void test_image_claimed(void **state)
{
	const struct mica_create_options o = { .interrupted = other_ends };
	struct world w;

	world_make(&w);
	snprintf(w.d.name, sizeof(w.d.name), "two");
	w.disk.kernel = true;
	other_begins(&w, 3);
	assert_true(mica_domain_start(w.m, w.s, &w.d, &o, &w.id, &w.e) < 0);
	assert_int_equal(other.asked, 3);
	assert_string_equal(w.e.code->name, "MICA-DISK-010");
	assert_string_equal(w.e.why, "disk xvda is in use by 'db'");
	assert_non_null(strstr(w.e.fact[0], kernel_path));
	assert_non_null(strstr(w.e.fact[0], "as its xvdb (domain 9)"));
	fake_store_rm(w.store, "/local/domain/9");
	fake_store_rm(w.store, "/local/domain/0/backend/vbd/9");
	check_nothing_left(&w);
	/* that one came to nothing: the image is this one's; a reader joins readers at once */
	w.disk.kernel = false;
	other_begins(&w, 3);
	w.disk.read_only = true;
	other.w = &(struct world){ .store = w.store };
	assert_int_equal(mica_domain_start(w.m, w.s, &w.d, &o, &w.id, &w.e), 0);
	assert_true(other.asked > 3);
	assert_string_equal(node(&w, "name"), "two");
	remove_it(&w);
	other_begins(&w, UINT_MAX);
	assert_int_equal(start(&w), 0);
	close(other.claim);
	remove_it(&w);
	/* an interrupt ends the wait */
	w.disk.read_only = false;
	other_begins(&w, 0);
	assert_true(mica_domain_start(w.m, w.s, &w.d, &o, &w.id, &w.e) < 0);
	assert_string_equal(w.e.code->name, "MICA-OP-002");
	close(other.claim);
	check_nothing_left(&w);
	world_end(&w);
}

/* Nor is one domain two writers of it, by whatever names it has it. */
static void test_image_twice(void **state)
{
	struct mica_spec_error se;
	struct mica_disk disks[2];
	char text[160], beside[120];
	struct world w;

	world_make(&w);
	snprintf(beside, sizeof(beside), "%s.link", kernel_path);
	assert_int_equal(link(kernel_path, beside), 0);
	snprintf(text, sizeof(text), "%s,xvdb,r", beside);
	disks[0] = w.disk;
	assert_true(mica_disk_parse(&disks[1], text, &se));
	w.d.disks = disks;
	w.d.nr_disks = 2;
	assert_true(start(&w) < 0);
	assert_string_equal(w.e.code->name, "MICA-DISK-010");
	check_nothing_left(&w);
	disks[0].read_only = true;
	assert_int_equal(start(&w), 0);
	remove_it(&w);
	check_nothing_left(&w);
	unlink(beside);
	world_end(&w);
}

static const char *cut_path;
static unsigned cut_asked, cut_at;

static bool cut_off(void)
{
	if (++cut_asked == cut_at)
		assert_int_equal(truncate(cut_path, 4096), 0);
	return false;
}

/* Somebody writes an initrd anew, or a kernel, while a domain is built of it: an error or a whole domain. */
static void test_cut_off(void **state)
{
	const struct mica_create_options o = { .interrupted = cut_off };
	char initrd[100], kernel[100], line[300];
	struct world w;

	snprintf(initrd, sizeof(initrd), "%s/initrd", base);
	snprintf(kernel, sizeof(kernel), "%s/other-kernel", base);
	snprintf(line, sizeof(line), "cp %s %s && cp %s %s", kernel_path, initrd, kernel_path, kernel);
	assert_int_equal(system(line), 0);
	world_make(&w);
	w.d.kernel = kernel;
	w.d.ramdisk = initrd;
	cut_path = kernel, cut_asked = 0, cut_at = 1;
	assert_int_equal(mica_domain_start(w.m, w.s, &w.d, &o, &w.id, &w.e), 0);
	remove_it(&w);
	check_nothing_left(&w);
	w.d.kernel = kernel_path;
	cut_path = initrd, cut_asked = 0;
	assert_true(mica_domain_start(w.m, w.s, &w.d, &o, &w.id, &w.e) < 0);
	assert_string_equal(w.e.code->name, "MICA-KRN-001");
	assert_non_null(strstr(w.e.why, initrd));
	assert_non_null(strstr(w.e.undone, "nothing left behind"));
	check_nothing_left(&w);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_image_claimed), cmocka_unit_test(test_image_twice),
		cmocka_unit_test(test_cut_off),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
