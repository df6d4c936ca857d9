/* SPDX-License-Identifier: BSD-2-Clause */
/* The Xen notes of a kernel that elf_open() accepted, checked against each other. */
#ifndef MICA_LIB_NOTES_H
#define MICA_LIB_NOTES_H

#include "lib/image.h"

/* Fills in @k from the notes of k->elf.  @path names the kernel in messages. */
int mica_kernel_read_notes(struct mica_kernel *k, const char *path, struct mica_error *e);

#endif
