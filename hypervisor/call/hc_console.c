/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * console_io: the machine's console as dom0's hvc0.  Output goes to the log's sinks unchanged, in
 * pieces, so that a long write can be preempted.  Input waits in a ring until dom0 reads it; each
 * character raises VIRQ_CONSOLE, and what does not fit is dropped.
 *
 * ring_lock guards the ring (written from the UART's interrupt, read by the hypercall).
 */
#include <mica/console.h>
#include <mica/evtchn.h>
#include "call/handlers.h"
#include "call/version.h"
#include "cpu/lock.h"
#include "dom/event.h"

#define RING_BYTES	512u
#define PIECE		128u

static struct spinlock ring_lock = SPINLOCK_INIT(RANK_LOG);
static struct {
	char data[RING_BYTES];
	uint32_t head, tail;		/* count up freely: head next to write, tail next to read */
} ring GUARDED_BY(ring_lock);

static void console_input(char c)
{
	lock_take(&ring_lock);
	if (ring.head - ring.tail < RING_BYTES)
		ring.data[ring.head++ % RING_BYTES] = c;
	lock_drop(&ring_lock);
	virq_raise_global(VIRQ_CONSOLE);
}

void console_init(void)
{
	log_input_hook = console_input;
}

static long console_read(gva_t buffer, uint64_t count)
{
	char piece[PIECE];
	uint64_t done = 0;

	while (done < count) {
		unsigned n = 0;

		lock_take(&ring_lock);
		while (n < PIECE && n < count - done && ring.tail != ring.head)
			piece[n++] = ring.data[ring.tail++ % RING_BYTES];
		lock_drop(&ring_lock);
		if (!n)
			break;
		if (copy_to_guest(gva_add(buffer, done), piece, n))
			return refuse(-EFAULT, "console read to %lx", buffer.a);
		done += n;
	}
	return done;
}

static long console_write(struct vcpu *self, gva_t buffer, uint64_t count)
{
	char piece[PIECE];

	for (uint64_t done = 0; done < count; ) {
		unsigned n = MIN(count - done, (uint64_t)PIECE);

		if (done && preempt_due())
			return hypercall_again(self, 3, (uint64_t)CONSOLEIO_write, count - done,
					       buffer.a + done);
		if (copy_from_guest(piece, gva_add(buffer, done), n))
			return refuse(-EFAULT, "console write from %lx", buffer.a);
		log_raw(piece, n);
		done += n;
	}
	return 0;
}

long hc_console_io(struct vcpu *self, uint64_t cmd, uint64_t count, gva_t buffer)
{
	count = (uint32_t)count;		/* an int in the ABI */
	if (!self->dom->hardware)
		return refuse(-EPERM, "console_io: the console is dom0's");
	if ((int32_t)count < 0)
		return refuse(-EINVAL, "console_io: count %d", (int32_t)count);
	switch (cmd) {
	case CONSOLEIO_write: return console_write(self, buffer, count);
	case CONSOLEIO_read: return console_read(buffer, count);
	default: return refuse(-ENOSYS, "console_io %lu", cmd);
	}
}
