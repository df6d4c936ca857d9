/* SPDX-License-Identifier: BSD-2-Clause */
/* guest: mem=512 */
/*
 * Break-in: a tree of hundreds of full tables is pinned and unpinned while a timer ticks.  Events
 * must still be delivered in the middle of it; their handlers pin other trees, use the half-checked
 * tables, or never come back to the call at all.  Nothing may be lost or stay in use.
 */
#include "guest.h"

#define TABLES	400
#define TICK_NS	1000000UL

static struct tree big, small;
static volatile bool in_pin;
static volatile unsigned int inside, refused_inside;
static struct jump away;
static enum { TICK_ONLY, PIN_SMALL, TOUCH, LEAVE } mood;

/* In the event handler, with the pin or unpin half done. */
static void meddle(void)
{
	switch (mood) {
	case TICK_ONLY:
		break;
	case PIN_SMALL:
		if (!hc_pin(4, small.mfn[4]))
			must(hc_unpin(small.mfn[4]));
		else
			refused_inside++;
		break;
	case TOUCH:
		/* writable while it is a table, or about to be one or not: only refused or true */
		for (unsigned int i = 0; i < TABLES; i += 37) {
			uint64_t mfn = mfn_of(tree_l1(&big, i));

			if (!hc_map((unsigned long)window(1), make_pte(mfn, PTE_RW_PAGE)))
				must(hc_map((unsigned long)window(1), 0));
		}
		hc_mmu_update(big.mfn[2] * PAGE_SIZE + 8, big.page[2][1]);
		hc_pin(2, big.mfn[2]);
		hc_unpin(big.mfn[2]);
		break;
	case LEAVE:
		jump_back(&away);
	}
}

static bool on_event(struct regs *regs)
{
	if (regs->vector != VEC_EVENT)
		return false;
	event_upcall();
	if (in_pin) {
		in_pin = false;			/* once per call */
		inside++;
		meddle();
	}
	return true;
}

static long pin_big(bool pin)
{
	uint64_t mfn = big.mfn[4];
	long rc;

	in_pin = true;
	rc = pin ? hc_pin(4, mfn) : hc_unpin(mfn);
	in_pin = false;
	return rc;
}

static void rounds(const char *what, unsigned int n)
{
	unsigned int before = inside;

	for (unsigned int i = 0; i < n; i++) {
		check_ok(pin_big(true));
		check_refused(hc_map((unsigned long)window(0),
				     make_pte(mfn_of(tree_l1(&big, i)), PTE_RW_PAGE)));
		check_ok(pin_big(false));
	}
	check(inside > before, "%s: no event arrived inside %u calls", what, 2 * n);
	print("  %s: %u events inside, %u refused there\n", what, inside - before, refused_inside);
}

/* The handler never returns to the interrupted pin: whatever is called next must still work. */
static void check_leave(void)
{
	volatile unsigned int left = 0;

	mood = LEAVE;
	for (volatile unsigned int i = 0; i < 6; i++) {
		if (!jump_save(&away)) {
			if (!pin_big(true))
				must(pin_big(false));
		} else {
			left++;
			event_enable();
		}
		if (i & 1) {
			must(hc_pin(4, small.mfn[4]));
			must(hc_unpin(small.mfn[4]));
		}
	}
	check(left > 0, "no pin was left half done");
	mood = TICK_ONLY;
	hc_unpin(big.mfn[4]);		/* one may have been done after all */
	check_ok(pin_big(true));
	check_ok(pin_big(false));
}

void test_main(void)
{
	struct vcpu_set_periodic_timer tick = { .period_ns = TICK_NS };

	window(0);
	tree_build(&small, 64, PTE_RO_PAGE);
	tree_build_big(&big, TABLES);
	this_cpu()->hook = on_event;
	must(event_bind_virq(VIRQ_TIMER, 0));
	must(hc_vcpu(VCPUOP_set_periodic_timer, 0, &tick));
	event_enable();
	rounds("ticks", 4);
	mood = PIN_SMALL;
	rounds("another pin", 6);
	mood = TOUCH;
	rounds("touching", 6);
	check_leave();
	event_disable();
	hc_vcpu(VCPUOP_stop_periodic_timer, 0, NULL);
	for (unsigned int i = 0; i < TABLES; i++)
		page_writable(tree_l1(&big, i));
	for (unsigned int level = 2; level <= 4; level++)
		page_writable(big.page[level]);
}
