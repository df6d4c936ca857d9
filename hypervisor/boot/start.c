/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The order of start-up, from the first line of C to the scheduler.
 *
 *   boot_main    on head.S's page tables and stack: loader, options, log, CPU features, ACPI
 *                tables, then mm_init() replaces the page tables
 *   on_own_stack the boot CPU on its per-CPU area: descriptors, interrupts, time, other CPUs, dom0
 *   finish       gives boot code, boot data and that stack to the heap, and starts to schedule
 *
 * One CPU, interrupts off, until dom0 is built.  The other CPUs wait in ap_main() until then.
 */
#include "boot/acpi.h"
#include "boot/boot_info.h"
#include "boot/dom0.h"
#include "boot/early.h"
#include "boot/options.h"
#include "call/trap.h"
#include "cpu/acpi_info.h"
#include "cpu/apic.h"
#include "cpu/asm.h"
#include "cpu/desc.h"
#include "cpu/features.h"
#include "cpu/fpu.h"
#include "cpu/image.h"
#include "cpu/ioapic.h"
#include "cpu/irq.h"
#include "cpu/keys.h"
#include "cpu/log.h"
#include "cpu/panic.h"
#include "cpu/smp.h"
#include "cpu/switch.h"
#include "cpu/time.h"
#include "cpu/timer.h"
#include "cpu/uart.h"
#include "cpu/watchdog.h"
#include "dom/domain.h"
#include "dom/ending.h"
#include "dom/sched.h"
#include "lib/string.h"
#include "mm/heap.h"

static struct boot_info boot_info boot_bss;
static bool go;				/* dom0 is built: the other CPUs may schedule */
static bool watch;			/* option watchdog */
static bool log_uart;			/* the log goes to a serial line */
static uint64_t started_tsc;

/* The console before options can be complained about: what does not parse falls back to the
 * default. */
static boot_text void start_log(void)
{
	unsigned com = options.console_com[0] || !options.console_com[1] ? 1 : 2;

	log_uart = options.console_com[com - 1];
	if (log_uart)
		uart_init(com, options.com[com - 1]);
	if (boot_info.efi || boot_info.screen.kind != SCREEN_TEXT)
		options.console_vga = false;
	if (options.console_vga)
		vga_init();
	log_to(log_uart, options.console_vga);
}

static boot_text void read_loader(uint32_t magic, uint32_t mbi)
{
	const char *bad = multiboot_parse(&boot_info, magic, mbi, early_at);

	options_parse(boot_info.cmdline, true);
	start_log();
	log_info("Mica, %s, options: %s", boot_info.loader ? boot_info.loader : "no known loader",
		 boot_info.cmdline);
	if (bad)
		boot_fail("%s", bad);
	options_parse(boot_info.cmdline, false);
	watch = options.watchdog;
}

/* SMAP is optional, so STAC and CLAC are no-ops until we know: each site says what belongs
 * there. */
static boot_text void patch_smap(void)
{
	extern const struct site { int32_t at; uint32_t code; } smap_sites_start[], smap_sites_end[];

	for (const struct site *s = smap_sites_start; cpu.smap && s < smap_sites_end; s++)
		memcpy((char *)s + s->at, &s->code, 3);
}

static boot_text void read_acpi(void)
{
	acpi_parse(&boot_info, early_at);
	if (!acpi.present || !acpi.nr_ioapics)
		boot_fail("the firmware gives no ACPI tables that say where the interrupt "
			  "controllers are");
	if (!acpi.nr_cpus)
		boot_fail("the firmware's ACPI tables list 0 usable CPUs");
	if (acpi.nr_cpus_ignored)
		log_warn("%u CPUs are left unused: at most %u are supported", acpi.nr_cpus_ignored,
			 MAX_CPUS);
}

static boot_text void start_memory(void)
{
	struct boot_region busy[BOOT_MAX_MODULES + 3];
	unsigned n = 0, i, m;

	busy[n++] = (struct boot_region){ 0, PAGE_SIZE, 1 };	/* frame 0 is nobody's */
	busy[n++] = (struct boot_region){ SMP_TRAMPOLINE_PHYS, SMP_TRAMPOLINE_PHYS + PAGE_SIZE, 1 };
	busy[n++] = (struct boot_region){ image_phys(image_start), image_phys(image_end), 1 };
	for (m = 0; m < boot_info.nr_modules; m++) {		/* in order of address */
		struct boot_region r = { boot_info.module[m].start,
					 ALIGN_UP(boot_info.module[m].end, PAGE_SIZE), 1 };

		for (i = n++; i && busy[i - 1].start > r.start; i--)
			busy[i] = busy[i - 1];
		busy[i] = r;
	}
	mm_init(boot_info.map, boot_info.nr_map, busy, n);
	if (options.console_vga)
		vga_init();
}

static boot_text int prepare_cpu(unsigned id)
{
	uint64_t *gdt_ptes, *ldt_ptes;
	mfn_t reserved, empty;
	int rc = hvmap_cpu_area(id, &gdt_ptes, &ldt_ptes, &reserved, &empty);

	if (!rc)
		desc_init_cpu(id, gdt_ptes, ldt_ptes, reserved, empty);
	return rc;
}

static void ap_main(void)
{
	while (!atomic_acquire(&go))
		cpu_relax_poll();
	if (watch)
		watchdog_init_cpu();
	sched_start();
}

extern const uint8_t boot_trampoline[];		/* trampoline.S */
extern const uint32_t boot_trampoline_size;

static boot_text void start_other_cpus(void)
{
	uint32_t boot_apic_id = this_cpu()->apic_id;
	unsigned prepared = 1;		/* areas that exist; a failed CPU's goes to the next */

	smp_ap_main = ap_main;
	smp_trampoline = boot_trampoline;
	smp_trampoline_size = boot_trampoline_size;
	for (unsigned i = 0; i < acpi.nr_cpus && nr_cpus < options.maxcpus; i++) {
		if (acpi.cpu[i].apic_id == boot_apic_id) {
			this_cpu()->acpi_id = acpi.cpu[i].acpi_id;
			continue;
		}
		if (acpi.cpu[i].apic_id > 0xfe && !apic_x2) {
			log_warn("CPU with APIC id %u left unused: it needs x2APIC mode",
				 acpi.cpu[i].apic_id);
			continue;
		}
		if (nr_cpus == prepared) {
			if (prepare_cpu(nr_cpus)) {
				log_warn("no memory to start CPU %u", nr_cpus);
				break;
			}
			prepared++;
		}
		percpu_of(nr_cpus)->apic_id = acpi.cpu[i].apic_id;
		percpu_of(nr_cpus)->acpi_id = acpi.cpu[i].acpi_id;
		smp_start_cpu(nr_cpus);
	}
	mm_free_range(SMP_TRAMPOLINE_PHYS, SMP_TRAMPOLINE_PHYS + PAGE_SIZE);
}

static void show_memory(void)
{
	log_at(LOG_ERR, "memory: %lu KiB in the heap, %lu KiB free, %lu KiB of small objects",
	       heap_total_frames() * 4, heap_free_frames() * 4, kmalloc_pages() * 4);
}

/* What we keep for ourselves of the RAM above 1 MiB, in KiB. */
static uint64_t resident_kib(void)
{
	uint64_t frames = 0;

	for (unsigned i = 0; i < host_map_nr; i++)
		if (host_map[i].type == 1 && host_map[i].start >= 0x100000)
			frames += (host_map[i].end - host_map[i].start) >> PAGE_SHIFT;
	return (frames - heap_free_frames() - dom0->mem.tot_frames) * 4;
}

/* Not boot code: what it frees includes its caller. */
static noinline void noreturn finish(void)
{
	mm_free_image((uint64_t)image_start, (uint64_t)image_text);
	mm_free_image((uint64_t)image_bootmem, (uint64_t)image_end);
	log_info("memory: Mica keeps %lu KiB for itself", resident_kib());
	log_info("start-up took %lu TSC cycles since the boot loader", rdtsc() - started_tsc);
	atomic_release(&go, true);
	if (watch)
		watchdog_init_cpu();
	log_to(log_uart, false);		/* the screen is dom0's now */
	sched_start();
}

static boot_text void noreturn on_own_stack(void)
{
	desc_load_cpu();
	desc_init_idt(entry_table, SEL_HV_CODE);
	fpu_init_cpu();
	irq_init();
	ioapic_init();
	time_init();
	apic_init_bsp();
	timer_init_cpu();
	smp_init();
	keys_init();
	keys_register('m', "memory", show_memory);
	uart_enable_irq();
	start_other_cpus();
	log_info("%u CPU%s, TSC %u kHz", nr_cpus, nr_cpus == 1 ? "" : "s", tsc_khz);
	domain_init_all();
	sched_init();
	for (unsigned id = 0; id < nr_cpus; id++)
		sched_init_cpu(id);
	dom0_create(&boot_info);
	finish();
}

boot_text void boot_main(uint32_t magic, uint32_t mbi)
{
	started_tsc = rdtsc();
	desc_init_idt(entry_table, SEL_BOOT_CODE64);
	cpuid_init();
	read_loader(magic, mbi);
	features_init_bsp();
	patch_smap();
	read_acpi();
	start_memory();
	ending_init();
	guest_exit = ret_to_guest;
	desc_syscall_stubs = syscall_stubs;
	desc_sysenter = entry_sysenter;
	if (prepare_cpu(0))
		boot_fail("there is no memory for the boot CPU's own area");
	boot_switch_stack(on_own_stack, (uint64_t)percpu_of(0) + CPU_STACK_TOP);
}
