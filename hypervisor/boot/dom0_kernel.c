/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The notes by which a kernel says how it wants to be loaded (abi-inventory 1.1).  Every note we
 * know is read once, checked for its form, then against the image: an entry point outside of it, a
 * hypercall page that is not a page of it, an address that is ours.  The features it requires are
 * checked by name.  A kernel that lists what it supports must list dom0; Linux lists it always, so
 * that one is found out when it runs (call/memory.h).
 *
 * BSD_SYMTAB is accepted and not served: the kernel then runs without its own symbols.
 */
#include <mica/elfnote.h>
#include <mica/features.h>
#include "boot/dom0_layout.h"
#include "cpu/layout.h"
#include "cpu/types.h"
#include "lib/string.h"

#define FEATURE(name)	[XENFEAT_##name] = #name
static const char *const feature_names[32] = {
	FEATURE(writable_page_tables), FEATURE(writable_descriptor_tables),
	FEATURE(auto_translated_physmap), FEATURE(supervisor_mode_kernel),
	FEATURE(pae_pgdir_above_4gb), FEATURE(mmu_pt_update_preserve_ad), FEATURE(highmem_assist),
	FEATURE(gnttab_map_avail_bits), FEATURE(hvm_callback_vector), FEATURE(hvm_safe_pvclock),
	FEATURE(hvm_pirqs), FEATURE(dom0), FEATURE(grant_map_identity),
	FEATURE(memory_op_vnode_supported), FEATURE(ARM_SMCCC_supported),
	FEATURE(linux_rsdp_unrestricted),
};

/* A text note need not be terminated (Linux's FEATURES is not).  "" when missing. */
static boot_text void note_text(const struct elf *e, uint32_t type, char *out, size_t room)
{
	const void *desc;
	size_t len;

	memset(out, 0, room);
	if (elf_note(e, type, &desc, &len))
		memcpy(out, desc, MIN(len, room - 1));
}

/* Is the note there?  If not *value is left alone. */
static boot_text bool read_number(const struct elf *e, uint32_t type, uint64_t *value)
{
	const void *desc;
	size_t len;

	if (!elf_note(e, type, &desc, &len))
		return false;
	if (!elf_note_u64(e, type, value))
		kernel_fail("has a numeric note that is not a number");
	return true;
}

static boot_text void read_names(const struct elf *e, struct dom0_kernel *k)
{
	char text[64];

	note_text(e, XEN_ELFNOTE_XEN_VERSION, text, sizeof(text));
	if (!text[0])
		kernel_fail("has no Xen notes: it was not built to run paravirtualized");
	if (strncmp(text, "xen-3.0", 7))
		kernel_fail("asks for interface '%s', we offer xen-3.0", text);
	note_text(e, XEN_ELFNOTE_GUEST_OS, text, sizeof(text));
	k->is_linux = !strncmp(text, "linux", 5);
	if (k->is_linux)
		return;
	note_text(e, XEN_ELFNOTE_LOADER, text, sizeof(text));
	if (strncmp(text, "generic", 7))
		kernel_fail("asks for loader '%s', we are 'generic'", text);
}

static boot_text void read_numbers(const struct elf *e, struct dom0_kernel *k)
{
	uint64_t mod_start_pfn = 0, hv_low = 0;

	k->entry = e->entry;
	read_number(e, XEN_ELFNOTE_ENTRY, &k->entry);
	read_number(e, XEN_ELFNOTE_VIRT_BASE, &k->virt_base);
	read_number(e, XEN_ELFNOTE_PADDR_OFFSET, &k->paddr_offset);
	read_number(e, XEN_ELFNOTE_MOD_START_PFN, &mod_start_pfn);
	read_number(e, XEN_ELFNOTE_HV_START_LOW, &hv_low);
	k->has_hypercall_page = read_number(e, XEN_ELFNOTE_HYPERCALL_PAGE, &k->hypercall_page);
	k->has_init_p2m = read_number(e, XEN_ELFNOTE_INIT_P2M, &k->init_p2m);
	k->mod_start_pfn = mod_start_pfn;
	if (hv_low > HV_START)
		kernel_fail("keeps addresses up to %lx, the hypervisor starts at %lx", hv_low,
			  HV_START);
	if (k->virt_base % PAGE_SIZE || k->init_p2m % PAGE_SIZE)
		kernel_fail("has a VIRT_BASE or INIT_P2M note that is not a page address");
}

static boot_text int feature_bit(const char *name, size_t len)
{
	for (unsigned i = 0; i < ARRAY_SIZE(feature_names); i++) {
		const char *f = feature_names[i];

		if (f && strlen(f) == len && !strncmp(f, name, len))
			return (int)i;
	}
	return -1;
}

/* "a|!b|c": b is required.  Fills both bitmaps. */
static boot_text void read_feature_list(const char *s, uint32_t *supported, uint32_t *required)
{
	while (*s) {
		size_t len = 0;
		bool must = *s == '!';
		int bit;

		s += must;
		while (s[len] && s[len] != '|')
			len++;
		bit = feature_bit(s, len);
		if (bit < 0 && must)
			kernel_fail("requires the feature '%.*s', which is unknown", (int)len, s);
		if (bit >= 0)
			*supported |= 1u << bit;
		if (must)
			*required |= 1u << bit;
		s += len;
		s += *s == '|';
	}
}

static boot_text void read_features(const struct elf *e, struct dom0_kernel *k)
{
	uint32_t supported = 0, required = 0, listed = 0;
	const void *desc;
	char text[256];
	size_t len;

	note_text(e, XEN_ELFNOTE_FEATURES, text, sizeof(text));
	read_feature_list(text, &supported, &required);
	if (required & (1u << XENFEAT_supervisor_mode_kernel))
		kernel_fail("requires supervisor_mode_kernel, but guest kernels run in ring 3");
	if (required & (1u << XENFEAT_auto_translated_physmap))
		kernel_fail("requires auto_translated_physmap: it is not a paravirtual kernel");
	if (elf_note(e, XEN_ELFNOTE_SUPPORTED_FEATURES, &desc, &len)) {
		memcpy(&listed, desc, MIN(len, sizeof(listed)));
		if (!((supported | listed) & (1u << XENFEAT_dom0)))
			kernel_fail("was built without support for running as dom0 "
				  "(Debian's cloud kernels are): use a standard kernel");
	}
	note_text(e, XEN_ELFNOTE_PAE_MODE, text, sizeof(text));
	k->pae_note = text[0] || (supported & (1u << XENFEAT_pae_pgdir_above_4gb));
}

static boot_text void read_segments(const struct elf *e, struct dom0_kernel *k)
{
	struct elf_segment s;

	k->start = ~0ul;
	for (unsigned i = 0; elf_segment(e, i, &s); i++) {
		uint64_t from = s.paddr - k->paddr_offset;

		if (!s.memsz)
			continue;
		if (s.paddr < k->paddr_offset)
			kernel_fail("has a segment at %lx, below its PADDR_OFFSET", s.paddr);
		if (s.memsz > BIT(46) || from > BIT(46))
			kernel_fail("has a segment of %lx bytes at %lx: too large", s.memsz, from);
		k->start = MIN(k->start, from);
		k->end = MAX(k->end, from + s.memsz);
	}
}

static boot_text bool inside_image(const struct dom0_kernel *k, uint64_t va, uint64_t bytes)
{
	uint64_t at = va - k->virt_base;

	return va >= k->virt_base && at >= ALIGN_DOWN(k->start, PAGE_SIZE) &&
	       at + bytes <= ALIGN_UP(k->end, PAGE_SIZE) && at + bytes > at;
}

boot_text void dom0_kernel_read(const struct elf *e, struct dom0_kernel *k)
{
	memset(k, 0, sizeof(*k));
	read_names(e, k);
	read_numbers(e, k);
	read_features(e, k);
	read_segments(e, k);
	if (!inside_image(k, k->entry, 1))
		kernel_fail("has its entry point %lx outside its image", k->entry);
	if (k->has_hypercall_page &&
	    (k->hypercall_page % PAGE_SIZE || !inside_image(k, k->hypercall_page, PAGE_SIZE)))
		kernel_fail("has its hypercall page %lx outside its image",
			  k->hypercall_page);
}
