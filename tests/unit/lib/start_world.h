/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A fake hypervisor and a fake store in which domains are made, and what must be gone when one is not.
 * Included by one test file each.
 */
#ifndef UNIT_LIB_START_WORLD_H
#define UNIT_LIB_START_WORLD_H

#include "unit.h"
#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "fake_hv.h"
#include "fake_store.h"
#include "kernel_image.h"
#include "lib/domain.h"
#include "lib/names.h"

static char base[64], kernel_path[96], run_dir[96], names_file[96];

struct world {
	struct fake_hv *hv;
	struct mica *m;
	struct fake_store *store;
	struct mica_store *s;
	struct mica_domain_config d;
	struct mica_error e;
	struct mica_disk disk;
	struct mica_nic nic;
	uint64_t frames;
	int nodes;
	domid_t id;
};

static int group_setup(void **state)
{
	struct mica_kernel made;
	FILE *f;

	snprintf(base, sizeof(base), "/tmp/mica-start-XXXXXX");
	assert_non_null(mkdtemp(base));
	snprintf(kernel_path, sizeof(kernel_path), "%s/kernel", base);
	snprintf(run_dir, sizeof(run_dir), "%s/run/domains", base);
	mica_run_dir = run_dir;
	snprintf(names_file, sizeof(names_file), "%s/names", base);
	mica_names_file = names_file;
	kernel_image_make(&made, &(struct kernel_image_options){ .init_p2m = true,
								  .mod_start_pfn = true });
	f = fopen(kernel_path, "we");
	assert_int_equal(fwrite(made.image, 1, made.bytes, f), made.bytes);
	fclose(f);
	free(made.image);
	return 0;
}

static int group_teardown(void **state)
{
	char line[128];

	snprintf(line, sizeof(line), "rm -rf %s", base);
	return system(line);
}

static void world_make(struct world *w)
{
	struct mica_spec_error se;
	char disk[160];

	memset(w, 0, sizeof(*w));
	w->hv = fake_hv_new();
	assert_int_equal(mica_open_with(&w->m, &fake_hv_ops, w->hv), 0);
	w->store = fake_store_new(&w->s);
	fake_store_set(w->store, "/local/domain/0/name", "Domain-0");
	fake_store_set(w->store, "/local/domain/0/backend/vbd", "");
	fake_store_set(w->store, "/local/domain/0/backend/mblk", "");
	fake_store_set(w->store, "/local/domain/0/backend/mnet", "");
	fake_store_set(w->store, "/mica/net/lan/uplink", "none");
	fake_store_set(w->store, "/vm", "");
	w->d = (struct mica_domain_config){
		.name = "web", .kernel = kernel_path, .memory_kib = 16 << 10,
		.maxmem_kib = 32 << 10, .vcpus = 1, .maxvcpus = 2, .grant_frames = -1,
		.maptrack_frames = -1,
	};
	/* Any file does as an image. */
	snprintf(disk, sizeof(disk), "%s,raw,xvda,w", kernel_path);
	assert_true(mica_disk_parse(&w->disk, disk, &se));
	assert_true(mica_nic_parse(&w->nic, "bridge=lan", &se));
	w->d.disks = &w->disk;
	w->d.nics = &w->nic;
	w->d.nr_disks = w->d.nr_nics = 1;
	w->frames = fake_hv_free_frames(w->hv);
	w->nodes = fake_store_count(w->store);
}

static int start(struct world *w)
{
	const struct mica_create_options o = { 0 };

	return mica_domain_start(w->m, w->s, &w->d, &o, &w->id, &w->e);
}

static int run_files(void)
{
	DIR *d = opendir(run_dir);
	int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return d ? n - 2 : 0;		/* . and .. */
}

static void check_nothing_left(struct world *w)
{
	assert_int_equal(fake_hv_free_frames(w->hv), w->frames);
	assert_int_equal(w->hv->maps, 0);
	for (int id = 1; id < FAKE_DOMAINS; id++)
		assert_false(w->hv->dom[id].exists);
	if (fake_store_count(w->store) != w->nodes)
		for (int i = 0; i < w->store->nr; i++)
			print_message("left: %s\n", w->store->nodes[i].path);
	assert_int_equal(fake_store_count(w->store), w->nodes);
	for (int id = 1; id < FAKE_INTRODUCED; id++)
		assert_false(w->store->introduced[id]);
	assert_int_equal(run_files(), 0);
}

static void world_end(struct world *w)
{
	mica_store_close(w->s);
	mica_close(w->m);
	assert_int_equal(w->hv->buffers, 0);
	fake_store_free(w->store);
	fake_hv_free(w->hv);
}

static void remove_it(struct world *w)
{
	assert_int_equal(mica_domain_remove(w->m, w->s, w->id, 100, &w->e), 0);
}

static const char *node(struct world *w, const char *name)
{
	char path[96];

	snprintf(path, sizeof(path), "/local/domain/%u/%s", w->id, name);
	return fake_store_get(w->store, path) ? fake_store_get(w->store, path) : "(none)";
}

#endif
