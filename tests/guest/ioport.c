/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: do IN and OUT obey the virtual IOPL and the I/O bitmap: #GP without permission, real
 * access with it, and virtualised ports that neither fault nor leak?
 */
#include "guest.h"

static struct fault f;

static unsigned int inb(unsigned int port)
{
	unsigned int v = 0x55;

	FAULT_IN(&f, asm volatile("inb %w1, %b0" : "=a"(v) : "Nd"(port), "0"(v)));
	return f.hit ? 0x100 : v & 0xff;
}

static void outb(unsigned int port, unsigned int v)
{
	FAULT_IN(&f, asm volatile("outb %b0, %w1" : : "a"(v), "Nd"(port)));
}

static void set_iopl(unsigned int iopl)
{
	struct physdev_set_iopl op = { .iopl = iopl };

	check_ok(hc_physdev(PHYSDEVOP_set_iopl, &op));
}

extern const char user_in[];
asm(".pushsection .text\nuser_in: mov %edi, %edx; in %dx, %al; syscall; ud2\n.popsection");

static uint64_t user_vector(unsigned int port)
{
	struct user_exit e;

	user_run(&e, (unsigned long)user_in, user_stack(), port);
	return e.vector;
}

static void check_iopl(void)
{
	set_iopl(0);
	inb(0x71);
	check_fault(&f, 13, 0);
	set_iopl(1);
	outb(0x70, 0x0d);
	check_fault(&f, -1, 0);
	check(inb(0x71) & 0x80, "CMOS register D says no power");
	check_equal(user_vector(0x71), 13);
	set_iopl(3);
	check_equal(user_vector(0x71), VEC_SYSCALL);
	set_iopl(1);
}

static void check_sizes(void)
{
	uint32_t v = 0;
	uint8_t bytes[4];
	void *to = bytes;
	unsigned long n = 4;

	FAULT_IN(&f, asm volatile("outl %0, %w1" : : "a"(0x80000000), "Nd"(0xcf8)));
	check_fault(&f, -1, 0);
	FAULT_IN(&f, asm volatile("inl %w1, %0" : "=a"(v) : "Nd"(0xcfc)));
	check_fault(&f, -1, 0);
	check((v & 0xffff) == 0x8086, "PCI 0:0.0 reads %x", v);
	FAULT_IN(&f, asm volatile("rep insb" : "+D"(to), "+c"(n) : "d"(0x71) : "memory"));
	check_fault(&f, -1, 0);
	check_equal(n, 0);
	FAULT_IN(&f, asm volatile("cli; sti"));
	check_fault(&f, -1, 0);
	set_iopl(0);
	FAULT_IN(&f, asm volatile("cli"));
	check_fault(&f, 13, 0);
}

static void check_bitmap(void)
{
	static uint8_t map[8192];
	struct physdev_set_iobitmap op = { .bitmap = PTR(map), .nr_ports = 65536 };

	memset(map, 0xff, sizeof(map));
	check_ok(hc_physdev(PHYSDEVOP_set_iobitmap, &op));
	check_equal(user_vector(0x71), 13);
	map[0x71 / 8] &= (uint8_t)~(1 << (0x71 % 8));
	check_equal(user_vector(0x71), VEC_SYSCALL);
	check_equal(user_vector(0x70), 13);
	op.nr_ports = 65537;
	check_equal(hc_physdev(PHYSDEVOP_set_iobitmap, &op), -EINVAL);
	op.nr_ports = 0x71;
	check_ok(hc_physdev(PHYSDEVOP_set_iobitmap, &op));
	check_equal(user_vector(0x71), 13);
}

void test_main(void)
{
	struct physdev_set_iopl bad = { .iopl = 4 };

	check_iopl();
	check_sizes();
	check_bitmap();
	check_equal(hc_physdev(PHYSDEVOP_set_iopl, &bad), -EINVAL);
}
