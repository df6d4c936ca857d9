/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a paravirtual kernel asks for (abi/mica/elfnote.h), and whether a guest can be given it.
 *
 * Pseudo-physical address = p_paddr - PADDR_OFFSET; virtual = that + VIRT_BASE.  p_vaddr is never
 * used: Linux's per-CPU segment has p_vaddr 0.  Pure: reads the image, touches nothing else.
 */
#include <stdio.h>
#include <string.h>
#include <mica/elfnote.h>
#include <mica/features.h>
#include <mica/mmu.h>

#include "lib/notes.h"

#define PAGE_BYTES	4096ul
#define GUEST_TOP	(1ull << 47)		/* of the lower half */
#define MAX_PSEUDO_PHYS	(1ull << 40)

static int not_pv(const char *path, struct mica_error *e, const char *why)
{
	int rc = mica_fail(e, "MICA-KRN-003", "kernel %s: %s", path, why);

	mica_hint(e, "use Debian's linux-image-amd64, or rebuild with CONFIG_XEN_PV=y");
	return rc;
}

static bool has_any_note(const struct elf *elf)
{
	struct elf_note_pos pos = { 0 };
	struct elf_note note;

	return elf_next_note(elf, &pos, &note);
}

/* A note whose text must begin with @prefix. */
static bool begins(const char *text, const char *prefix)
{
	return text && !strncmp(text, prefix, strlen(prefix));
}

/* "!x" asks for x.  Only what would make the kernel no PV guest is refused. */
static const char *required_feature_missing(const char *list)
{
	static const char *const never[] = {
		"supervisor_mode_kernel", "auto_translated_physmap", "hvm_callback_vector",
	};
	char word[64];

	while (list && *list) {
		size_t n = strcspn(list, "|");

		snprintf(word, sizeof(word), "%.*s", (int)n, list);
		for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
			if (word[0] == '!' && !strcmp(word + 1, never[i]))
				return never[i];
		list += n;
		list += *list == '|';
	}
	return NULL;
}

static int check_words(struct mica_kernel *k, const char *path, struct mica_error *e)
{
	const char *os = elf_note_str(&k->elf, XEN_ELFNOTE_GUEST_OS);
	const char *version = elf_note_str(&k->elf, XEN_ELFNOTE_GUEST_VERSION);
	const char *abi = elf_note_str(&k->elf, XEN_ELFNOTE_XEN_VERSION);
	const char *loader = elf_note_str(&k->elf, XEN_ELFNOTE_LOADER);
	const char *features = elf_note_str(&k->elf, XEN_ELFNOTE_FEATURES);
	const char *missing;

	snprintf(k->guest_os, sizeof(k->guest_os), "%s", os ? os : "");
	snprintf(k->version, sizeof(k->version), "%s", version ? version : "");
	if (!has_any_note(&k->elf))
		return not_pv(path, e, "it has no Xen ELF notes; CONFIG_XEN_PV is off in it");
	if (!begins(abi, "xen-3.0")) {
		if (!abi)
			return not_pv(path, e, "it has no XEN_VERSION note (PVH-only kernel?)");
		return not_pv(path, e, "its XEN_VERSION note does not begin with xen-3.0");
	}
	if (!begins(loader, "generic") && !begins(os, "linux"))
		return not_pv(path, e, "its LOADER note is not \"generic\"");
	missing = required_feature_missing(features);
	if (missing)
		return mica_fail(e, "MICA-KRN-004", "kernel %s: it requires %s, which a PV domain "
				 "does not have", path, missing);
	k->pae_note = elf_note_str(&k->elf, XEN_ELFNOTE_PAE_MODE) ||
		(features && strstr(features, "pae_pgdir_above_4gb"));
	return 0;
}

/* A note holding one integer of 4 or 8 bytes; without it, @absent. */
static uint64_t number(const struct mica_kernel *k, uint32_t type, uint64_t absent)
{
	uint64_t value;

	return elf_note_u64(&k->elf, type, &value) ? value : absent;
}

static int bad_range(const char *path, struct mica_error *e, const char *what, uint64_t value)
{
	return mica_fail(e, "MICA-KRN-004", "kernel %s: its %s (0x%llx) lies where a guest cannot "
			 "have it", path, what, (unsigned long long)value);
}

/* May a guest have [va, va + bytes) mapped? */
static bool guest_may_map(uint64_t va, uint64_t bytes)
{
	uint64_t last = va + (bytes ? bytes - 1 : 0);

	if (last < va)
		return false;
	if (last < GUEST_TOP)
		return true;
	return va >= HYPERVISOR_VIRT_END;
}

static int find_extent(struct mica_kernel *k, const char *path, struct mica_error *e)
{
	struct elf_segment s;

	k->start = UINT64_MAX;
	for (unsigned i = 0; elf_segment(&k->elf, i, &s); i++) {
		uint64_t from = s.paddr - k->paddr_offset;

		if (!s.memsz)
			continue;
		if (s.paddr < k->paddr_offset || from >= MAX_PSEUDO_PHYS ||
		    s.memsz > MAX_PSEUDO_PHYS)
			return bad_range(path, e, "segment", s.paddr);
		if (from < k->start)
			k->start = from;
		if (from + s.memsz > k->end)
			k->end = from + s.memsz;
	}
	if (k->start == UINT64_MAX)
		return mica_fail(e, "MICA-KRN-002", "kernel %s: it has nothing to load", path);
	return 0;
}

static int read_numbers(struct mica_kernel *k, const char *path, struct mica_error *e)
{
	uint64_t features = number(k, XEN_ELFNOTE_SUPPORTED_FEATURES, 1ul << XENFEAT_dom0);
	int rc;

	k->virt_base = number(k, XEN_ELFNOTE_VIRT_BASE, 0);
	k->paddr_offset = number(k, XEN_ELFNOTE_PADDR_OFFSET, 0);
	k->entry = number(k, XEN_ELFNOTE_ENTRY, k->elf.entry);
	k->has_hypercall_page = elf_note_u64(&k->elf, XEN_ELFNOTE_HYPERCALL_PAGE,
					     &k->hypercall_page);
	k->has_init_p2m = elf_note_u64(&k->elf, XEN_ELFNOTE_INIT_P2M, &k->init_p2m);
	k->mod_start_pfn = number(k, XEN_ELFNOTE_MOD_START_PFN, 0) == 1;
	k->suspend_cancel = number(k, XEN_ELFNOTE_SUSPEND_CANCEL, 0) == 1;
	k->dom0_capable = features >> XENFEAT_dom0 & 1;

	rc = find_extent(k, path, e);
	if (rc)
		return rc;
	if (k->virt_base % PAGE_BYTES || !guest_may_map(k->virt_base, k->end))
		return bad_range(path, e, "VIRT_BASE", k->virt_base);
	if (k->entry < k->virt_base + k->start || k->entry >= k->virt_base + k->end)
		return bad_range(path, e, "entry point", k->entry);
	if (k->has_hypercall_page &&
	    (k->hypercall_page % PAGE_BYTES || k->hypercall_page < k->virt_base + k->start ||
	     k->hypercall_page + PAGE_BYTES > k->virt_base + k->end))
		return bad_range(path, e, "hypercall page", k->hypercall_page);
	if (k->has_init_p2m && (k->init_p2m % PAGE_BYTES || !guest_may_map(k->init_p2m, 1)))
		return bad_range(path, e, "INIT_P2M", k->init_p2m);
	return 0;
}

int mica_kernel_read_notes(struct mica_kernel *k, const char *path, struct mica_error *e)
{
	int rc = check_words(k, path, e);

	return rc ? rc : read_numbers(k, path, e);
}
