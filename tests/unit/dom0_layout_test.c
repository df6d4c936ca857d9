/* unit: boot/dom0_kernel.c boot/dom0_layout.c lib/elf.c lib/fmt.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a dom0 kernel may ask for in its notes, and where everything is put: real shapes (Linux,
 * XTF, GRUB), each contradiction with a word of its sentence, and properties that hold for any
 * layout.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <mica/elfnote.h>

#include "boot/dom0_layout.h"
#include "cpu/layout.h"
#include "cpu/panic.h"
#include "cpu/types.h"

struct header {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
	struct {
		uint32_t type, flags;
		uint64_t offset, vaddr, paddr, filesz, memsz, align;
	} ph[2];
};

static struct {
	struct header h;
	uint8_t notes[1024];
} image;
static size_t notes_used;

static void image_begin(uint64_t paddr, uint64_t memsz, uint64_t entry)
{
	memset(&image, 0, sizeof(image));
	notes_used = 0;
	memcpy(image.h.ident, "\177ELF\2\1\1", 7);
	image.h.type = 2;
	image.h.machine = 62;
	image.h.version = 1;
	image.h.entry = entry;
	image.h.phoff = offsetof(struct header, ph);
	image.h.ehsize = 64;
	image.h.phentsize = 56;
	image.h.phnum = 2;
	image.h.shentsize = 64;
	image.h.ph[0].type = 1;
	image.h.ph[0].flags = 7;
	image.h.ph[0].paddr = paddr;
	image.h.ph[0].memsz = memsz;
	image.h.ph[0].filesz = 16;
	image.h.ph[1].type = 4;
	image.h.ph[1].offset = sizeof(struct header);
	image.h.ph[1].align = 4;
}

static void note(uint32_t type, const void *desc, uint32_t len)
{
	uint32_t head[3] = { 4, len, type };
	uint8_t *p = image.notes + notes_used;

	memcpy(p, head, 12);
	memcpy(p + 12, "Xen", 4);
	memcpy(p + 16, desc, len);
	notes_used += 16 + ((len + 3) & ~3u);
	image.h.ph[1].filesz = image.h.ph[1].memsz = notes_used;
}

static void note_text(uint32_t type, const char *s)
{
	note(type, s, strlen(s) + 1);
}

static void note_u64(uint32_t type, uint64_t v)
{
	note(type, &v, 8);
}

static struct dom0_kernel k;
static struct dom0_layout l;
static char why[200];
static jmp_buf refusal;

void boot_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	longjmp(refusal, 1);
}

static bool read_kernel(void)
{
	const char *reason;
	struct elf e;

	why[0] = 0;
	assert_int_equal(elf_open(&e, &image, sizeof(image), &reason), 0);
	if (setjmp(refusal))
		return false;
	dom0_kernel_read(&e, &k);
	return true;
}

static bool plan(uint64_t nr_pages, uint64_t initrd_bytes)
{
	if (setjmp(refusal))
		return false;
	dom0_layout_plan(&k, nr_pages, initrd_bytes, &l);
	return true;
}

static void linux_image(void)
{
	const char features[] = "!writable_page_tables|pae_pgdir_above_4gb";
	uint32_t supported = 0x8801, one = 1;

	image_begin(0x1000000, 0x3a00000, 0x1000000);
	note_text(XEN_ELFNOTE_GUEST_OS, "linux");
	note_text(XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
	note_u64(XEN_ELFNOTE_VIRT_BASE, 0xffffffff80000000);
	note_u64(XEN_ELFNOTE_INIT_P2M, 0x8000000000);
	note_u64(XEN_ELFNOTE_ENTRY, 0xffffffff830791c0);
	note(XEN_ELFNOTE_FEATURES, features,
	     sizeof(features) - 1); /* not terminated, as in Linux */
	note(XEN_ELFNOTE_SUPPORTED_FEATURES, &supported, 4);
	note_text(XEN_ELFNOTE_PAE_MODE, "yes");
	note_text(XEN_ELFNOTE_LOADER, "generic");
	note(XEN_ELFNOTE_MOD_START_PFN, &one, 4);
	note_u64(XEN_ELFNOTE_HV_START_LOW, HV_START);
}

static void small_image(void)
{
	image_begin(0x100000, 0x20000, 0x100040);
	note_text(XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
	note_text(XEN_ELFNOTE_LOADER, "generic");
}

/* True whatever the kernel: areas in order, nothing overlaps, tables map what they must. */
static void check_layout(uint64_t nr_pages, uint64_t initrd_pages)
{
	uint64_t end = k.virt_base + l.mapped * PAGE_SIZE;
	uint64_t after_stack = (l.stack.pfn + 1) * PAGE_SIZE;
	uint64_t n = 1;

	assert_true(l.start_info.pfn * PAGE_SIZE >= k.end);
	assert_int_equal(l.tables.pfn, l.start_info.pfn + 1);
	assert_int_equal(l.stack.pfn, l.tables.pfn + l.tables.nr);
	assert_int_equal(end & ((4ul << 20) - 1), 0);
	assert_true(l.mapped * PAGE_SIZE - after_stack >= 512ul << 10);
	for (unsigned level = 1; level <= 3; level++)
		n += ((end - 1) >> (12 + 9 * level)) - (k.virt_base >> (12 + 9 * level)) + 1;
	assert_int_equal(l.tables.nr, n);
	assert_int_equal(l.initrd.nr, initrd_pages);
	assert_true(l.p2m.nr * 512 >= nr_pages);
	if (k.mod_start_pfn && initrd_pages)
		assert_int_equal(l.initrd.pfn, l.mapped);
	else if (initrd_pages)
		assert_true(l.initrd.pfn + l.initrd.nr <= l.start_info.pfn);
	if (k.has_init_p2m)
		assert_int_equal(l.used, l.p2m_tables.pfn + l.p2m_tables.nr);
	else
		assert_int_equal(l.p2m.pfn + l.p2m.nr, l.start_info.pfn);
	assert_true(l.used <= nr_pages);
}

static void lays_out_linux(void **state)
{
	linux_image();
	assert_true(read_kernel());
	assert_true(k.is_linux && k.mod_start_pfn && k.has_init_p2m && k.pae_note);
	assert_false(k.has_hypercall_page);
	assert_int_equal(k.entry, 0xffffffff830791c0);
	assert_int_equal(k.end, 0x4a00000);
	assert_true(plan(131072, 10ul << 20));
	check_layout(131072, 2560);
	assert_int_equal(l.p2m_va, 0x8000000000);
	assert_int_equal(l.p2m.nr, 256);
	assert_int_equal(l.p2m_tables.nr, 3);
	assert_int_equal(l.p2m.pfn, l.initrd.pfn + 2560);
}

static void lays_out_small_kernels(void **state)
{
	small_image();
	assert_true(read_kernel());
	assert_false(k.is_linux || k.mod_start_pfn || k.has_init_p2m || k.pae_note);
	assert_true(plan(8192, 100));
	check_layout(8192, 1);
	assert_int_equal(l.p2m_va, l.p2m.pfn * PAGE_SIZE);
	/* GRUB: entry 0 of an image that starts there. */
	image_begin(0, 0x41e1f0, 0);
	note_text(XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
	note_text(XEN_ELFNOTE_LOADER, "generic");
	note_u64(XEN_ELFNOTE_ENTRY, 0);
	assert_true(read_kernel());
	assert_int_equal(k.entry, 0);
	/* NetBSD: p_paddr is virtual, PADDR_OFFSET undoes it. */
	image_begin(0xffffffff80200000, 0x100000, 0xffffffff80200000);
	note_text(XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
	note_text(XEN_ELFNOTE_LOADER, "generic");
	note_u64(XEN_ELFNOTE_VIRT_BASE, 0xffffffff80000000);
	note_u64(XEN_ELFNOTE_PADDR_OFFSET, 0xffffffff80000000);
	note_u64(XEN_ELFNOTE_HYPERCALL_PAGE, 0xffffffff80201000);
	assert_true(read_kernel());
	assert_int_equal(k.start, 0x200000);
	assert_true(k.has_hypercall_page);
}

static void every_size_is_consistent(void **state)
{
	linux_image();
	assert_true(read_kernel());
	for (uint64_t pages = 1; pages < 1ul << 34; pages = pages * 5 / 3 + 7)
		for (uint64_t initrd = 0; initrd < 1ul << 31; initrd = initrd * 3 + 4095) {
			if (plan(pages, initrd))
				check_layout(pages, DIV_UP(initrd, PAGE_SIZE));
			else
				assert_non_null(strstr(why, "MiB"));
		}
}

static void refused(const char *word)
{
	if (read_kernel() && plan(131072, 0))
		fail_msg("not refused: %s", word);
	if (!strstr(why, word))
		fail_msg("'%s' is not in '%s'", word, why);
}

static void refuses_bad_notes(void **state)
{
	uint32_t no_dom0 = 1;

	image_begin(0x100000, 0x20000, 0x100040);
	refused("no Xen notes");
	image_begin(0x100000, 0x20000, 0x100040);
	note_text(XEN_ELFNOTE_XEN_VERSION, "xen-2.0");
	refused("xen-2.0");
	image_begin(0x100000, 0x20000, 0x100040);
	note_text(XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
	refused("loader");
	small_image();
	note(XEN_ELFNOTE_VIRT_BASE, "abc", 3);
	refused("not a number");
	small_image();
	note_u64(XEN_ELFNOTE_VIRT_BASE, 0x1234);
	refused("page address");
	small_image();
	note_u64(XEN_ELFNOTE_ENTRY, 0x500000);
	refused("entry point");
	small_image();
	note_u64(XEN_ELFNOTE_HYPERCALL_PAGE, 0x100800);
	refused("hypercall page");
	small_image();
	note_u64(XEN_ELFNOTE_HYPERCALL_PAGE, 0x200000);
	refused("hypercall page");
	small_image();
	note_u64(XEN_ELFNOTE_HV_START_LOW, HV_START + 0x1000);
	refused("hypervisor starts");
	small_image();
	note_u64(XEN_ELFNOTE_PADDR_OFFSET, 0x200000);
	refused("PADDR_OFFSET");
	small_image();
	note_text(XEN_ELFNOTE_FEATURES, "dom0|!no_such_thing");
	refused("no_such_thing");
	small_image();
	note_text(XEN_ELFNOTE_FEATURES, "!auto_translated_physmap");
	refused("auto_translated_physmap");
	small_image();
	note_text(XEN_ELFNOTE_FEATURES, "!supervisor_mode_kernel|pae_pgdir_above_4gb");
	refused("supervisor_mode_kernel");
	small_image();
	note(XEN_ELFNOTE_SUPPORTED_FEATURES, &no_dom0, 4);
	refused("dom0");
}

static void image_at(uint64_t virt_base, uint64_t memsz)
{
	image_begin(0x100000, memsz, 0);
	note_text(XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
	note_text(XEN_ELFNOTE_LOADER, "generic");
	note_u64(XEN_ELFNOTE_VIRT_BASE, virt_base);
	note_u64(XEN_ELFNOTE_ENTRY, virt_base + 0x100000);
}

static void refuses_bad_places(void **state)
{
	image_at(HV_START, 0x20000);
	refused("cannot have its image");
	image_at(HV_START - 0x200000, 0x20000);		/* runs into the hypervisor */
	refused("cannot have its image");
	image_at(0x0000800000000000, 0x20000);		/* not canonical */
	refused("cannot have its image");
	image_at(0x00007fffffe00000, 0x20000);		/* leaves the lower half */
	refused("cannot have its image");
	image_at(0xffffffffffe00000, 0x20000);		/* wraps: image and tables do not fit */
	refused("cannot have its image");
	image_at(0xffffffff80000000, 0x20000);
	note_u64(XEN_ELFNOTE_INIT_P2M, HV_END - 0x1000);
	refused("p2m");
	image_at(0xffffffff80000000, 0x20000);
	note_u64(XEN_ELFNOTE_INIT_P2M, 0xffffff8000000000);	/* the image's 512 GiB */
	refused("beside its image");
	small_image();
	image.h.ph[0].memsz = 1ul << 47;
	refused("too large");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lays_out_linux),
		cmocka_unit_test(lays_out_small_kernels),
		cmocka_unit_test(every_size_is_consistent),
		cmocka_unit_test(refuses_bad_notes),
		cmocka_unit_test(refuses_bad_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
