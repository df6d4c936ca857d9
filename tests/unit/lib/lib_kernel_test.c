/* unit: dom0-tools/lib/image.c dom0-tools/lib/file.c dom0-tools/lib/cache.c dom0-tools/lib/digest.c dom0-tools/lib/notes.c dom0-tools/lib/error.c dom0-tools/lib/sandbox.c dom0-tools/unpack/bzimage.c lib/elf.c tests/unit/lib/kernel_image.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernels as files: every refusal with its code, and files cut off or changed at random, which must
 * be refused or accepted but never read beyond their end.  The decompressor is a copy.
 */
#include "unit.h"
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel_image.h"
#include "lib/cache.h"
#include "lib/sandbox.h"
#include "unpack/unpack.h"

const char *payload_decompress(const struct blob *payload, struct blob *kernel)
{
	if (payload->bytes < kernel->bytes)
		return "it is damaged";
	memcpy(kernel->data, payload->data, kernel->bytes);
	return NULL;
}

static struct mica_error e;

/* A file as mica_file_read() makes it. */
static struct mica_file file_of(const uint8_t *data, size_t bytes)
{
	struct mica_file f = { .bytes = bytes };

	f.data = mmap(NULL, bytes ? bytes : 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	memcpy(f.data, data, bytes);
	return f;
}

/* 0, or the code's name in e. */
static int parse(const uint8_t *data, size_t bytes, struct mica_kernel *k)
{
	struct mica_file f = file_of(data, bytes);
	int rc = mica_kernel_parse(k, &f, "test", NULL, &e);

	mica_file_free(&f);
	return rc;
}

static void expect(const struct kernel_image_options *o, const char *code)
{
	struct mica_kernel made, k;
	int rc;

	kernel_image_make(&made, o);
	rc = parse(made.image, made.bytes, &k);
	if (code && (!rc || strcmp(e.code->name, code)))
		fail_msg("%s, not %s", rc ? e.code->name : "accepted", code);
	if (!code && rc)
		fail_msg("%s", e.why);
	if (!rc)
		mica_kernel_free(&k);
	free(made.image);
}

static void test_notes(void **state)
{
	expect(&(struct kernel_image_options){ 0 }, NULL);
	expect(&(struct kernel_image_options){ .init_p2m = true, .hypercall_page = true }, NULL);
	expect(&(struct kernel_image_options){ .no_notes = true }, "MICA-KRN-003");
	expect(&(struct kernel_image_options){ .no_version = true }, "MICA-KRN-003");
	expect(&(struct kernel_image_options){ .no_loader = true }, "MICA-KRN-003");
	expect(&(struct kernel_image_options){ .bad_entry = true }, "MICA-KRN-004");
	expect(&(struct kernel_image_options){ .wants_translated = true }, "MICA-KRN-004");
}

static void test_not_kernels(void **state)
{
	uint8_t text[600] = "hello";
	struct mica_kernel k;

	assert_true(parse(text, sizeof(text), &k) < 0);
	assert_string_equal(e.code->name, "MICA-KRN-002");
	assert_true(parse(text, 3, &k) < 0);
	assert_true(mica_kernel_load(&k, "/nonexistent", NULL, &e) < 0);
	assert_string_equal(e.code->name, "MICA-KRN-001");
	assert_int_equal(e.code->exit, EXIT_NOT_FOUND);
	assert_true(mica_kernel_load(&k, "/", NULL, &e) < 0);
	assert_true(mica_kernel_load(&k, "/dev/null", NULL, &e) < 0);
	assert_string_equal(e.code->name, "MICA-KRN-001");
}

/* There, and no kernel; an empty initrd is none of a kernel's errors. */
static void test_empty(void **state)
{
	char path[] = "/tmp/lib-kernel-XXXXXX";
	struct mica_file file;
	struct mica_kernel k;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	assert_true(mica_kernel_load(&k, path, NULL, &e) < 0);
	assert_string_equal(e.code->name, "MICA-KRN-002");
	assert_non_null(strstr(e.why, "it is empty"));
	assert_true(mica_file_read(&file, "initrd", path, 1 << 20, &e) < 0);
	assert_string_equal(e.code->name, "MICA-KRN-001");
	unlink(path);
}

/* What was read stays when the file is cut off; what is read later is an error, not a signal. */
static void test_cut_off(void **state)
{
	char path[] = "/tmp/lib-kernel-XXXXXX", page[4096];
	struct mica_source from;
	struct mica_file file;
	int fd = mkstemp(path);

	memset(page, 0x77, sizeof(page));
	for (int i = 0; i < 3; i++)
		assert_int_equal(write(fd, page, sizeof(page)), sizeof(page));
	assert_int_equal(mica_file_read(&file, "kernel", path, 1 << 20, &e), 0);
	assert_int_equal(mica_source_open(&from, "initrd", path, 1 << 20, &e), 0);
	assert_int_equal(from.bytes, 3 * sizeof(page));
	memset(page, 0, sizeof(page));
	assert_int_equal(mica_source_read(&from, 8192, page, sizeof(page), &e), 0);
	assert_int_equal(page[4095], 0x77);
	assert_int_equal(ftruncate(fd, 5000), 0);
	for (int i = 0; i < 3; i++)
		assert_memory_equal(file.data + i * 4096, page, sizeof(page));
	assert_int_equal(mica_source_read(&from, 4096, page, 904, &e), 0);
	assert_true(mica_source_read(&from, 4096, page, sizeof(page), &e) < 0);
	assert_string_equal(e.code->name, "MICA-KRN-001");
	assert_non_null(strstr(e.why, "cut off at byte 5000 of 12288"));
	mica_file_free(&file);
	mica_source_close(&from);
	mica_source_close(&from);
	close(fd);
	unlink(path);
}

/* A bzImage around the same kernel. */
static uint8_t *bzimage(const struct mica_kernel *made, size_t *bytes)
{
	size_t payload = made->bytes + 4;
	uint8_t *image = calloc(1, *bytes = 1024 + payload);
	const uint32_t offset = 0, length = (uint32_t)payload, size = (uint32_t)made->bytes;

	image[0x1f1] = 1;
	memcpy(image + 0x202, "HdrS", 4);
	image[0x206] = 0x0c;
	image[0x207] = 0x02;
	image[0x211] = 1;
	memcpy(image + 0x248, &offset, 4);
	memcpy(image + 0x24c, &length, 4);
	memcpy(image + 1024, made->image, made->bytes);
	memcpy(image + 1024 + made->bytes, &size, 4);
	return image;
}

static void test_bzimage(void **state)
{
	struct mica_kernel made, k;
	size_t bytes;
	uint8_t *image;

	kernel_image_make(&made, &(struct kernel_image_options){ .init_p2m = true });
	image = bzimage(&made, &bytes);
	assert_int_equal(parse(image, bytes, &k), 0);
	assert_int_equal(k.virt_base, 0xffffffff80000000);
	assert_int_equal(k.start, KERNEL_IMAGE_PADDR);
	assert_int_equal(k.end, KERNEL_IMAGE_PADDR + KERNEL_IMAGE_MEM_BYTES);
	mica_kernel_free(&k);
	assert_true(parse(image, bytes - 1, &k) < 0);
	assert_string_equal(e.code->name, "MICA-KRN-002");
	free(image);
	free(made.image);
}

static void test_damage(void **state)
{
	struct mica_kernel made, k;
	uint8_t *copy;

	unit_seed("kernel");
	kernel_image_make(&made, &(struct kernel_image_options){ .init_p2m = true });
	copy = malloc(made.bytes);
	for (uint64_t n = unit_steps(3000); n; n--) {
		size_t bytes = unit_one_in(2) ? made.bytes : 1 + unit_below(made.bytes);

		memcpy(copy, made.image, made.bytes);
		for (uint64_t i = unit_below(6); i; i--)
			copy[unit_below(0x400)] = (uint8_t)unit_random();
		if (!parse(copy, bytes, &k))
			mica_kernel_free(&k);
	}
	free(copy);
	free(made.image);
}

/* --- the cache: DIR in a directory of its own --- */

static char base[64], cache_dir[96], file_path[96];

static void cache_make(void)
{
	snprintf(base, sizeof(base), "/tmp/mica-cache-XXXXXX");
	assert_non_null(mkdtemp(base));
	snprintf(cache_dir, sizeof(cache_dir), "%s/deep/cache", base);
	snprintf(file_path, sizeof(file_path), "%s/vmlinuz", base);
}

static void cache_end(void)
{
	char line[128];

	snprintf(line, sizeof(line), "rm -rf %s", base);
	assert_int_equal(system(line), 0);
}

static void write_file(const char *path, const uint8_t *data, size_t bytes)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, bytes, f), bytes);
	assert_int_equal(fclose(f), 0);
}

/* Load file_path; was it in the cache? */
static bool load_cached(void)
{
	struct mica_kernel k;
	bool hit;

	if (mica_kernel_load(&k, file_path, cache_dir, &e))
		fail_msg("%s", e.why);
	assert_int_equal(k.virt_base, 0xffffffff80000000);
	assert_string_equal(k.packing, "unknown");
	hit = k.from_cache;
	mica_kernel_free(&k);
	return hit;
}

/* The name of the only entry, or "". */
static void only_entry(void *ctx, const char *name, uint64_t disk_bytes, int64_t used_s)
{
	assert_true(disk_bytes > 0);
	snprintf(ctx, 200, "%s/%s", cache_dir, name);
}

static int entries(char path[200])
{
	struct mica_cache c;
	int n;

	path[0] = 0;
	assert_int_equal(mica_cache_open(&c, cache_dir, MICA_CACHE_BYTES), 0);
	n = mica_cache_list(&c, only_entry, path);
	mica_cache_close(&c);
	return n;
}

static void test_cache_hits(void **state)
{
	struct mica_kernel made;
	char entry[200];
	size_t bytes;
	uint8_t *image;

	cache_make();
	kernel_image_make(&made, &(struct kernel_image_options){ .init_p2m = true });
	image = bzimage(&made, &bytes);
	write_file(file_path, image, bytes);
	assert_false(load_cached());
	assert_true(load_cached());
	assert_true(load_cached());
	assert_int_equal(entries(entry), 1);
	/* an ELF file needs no cache */
	write_file(file_path, made.image, made.bytes);
	assert_int_equal(entries(entry), 1);
	free(image);
	free(made.image);
	cache_end();
}

/* Zero pages are holes, and on a tmpfs that is full there is no page for one that is read: no image, and
 * the entry makes room; no signal. */
static void test_cache_full_tmpfs(void **state)
{
	const size_t bytes = 4 << 20;
	struct mica_cache_image image = { .data = calloc(1, bytes), .bytes = bytes, .packing = "xz" };
	struct mica_cache_file f = { .digest = { 1, 2 } };
	char dir[] = "/tmp/mica-tmpfs-XXXXXX", entry[200] = "";
	struct mica_cache c;

	assert_non_null(mkdtemp(dir));
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", dir, "tmpfs", 0, "size=1m,mode=0700")) {
		rmdir(dir);
		free(image.data);
		skip();			/* not root */
	}
	image.data[0] = image.data[bytes - 1] = 1;
	assert_int_equal(mica_cache_open(&c, dir, MICA_CACHE_BYTES), 0);
	assert_int_equal(mica_cache_put(&c, &f, &image), 0);
	assert_int_equal(mica_cache_list(&c, only_entry, entry), 1);
	assert_false(mica_cache_get(&c, &f, &image));
	assert_int_equal(mica_cache_list(&c, only_entry, entry), 0);
	mica_cache_close(&c);
	assert_int_equal(umount(dir), 0);
	rmdir(dir);
	free(image.data);
}

/* The same name, size and times, but other bytes: never mistaken. */
static void test_cache_changed_file(void **state)
{
	struct mica_kernel made, k;
	struct timespec times[2];
	size_t bytes;
	uint8_t *image;
	struct stat st;
	int fd;

	cache_make();
	kernel_image_make(&made, &(struct kernel_image_options){ .init_p2m = true });
	image = bzimage(&made, &bytes);
	write_file(file_path, image, bytes);
	assert_false(load_cached());
	assert_int_equal(stat(file_path, &st), 0);
	for (size_t at = 1024 + 0x400; at < bytes - 8; at += bytes / 37) {
		uint8_t was = image[at];

		image[at] ^= 1 + (uint8_t)unit_below(255);
		fd = open(file_path, O_WRONLY | O_CLOEXEC);
		assert_int_equal(pwrite(fd, image + at, 1, (off_t)at), 1);
		times[0] = st.st_atim;
		times[1] = st.st_mtim;
		assert_int_equal(futimens(fd, times), 0);
		if (!mica_kernel_load(&k, file_path, cache_dir, &e)) {
			assert_false(k.from_cache);
			assert_memory_equal(k.image, image + 1024, made.bytes);
			mica_kernel_free(&k);
		}
		image[at] = was;
		assert_int_equal(pwrite(fd, image + at, 1, (off_t)at), 1);
		close(fd);
	}
	free(image);
	free(made.image);
	cache_end();
}

/* The digest alone tells files apart whose data on disk say nothing. */
static void test_cache_key(void **state)
{
	struct mica_cache c;
	struct stat st = { .st_size = 100 };
	uint8_t a[100] = { 1 }, b[100] = { 1 };
	struct mica_cache_file fa, fb;
	struct mica_cache_image image = { .data = a, .bytes = sizeof(a), .packing = "xz" }, got;

	cache_make();
	assert_int_equal(mica_cache_open(&c, cache_dir, 1 << 20), 0);
	fa = mica_cache_file(&c, &st, a, sizeof(a));
	assert_false(mica_cache_get(&c, &fa, &got));
	assert_int_equal(mica_cache_put(&c, &fa, &image), 0);
	assert_true(mica_cache_get(&c, &fa, &got));
	assert_string_equal(got.packing, "xz");
	munmap(got.data, got.bytes);
	for (unsigned i = 0; i < sizeof(b) * 8; i++) {
		b[i / 8] ^= (uint8_t)(1 << i % 8);
		fb = mica_cache_file(&c, &st, b, sizeof(b));
		assert_false(mica_cache_get(&c, &fb, &got));
		b[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	fb = mica_cache_file(&c, &st, b, sizeof(b));
	fb.st.st_ino = 7;
	assert_false(mica_cache_get(&c, &fb, &got));
	mica_cache_close(&c);
	cache_end();
}

static void test_cache_damage(void **state)
{
	struct mica_kernel made;
	char entry[200];
	size_t bytes;
	uint8_t *image, byte;
	int fd;

	cache_make();
	kernel_image_make(&made, &(struct kernel_image_options){ .init_p2m = true });
	image = bzimage(&made, &bytes);
	write_file(file_path, image, bytes);
	for (unsigned i = 0; i < 60; i++) {
		assert_false(load_cached());
		assert_int_equal(entries(entry), 1);
		fd = open(entry, O_RDWR | O_CLOEXEC);
		if (i % 4 == 0) {			/* cut off, or too long */
			assert_int_equal(ftruncate(fd, i % 8 ? 20 : (off_t)made.bytes + 5000), 0);
		} else if (i % 4 == 1) {		/* the header */
			off_t at = (off_t)unit_below(56);

			assert_int_equal(pread(fd, &byte, 1, at), 1);
			byte ^= 0x10;
			assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		} else if (i % 4 == 2) {		/* the image */
			off_t at = 4096 + (off_t)unit_below(made.bytes);

			assert_int_equal(pread(fd, &byte, 1, at), 1);
			byte ^= 1;
			assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		} else {				/* somebody else could have written it */
			assert_int_equal(fchmod(fd, 0666), 0);
		}
		close(fd);
	}
	free(image);
	free(made.image);
	cache_end();
}

/* A directory or key that others can reach proves nothing, and is not used. */
static void test_cache_not_private(void **state)
{
	struct mica_cache c;
	char key[128];

	cache_make();
	assert_int_equal(mica_cache_open(&c, cache_dir, 1 << 20), 0);
	mica_cache_close(&c);
	assert_int_equal(chmod(cache_dir, 0755), 0);
	assert_int_equal(mica_cache_open(&c, cache_dir, 1 << 20), -EPERM);
	assert_int_equal(c.dir, -1);
	assert_int_equal(chmod(cache_dir, 0700), 0);
	snprintf(key, sizeof(key), "%s/key", cache_dir);
	assert_int_equal(chmod(key, 0644), 0);
	assert_int_equal(mica_cache_open(&c, cache_dir, 1 << 20), -EPERM);
	assert_int_equal(unlink(key), 0);
	assert_int_equal(symlink("/etc/passwd", key), 0);
	assert_true(mica_cache_open(&c, cache_dir, 1 << 20) < 0);
	cache_end();
}

static void count_entry(void *ctx, const char *name, uint64_t disk_bytes, int64_t used_s)
{
	*(uint64_t *)ctx += disk_bytes;
}

/* The oldest goes first, and what does not fit at all is not kept. */
static void test_cache_bound(void **state)
{
	struct mica_cache c;
	uint8_t *data = malloc(100000);
	struct mica_cache_image image = { .data = data, .bytes = 100000 }, got;
	struct mica_cache_file f[20];
	uint64_t sum = 0;

	cache_make();
	memset(data, 7, 100000);
	assert_int_equal(mica_cache_open(&c, cache_dir, 450000), 0);
	for (unsigned i = 0; i < 20; i++) {
		struct stat st = { .st_ino = i };

		f[i] = mica_cache_file(&c, &st, data, 10);
		assert_int_equal(mica_cache_put(&c, &f[i], &image), 0);
		if (mica_cache_get(&c, &f[0], &got))	/* the first is used again and again */
			munmap(got.data, got.bytes);
		else
			fail_msg("the one in use went, at %u", i);
		usleep(6000);		/* two of them are another time to any kernel, at 100 ticks a second too */
	}
	assert_in_range(mica_cache_list(&c, count_entry, &sum), 2, 4);
	assert_true(sum <= 450000);
	assert_true(mica_cache_get(&c, &f[19], &got));
	munmap(got.data, got.bytes);
	assert_false(mica_cache_get(&c, &f[5], &got));
	image.bytes = 100000;
	c.limit_bytes = 1000;
	assert_int_equal(mica_cache_put(&c, &f[5], &image), -EFBIG);
	assert_int_equal(mica_cache_list(&c, count_entry, &sum), 0);
	assert_int_equal(mica_cache_clear(&c), 0);
	mica_cache_close(&c);
	free(data);
	cache_end();
}

static int work_sum(void *arg)
{
	return *(int *)arg + 1;
}

static int work_open(void *arg)
{
	return access("/", F_OK);
}

static int work_crash(void *arg)
{
	raise(SIGKILL);
	return 0;
}

static void test_sandbox(void **state)
{
	int n = 41;

	assert_int_equal(mica_sandboxed(work_sum, &n), 42);
	assert_int_equal(mica_sandboxed(work_open, NULL), -EPERM);
	assert_int_equal(mica_sandboxed(work_crash, NULL), -EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sandbox),
		cmocka_unit_test(test_notes), cmocka_unit_test(test_not_kernels),
		cmocka_unit_test(test_empty), cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_bzimage), cmocka_unit_test(test_damage),
		cmocka_unit_test(test_cache_hits), cmocka_unit_test(test_cache_full_tmpfs), cmocka_unit_test(test_cache_changed_file),
		cmocka_unit_test(test_cache_key), cmocka_unit_test(test_cache_damage),
		cmocka_unit_test(test_cache_not_private), cmocka_unit_test(test_cache_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
