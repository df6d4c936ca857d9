/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a kernel file to an ELF image: tell bzImage from ELF by the first bytes, unpack
 * the former with the same code as mica-unpack, or take it from the cache.  The notes are read in
 * notes.c.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "lib/cache.h"
#include "lib/image.h"
#include "lib/notes.h"
#include "lib/sandbox.h"
#include "unpack/unpack.h"

static const char *packing_of(const struct blob *payload)
{
	static const struct { const char *magic; size_t bytes; const char *name; } known[] = {
		{ "\xfd""7zXZ", 5, "xz" }, { "\x28\xb5\x2f\xfd", 4, "zstd" },
		{ "\x1f\x8b", 2, "gzip" }, { "\x02\x21\x4c\x18", 4, "lz4" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (payload->bytes >= known[i].bytes &&
		    !memcmp(payload->data, known[i].magic, known[i].bytes))
			return known[i].name;
	return "unknown";
}

/* Shared with the child that fills it, and got at once instead of by a fault for each page. */
static uint8_t *pages_alloc(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

struct unpacking {
	const struct blob *payload;
	struct blob out;
	const char **why;		/* shared; points at a constant of this program */
};

static int unpack_work(void *arg)
{
	struct unpacking *u = arg;

	*u->why = payload_decompress(u->payload, &u->out);
	return *u->why != NULL;
}

/* A decompressor is much code on data a guest's owner may have chosen: it works in a sandbox. */
static const char *unpack_into(const struct blob *payload, struct blob *out)
{
	const char **why = (void *)pages_alloc(sizeof(*why)), *answer;
	struct unpacking u = { payload, *out, why };
	int rc;

	if (!why)
		return "there is no memory to unpack it; free some in the control domain";
	rc = mica_sandboxed(unpack_work, &u);
	answer = rc == 1 ? *why : rc ? "its decompressor ended badly; the file is damaged" : NULL;
	munmap(why, sizeof(*why));
	return answer;
}

static const char *unpack(struct mica_kernel *k, const struct mica_file *file)
{
	struct blob in = { file->data, file->bytes }, payload, out = { 0 };
	const char *wrong = bzimage_find_payload(&in, &payload, &out.bytes);

	if (wrong)
		return wrong;
	strcpy(k->packing, packing_of(&payload));
	out.data = pages_alloc(out.bytes);
	if (!out.data)
		return "there is no memory to unpack it; free some in the control domain";
	wrong = unpack_into(&payload, &out);
	if (wrong) {
		munmap(out.data, out.bytes);
		return wrong;
	}
	k->image = out.data;
	k->bytes = out.bytes;
	return NULL;
}

static void remember(struct mica_kernel *k, const struct mica_cache *c,
		     const struct mica_cache_file *f)
{
	struct mica_cache_image image = { .data = k->image, .bytes = k->bytes };

	memcpy(image.packing, k->packing, sizeof(image.packing));
	mica_cache_put(c, f, &image);
}

/* Out of the cache, or unpacked and put there. */
static const char *unpack_cached(struct mica_kernel *k, const struct mica_file *file,
				 const char *cache_dir)
{
	struct mica_cache_image image;
	struct mica_cache_file f;
	struct mica_cache c;
	const char *wrong;

	if (!cache_dir || mica_cache_open(&c, cache_dir, MICA_CACHE_BYTES))
		return unpack(k, file);
	f = mica_cache_file(&c, &file->st, file->data, file->bytes);
	if (mica_cache_get(&c, &f, &image)) {
		k->image = image.data;
		k->bytes = image.bytes;
		memcpy(k->packing, image.packing, sizeof(k->packing));
		k->from_cache = true;
		wrong = NULL;
	} else {
		wrong = unpack(k, file);
		if (!wrong)
			remember(k, &c, &f);
	}
	mica_cache_close(&c);
	return wrong;
}

int mica_kernel_parse(struct mica_kernel *k, struct mica_file *file, const char *path,
		      const char *cache_dir, struct mica_error *e)
{
	const char *why;
	int rc;

	memset(k, 0, sizeof(*k));
	if (file->bytes >= 4 && !memcmp(file->data, "\177ELF", 4)) {
		k->image = file->data;
		k->bytes = file->bytes;
		strcpy(k->packing, "none");
		file->data = NULL;
	} else {
		why = unpack_cached(k, file, cache_dir);
		mica_file_free(file);
		if (why)
			return mica_fail(e, "MICA-KRN-002", "kernel %s: %s", path, why);
	}
	if (elf_open(&k->elf, k->image, k->bytes, &why)) {
		rc = mica_fail(e, "MICA-KRN-002", "kernel %s: it %s", path, why);
		mica_kernel_free(k);
		return rc;
	}
	rc = mica_kernel_read_notes(k, path, e);
	if (rc)
		mica_kernel_free(k);
	return rc;
}

int mica_kernel_load(struct mica_kernel *k, const char *path, const char *cache_dir,
		     struct mica_error *e)
{
	struct mica_file file;
	int rc;

	memset(k, 0, sizeof(*k));
	rc = mica_file_read(&file, "kernel", path, MICA_KERNEL_MAX_BYTES, e);
	if (rc && S_ISREG(file.st.st_mode) && !file.st.st_size)
		return mica_fail(e, "MICA-KRN-002", "kernel %s: it is empty", path);
	return rc ? rc : mica_kernel_parse(k, &file, path, cache_dir, e);
}

void mica_kernel_free(struct mica_kernel *k)
{
	if (k->image)
		munmap(k->image, k->bytes);
	k->image = NULL;
}
