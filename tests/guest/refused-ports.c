/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Break-in: reach the interrupt controllers, the timer, the hypervisor's serial port and the reset
 * register's neighbours through port I/O, with every virtual privilege raised.
 */
#include "guest.h"

static struct fault f;

static uint32_t inb(unsigned int port)
{
	uint32_t v = 0;

	FAULT_IN(&f, asm volatile("inb %w1, %b0" : "+a"(v) : "d"(port)));
	return v & 0xff;
}

static void outb(unsigned int port, unsigned int v)
{
	FAULT_IN(&f, asm volatile("outb %b0, %w1" : : "a"(v), "d"(port)));
}

/* A denied port: no fault at this IOPL, all ones on read. */
static void check_denied(unsigned int port)
{
	uint32_t v = inb(port);

	if (!f.hit && port != 0x42 && port != 0x43)	/* the speaker's channel is virtual */
		check(v == 0xff, "port %x reads %x", port, v);
	check(!f.hit || f.vector == 13, "port %x: vector %lu", port, f.vector);
}

/* The PIC's mask must be unchanged however hard we try: events still arrive. */
static void check_interrupts_live(void)
{
	struct vcpu_set_singleshot_timer op = { 0 };
	long port = event_bind_virq(VIRQ_TIMER, 0);

	must(port);
	event_enable();
	op.timeout_abs_ns = time_now_ns() + 5000000;
	check_ok(hc_vcpu(VCPUOP_set_singleshot_timer, 0, &op));
	check(wait_change(&event_count[port], 0, 5000000000UL), "timer interrupt lost");
}

void test_main(void)
{
	static const unsigned int denied[] = { 0x20, 0x21, 0xa0, 0xa1, 0x40, 0x41, 0x42, 0x43,
					       0x3f8, 0x3f9, 0x3fa, 0x3fb, 0x3fc, 0x3fd };
	struct physdev_set_iopl op = { .iopl = 3 };
	uint32_t v = 0;

	must(hc_physdev(PHYSDEVOP_set_iopl, &op));
	for (unsigned int i = 0; i < ARRAY_SIZE(denied); i++) {
		check_denied(denied[i]);
		outb(denied[i], 0xff);
		check(!f.hit || f.vector == 13, "out %x: vector %lu", denied[i], f.vector);
	}
	/* wide accesses that straddle into denied ports */
	FAULT_IN(&f, asm volatile("inl %w1, %0" : "+a"(v) : "d"(0x1e)));
	check(f.hit || v >> 16 == 0xffff, "inl 0x1e reads %x", v);
	FAULT_IN(&f, asm volatile("inl %w1, %0" : "+a"(v) : "d"(0xffff)));
	FAULT_IN(&f, asm volatile("outl %0, %w1" : : "a"(-1), "d"(0xfffe)));
	FAULT_IN(&f, asm volatile("outw %w0, %w1" : : "a"(-1), "d"(0x3f7)));
	/* string I/O into the hypervisor */
	{
		void *to = (void *)(HOLE_START + 0x1000);
		unsigned long n = 4;

		FAULT_IN(&f, asm volatile("rep insb" : "+D"(to), "+c"(n) : "d"(0x71) : "memory"));
		check(f.hit && (f.vector == 13 || f.vector == 14), "insb into the M2P: vector %lu",
		      f.vector);
		to = (void *)NONCANONICAL;
		FAULT_IN(&f, asm volatile("rep outsb" : "+S"(to), "+c"(n) : "d"(0x80) : "memory"));
		check(f.hit, "outsb from a non-canonical address");
	}
	check_interrupts_live();
}
