/* SPDX-License-Identifier: BSD-2-Clause */
/* The flush clock, time and timers, guest memory access, interrupts, MSRs: see fake.h. */
#include "unit.h"
#include "cpu/apic.h"
#include "cpu/asm.h"
#include "cpu/desc.h"
#include "cpu/features.h"
#include "cpu/fpu.h"
#include "cpu/ioapic.h"
#include "cpu/irq.h"
#include "cpu/map_device.h"
#include "cpu/pci.h"
#include "cpu/time.h"
#include "cpu/timer.h"
#include "cpu/tlb.h"
#include "cpu/uaccess.h"
#include "cpu/uart.h"

#define weak __attribute__((weak))

/* --- flush clock: each flush moves it --- */
static uint64_t tlb_clock = 1;
uint64_t fake_flushes;

static void flush_one(unsigned cpu)
{
	atomic_add(&fake_flushes, 1);
	atomic_set(&fake_percpus[cpu].tlb_stamp, atomic_add(&tlb_clock, 1) + 1);
}

bool fake_tlb_may_hold(unsigned cpu, uint32_t stamp)
{
	return (uint32_t)atomic_read(&fake_percpus[cpu].tlb_stamp) <= stamp;
}

weak uint32_t tlb_now(void) { return (uint32_t)atomic_read(&tlb_clock); }
weak void tlb_flush_local(void) { flush_one(this_cpu()->id); }
weak void tlb_load_cr3(uint64_t cr3)
{
	fake_machine.cr3 = cr3;
	flush_one(this_cpu()->id);
}

weak void tlb_flush_mask(cpumask_t mask)
{
	unsigned n;

	for_each_cpu(n, mask)
		flush_one(n);
}

weak void tlb_flush_since(cpumask_t mask, uint32_t stamp)
{
	unsigned n;

	for_each_cpu(n, mask)
		if (fake_tlb_may_hold(n, stamp))
			flush_one(n);
}

weak void tlb_invlpg_mask(cpumask_t mask, uint64_t va) { }
weak void tlb_invlpg_local(uint64_t va) { }
weak void tlb_drop_tag(uint64_t cr3) { }
weak uint64_t tlb_cr3(uint64_t root, bool user) { return root; }
weak uint64_t read_cr3(void) { return fake_machine.cr3; }
weak void write_cr3(uint64_t v) { fake_machine.cr3 = v; }
weak void invlpg(uint64_t va) { }
weak void invpcid(enum invpcid type, uint64_t tag, uint64_t va) { }

/* --- time: a list of timers, fired by fake_advance only --- */
uint64_t fake_now_ns;
weak struct tsc_scale tsc_scale = { .mul = 0x80000000, .shift = 1 };	/* 1 tick = 1 ns */
weak uint64_t tsc_base;
weak uint32_t tsc_khz = 1000000;
weak bool tsc_stable = true;
static struct timer *timers;

weak uint64_t time_from_tsc(uint64_t tsc) { return fake_now_ns; }
weak void time_init(void) { }
weak void time_delay_us(uint32_t us) { fake_now_ns += us * 1000ul; }
weak uint64_t time_read_rtc(void) { return 1700000000; }
weak uint64_t time_boot_wallclock = 1700000000;
weak void timer_init_cpu(void) { }

weak void timer_init(struct timer *t, void (*fn)(void *), void *data, unsigned on)
{
	*t = (struct timer){ .fn = fn, .data = data, .cpu = (uint16_t)on };
}

weak void timer_stop(struct timer *t)
{
	for (struct timer **p = &timers; *p; p = &(*p)->left) {
		if (*p != t)
			continue;
		*p = t->left;
		t->armed = false;
		return;
	}
}

weak void timer_set(struct timer *t, uint64_t deadline_ns)
{
	struct timer **p = &timers;

	timer_stop(t);
	t->deadline_ns = deadline_ns;
	while (*p && (*p)->deadline_ns <= deadline_ns)
		p = &(*p)->left;
	t->left = *p;
	*p = t;
	t->armed = true;
}

void fake_forget_timers(void) { timers = NULL; }

weak void timer_migrate(struct timer *t, unsigned to) { t->cpu = (uint16_t)to; }

void fake_advance(uint64_t ns)
{
	uint64_t end = fake_now_ns + ns;
	unsigned me = this_cpu()->id;

	while (timers && timers->deadline_ns <= end) {
		struct timer *t = timers;

		fake_now_ns = MAX(fake_now_ns, t->deadline_ns);
		timer_stop(t);
		fake_run_on(t->cpu);
		t->fn(t->data);
		fake_run_on(me);
	}
	fake_now_ns = end;
}

/* --- guest memory is ours --- */
uint64_t fake_uaccess_left = ~0ul;

static int access_guest(uint64_t a, size_t bytes)
{
	if (!guest_range_ok(gva(a), bytes) || (bytes && a < PAGE_SIZE))
		return -EFAULT;
	if (fake_uaccess_left == ~0ul)
		return 0;
	if (fake_uaccess_left < bytes)
		return -EFAULT;
	fake_uaccess_left -= bytes;
	return 0;
}

weak bool guest_range_ok(gva_t p, uint64_t bytes)
{
	return p.a + bytes >= p.a && p.a + bytes < BIT(47);
}

weak int copy_from_guest(void *dst, gva_t src, size_t bytes)
{
	int rc = access_guest(src.a, bytes);

	if (!rc)
		memcpy(dst, (void *)src.a, bytes);
	return rc;
}

weak int copy_to_guest(gva_t dst, const void *src, size_t bytes)
{
	int rc = access_guest(dst.a, bytes);

	if (!rc)
		memcpy((void *)dst.a, src, bytes);
	return rc;
}

weak int clear_guest(gva_t dst, size_t bytes)
{
	int rc = access_guest(dst.a, bytes);

	if (!rc)
		memset((void *)dst.a, 0, bytes);
	return rc;
}

weak int put_guest_u64(gva_t dst, uint64_t v) { return copy_to_guest(dst, &v, 8); }

/* --- interrupts --- */
static struct { irq_fn *fn; void *data; } vectors[256];

weak int irq_vector_alloc(irq_fn *fn, void *data)
{
	for (int n = VECTOR_DYN_FIRST; n <= VECTOR_DYN_LAST; n++) {
		if (vectors[n].fn || n == VECTOR_GUEST_INT80)
			continue;
		vectors[n].fn = fn;
		vectors[n].data = data;
		return n;
	}
	return -ENOSPC;
}

weak void irq_vector_free(unsigned n) { vectors[n].fn = NULL; }
weak void irq_vector_set(unsigned n, irq_fn *fn, void *data)
{
	vectors[n].fn = fn;
	vectors[n].data = data;
}

weak void irq_dispatch(unsigned n)
{
	if (vectors[n].fn)
		vectors[n].fn(n, vectors[n].data);
}

weak unsigned ioapic_nr_gsis = 24;
weak bool ioapic_gsi_valid(unsigned gsi) { return gsi < 24; }
weak unsigned ioapic_isa_gsi(unsigned isa_irq) { return isa_irq; }
weak int ioapic_set(unsigned gsi, unsigned vector, uint32_t dest, int trigger, int polarity)
{
	return gsi < 24 ? 0 : -EINVAL;
}

weak void ioapic_mask(unsigned gsi, bool masked) { }
weak bool ioapic_page(mfn_t m) { return false; }
weak void apic_timer_arm(uint64_t deadline_ns) { }
weak int msi_enable(struct msi *m, uint16_t bdf, uint16_t entry, uint64_t table_base, unsigned vector,
		    uint32_t apic_id)
{
	return 0;
}

weak void msi_disable(struct msi *m) { }
weak bool msi_table_page(mfn_t mf) { return false; }
weak void *(*map_device)(uint64_t phys, size_t bytes);

/* --- the rest of the CPU --- */
weak struct cpu_features cpu = {
	.nx = true, .xsave = true, .fsgsbase = true, .phys_bits = 46, .xcr0_max = 7,
	.xsave_bytes = 832, .mxcsr_mask = 0xffff, .pte_reserved = 0x000fc00000000000,
};
weak uint64_t rdmsr(uint32_t msr) { return 0; }
weak void wrmsr(uint32_t msr, uint64_t v) { }
weak bool rdmsr_safe(uint32_t msr, uint64_t *v) { *v = 0; return true; }
weak size_t fpu_area_bytes(void) { return cpu.xsave_bytes; }
weak void fpu_init(struct fpu *f, void *area) { f->area = area; f->xcr0 = f->xcr0_accum = 1; }
weak void fpu_save(struct fpu *f) { }
weak void fpu_load(const struct fpu *f) { }
weak void fpu_set_ts(bool on) { }
weak void desc_set_guest_gdt(const mfn_t *frames, unsigned n) { }
weak void desc_set_guest_ldt(unsigned entries) { }
weak void desc_map_ldt_page(unsigned page, mfn_t m) { }
weak bool uart_owns_port(uint16_t port) { return false; }
