/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Event channels and the clock page for tests.
 *
 * Each vCPU's upcall mask and pending words live in shared_info->vcpu_info[]; this file assumes
 * that place (tests that move it with VCPUOP_register_vcpu_info do so on a spare vCPU).
 */
#include "event.h"
#include "hyper.h"
#include "mm.h"
#include "trap.h"

volatile unsigned long event_count[NR_COUNTED_PORTS];
static void (*scan_override)(void);

static struct vcpu_info *my_info(void)
{
	return &shared_info->vcpu_info[this_vcpu()];
}

static void scan_word(unsigned int word)
{
	uint64_t due = shared_info->evtchn_pending[word] & ~shared_info->evtchn_mask[word];

	while (due) {
		unsigned int port = word * 64 + (unsigned int)__builtin_ctzll(due);

		due &= due - 1;
		port_clear(shared_info->evtchn_pending, port);
		if (port < NR_COUNTED_PORTS)
			event_count[port]++;
	}
}

void event_upcall(void)
{
	struct vcpu_info *info = my_info();
	uint64_t sel;

	do {
		info->evtchn_upcall_pending = 0;
		if (scan_override) {
			scan_override();
			return;
		}
		sel = __atomic_exchange_n(&info->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
		while (sel) {
			scan_word((unsigned int)__builtin_ctzll(sel));
			sel &= sel - 1;
		}
	} while (*(volatile uint8_t *)&info->evtchn_upcall_pending);
}

void event_set_scan(void (*scan)(void))
{
	scan_override = scan;
}

uint8_t event_mask_get(void)
{
	return *(volatile uint8_t *)&my_info()->evtchn_upcall_mask;
}

void event_mask_set(uint8_t mask)
{
	*(volatile uint8_t *)&my_info()->evtchn_upcall_mask = mask;
}

void event_enable(void)
{
	event_mask_set(0);
	asm volatile("" : : : "memory");
	if (*(volatile uint8_t *)&my_info()->evtchn_upcall_pending)
		hc_version(XENVER_version, NULL);
}

void event_disable(void)
{
	event_mask_set(1);
}

long event_bind_ipi(unsigned int vcpu)
{
	struct evtchn_bind_ipi op = { .vcpu = vcpu };
	long rc = hc_evtchn(EVTCHNOP_bind_ipi, &op);

	return rc ? rc : (long)op.port;
}

long event_bind_virq(unsigned int virq, unsigned int vcpu)
{
	struct evtchn_bind_virq op = { .virq = virq, .vcpu = vcpu };
	long rc = hc_evtchn(EVTCHNOP_bind_virq, &op);

	return rc ? rc : (long)op.port;
}

long event_loop(unsigned int *port_a, unsigned int *port_b)
{
	struct evtchn_alloc_unbound a = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
	struct evtchn_bind_interdomain b = { .remote_dom = DOMID_SELF };
	long rc = hc_evtchn(EVTCHNOP_alloc_unbound, &a);

	if (rc)
		return rc;
	b.remote_port = a.port;
	rc = hc_evtchn(EVTCHNOP_bind_interdomain, &b);
	*port_a = a.port;
	*port_b = b.local_port;
	return rc;
}

long event_send(unsigned int port)
{
	struct evtchn_send op = { .port = port };

	return hc_evtchn(EVTCHNOP_send, &op);
}

long event_close(unsigned int port)
{
	struct evtchn_close op = { .port = port };

	return hc_evtchn(EVTCHNOP_close, &op);
}

long event_unmask(unsigned int port)
{
	struct evtchn_unmask op = { .port = port };

	return hc_evtchn(EVTCHNOP_unmask, &op);
}

static uint64_t read_tsc(void)
{
	uint32_t lo, hi;

	asm volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

uint64_t time_now_ns(void)
{
	const volatile struct vcpu_time_info *t = &my_info()->time;
	uint64_t delta, now;
	uint32_t version;

	do {
		version = t->version;
		asm volatile("" : : : "memory");
		delta = read_tsc() - t->tsc_timestamp;
		if (t->tsc_shift >= 0)
			delta <<= t->tsc_shift;
		else
			delta >>= -t->tsc_shift;
		now = t->system_time +
		      (uint64_t)((unsigned __int128)delta * t->tsc_to_system_mul >> 32);
		asm volatile("" : : : "memory");
	} while (version & 1 || version != t->version);
	return now;
}

bool wait_change(const volatile unsigned long *counter, unsigned long old, uint64_t ns)
{
	uint64_t end = time_now_ns() + ns;

	while (*counter == old) {
		if (time_now_ns() > end)
			return false;
		asm volatile("pause");
	}
	return true;
}
