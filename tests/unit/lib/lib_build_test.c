/* unit: dom0-tools/lib/build.c dom0-tools/lib/build_image.c dom0-tools/lib/build_memory.c dom0-tools/lib/build_tables.c dom0-tools/lib/layout.c dom0-tools/lib/file.c dom0-tools/lib/notes.c dom0-tools/lib/error.c dom0-tools/lib/call.c dom0-tools/lib/domctl.c dom0-tools/lib/host.c lib/elf.c tests/unit/lib/fake_hv.c tests/unit/lib/kernel_image.c tests/unit/lib/fake_xen_open.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The domain builder over a fake hypervisor: what the domain finds in its memory, that its tables
 * map what the contract says, and that a create that fails at any call leaves nothing.
 */
#include "unit.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <mica/grant.h>
#include <mica/shared_info.h>
#include <mica/start_info.h>

#include "fake_hv.h"
#include "kernel_image.h"

#define PAGES	4096u			/* 16 MiB */
#define INITRD	(2150003u)		/* more than is read at once */

struct world {
	struct fake_hv *hv;
	struct mica *m;
	struct mica_kernel kernel;
	struct mica_source initrd;
	struct mica_build_request request;
	struct mica_built built;
	struct mica_error e;
};

/* A byte of the initrd: no page like another, every seventh empty. */
static uint8_t initrd_byte(size_t at)
{
	return at / 4096 % 7 == 3 ? 0 : (uint8_t)(0x5a + at / 4096 + at % 4096 / 16);
}

static void initrd_make(struct world *w)
{
	char path[] = "/tmp/lib-build-XXXXXX";
	uint8_t *bytes = malloc(INITRD);
	int fd = mkstemp(path);

	for (size_t i = 0; i < INITRD; i++)
		bytes[i] = initrd_byte(i);
	assert_int_equal(write(fd, bytes, INITRD), INITRD);
	assert_int_equal(mica_source_open(&w->initrd, "initrd", path, INITRD, &w->e), 0);
	free(bytes);
	close(fd);
	unlink(path);
}

static void world_make(struct world *w, const struct kernel_image_options *o)
{
	memset(w, 0, sizeof(*w));
	w->hv = fake_hv_new();
	assert_int_equal(mica_open_with(&w->m, &fake_hv_ops, w->hv), 0);
	kernel_image_make(&w->kernel, o);
	assert_int_equal(mica_kernel_read_notes(&w->kernel, "test", &w->e), 0);
	initrd_make(w);
	w->request = (struct mica_build_request){
		.kernel = &w->kernel, .initrd = &w->initrd, .cmdline = "console=hvc0",
		.pages = PAGES, .max_kib = PAGES * 8, .vcpus = 3, .uuid = { 1, 2, 3 },
		.grant_frames = -1, .maptrack_frames = -1,
	};
}

static void world_end(struct world *w)
{
	assert_int_equal(w->hv->maps, 0);
	mica_close(w->m);
	assert_int_equal(w->hv->buffers, 0);
	fake_hv_free(w->hv);
	free(w->kernel.image);
	mica_source_close(&w->initrd);
}

static uint64_t *frame(struct world *w, uint64_t mfn)
{
	assert_true(mfn && mfn < FAKE_FRAMES);
	return (uint64_t *)w->hv->ram[mfn];
}

/* Follow the domain's tables; 0 when @va is not mapped. */
static uint64_t walk(struct world *w, uint64_t va)
{
	uint64_t mfn = w->hv->dom[w->built.id].pinned_l4, entry = 0;

	for (unsigned shift = 39; shift >= 12; shift -= 9) {
		entry = frame(w, mfn)[va >> shift & 511];
		if (!(entry & 1))
			return 0;
		mfn = entry >> 12 & 0xfffffffff;
		if (shift > 12)
			assert_int_equal(entry & 0xfff, 0x67);
		assert_int_equal(w->hv->owner[mfn], w->built.id + 1);
	}
	return entry;
}

static uint64_t mfn_of(uint64_t entry)
{
	return entry >> 12 & 0xfffffffff;
}

static bool in(const struct mica_area *a, uint64_t pfn)
{
	return pfn >= a->pfn && pfn < a->pfn + a->nr;
}

static void check_mapping(struct world *w)
{
	const struct mica_layout *l = &w->built.layout;

	for (uint64_t pfn = 0; pfn < l->mapped; pfn++) {
		uint64_t entry = walk(w, w->kernel.virt_base + pfn * 4096);

		assert_true(entry);
		assert_int_equal(w->hv->m2p[mfn_of(entry)], pfn);
		assert_int_equal(entry >> 1 & 1, !in(&l->tables, pfn) && !in(&l->p2m_tables, pfn));
		assert_int_equal(entry >> 63, 0);
	}
	assert_int_equal(walk(w, w->kernel.virt_base + l->mapped * 4096), 0);
}

static void check_p2m(struct world *w)
{
	for (uint64_t pfn = 0; pfn < PAGES; pfn++) {
		uint64_t va = w->built.layout.p2m_va + pfn * 8, mfn;

		mfn = frame(w, mfn_of(walk(w, va)))[va / 8 % 512];
		assert_int_equal(w->hv->m2p[mfn], pfn);
	}
}

static void check_initrd(struct world *w)
{
	for (size_t at = 0; at < INITRD; at += 4096) {
		uint64_t pfn = w->built.layout.initrd.pfn + at / 4096, va = w->built.layout.p2m_va + pfn * 8;
		const uint8_t *page = (uint8_t *)frame(w, frame(w, mfn_of(walk(w, va)))[va / 8 % 512]);

		for (size_t i = 0; i < 4096; i++)
			if (page[i] != (at + i < INITRD ? initrd_byte(at + i) : 0))
				fail_msg("byte %zu of the initrd", at + i);
	}
}

static void check_start_info(struct world *w)
{
	const struct fake_domain *d = &w->hv->dom[w->built.id];
	const struct mica_layout *l = &w->built.layout;
	const struct start_info *si;

	assert_int_equal(d->context.user_regs.rsi, w->kernel.virt_base + l->start_info.pfn * 4096);
	si = (void *)frame(w, mfn_of(walk(w, d->context.user_regs.rsi)));
	assert_string_equal(si->magic, "xen-3.0-x86_64");
	assert_int_equal(si->nr_pages, PAGES);
	assert_int_equal(si->shared_info, d->shared_info * 4096);
	assert_string_equal(si->cmd_line, "console=hvc0");
	assert_int_equal(si->pt_base, w->kernel.virt_base + l->tables.pfn * 4096);
	assert_int_equal(mfn_of(walk(w, si->pt_base)), d->pinned_l4);
	assert_int_equal(si->nr_pt_frames, l->tables.nr);
	assert_int_equal(si->mfn_list, l->p2m_va);
	assert_int_equal(si->store_mfn, w->built.store_mfn);
	assert_int_equal(si->console.domU.mfn, w->built.console_mfn);
	assert_int_equal(si->store_evtchn, 1);
	assert_int_equal(si->console.domU.evtchn, 2);
	assert_int_equal(si->mod_len, INITRD);
	assert_int_equal(si->flags & SIF_VIRT_P2M_4TOOLS, SIF_VIRT_P2M_4TOOLS);
	check_initrd(w);
	if (w->kernel.mod_start_pfn) {
		assert_true(si->flags & SIF_MOD_START_PFN);
		assert_int_equal(si->mod_start, l->initrd.pfn);
		assert_true(l->initrd.pfn >= l->mapped);
	} else {
		assert_int_equal(si->mod_start, w->kernel.virt_base + l->initrd.pfn * 4096);
		assert_true(l->initrd.pfn + l->initrd.nr <= l->mapped);
	}
	if (w->kernel.has_init_p2m) {
		assert_int_equal(si->first_p2m_pfn, l->p2m.pfn);
		assert_int_equal(si->nr_p2m_frames, l->p2m.nr + l->p2m_tables.nr);
	}
}

static void check_rest(struct world *w)
{
	const struct fake_domain *d = &w->hv->dom[w->built.id];
	struct grant_entry_v1 *grants = (void *)frame(w, d->grants);
	struct shared_info *shared = (void *)frame(w, d->shared_info);

	assert_int_equal(grants[0].frame, w->built.console_mfn);
	assert_int_equal(grants[1].frame, w->built.store_mfn);
	assert_int_equal(grants[0].flags, GTF_permit_access);
	assert_int_equal(grants[1].flags, GTF_permit_access);
	for (int i = 0; i < 32; i++)
		assert_int_equal(shared->vcpu_info[i].evtchn_upcall_mask, 1);
	for (int i = 0; i < 512; i++) {
		assert_int_equal(frame(w, w->built.store_mfn)[i], 0);
		assert_int_equal(frame(w, w->built.console_mfn)[i], 0);
	}
	assert_int_equal(d->paused, 1);
	assert_int_equal(d->claimed, 0);
	assert_int_equal(d->pages, PAGES);
	assert_int_equal(d->map_bytes, PAGES * 8ull << 10);
	assert_true(d->has_context);
	assert_int_equal(d->context.user_regs.rip, w->kernel.entry);
	assert_int_equal(d->context.user_regs.cs, 0xe033);
	assert_int_equal(d->context.user_regs.ss, 0xe02b);
	assert_int_equal(d->context.ctrlreg[3], d->pinned_l4 << 12);
	assert_int_equal(d->hypercall_page != 0, w->kernel.has_hypercall_page);
	/* the stack is mapped up to its end, and zero */
	assert_true(walk(w, d->context.user_regs.rsp - 8));
}

/* The kernel's bytes at the address it was linked for, its bss zero. */
static void check_kernel(struct world *w)
{
	uint64_t va = w->kernel.virt_base + KERNEL_IMAGE_PADDR;
	uint8_t *p = (uint8_t *)frame(w, mfn_of(walk(w, va)));

	assert_int_equal(p[0], 0xc1);
	va += KERNEL_IMAGE_FILE_BYTES;
	p = (uint8_t *)frame(w, mfn_of(walk(w, va)));
	assert_int_equal(p[(va & 4095) - 1], 0xc1);
	assert_int_equal(p[va & 4095], 0);
	assert_int_equal(p[4095], 0);
}

static void build_with(const struct kernel_image_options *o)
{
	struct world w;

	world_make(&w, o);
	if (mica_build(w.m, &w.request, &w.built, &w.e))
		fail_msg("%s", w.e.why);
	check_mapping(&w);
	check_p2m(&w);
	check_start_info(&w);
	check_rest(&w);
	check_kernel(&w);
	world_end(&w);
}

static void test_like_linux(void **state)
{
	build_with(&(struct kernel_image_options){ .init_p2m = true, .mod_start_pfn = true });
}

static void test_like_netbsd(void **state)
{
	build_with(&(struct kernel_image_options){ .hypercall_page = true });
}

static void test_base_zero(void **state)
{
	build_with(&(struct kernel_image_options){ .base_zero = true });
}

/* Memory in pieces: two large extents, the rest page by page. */
static void test_fragmented_memory(void **state)
{
	struct world w;

	world_make(&w, &(struct kernel_image_options){ .init_p2m = true, .mod_start_pfn = true });
	w.hv->large_left = 2;
	assert_int_equal(mica_build(w.m, &w.request, &w.built, &w.e), 0);
	check_mapping(&w);
	check_p2m(&w);
	world_end(&w);
}

/* Fail every call in turn: each time one error, and everything as before. */
static void test_nothing_left_behind(void **state)
{
	static const int errnums[] = { -ENOMEM, -EPERM, -EINVAL };
	struct kernel_image_options o = { .init_p2m = true, .hypercall_page = true };
	unsigned calls, failures = 0;
	struct world w;
	uint64_t before;

	world_make(&w, &o);
	assert_int_equal(mica_build(w.m, &w.request, &w.built, &w.e), 0);
	calls = w.hv->calls;
	world_end(&w);
	for (unsigned at = 1; at <= calls; at++) {
		world_make(&w, &o);
		before = fake_hv_free_frames(w.hv);
		w.hv->fail_at = at;
		w.hv->fail_with = errnums[at % 3];
		w.hv->stuck_ticks = at % 2;
		if (mica_build(w.m, &w.request, &w.built, &w.e)) {
			failures++;
			assert_non_null(w.e.code);
			assert_true(w.e.why[0]);
			assert_int_equal(fake_hv_free_frames(w.hv), before);
			assert_false(w.hv->dom[1].exists);
			if (w.hv->calls > at)		/* the domain had been made */
				assert_non_null(strstr(w.e.undone, "nothing left behind"));
		} else {
			mica_domain_end(w.m, w.built.id, 100);	/* only giving the claim back failed */
		}
		world_end(&w);
	}
	/* Two may fail: large extents (then pages do) and giving back the claim. */
	assert_true(failures >= calls - 2);
}

static void test_refuses(void **state)
{
	struct kernel_image_options o = { .init_p2m = true };
	char long_line[1100];
	struct world w;

	world_make(&w, &o);
	w.request.pages = 500;		/* the kernel alone lies higher */
	assert_true(mica_build(w.m, &w.request, &w.built, &w.e) < 0);
	assert_string_equal(w.e.code->name, "MICA-MEM-002");
	w.request.pages = PAGES;
	memset(long_line, 'x', sizeof(long_line));
	long_line[sizeof(long_line) - 1] = 0;
	w.request.cmdline = long_line;
	assert_true(mica_build(w.m, &w.request, &w.built, &w.e) < 0);
	assert_string_equal(w.e.code->name, "MICA-KRN-005");
	w.request.cmdline = NULL;
	w.request.vcpus = 0;
	assert_true(mica_build(w.m, &w.request, &w.built, &w.e) < 0);
	assert_string_equal(w.e.code->name, "MICA-CFG-003");
	w.request.vcpus = 1;
	w.request.pages = FAKE_FRAMES * 2;
	assert_true(mica_build(w.m, &w.request, &w.built, &w.e) < 0);
	assert_string_equal(w.e.code->name, "MICA-MEM-001");
	assert_int_equal(w.e.code->exit, EXIT_RESOURCES);
	assert_false(w.hv->dom[1].exists);
	world_end(&w);
}

/* A domain that cannot die is said to be left. */
static void test_says_what_is_left(void **state)
{
	struct world w;

	world_make(&w, &(struct kernel_image_options){ .init_p2m = true });
	assert_int_equal(mica_build(w.m, &w.request, &w.built, &w.e), 0);
	w.hv->stuck_ticks = 1000000;
	assert_int_equal(mica_domain_end(w.m, w.built.id, 50), -ETIMEDOUT);
	w.hv->stuck_ticks = 0;
	assert_int_equal(mica_domain_end(w.m, w.built.id, 50), 0);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_like_linux), cmocka_unit_test(test_like_netbsd),
		cmocka_unit_test(test_base_zero), cmocka_unit_test(test_fragmented_memory),
		cmocka_unit_test(test_nothing_left_behind), cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_says_what_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
