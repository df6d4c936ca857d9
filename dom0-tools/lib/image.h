/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest kernel as a file (bzImage with xz, zstd, gzip or lz4 inside, or plain ELF) turned into
 * an ELF image in memory, and what its notes ask of the builder.  The file is not trusted: all
 * parsing is bounds-checked by hypervisor/lib/elf.c and dom0-tools/unpack.
 */
#ifndef MICA_LIB_IMAGE_H
#define MICA_LIB_IMAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "lib/elf.h"
#include "lib/error.h"

struct mica_kernel {
	struct elf elf;			/* reads @image */
	uint8_t *image;			/* the ELF file; ours */
	size_t bytes;
	char packing[8];		/* "xz", ..., or "none" */
	bool from_cache;
	char guest_os[32], version[32];	/* as the notes say, empty if they do not */
	uint64_t entry;			/* virtual */
	uint64_t virt_base;		/* virtual address of pfn 0 */
	uint64_t paddr_offset;
	uint64_t start, end;		/* pseudo-physical bytes the image occupies */
	uint64_t hypercall_page;	/* virtual; valid if has_hypercall_page */
	uint64_t init_p2m;		/* virtual; valid if has_init_p2m */
	bool has_hypercall_page, has_init_p2m;
	bool mod_start_pfn;		/* takes the initrd unmapped, by pfn */
	bool pae_note;			/* magic gets a "p" */
	bool suspend_cancel;
	bool dom0_capable;		/* could run as control domain */
};

struct mica_file {
	uint8_t *data;			/* a copy of it, in pages of its own */
	size_t bytes;
	struct stat st;			/* of the file it was read from; zeros if it was not opened */
};

/* A file to be read piece by piece. */
struct mica_source {
	const char *what, *path;	/* as given */
	int fd;
	size_t bytes;			/* 0: not open */
	struct stat st;
};

/*
 * file.c: read a whole file of at most @limit bytes, which is a regular one and not empty.  @what names it
 * in messages ("kernel", "initrd").
 */
int mica_file_read(struct mica_file *f, const char *what, const char *path, size_t limit,
		   struct mica_error *e);
void mica_file_free(struct mica_file *f);
/* The same in pieces; @what and @path stay the caller's, until it is closed. */
int mica_source_open(struct mica_source *f, const char *what, const char *path, size_t limit,
		     struct mica_error *e);
/* All of these @bytes, which lie within the file as it was opened, or an error. */
int mica_source_read(const struct mica_source *f, size_t at, void *to, size_t bytes,
		     struct mica_error *e);
/* Also of one that was not opened, if it is all zeros. */
void mica_source_close(struct mica_source *f);

/* Load and check the kernel in @path.  On success mica_kernel_free() must follow.  @cache_dir names
 * the cache of unpacked kernels (lib/cache.h), NULL: none. */
int mica_kernel_load(struct mica_kernel *k, const char *path, const char *cache_dir,
		     struct mica_error *e);
/* The same for a file that is in memory already; takes @file's data over. */
int mica_kernel_parse(struct mica_kernel *k, struct mica_file *file, const char *path,
		      const char *cache_dir, struct mica_error *e);
void mica_kernel_free(struct mica_kernel *k);

#define MICA_KERNEL_MAX_BYTES	((size_t)256 << 20)
#define MICA_INITRD_MAX_BYTES	((size_t)4 << 30)

#endif
