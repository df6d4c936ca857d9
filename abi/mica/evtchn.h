/* SPDX-License-Identifier: MIT */
/*
 * Event channels: event_channel_op(cmd, arg), arg a guest pointer to the structure of
 * the same name.  A port is a small number in one domain; it is
 *
 *   closed -> unbound -> interdomain        another domain's port is the other end
 *   closed -> pirq | virq | ipi             a machine interrupt, a hypervisor event,
 *                                           another vCPU of the same domain
 *   any -> closed                           the other end of an interdomain pair
 *                                           becomes unbound
 *
 * Ports are announced through bitmaps in shared_info (two-level), or once a vCPU has
 * called init_control, through the FIFO words and queues at the end of this file.
 */
#ifndef MICA_ABI_EVTCHN_H
#define MICA_ABI_EVTCHN_H

#include <mica/types.h>

#define EVTCHNOP_bind_interdomain	0
#define EVTCHNOP_bind_virq		1
#define EVTCHNOP_bind_pirq		2
#define EVTCHNOP_close			3
#define EVTCHNOP_send			4
#define EVTCHNOP_status			5
#define EVTCHNOP_alloc_unbound		6
#define EVTCHNOP_bind_ipi		7
#define EVTCHNOP_bind_vcpu		8
#define EVTCHNOP_unmask			9
#define EVTCHNOP_reset			10
#define EVTCHNOP_init_control		11
#define EVTCHNOP_expand_array		12
#define EVTCHNOP_set_priority		13

/* Virtual interrupts.  V: one per vCPU; G: one per domain, bound to vCPU 0 first. */
#define VIRQ_TIMER		0	/* V: a timer fired */
#define VIRQ_DEBUG		1	/* V: please dump your state */
#define VIRQ_CONSOLE		2	/* G: console input waits; dom0 */
#define VIRQ_DOM_EXC		3	/* G: some domain shut down or died; dom0 */
#define VIRQ_TBUF		4	/* G: trace buffer has records; dom0 */
#define VIRQ_DEBUGGER		6	/* G: some domain stopped for a debugger; dom0 */
#define VIRQ_XENOPROF		7	/* V: profiler sample */
#define VIRQ_CON_RING		8	/* G: hypervisor log has new text; dom0 */
#define VIRQ_PCPU_STATE		9	/* G: a physical CPU came or went; dom0 */
#define VIRQ_MEM_EVENT		10	/* G: memory event; dom0 */
#define VIRQ_ARGO		11	/* G: message ring */
#define VIRQ_ENOMEM		12	/* G: hypervisor is low on memory; dom0 */
#define VIRQ_XENPMU		13	/* V: performance counter */
#define VIRQ_ARCH_0		16	/* G: machine check; dom0 */
#define VIRQ_ARCH_1		17
#define VIRQ_ARCH_2		18
#define VIRQ_ARCH_3		19
#define VIRQ_ARCH_4		20
#define VIRQ_ARCH_5		21
#define VIRQ_ARCH_6		22
#define VIRQ_ARCH_7		23
#define VIRQ_MCA		VIRQ_ARCH_0
#define NR_VIRQS		24

typedef uint32_t evtchn_port_t;		/* 0 is never a valid port */

/* Make a port in `dom` that `remote_dom` may bind to. */
struct evtchn_alloc_unbound {
	domid_t dom;			/* in: DOMID_SELF, or another if privileged */
	domid_t remote_dom;		/* in */
	evtchn_port_t port;		/* out */
};
ABI_SIZE(struct evtchn_alloc_unbound, 8);

/* Connect to an unbound port made for us; the new port starts pending. */
struct evtchn_bind_interdomain {
	domid_t remote_dom;		/* in */
	uint16_t _pad;
	evtchn_port_t remote_port;	/* in */
	evtchn_port_t local_port;	/* out */
};
ABI_SIZE(struct evtchn_bind_interdomain, 12);

struct evtchn_bind_virq {
	uint32_t virq;			/* in: VIRQ_* */
	uint32_t vcpu;			/* in: 0 for the G kind */
	evtchn_port_t port;		/* out */
};
ABI_SIZE(struct evtchn_bind_virq, 12);

#define BIND_PIRQ__WILL_SHARE	1	/* others may bind the same interrupt */

struct evtchn_bind_pirq {
	uint32_t pirq;			/* in: from physdev map_pirq */
	uint32_t flags;			/* in: BIND_PIRQ__* */
	evtchn_port_t port;		/* out */
};
ABI_SIZE(struct evtchn_bind_pirq, 12);

struct evtchn_bind_ipi {
	uint32_t vcpu;			/* in: who is to be notified */
	evtchn_port_t port;		/* out */
};
ABI_SIZE(struct evtchn_bind_ipi, 8);

struct evtchn_close {
	evtchn_port_t port;		/* in */
};
ABI_SIZE(struct evtchn_close, 4);

struct evtchn_send {
	evtchn_port_t port;		/* in: our end */
};
ABI_SIZE(struct evtchn_send, 4);

/* evtchn_status.status */
#define EVTCHNSTAT_closed	0
#define EVTCHNSTAT_unbound	1
#define EVTCHNSTAT_interdomain	2
#define EVTCHNSTAT_pirq		3
#define EVTCHNSTAT_virq		4
#define EVTCHNSTAT_ipi		5

struct evtchn_status {
	domid_t dom;			/* in: DOMID_SELF, or another if privileged */
	uint16_t _pad;
	evtchn_port_t port;		/* in */
	uint32_t status;		/* out: EVTCHNSTAT_* */
	uint32_t vcpu;			/* out: who is notified */
	union {				/* out */
		struct {
			domid_t dom;	/* who may bind */
		} unbound;
		struct {
			domid_t dom;	/* the other end */
			uint16_t _pad;
			evtchn_port_t port;
		} interdomain;
		uint32_t pirq;
		uint32_t virq;
	} u;
};
ABI_SIZE(struct evtchn_status, 24);

struct evtchn_bind_vcpu {
	evtchn_port_t port;		/* in */
	uint32_t vcpu;			/* in: notify this one from now on */
};
ABI_SIZE(struct evtchn_bind_vcpu, 8);

struct evtchn_unmask {
	evtchn_port_t port;		/* in */
};
ABI_SIZE(struct evtchn_unmask, 4);

struct evtchn_reset {
	domid_t dom;			/* in: DOMID_SELF, or a paused domain if privileged */
};
ABI_SIZE(struct evtchn_reset, 2);

struct evtchn_init_control {
	uint64_t control_gfn;		/* in: frame (PV: mfn) of the control block */
	uint32_t offset;		/* in: bytes into that frame, multiple of 8 */
	uint32_t vcpu;			/* in */
	uint8_t link_bits;		/* out: EVTCHN_FIFO_LINK_BITS */
	uint8_t _pad[7];
};
ABI_SIZE(struct evtchn_init_control, 24);

struct evtchn_expand_array {
	uint64_t array_gfn;		/* in: frame (PV: mfn) for 1024 more event words */
};
ABI_SIZE(struct evtchn_expand_array, 8);

struct evtchn_set_priority {
	evtchn_port_t port;		/* in */
	uint32_t priority;		/* in: 0 first .. 15 last */
};
ABI_SIZE(struct evtchn_set_priority, 8);

/* Argument of event_channel_op_compat: command and structure in one. */
struct evtchn_op {
	uint32_t cmd;			/* EVTCHNOP_* up to unmask */
	union {
		struct evtchn_alloc_unbound alloc_unbound;
		struct evtchn_bind_interdomain bind_interdomain;
		struct evtchn_bind_virq bind_virq;
		struct evtchn_bind_pirq bind_pirq;
		struct evtchn_bind_ipi bind_ipi;
		struct evtchn_close close;
		struct evtchn_send send;
		struct evtchn_status status;
		struct evtchn_bind_vcpu bind_vcpu;
		struct evtchn_unmask unmask;
	} u;
};
ABI_SIZE(struct evtchn_op, 28);

/*
 * FIFO: one word per port, and per vCPU and priority a queue linked through the words.
 *
 *   31 PENDING   hypervisor sets, guest clears      29 LINKED   in a queue
 *   30 MASKED    guest sets and clears              28 BUSY     guest is unmasking
 *   16-0 link    port of the next word in the queue, written with LINKED
 */
typedef uint32_t event_word_t;

#define EVTCHN_FIFO_PENDING		31	/* bit numbers */
#define EVTCHN_FIFO_MASKED		30
#define EVTCHN_FIFO_LINKED		29
#define EVTCHN_FIFO_BUSY		28
#define EVTCHN_FIFO_LINK_BITS		17
#define EVTCHN_FIFO_LINK_MASK		((1 << EVTCHN_FIFO_LINK_BITS) - 1)
#define EVTCHN_FIFO_NR_CHANNELS		(1 << EVTCHN_FIFO_LINK_BITS)

#define EVTCHN_FIFO_PRIORITY_MAX	0
#define EVTCHN_FIFO_PRIORITY_DEFAULT	7
#define EVTCHN_FIFO_PRIORITY_MIN	15
#define EVTCHN_FIFO_MAX_QUEUES		(EVTCHN_FIFO_PRIORITY_MIN + 1)

struct evtchn_fifo_control_block {
	uint32_t ready;			/* bit p: queue p is not empty; set by the hypervisor */
	uint32_t _rsvd;
	uint32_t head[EVTCHN_FIFO_MAX_QUEUES];	/* first port of each queue; 0: empty */
};
ABI_SIZE(struct evtchn_fifo_control_block, 72);

#endif /* MICA_ABI_EVTCHN_H */
