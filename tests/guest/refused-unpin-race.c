/* SPDX-License-Identifier: BSD-2-Clause */
/* guest: smp=2 */
/*
 * Break-in: one vCPU runs user code on a root that another one unpins, takes apart, maps writable and
 * gives away under its feet; then both change user roots as fast as they can.  As long as a CPU may
 * have the root loaded, its tables stay tables.
 */
#include "guest.h"

#define ROUND_NS 4000000000UL

extern const char user_loop[];
asm(".pushsection .text\nuser_loop: mov $100, %ecx; 1: dec %ecx; jnz 1b; syscall; ud2\n"
    ".popsection");

static uint64_t *root[2];
static volatile bool done;
static volatile unsigned long runs, switches, stolen;

static void user_side(void)
{
	struct user_exit e;

	smp_meet();
	for (unsigned int i = 0; !done; i++) {
		if (user_root(mfn_of(root[i & 1])) < 0)
			continue;		/* it is being taken apart */
		switches++;
		for (unsigned int n = 0; n < 20; n++) {
			user_run(&e, (unsigned long)user_loop, user_stack(), 0);
			if (e.vector == VEC_SYSCALL)
				runs++;
		}
	}
	must(user_root(root_mfn()));
}

/* Everything that would end the table's life, whether or not somebody runs on it. */
static void attack(unsigned int i)
{
	uint64_t mfn = mfn_of(root[i & 1]), list[1] = { mfn }, out[1] = { pfn_spare(0) };
	struct xen_memory_exchange x = {
		.in = { .extent_start = PTR(list), .nr_extents = 1, .domid = DOMID_SELF },
		.out = { .extent_start = PTR(out), .nr_extents = 1, .domid = DOMID_SELF },
	};
	bool pinned = !hc_pin(4, mfn);

	hc_mmu_update(mfn * PAGE_SIZE + 8 * 100, make_pte(frame_spare(1), PTE_TABLE));
	hc_mmu_update(mfn * PAGE_SIZE + 8 * 100, 0);
	if (pinned)
		check_ok(hc_unpin(mfn));
	/* mapped writable only while nobody uses it as a root: then a store there harms nobody */
	if (!hc_map((unsigned long)window(0), make_pte(mfn, PTE_RW_PAGE))) {
		*(volatile uint64_t *)((char *)window(0) + 8 * 101) = 0;
		stolen++;
		if (user_root(mfn) >= 0)
			test_fail("a writable page became a user root");
		must(hc_map((unsigned long)window(0), 0));
	}
	check_refused(hc_memory(XENMEM_exchange, &x));
	hc_pin(1 + i % 3, mfn);
	if (!user_root(mfn)) {
		if (i & 2)
			must(user_root(root_mfn()));
		else
			must(user_root(0));
	}
}

void test_main(void)
{
	uint64_t end;

	window(0);
	root[0] = root_clone();
	root[1] = root_clone();
	smp_start(user_side);
	smp_meet();
	end = time_now_ns() + ROUND_NS;
	for (unsigned int i = 0; time_now_ns() < end; i++)
		attack(i);
	done = true;
	smp_wait();
	must(user_root(root_mfn()));
	check(runs > 0, "no user code ran");
	print("  %lu runs on %lu roots, %lu times writable\n", runs, switches, stolen);
	page_writable(root[0]);
	page_writable(root[1]);
}
