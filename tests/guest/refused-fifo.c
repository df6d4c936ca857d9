/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Break-in: point FIFO event channels at frames that are not the guest's to write - tables,
 * hypervisor frames, nothing - or at offsets that do not fit, and feed the hypervisor poisoned
 * queues: loops, links out of range, forged flags.
 */
#include "guest.h"

static long init(uint64_t gfn, uint32_t offset, uint32_t vcpu)
{
	struct evtchn_init_control op = { .control_gfn = gfn, .offset = offset, .vcpu = vcpu };

	return hc_evtchn(EVTCHNOP_init_control, &op);
}

static long expand(uint64_t gfn)
{
	struct evtchn_expand_array op = { .array_gfn = gfn };

	return hc_evtchn(EVTCHNOP_expand_array, &op);
}

static void check_init(uint64_t mine)
{
	check_refused(init(root_mfn(), 0, 0));
	check_refused(init(mfn_of(window_l1()), 0, 0));
	check_refused(init(0xffffffffff, 0, 0));
	check_refused(init(~0UL, 0, 0));
	check_refused(init(pte_mfn(pte_get(HOLE_START, 4)), 0, 0));
	check_refused(init(mine, 4096, 0));
	check_refused(init(mine, 4096 - 64, 0));
	check_refused(init(mine, 3, 0));
	check_refused(init(mine, 0xfffffff8, 0));
	check_refused(init(mine, 0, 99));
	check_refused(expand(mine));
}

static void check_expand(void)
{
	check_refused(expand(root_mfn()));
	check_refused(expand(mfn_of(window_l1())));
	check_refused(expand(~0UL));
	check_refused(expand(pte_mfn(pte_get(HOLE_START, 4))));
}

/* The frames are held: no use as a table while the hypervisor writes them. */
static void check_held(uint64_t mfn, void *page)
{
	page_readonly(page);
	check_refused(hc_pin(1, mfn));
	check_refused(hc_mmuext(MMUEXT_NEW_BASEPTR, mfn, 0));
	page_writable(page);
}

static void check_poison(struct evtchn_fifo_control_block *control, uint32_t *words)
{
	long a = event_bind_ipi(0), b = event_bind_ipi(0);

	must(a);
	must(b);
	for (unsigned int round = 0; round < 64; round++) {
		words[a] = round * 0x9e3779b1;
		words[b] = round * 0x85ebca6b;
		for (unsigned int q = 0; q < 16; q++)
			control->head[q] = round * 0xc2b2ae35 + q;
		control->ready = round * 0x27d4eb2f;
		event_send((unsigned int)a);
		event_send((unsigned int)b);
		event_unmask((unsigned int)a);
		event_send((unsigned int)a);
	}
	words[a] = 1u << EVTCHN_FIFO_LINKED | (uint32_t)a;	/* a loop of one */
	event_send((unsigned int)b);
	event_send((unsigned int)a);
	event_close((unsigned int)a);
	event_close((unsigned int)b);
}

void test_main(void)
{
	struct evtchn_set_priority prio = { .port = 100000, .priority = 1 };
	void *control = page_alloc(), *words = page_alloc();
	long rc = 0;

	event_disable();
	check_init(mfn_of(control));
	must(init(mfn_of(control), 0, 0));
	check_expand();
	must(expand(mfn_of(words)));
	check_held(mfn_of(control), control);
	check_held(mfn_of(words), words);
	check_poison(control, words);
	check_refused(hc_evtchn(EVTCHNOP_set_priority, &prio));
	for (int i = 0; i < 130 && rc >= 0; i++)
		rc = expand(mfn_of(words));
	check(rc < 0, "more than 128 array pages");
}
