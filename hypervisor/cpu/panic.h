/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When we are wrong: registers, symbolised backtrace, the last log lines, then stop or reboot.
 * Also the ways to end the machine, and QEMU's debug exit when the option qemu-exit was given.
 */
#ifndef CPU_PANIC_H
#define CPU_PANIC_H

#include "cpu/regs.h"

enum exit_code {			/* written to the isa-debug-exit port 0xf4 with qemu-exit */
	EXIT_OK = 0x10, EXIT_REBOOT = 0x18, EXIT_DOM0_CRASH = 0x20, EXIT_PANIC = 0x30, EXIT_CONFIG = 0x40,
};

void noreturn panic_regs(const struct regs *r, const char *fmt, ...) printf_like(2, 3);
/* Start-up cannot go on for a reason outside us: one sentence "mica: cannot boot: ..." and stop.  Before the
 * sentence, boot_failing() runs, once somebody has set it. */
void noreturn boot_fail(const char *fmt, ...) printf_like(1, 2);
extern void (*boot_failing)(void);
void panic_show_regs(const struct regs *r);		/* name=value lines */
void panic_backtrace(uint64_t rip, uint64_t rsp);

extern bool opt_noreboot, opt_qemu_exit;
/* Ends the machine: with qemu-exit writes @code first; otherwise reset (ACPI, 0xcf9, keyboard) or halt. */
void noreturn machine_reboot(enum exit_code code);
void noreturn machine_halt(enum exit_code code);
/* ACPI S5 with the values dom0 gave (PM1 control registers); falls back to halt. */
void noreturn machine_power_off(uint32_t pm1a_value, uint32_t pm1b_value);

#endif
