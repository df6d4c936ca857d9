/* SPDX-License-Identifier: BSD-2-Clause */
/* A kernel made for tests: one segment with a bss, and the notes the options ask for. */
#ifndef KERNEL_IMAGE_H
#define KERNEL_IMAGE_H

#include "lib/notes.h"

#define KERNEL_IMAGE_PADDR	0x400000ull
#define KERNEL_IMAGE_FILE_BYTES	0x2345u
#define KERNEL_IMAGE_MEM_BYTES	0x9000u

struct kernel_image_options {
	bool init_p2m, mod_start_pfn, hypercall_page, base_zero;
	bool no_notes, no_version, no_loader, bad_entry, wants_translated;
};

/* Fills in k->image, allocated with malloc(), and opens it; the notes are not read yet. */
void kernel_image_make(struct mica_kernel *k, const struct kernel_image_options *o);

#endif
