/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Builds the control domain: module 0 is its kernel (an ELF image), module 1 its initrd.
 *
 *	read notes -> choose its size -> lay out -> adopt what can stay, allocate the rest ->
 *	copy what could not stay -> start_info -> tables, p2m, m2p -> pin the root -> context of
 *	vCPU 0 -> free what is left of the modules -> unpause
 *
 * The page tables are built as plain memory and then pinned through the same check that every
 * guest's tables pass: what this file gets wrong is refused there, at every boot.
 *
 * Runs once, single-threaded; every failure is one sentence through boot_fail().
 */
#include <mica/mmu.h>
#include <mica/start_info.h>
#include "boot/boot_info.h"
#include "boot/dom0.h"
#include "boot/dom0_layout.h"
#include "boot/dom0_mem.h"
#include "boot/dom0_tables.h"
#include "boot/options.h"
#include "call/memory.h"
#include "call/privileged.h"
#include "call/version.h"
#include "cpu/acpi_info.h"
#include "cpu/image.h"
#include "cpu/log.h"
#include "cpu/panic.h"
#include "cpu/percpu.h"
#include "dom/vcpu.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/pt.h"

#define RUNS_ORDER	4			/* 64 KiB of struct mem_run */
#define HEADROOM_PAGES	512ul			/* ours after boot: vCPUs, event channels, grants */
#define RESERVE_MAX	(128ul << 8)		/* pages kept from dom0 when dom0_mem is not given */

static boot_bss struct dom0_build {
	struct elf elf;
	struct dom0_kernel kernel;
	struct dom0_layout layout;
	struct dom0_memory mem;
	const struct boot_module *image, *initrd;	/* initrd NULL: none */
	uint64_t nr_pages, max_pages;
	struct domain *d;
} build;

static boot_text const void *module_va(const struct boot_module *m)
{
	return maddr_to_virt(maddr(m->start));
}

static boot_text uint64_t module_bytes(const struct boot_module *m)
{
	return m ? m->end - m->start : 0;
}

static boot_text uint64_t module_pages(const struct boot_module *m)
{
	return DIV_UP(module_bytes(m), PAGE_SIZE);
}

/* Linux's boot protocol puts "HdrS" at 0x202 of a bzImage. */
static boot_text bool is_bzimage(const struct boot_module *m)
{
	return module_bytes(m) > 0x206 && !memcmp((const char *)module_va(m) + 0x202, "HdrS", 4);
}

static boot_text void open_modules(struct dom0_build *b, const struct boot_info *bi)
{
	const char *why;

	if (!bi->nr_modules)
		boot_fail("there is no dom0 kernel: give it as the first boot module");
	b->image = &bi->module[0];
	b->initrd = bi->nr_modules > 1 && module_bytes(&bi->module[1]) ? &bi->module[1] : NULL;
	if (bi->nr_modules > 2)
		log_warn("dom0: boot modules after the initrd are ignored");
	if (is_bzimage(b->image))
		kernel_fail("is a compressed bzImage: unpack it with 'mica-unpack VMLINUZ OUT' "
			    "and boot OUT");
	if (elf_open(&b->elf, module_va(b->image), module_bytes(b->image), &why))
		kernel_fail("%s", why);
	dom0_kernel_read(&b->elf, &b->kernel);
}

/*
 * dom0_mem= gives the size; without it dom0 gets all free memory but a sixteenth (at most 128 MiB),
 * which stays for other domains' overhead and for DMA buffers.  min: and max: bound it; max: is
 * also how far dom0 may grow later, its size if not given (the kernel pays for every page it might
 * get).
 */
static boot_text void choose_size(struct dom0_build *b)
{
	uint64_t avail = heap_free_frames() + module_pages(b->image) + module_pages(b->initrd);
	uint64_t pages = options.dom0_mem / PAGE_SIZE, min = options.dom0_mem_min / PAGE_SIZE;
	uint64_t max = options.dom0_mem_max / PAGE_SIZE;

	avail -= MIN(avail, HEADROOM_PAGES);
	if (!pages)
		pages = avail - MIN(avail / 16, RESERVE_MAX);
	pages = MAX(pages, min);
	if (max)
		pages = MIN(pages, max);
	if (pages > avail)
		boot_fail("dom0_mem asks for %lu MiB, but this machine has only %lu MiB free",
			  pages >> 8, avail >> 8);
	b->nr_pages = pages;
	b->max_pages = MAX(max, pages);
}

static boot_text void create_domain(struct dom0_build *b)
{
	struct domain_config cfg = {
		.max_vcpus = options.dom0_max_vcpus ? options.dom0_max_vcpus : nr_cpus,
		.max_frames = b->max_pages,
		.privileged = true, .hardware = true,
		.grant_version = 2,
	};
	struct vcpu *v;
	int rc = domain_create(0, &cfg, &b->d);

	for (unsigned i = 0; !rc && i < cfg.max_vcpus; i++)
		rc = vcpu_create(b->d, i, &v);
	if (rc)
		boot_fail("dom0 with %u vCPUs cannot be created (error %d)", cfg.max_vcpus, rc);
	dom0 = b->d;
	b->d->pae_note = b->kernel.pae_note;
}

/* Bytes of segment @s that fill whole pages both in the image and in memory: [*from, *to),
 * pseudo-physical. */
static boot_text bool whole_pages(const struct dom0_build *b, const struct elf_segment *s,
				  uint64_t *from, uint64_t *to)
{
	uint64_t at = s->paddr - b->kernel.paddr_offset;

	*from = ALIGN_UP(at, PAGE_SIZE);
	*to = ALIGN_DOWN(at + s->filesz, PAGE_SIZE);
	return *from < *to && at % PAGE_SIZE == s->offset % PAGE_SIZE;
}

/* The frame of the kernel module that holds pseudo-physical page @at of segment @s. */
static boot_text uint64_t file_mfn(const struct dom0_build *b, const struct elf_segment *s,
				   uint64_t at)
{
	return (b->image->start + s->offset + at - (s->paddr - b->kernel.paddr_offset)) >>
	       PAGE_SHIFT;
}

static boot_text void adopt_modules(struct dom0_build *b)
{
	struct elf_segment s;
	uint64_t from, to;

	for (unsigned i = 0; elf_segment(&b->elf, i, &s); i++)
		if (whole_pages(b, &s, &from, &to))
			dom0_mem_adopt(&b->mem, from >> PAGE_SHIFT, file_mfn(b, &s, from),
				       (to - from) >> PAGE_SHIFT);
	if (b->initrd && module_bytes(b->initrd) >= PAGE_SIZE)
		dom0_mem_adopt(&b->mem, b->layout.initrd.pfn, b->initrd->start >> PAGE_SHIFT,
			       module_bytes(b->initrd) / PAGE_SIZE);
}

/* Copies to pseudo-physical @at; @src NULL: zeroes. */
static boot_text void fill(struct dom0_build *b, uint64_t at, const void *src, uint64_t bytes)
{
	while (bytes) {
		uint64_t nr, offset = at % PAGE_SIZE;
		char *dst = dom0_mem_va(&b->mem, at >> PAGE_SHIFT, &nr);
		uint64_t n = MIN(bytes, nr * PAGE_SIZE - offset);

		if (src)
			memcpy(dst + offset, src, n);
		else
			memset(dst + offset, 0, n);
		src = src ? (const char *)src + n : NULL;
		at += n;
		bytes -= n;
	}
}

static boot_text void load_segment(struct dom0_build *b, const struct elf_segment *s)
{
	uint64_t at = s->paddr - b->kernel.paddr_offset, end = at + s->filesz, from, to;
	const char *file = (const char *)module_va(b->image) + s->offset;

	if (!whole_pages(b, s, &from, &to) ||
	    dom0_mem_mfn(&b->mem, from >> PAGE_SHIFT).n != file_mfn(b, s, from))
		from = to = at;			/* not adopted: copy it all */
	fill(b, at, file, from - at);
	fill(b, to, file + (to - at), end - to);
	fill(b, end, NULL, s->memsz - s->filesz);
}

static boot_text void load(struct dom0_build *b)
{
	struct dom0_kernel *k = &b->kernel;
	struct elf_segment s;

	for (unsigned i = 0; elf_segment(&b->elf, i, &s); i++)
		load_segment(b, &s);
	if (k->has_hypercall_page)
		hypercall_page_fill(dom0_mem_va(
			&b->mem, (k->hypercall_page - k->virt_base) >> PAGE_SHIFT, NULL));
	if (b->initrd) {
		uint64_t pfn = b->layout.initrd.pfn, done = 0;

		if (dom0_mem_mfn(&b->mem, pfn).n == b->initrd->start >> PAGE_SHIFT)
			done = ALIGN_DOWN(module_bytes(b->initrd), PAGE_SIZE);
		fill(b, pfn * PAGE_SIZE + done, (const char *)module_va(b->initrd) + done,
		     module_bytes(b->initrd) - done);
	}
}

/* The screen as the boot loader left it; returns the size to report, 0 for none. */
static boot_text uint32_t describe_screen(const struct boot_info *bi,
					  struct dom0_vga_console_info *vga)
{
	const struct boot_screen *s = &bi->screen;

	if (s->kind == SCREEN_NONE)
		return 0;
	if (s->kind == SCREEN_TEXT) {
		vga->video_type = XEN_VGATYPE_TEXT_MODE_3;
		vga->u.text_mode_3 = (__typeof__(vga->u.text_mode_3)){
			.font_height = 16, .rows = s->height, .columns = s->width,
			.cursor_y = s->height ? s->height - 1 : 0,
		};
		return sizeof(*vga);
	}
	vga->video_type = bi->efi ? XEN_VGATYPE_EFI_LFB : XEN_VGATYPE_VESA_LFB;
	vga->u.vesa_lfb = (__typeof__(vga->u.vesa_lfb)){
		.width = s->width, .height = s->height,
		.bits_per_pixel = s->bpp, .bytes_per_line = s->pitch,
		.lfb_size = DIV_UP((uint64_t)s->pitch * s->height, 65536),
		.lfb_base = (uint32_t)s->addr, .ext_lfb_base = s->addr >> 32,
		.red_pos = s->color[0], .red_size = s->color[1],
		.green_pos = s->color[2], .green_size = s->color[3],
		.blue_pos = s->color[4], .blue_size = s->color[5],
		.rsvd_pos = s->bpp == 32 ? 24 : 0, .rsvd_size = s->bpp == 32 ? 8 : 0,
	};
	return sizeof(*vga);
}

/* The module's string without the file name (or GRUB's placeholder); under UEFI, where the ACPI
 * tables are: Linux looks for them in firmware data that only a UEFI kernel has. */
static boot_text void write_cmdline(const struct boot_info *bi, const char *s, char *out,
				    size_t room)
{
	int n;

	if (bi->efi && acpi.rsdp_phys)
		n = fmt_snprintf(out, room, "%s%sacpi_rsdp=0x%lx", s, *s ? " " : "",
				 acpi.rsdp_phys);
	else
		n = fmt_snprintf(out, room, "%s", s);
	if ((size_t)n >= room)
		boot_fail("dom0's command line has %d characters, the most is %zu", n, room - 1);
}

static boot_text void write_start_info(struct dom0_build *b, const struct boot_info *bi)
{
	const struct dom0_layout *l = &b->layout;
	uint64_t base = b->kernel.virt_base;
	struct start_info *si = dom0_mem_va(&b->mem, l->start_info.pfn, NULL);

	_Static_assert(sizeof(*si) + sizeof(struct dom0_vga_console_info) <= PAGE_SIZE,
		       "start_info page");
	page_clear(si);
	fmt_snprintf(si->magic, sizeof(si->magic), "xen-3.0-x86_64%s",
		     b->kernel.pae_note ? "p" : "");
	si->nr_pages = b->nr_pages;
	si->shared_info = mfn_maddr(virt_to_mfn(b->d->shared)).a;
	si->flags = SIF_PRIVILEGED | SIF_INITDOMAIN;
	si->pt_base = base + l->tables.pfn * PAGE_SIZE;
	si->nr_pt_frames = l->tables.nr;
	si->mfn_list = l->p2m_va;
	if (b->initrd && b->kernel.mod_start_pfn)
		si->flags |= SIF_MOD_START_PFN;
	if (b->initrd)
		si->mod_start =
			b->kernel.mod_start_pfn ? l->initrd.pfn : base + l->initrd.pfn * PAGE_SIZE;
	si->mod_len = module_bytes(b->initrd);
	if (b->kernel.has_init_p2m) {
		si->first_p2m_pfn = l->p2m.pfn;
		si->nr_p2m_frames = l->p2m.nr + l->p2m_tables.nr;
	}
	si->console.dom0.info_off = sizeof(*si);
	si->console.dom0.info_size = describe_screen(bi, (void *)(si + 1));
	write_cmdline(bi, b->image->string, si->cmd_line, sizeof(si->cmd_line));
}

static boot_text void start_vcpu(struct dom0_build *b)
{
	struct vcpu_guest_context *c = kmalloc(sizeof(*c));
	const struct dom0_layout *l = &b->layout;
	struct vcpu *v = b->d->vcpu[0];
	mfn_t root = dom0_mem_mfn(&b->mem, l->tables.pfn);
	uint64_t sp = b->kernel.virt_base + (l->stack.pfn + 1) * PAGE_SIZE;
	int rc;

	if (!c)
		boot_fail("there is no memory for dom0's first vCPU");
	while ((rc = pt_pin(&b->d->mem, frame_of(root), KIND_L4, &v->scan)) == RESTART)
		;
	if (rc)
		boot_fail("dom0's first page tables were refused (error %d)", rc);
	c->flags = VGCF_in_kernel | VGCF_online;
	c->user_regs.rip = b->kernel.entry;
	c->user_regs.cs = FLAT_KERNEL_CS64;
	c->user_regs.rflags = RFLAGS_IF;
	c->user_regs.rsi = b->kernel.virt_base + l->start_info.pfn * PAGE_SIZE;
	c->user_regs.rsp = c->kernel_sp = sp;
	c->user_regs.ss = c->kernel_ss = FLAT_KERNEL_SS64;
	c->ctrlreg[3] = xen_pfn_to_cr3(root.n);
	c->debugreg[6] = 0xffff0ff0;
	c->debugreg[7] = 0x400;
	while ((rc = vcpu_set_context(v, c)) == RESTART)
		;
	if (rc)
		boot_fail("dom0's first vCPU was refused (error %d)", rc);
	kfree(c);
	v->offline = false;
}

/* What dom0 did not take of a module goes to the heap. */
static boot_text void release_module(const struct dom0_build *b, const struct boot_module *m)
{
	uint64_t at, from = m->start;

	for (at = from; at < m->end; at += PAGE_SIZE) {
		if (frame_of(maddr_mfn(maddr(at)))->owner != b->d->id)
			continue;
		if (from < at)
			mm_free_range(from, at);
		from = at + PAGE_SIZE;
	}
	mm_free_range(from, at);
}

boot_text void dom0_create(const struct boot_info *bi)
{
	struct dom0_build *b = &build;
	void *runs = hv_pages_alloc(RUNS_ORDER);

	if (!runs)
		boot_fail("there is no memory to build dom0");
	open_modules(b, bi);
	choose_size(b);
	dom0_layout_plan(&b->kernel, b->nr_pages, module_bytes(b->initrd), &b->layout);
	create_domain(b);
	b->mem.space = &b->d->mem;
	b->mem.run = runs;
	b->mem.max = (PAGE_SIZE << RUNS_ORDER) / sizeof(struct mem_run);
	adopt_modules(b);
	if (!dom0_mem_fill(&b->mem, b->nr_pages))
		boot_fail("there are no %lu MiB of memory for dom0", b->nr_pages >> 8);
	load(b);
	write_start_info(b, bi);
	dom0_build_tables(&b->mem, &b->kernel, &b->layout);
	dom0_build_p2m(&b->mem, &b->layout, b->nr_pages);
	start_vcpu(b);
	for (unsigned i = 0; i < bi->nr_modules; i++)
		release_module(b, &bi->module[i]);
	hv_pages_free(runs, RUNS_ORDER);
	log_info("dom0: %lu MiB, %u vCPUs, kernel at %lx, initrd of %lu KiB", b->nr_pages >> 8,
		 b->d->max_vcpus, b->kernel.virt_base + b->kernel.start,
		 module_bytes(b->initrd) >> 10);
	memory_dom0_unproven = b->kernel.is_linux;
	version_set_cmdline(bi->cmdline);
	console_init();
	domain_unpause(b->d);
}
