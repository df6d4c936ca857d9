/* SPDX-License-Identifier: BSD-2-Clause */
/* guest: smp=2 */
/*
 * Question: is a tree nobody needs any more plain memory once its unpin has answered, also while
 * another vCPU unpins trees of its own?  Each vCPU undoes what the other left on the worklist; a
 * kernel maps its tables writable right after the unpin and stores to them.
 */
#include "guest.h"

#define ROUND_NS	4000000000UL
#define LEAVES		300

static struct tree trees[2];
static volatile unsigned long refused, rounds;

static void side(unsigned int me)
{
	struct tree *t = &trees[me];
	uint64_t end;

	smp_meet();
	end = time_now_ns() + ROUND_NS;
	for (; time_now_ns() < end && !refused; rounds++) {
		must(hc_pin(4, t->mfn[4]));
		must(hc_unpin(t->mfn[4]));
		for (unsigned int level = 1; level <= 4; level++) {
			unsigned long va = (unsigned long)t->page[level];

			if (!hc_map(va, make_pte(t->mfn[level], PTE_RW_PAGE)))
				must(hc_map(va, make_pte(t->mfn[level], PTE_RO_PAGE)));
			else
				__atomic_add_fetch(&refused, 1, __ATOMIC_RELAXED);
		}
	}
}

static void other_side(void)
{
	side(1);
}

void test_main(void)
{
	tree_build(&trees[0], LEAVES, PTE_RO_PAGE);
	tree_build(&trees[1], LEAVES, PTE_RO_PAGE);
	smp_start(other_side);
	side(0);
	smp_wait();
	print("  %lu rounds\n", rounds);
	check(!refused, "%lu tables were still tables after their unpin", refused);
}
