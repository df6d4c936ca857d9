/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the two formats that meet in a kernel package: the bzImage around the kernel, and the
 * ELF file inside.  Both come from outside, so every offset is checked against the file before
 * it is followed.
 *
 * A bzImage is real-mode code of (setup_sects + 1) sectors, then protected-mode code.  Since
 * boot protocol 2.08 its header says where in the latter the compressed kernel lies.  The last
 * four bytes of the payload are the kernel's size: gzip ends in it by itself, the kernel's
 * build appends it for the other methods.
 */
#include <elf.h>
#include <string.h>

#include "unpack.h"

#define SECTOR_BYTES		512

/* Offsets in the file, from the x86 boot protocol. */
#define SETUP_SECTS		0x1f1
#define HEADER_MAGIC		0x202	/* "HdrS" */
#define PROTOCOL_VERSION	0x206
#define LOAD_FLAGS		0x211
#define PAYLOAD_OFFSET		0x248	/* relative to the protected-mode code */
#define PAYLOAD_LENGTH		0x24c
#define HEADER_END		0x250

#define PROTOCOL_WITH_PAYLOAD	0x0208
#define LOADED_HIGH		1
#define SETUP_SECTS_DEFAULT	4

#define PAYLOAD_MIN_BYTES	16
#define KERNEL_MIN_BYTES	sizeof(Elf64_Ehdr)

static const char *find_header(const struct blob *image)
{
	if (image->bytes >= SELFMAG && !memcmp(image->data, ELFMAG, SELFMAG))
		return "it is an ELF file already; boot it as it is";
	if (image->bytes < HEADER_END)
		return "it is too short for a kernel; copy or download it again";
	if (memcmp(image->data + HEADER_MAGIC, "HdrS", 4))
		return "it is not a Linux bzImage (no HdrS header); give a /boot/vmlinuz-* file";
	if (le16(image->data + PROTOCOL_VERSION) < PROTOCOL_WITH_PAYLOAD)
		return "its boot protocol is older than 2.08 (Linux 2.6.24); use a newer kernel";
	if (!(image->data[LOAD_FLAGS] & LOADED_HIGH))
		return "it is a zImage, not a bzImage; use a newer kernel";
	return NULL;
}

const char *bzimage_find_payload(const struct blob *image, struct blob *payload,
				 size_t *kernel_bytes)
{
	const char *wrong = find_header(image);
	uint64_t sectors, start, length;

	if (wrong)
		return wrong;

	sectors = image->data[SETUP_SECTS];
	if (!sectors)
		sectors = SETUP_SECTS_DEFAULT;
	start = (sectors + 1) * SECTOR_BYTES + le32(image->data + PAYLOAD_OFFSET);
	length = le32(image->data + PAYLOAD_LENGTH);
	if (length < PAYLOAD_MIN_BYTES)
		return "its header names no compressed kernel; build it with compression";
	if (start + length > image->bytes)
		return "it is truncated: the compressed kernel reaches past the end of the file; "
		       "copy or download it again";

	payload->data = image->data + start;
	payload->bytes = length;
	*kernel_bytes = le32(payload->data + length - 4);
	if (*kernel_bytes < KERNEL_MIN_BYTES || *kernel_bytes > UNPACK_MAX_OUTPUT)
		return "it is damaged: it claims an unpacked size below 64 bytes or above 1 GiB; "
		       "copy or download it again";
	return NULL;
}

/* True if [offset, offset + bytes) lies inside a file of @total bytes. */
static int inside(uint64_t offset, uint64_t bytes, uint64_t total)
{
	return offset <= total && bytes <= total - offset;
}

const char *kernel_check(const struct blob *kernel)
{
	Elf64_Ehdr header;
	Elf64_Phdr segment;

	if (kernel->bytes < sizeof(header) || memcmp(kernel->data, ELFMAG, SELFMAG))
		return "what it contains is not an ELF file; use a kernel built for x86-64";
	memcpy(&header, kernel->data, sizeof(header));
	if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != EM_X86_64)
		return "the kernel in it is not for 64-bit x86; use an amd64 kernel";
	if (header.e_phentsize != sizeof(segment) ||
	    !inside(header.e_phoff, (uint64_t)header.e_phnum * sizeof(segment), kernel->bytes))
		return "the kernel in it has no readable program headers; unpack another one";
	for (unsigned i = 0; i < header.e_phnum; i++) {
		memcpy(&segment, kernel->data + header.e_phoff + i * sizeof(segment),
		       sizeof(segment));
		if (!inside(segment.p_offset, segment.p_filesz, kernel->bytes))
			return "a segment of the kernel in it is cut off; "
			       "copy or download it again";
	}
	return NULL;
}
