/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of everything: reports of our own mistakes, refusals to boot, reset, halt and power-off.
 *
 * A panic belongs to the first CPU that comes here (panic_owner); a second one just stops.  The
 * report only reads memory that is certainly mapped: stacks, within their bounds, and the image's
 * text.  There are no frame pointers to go by, so the stack is searched for return addresses: words
 * that point behind a call instruction.
 */
#include "cpu/acpi_info.h"
#include "cpu/asm.h"
#include "cpu/image.h"
#include "cpu/log.h"
#include "cpu/map_device.h"
#include "cpu/panic.h"
#include "cpu/pci.h"
#include "cpu/smp.h"
#include "lib/bug.h"
#include "lib/fmt.h"

/* Built by boot/symbols.sh: sorted by off, the distance from IMAGE_BASE. */
struct symbol {
	uint32_t off, name;
};
extern const struct symbol mica_symbols[];
extern const uint32_t mica_nr_symbols;
extern const char mica_symbol_names[];

#define PORT_QEMU_EXIT	0xf4
#define BACKTRACE_MAX	24
#define TAIL_LINES	20

bool opt_noreboot, opt_qemu_exit;
void (*boot_failing)(void);
static uint32_t panic_owner;		/* CPU + 1, 0 = none */

static bool in_text(uint64_t addr)
{
	return addr >= (uint64_t)image_start && addr < (uint64_t)image_rodata;
}

/* Nearest symbol at or below @addr, or NULL; *offset gets the distance. */
static const char *symbol_of(uint64_t addr, uint64_t *offset)
{
	uint64_t off = addr - IMAGE_BASE;
	uint32_t lo = 0, hi = mica_nr_symbols;

	if (!in_text(addr))
		return NULL;
	while (lo < hi) {			/* first symbol above off */
		uint32_t mid = lo + (hi - lo) / 2;

		if (mica_symbols[mid].off <= off)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return NULL;
	*offset = off - mica_symbols[lo - 1].off;
	return &mica_symbol_names[mica_symbols[lo - 1].name];
}

static void show_address(const char *label, uint64_t addr)
{
	uint64_t offset;
	const char *name = symbol_of(addr, &offset);

	if (name)
		log_err("%s%lx %s+0x%lx", label, addr, name, offset);
	else
		log_err("%s%lx", label, addr);
}

/* If @sp is on one of the stacks of a CPU that is up, or of this one: one past the last byte of
 * that stack; else 0. */
static uint64_t stack_end(uint64_t sp)
{
	static const uint32_t tops[] = {
		CPU_STACK_NMI_TOP, CPU_STACK_DF_TOP, CPU_STACK_MC_TOP,
	};
	uint64_t block = ALIGN_DOWN(sp, CPU_STACK_BLOCK), at = sp - block;

	if (block != (uint64_t)this_cpu() &&
	    (sp < CPU_AREA_BASE || sp >= CPU_AREA_BASE + (uint64_t)nr_cpus * CPU_AREA_SIZE ||
	     block % CPU_AREA_SIZE))
		return 0;
	for (unsigned i = 0; i < ARRAY_SIZE(tops); i++)
		if (at >= tops[i] - PAGE_SIZE && at < tops[i])
			return block + tops[i];
	return at >= CPU_STACK_MC_TOP + PAGE_SIZE ? block + CPU_STACK_TOP : 0;
}

/* Does a call instruction end at @addr?  SDM vol. 2, CALL: E8 rel32, or FF /2 with its operand. */
static bool after_call(uint64_t addr)
{
	const uint8_t *p = (const uint8_t *)addr;

	if (!in_text(addr) || !in_text(addr - 8))
		return false;
	if (p[-5] == 0xe8)
		return true;
	for (int n = 2; n <= 7; n++)
		if (p[-n] == 0xff && (p[-n + 1] & 0x38) == 0x10)
			return true;
	return false;
}

void panic_backtrace(uint64_t rip, uint64_t rsp)
{
	uint64_t sp = ALIGN_UP(rsp, 8), end = stack_end(sp);

	show_address("  at ", rip);
	for (unsigned n = 0; end && sp + 8 <= end && n < BACKTRACE_MAX; sp += 8) {
		uint64_t word = *(const uint64_t *)sp;

		if (after_call(word)) {
			show_address("  by ", word);
			n++;
		}
	}
}

void panic_show_regs(const struct regs *r)
{
	log_err("rip=%016lx cs=%04x rsp=%016lx ss=%04x rflags=%08lx", r->rip, (uint16_t)r->cs,
		r->rsp, (uint16_t)r->ss, r->rflags);
	if (!regs_from_guest(r))
		show_address("rip is ", r->rip);
	log_err("rax=%016lx rbx=%016lx rcx=%016lx rdx=%016lx", r->rax, r->rbx, r->rcx, r->rdx);
	log_err("rsi=%016lx rdi=%016lx rbp=%016lx r8 =%016lx", r->rsi, r->rdi, r->rbp, r->r8);
	log_err("r9 =%016lx r10=%016lx r11=%016lx r12=%016lx", r->r9, r->r10, r->r11, r->r12);
	log_err("r13=%016lx r14=%016lx r15=%016lx", r->r13, r->r14, r->r15);
	log_err("vector=%u error=%x", r->vector, r->error_code);
}

/* The first CPU to fail goes on; the others wait for the end, and a failure while failing ends it. */
static void panic_begin(const char *what)
{
	struct percpu *me = this_cpu();
	uint32_t none = 0;

	cli();
	if (me->in_panic)
		machine_halt(EXIT_PANIC);
	if (!atomic_cmpxchg(&panic_owner, &none, me->id + 1))
		cpu_hang();
	me->in_panic = true;
	smp_stop_others();
	log_force_unlock();
	log_err("panic on CPU %u: %s", me->id, what);
}

static void noreturn panic_end(void)
{
	log_err("the last log lines were:");
	log_tail_to_sinks(TAIL_LINES);
	if (opt_noreboot)
		machine_halt(EXIT_PANIC);
	machine_reboot(EXIT_PANIC);
}

void panic_regs(const struct regs *r, const char *fmt, ...)
{
	char what[200];
	va_list ap;

	va_start(ap, fmt);
	fmt_vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	panic_begin(what);
	panic_show_regs(r);
	log_err("cr0=%lx cr2=%016lx cr3=%lx cr4=%lx", read_cr0(), read_cr2(), read_cr3(),
		read_cr4());
	if (!regs_from_guest(r))
		panic_backtrace(r->rip, r->rsp);
	panic_end();
}

void bug(const char *what, const char *file, int line)
{
	char text[200];

	fmt_snprintf(text, sizeof(text), "bug: %s at %s:%d", what, file, line);
	panic_begin(text);
	panic_backtrace((uint64_t)__builtin_return_address(0), (uint64_t)__builtin_frame_address(0));
	panic_end();
}

void boot_fail(const char *fmt, ...)
{
	char why[240];
	va_list ap;

	va_start(ap, fmt);
	fmt_vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	if (boot_failing)
		boot_failing();
	log_err("cannot boot: %s", why);
	machine_halt(EXIT_CONFIG);
}

/* This CPU is alone from here on, and QEMU is told. */
static void begin_end(enum exit_code code)
{
	cli();
	if (!this_cpu()->in_panic)
		smp_stop_others();
	if (opt_qemu_exit)
		outl(PORT_QEMU_EXIT, (uint32_t)code);
}

static void pause_a_while(void)
{
	for (unsigned i = 0; i < 100000; i++)		/* about 100 ms: a microsecond each */
		inb(0x80);
}

/* ACPI 6.4, 4.8.3.6: the reset register is a port, a byte of memory, or a byte of PCI
 * configuration. */
static void reset_by_acpi(void)
{
	if (!acpi.reset.valid)
		return;
	if (acpi.reset.space == 1) {
		outb((uint16_t)acpi.reset.addr, acpi.reset.value);
	} else if (acpi.reset.space == 2) {
		uint16_t devfn = (uint16_t)((acpi.reset.addr >> 32 & 31) << 3 |
					    (acpi.reset.addr >> 16 & 7));

		pci_write(devfn, acpi.reset.addr & 0xff, 1, acpi.reset.value);
	} else if (!acpi.reset.space && map_device && !this_cpu()->in_panic) {
		volatile uint8_t *reg = map_device(acpi.reset.addr, 1);

		if (reg)
			*reg = acpi.reset.value;
	}
	pause_a_while();
}

void machine_reboot(enum exit_code code)
{
	struct { uint16_t limit; uint64_t base; } packed no_idt = { 0, 0 };

	begin_end(code);
	reset_by_acpi();
	outb(0xcf9, 0x02);				/* reset control: hard, then go */
	outb(0xcf9, 0x06);
	pause_a_while();
	outb(0x64, 0xfe);				/* keyboard controller: pulse reset */
	pause_a_while();
	/* An exception without handlers is a triple fault, which resets most machines. */
	__asm__ volatile("lidt %0; int3" :: "m"(no_idt));
	cpu_hang();
}

void machine_halt(enum exit_code code)
{
	begin_end(code);
	cpu_hang();
}

void machine_power_off(uint32_t pm1a_value, uint32_t pm1b_value)
{
	begin_end(EXIT_OK);
	if (acpi.pm1a_cnt)
		outw(acpi.pm1a_cnt, (uint16_t)pm1a_value);
	if (acpi.pm1b_cnt)
		outw(acpi.pm1b_cnt, (uint16_t)pm1b_value);
	pause_a_while();
	log_warn("the machine did not power off");
	machine_halt(EXIT_OK);
}
