/* SPDX-License-Identifier: BSD-2-Clause */
/* guest: smp=1 hvopts="dom0_max_vcpus=2" xenopts="dom0_max_vcpus=2" */
/*
 * Question: a segment register cannot be loaded again when its vCPU is switched in, because the
 * descriptor is gone.  Does the guest get its failsafe callback, once, with the register empty and
 * everything else as it was - and is it crashed rather than lost without a handler?  Two vCPUs share
 * one CPU so that switches happen.
 */
#include "guest.h"

#define DATA64		0x00cff3000000ffffUL
#define NOT_PRESENT	0x00cf73000000ffffUL

static uint64_t *gdt, *ldt;
static volatile bool done;
static volatile unsigned int failsafes, turns;
static struct regs seen;

static void other(void)
{
	while (!done) {
		turns++;
		hc_sched(SCHEDOP_yield, NULL);
	}
}

static bool on_failsafe(struct regs *regs)
{
	if (regs->vector != VEC_FAILSAFE)
		return false;
	failsafes++;
	seen = *regs;
	return true;
}

/* Until the other vCPU ran at least twice. */
static void let_run(void)
{
	unsigned int start = turns;
	uint64_t end = time_now_ns() + 5000000000UL;

	while (turns - start < 3 && time_now_ns() < end)
		hc_sched(SCHEDOP_yield, NULL);
	check(turns - start >= 3, "the other vCPU does not run");
}

#define LOAD(reg, sel)	asm volatile("mov %w0, %%" #reg : : "r"(sel))
#define READ(reg)	({ uint16_t s_; asm volatile("mov %%" #reg ", %0" : "=r"(s_)); s_; })

static void descriptor(uint64_t *table, unsigned int i, uint64_t desc)
{
	must(hc_update_descriptor(mfn_of(table) * PAGE_SIZE + 8 * i, desc));
}

static void check_one(const char *what, uint64_t *table, unsigned int i, unsigned int sel)
{
	unsigned int before = failsafes;

	descriptor(table, i, DATA64);
	LOAD(fs, sel);
	let_run();
	check(failsafes == before, "%s: failsafe while the descriptor was good", what);
	check(READ(fs) == sel, "%s: fs is %x after a switch", what, READ(fs));
	descriptor(table, i, NOT_PRESENT);
	let_run();
	check(failsafes == before + 1, "%s: %u failsafe callbacks", what, failsafes - before);
	check_equal(READ(fs), 0);
	check_equal(seen.ss & 0xffff, FLAT_KERNEL_SS64);
	let_run();
	check(failsafes == before + 1, "%s: failsafe again", what);
}

/* All four at once are one callback. */
static void check_all(void)
{
	unsigned int before = failsafes, sel = 1 << 3 | 3;

	descriptor(gdt, 1, DATA64);
	LOAD(ds, sel);
	LOAD(es, sel);
	LOAD(fs, sel);
	descriptor(gdt, 1, 0);
	let_run();
	check_equal(failsafes, before + 1);
	check_equal(READ(ds) | READ(es) | READ(fs), 0);
}

void test_main(void)
{
	uint64_t mfn;

	gdt = page_alloc();
	ldt = page_alloc();
	page_readonly(gdt);
	page_readonly(ldt);
	mfn = mfn_of(gdt);
	must(hypercall(__HYPERVISOR_set_gdt, &mfn, 512));
	must(hc_mmuext(MMUEXT_SET_LDT, (unsigned long)ldt, 512));
	this_cpu()->hook = on_failsafe;
	smp_start(other);
	check_one("GDT", gdt, 1, 1 << 3 | 3);
	check_one("LDT", ldt, 2, 2 << 3 | 7);
	check_all();
	done = true;
	smp_wait();
	must(hc_mmuext(MMUEXT_SET_LDT, 0, 0));
	must(hypercall(__HYPERVISOR_set_gdt, NULL, 0));
}
