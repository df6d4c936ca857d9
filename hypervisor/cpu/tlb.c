/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The TLB flush clock: who may still hold a stale translation of a frame?
 *
 * The clock counts epochs.  A frame that leaves a use is stamped with the epoch; a CPU that flushes
 * notes the epoch, after advancing it if anybody was stamped in it.  So a CPU whose note is *later*
 * than a frame's stamp flushed after the stamp was taken, and holds nothing stale of it.
 *
 *   clock = epoch << 1 | used         used: a stamp of this epoch was handed out
 *
 *     tlb_now:      used = 1, stamp = epoch
 *     a CPU's flush: used ? epoch + 1, used = 0 : as it is; load CR3; note = epoch
 *
 * When nothing is stamped, flushing only reads the clock: address-space switches on different CPUs
 * share no written line.  No lock; the order is: note the epoch, then flush, then publish the note.
 *
 * Frames keep 32 bits.  stamp_widen() takes the latest epoch that has these low bits and is not in the
 * future, which is never earlier than the true one: wrapping costs spare flushes, never a missed one.
 *
 * Tags (PCID, SDM vol. 3, 4.10.1), where the CPU has them: 1 for the running guest's kernel root, 2 for its user
 * root, 0 for ours.  Going from one to the other flushes nothing.  A flush as the clock knows it is one of all
 * tags, so whatever may be stale is gone, whichever root it was cached under; and a CPU makes one each time it
 * changes vCPUs, so the tags of two guests never mix.
 */
#include "cpu/asm.h"
#include "cpu/features.h"
#include "cpu/smp.h"
#include "cpu/tlb.h"

#define TAG_KERNEL	1ul
#define TAG_USER	2ul
#define TAGS		3ul
#define CR3_KEEP	BIT(63)			/* MOV to CR3 leaves what is cached (SDM vol. 3, 4.10.4.1) */

static uint64_t clock = 2 << 1;			/* past the zero of unused percpu fields */

uint32_t tlb_now(void)
{
	uint64_t now = atomic_read(&clock);

	while (!(now & 1))
		if (atomic_cmpxchg(&clock, &now, now | 1))
			break;
	return (uint32_t)(now >> 1);
}

/* The epoch a flush that starts now may note. */
static always_inline uint64_t epoch_for_flush(void)
{
	uint64_t now = atomic_read(&clock);

	while (unlikely(now & 1))
		if (atomic_cmpxchg(&clock, &now, now + 1)) {
			now++;
			break;
		}
	return now >> 1;
}

uint64_t tlb_cr3(uint64_t root, bool user)
{
	return cpu.pcid ? root | CR3_KEEP | (user ? TAG_USER : TAG_KERNEL) : root;
}

void tlb_load_cr3(uint64_t cr3)
{
	struct percpu *me = this_cpu();
	uint64_t epoch = epoch_for_flush();

	write_cr3(cr3);
	if (cpu.pcid)
		invpcid(INVPCID_ALL, 0, 0);
	me->guest_cr3 = cr3;
	atomic_release(&me->tlb_stamp, epoch);
}

void tlb_flush_local(void)
{
	struct percpu *me = this_cpu();
	uint64_t epoch = epoch_for_flush();

	if (cpu.pcid)
		invpcid(INVPCID_ALL, 0, 0);
	else
		write_cr3(read_cr3());
	atomic_release(&me->tlb_stamp, epoch);
	me->nr_flushes++;
}

void tlb_drop_tag(uint64_t cr3)
{
	if (cpu.pcid)
		invpcid(INVPCID_TAG, cr3 & TAGS, 0);
}

/* Opens a new epoch, so that only a flush from now on can note it, and waits until every CPU has. */
void tlb_flush_mask(cpumask_t mask)
{
	uint64_t epoch;
	unsigned id;

	tlb_now();
	epoch = epoch_for_flush();
	mask &= cpus_online;
	smp_kick(mask, IPI_FLUSH);
	if (mask & BIT(cpu_id()))
		tlb_flush_local();
	for_each_cpu(id, mask)
		while (atomic_acquire(&percpu_of(id)->tlb_stamp) < epoch)
			cpu_relax_poll();
}

static uint64_t stamp_widen(uint32_t stamp)
{
	uint64_t now = atomic_read(&clock) >> 1;
	uint64_t wide = (now & ~0xfffffffful) | stamp;

	return wide <= now ? wide : wide - (1ul << 32);
}

void tlb_flush_since(cpumask_t mask, uint32_t stamp)
{
	uint64_t since = stamp_widen(stamp);
	cpumask_t stale = 0;
	unsigned id;

	mask &= cpus_online;
	for_each_cpu(id, mask)
		if (atomic_acquire(&percpu_of(id)->tlb_stamp) <= since)
			stale |= BIT(id);
	if (stale)
		tlb_flush_mask(stale);
}

void tlb_invlpg_local(uint64_t va)
{
	if (!va_canonical(va))
		return;
	invlpg(va);
	if (cpu.pcid)
		invpcid(INVPCID_ADDRESS, (this_cpu()->guest_cr3 & TAGS) ^ TAGS, va);
}

static void invlpg_here(void *va)
{
	tlb_invlpg_local((uint64_t)va);
}

void tlb_invlpg_mask(cpumask_t mask, uint64_t va)
{
	if (mask == BIT(cpu_id()))
		tlb_invlpg_local(va);
	else
		smp_call(mask, invlpg_here, (void *)va);
}
