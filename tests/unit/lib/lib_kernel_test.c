/* unit: dom0-tools/lib/image.c dom0-tools/lib/notes.c dom0-tools/lib/error.c dom0-tools/lib/sandbox.c dom0-tools/unpack/bzimage.c lib/elf.c tests/unit/lib/kernel_image.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernels as files: every refusal with its code, and files cut off or changed at random, which must
 * be refused or accepted but never read beyond their end.  The decompressor is a copy.
 */
#include "unit.h"
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel_image.h"
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
	int rc = mica_kernel_parse(k, &f, "test", &e);

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
	assert_true(mica_kernel_load(&k, "/nonexistent", &e) < 0);
	assert_string_equal(e.code->name, "MICA-KRN-001");
	assert_int_equal(e.code->exit, EXIT_NOT_FOUND);
	assert_true(mica_kernel_load(&k, "/", &e) < 0);
	assert_true(mica_kernel_load(&k, "/dev/null", &e) < 0);
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
		cmocka_unit_test(test_bzimage), cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
