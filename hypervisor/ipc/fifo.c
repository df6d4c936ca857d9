/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FIFO event channels: one word per port in guest pages, and per vCPU sixteen queues (one per
 * priority) linked through the words.  The head of each queue is in the guest's control block, the
 * tail is ours.
 *
 *   word:  set PENDING --neither MASKED nor LINKED--> set LINKED, hang it behind the tail
 *                                                      '- tail no longer LINKED: the queue had
 *                                                         run empty, so we are its new head;
 *                                                         set "ready"
 * The guest takes the head: clears LINKED and reads the link in one cmpxchg, then handles the port
 * if it is still PENDING and not MASKED.
 *
 * Everything in those pages is the guest's to break: a word or head with nonsense in it misleads
 * only the guest.  We read back just LINKED and PENDING, follow tails of our own, and bound the one
 * loop.
 *
 * struct fifo.lock (RANK_EVTCHN, taken with no channel lock held) guards tails and port.q_*.  Pages
 * are held with one writable use each, from init_control / expand_array until reset or teardown.
 */
#include "dom/event.h"
#include "ipc/evtchn_priv.h"
#include "lib/bug.h"
#include "mm/heap.h"
#include "mm/hvmap.h"
#include "mm/pt.h"

#define PAGE_WORDS		(PAGE_SIZE / sizeof(event_word_t))
#define MAX_PAGES		(EVTCHN_FIFO_NR_CHANNELS / PAGE_WORDS)

#define W_PENDING		(1u << EVTCHN_FIFO_PENDING)
#define W_MASKED		(1u << EVTCHN_FIFO_MASKED)
#define W_LINKED		(1u << EVTCHN_FIFO_LINKED)
#define W_BUSY			(1u << EVTCHN_FIFO_BUSY)
#define W_LINK			((event_word_t)EVTCHN_FIFO_LINK_MASK)

struct fifo {
	struct spinlock lock;
	unsigned nr_pages;		/* grows under the channel lock; read without */
	event_word_t *page[MAX_PAGES];
};

/* vcpu.evtchn_fifo */
struct fifo_vcpu {
	struct evtchn_fifo_control_block *block;
	uint32_t tail[EVTCHN_FIFO_MAX_QUEUES];		/* port last put in, 0 = never any */
};

static event_word_t *fifo_word(struct fifo *f, uint32_t nr)
{
	if (nr / PAGE_WORDS >= atomic_acquire(&f->nr_pages))
		return NULL;
	return &f->page[nr / PAGE_WORDS][nr % PAGE_WORDS];
}

/*
 * Hang port @nr behind the word @tail.  False when @tail is no longer in the queue.  A guest that
 * keeps changing the word is held off by BUSY after a few tries (its unmask waits for it), and if
 * it does not care about BUSY it loses the rest of its queue.
 */
static bool fifo_join(event_word_t *tail, uint32_t nr)
{
	event_word_t now = atomic_read(tail);

	for (int i = 0; i < 8 && (now & W_LINKED); i++) {
		if (atomic_cmpxchg(tail, &now, (now & ~(W_LINK | W_BUSY)) | nr))
			return true;
		if (i == 3)
			now = atomic_or(tail, W_BUSY) | W_BUSY;
	}
	if (now & W_BUSY)
		atomic_and(tail, ~W_BUSY);
	return false;
}

/* A port that goes to another queue than last time must not stay the tail of the old one. */
static void fifo_forget_tail(struct domain *d, uint32_t nr, struct port *p)
{
	struct vcpu *v = evtchn_vcpu(d, p->q_vcpu);
	struct fifo_vcpu *old = v ? v->evtchn_fifo : NULL;

	if (old && old->tail[p->q_priority] == nr)
		old->tail[p->q_priority] = 0;
}

/* Puts @nr into its queue unless it is in one.  A vCPU without control block gets it when it has
 * one. */
static void fifo_link(struct domain *d, struct fifo *f, uint32_t nr, struct port *p,
		      event_word_t *word)
{
	struct vcpu *v = evtchn_vcpu(d, read_once(p->vcpu));
	struct fifo_vcpu *fv = v ? atomic_acquire((struct fifo_vcpu **)&v->evtchn_fifo) : NULL;
	unsigned prio = read_once(p->priority);
	uint32_t prev;
	bool joined;

	if (!fv)
		return;
	lock_take(&f->lock);
	if (atomic_or(word, W_LINKED) & W_LINKED) {
		lock_drop(&f->lock);
		return;
	}
	prev = fv->tail[prio];
	fifo_forget_tail(d, nr, p);
	/* our own old place at the tail: LINKED was clear, so the queue had run empty */
	joined = prev && prev != nr && fifo_join(fifo_word(f, prev), nr);
	if (!joined)
		write_once(fv->block->head[prio], nr);
	fv->tail[prio] = nr;
	p->q_vcpu = (uint16_t)v->id;
	p->q_priority = (uint8_t)prio;
	lock_drop(&f->lock);

	if (!joined && !(atomic_or(&fv->block->ready, 1u << prio) & 1u << prio))
		event_pend(v);
}

bool fifo_set(struct domain *d, struct fifo *f, uint32_t nr, struct port *p)
{
	event_word_t *word = fifo_word(f, nr), old;

	if (unlikely(!word)) {
		/* expand_array publishes the page, then looks at early: one of us two sees the
		 * other */
		atomic_xchg(&p->early, 1);
		word = fifo_word(f, nr);
		if (!word)
			return true;
		if (!atomic_xchg(&p->early, 0))
			return false;
	}
	old = atomic_or(word, W_PENDING);
	if (!(old & (W_MASKED | W_LINKED)))
		fifo_link(d, f, nr, p, word);
	return !(old & W_PENDING);
}

void fifo_unmask(struct domain *d, struct fifo *f, uint32_t nr, struct port *p)
{
	event_word_t *word = fifo_word(f, nr);

	if (word && (atomic_and(word, ~W_MASKED) & (W_PENDING | W_LINKED)) == W_PENDING)
		fifo_link(d, f, nr, p, word);
}

void fifo_clear(struct fifo *f, uint32_t nr, struct port *p)
{
	event_word_t *word = fifo_word(f, nr);

	if (word)
		atomic_and(word, ~W_PENDING);
}

int fifo_bits(struct fifo *f, uint32_t nr, const struct port *p)
{
	event_word_t *at = fifo_word(f, nr), word = at ? atomic_read(at) : 0;

	return (at ? !!(word & W_PENDING) : atomic_read(&p->early)) * MICA_PORT_PENDING |
	       !!(word & W_MASKED) * MICA_PORT_MASKED;
}

bool fifo_linked(struct fifo *f, uint32_t nr)
{
	event_word_t *word = fifo_word(f, nr);

	return word && (atomic_read(word) & W_LINKED);
}

/* A frame of the guest's that we write from now on.  RESTART, or -EINVAL for whatever is wrong with
 * it. */
static int take_guest_page(struct vcpu *v, uint64_t frame, void **page)
{
	int rc;

	if (!frame_valid(mfn(frame)))
		return refuse(-EINVAL, "fifo: no frame %lx", frame);
	rc = frame_take(frame_of(mfn(frame)), &v->dom->mem, KIND_WRITABLE, &v->scan);
	if (rc)
		return rc == RESTART ? RESTART
				     : refuse(-EINVAL, "fifo: frame %lx is not writable", frame);
	*page = mfn_to_virt(mfn(frame));
	return 0;
}

static void drop_guest_page(const void *in_page)
{
	frame_drop(frame_of(virt_to_mfn(in_page)), KIND_WRITABLE);
}

/*
 * The guest turned to FIFO: what was pending in the bitmaps is announced when its word appears.
 * st->fifo is published, so a sender either finds it or has its bit seen here.
 */
static void carry_over(struct domain *d)
{
	struct port *p;

	for_each_port(d, nr, p) {
		port_take(p);
		p->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
		if (nr < EVTCHN_2L_NR_CHANNELS &&
		    (atomic_read(&d->shared->evtchn_pending[nr / 64]) & BIT(nr % 64)))
			atomic_xchg(&p->early, 1);
		port_drop(p);
	}
}

/* Events of @v that came before it had a control block. */
static void link_waiting(struct domain *d, struct vcpu *v)
{
	struct port *p;
	struct fifo *f;
	event_word_t *word;

	for_each_port(d, nr, p) {
		if (read_once(p->vcpu) != v->id)
			continue;
		port_take(p);
		f = atomic_acquire(&d->evtchn->fifo);
		word = f && p->state != PORT_FREE ? fifo_word(f, nr) : NULL;
		if (word && (atomic_read(word) & (W_PENDING | W_MASKED | W_LINKED)) == W_PENDING)
			fifo_link(d, f, nr, p, word);
		port_drop(p);
	}
}

static int install_control(struct vcpu *target, struct fifo_vcpu *fv, struct fifo **first)
{
	struct domain *d = target->dom;
	struct evtchn_state *st = d->evtchn;
	int rc = 0;

	lock_take(&st->lock);
	if (target->evtchn_fifo || st->dying) {
		rc = refuse(-EINVAL, "init_control: d%uv%u has one", d->id, target->id);
	} else {
		if (!st->fifo) {
			atomic_release(&st->fifo, *first);
			*first = NULL;
			smp_fence();
			carry_over(d);
		}
		atomic_release((struct fifo_vcpu **)&target->evtchn_fifo, fv);
	}
	lock_drop(&st->lock);
	return rc;
}

/* EVTCHNOP_init_control by @v for ic->vcpu of its domain: the first one turns the domain to FIFO.
 * -ENOENT no such vCPU; -EINVAL bad offset or frame, or it has a block; -ENOMEM; RESTART. */
int evtchn_init_control(struct vcpu *v, struct evtchn_init_control *ic)
{
	struct vcpu *target = evtchn_vcpu(v->dom, ic->vcpu);
	struct fifo_vcpu *fv;
	struct fifo *first;
	void *page;
	int rc;

	if (!target)
		return refuse(-ENOENT, "init_control: no vcpu %u", ic->vcpu);
	if (ic->offset > PAGE_SIZE - sizeof(*fv->block) || ic->offset & 7)
		return refuse(-EINVAL, "init_control: offset %x", ic->offset);
	rc = take_guest_page(v, ic->control_gfn, &page);
	if (rc)
		return rc;
	fv = kmalloc(sizeof(*fv));
	first = kmalloc(sizeof(*first));
	if (fv && first) {
		lock_init(&first->lock, RANK_EVTCHN);
		fv->block = (void *)((char *)page + ic->offset);
		rc = install_control(target, fv, &first);
	} else {
		rc = -ENOMEM;
	}
	kfree(first);
	if (rc) {
		kfree(fv);
		drop_guest_page(page);
		return rc;
	}
	link_waiting(v->dom, target);
	ic->link_bits = EVTCHN_FIFO_LINK_BITS;
	return 0;
}

/* Ports of page @index became pending before it was there. */
static void raise_early(struct domain *d, unsigned index)
{
	uint32_t end = MIN((index + 1) * (uint32_t)PAGE_WORDS, atomic_read(&d->evtchn->nr_ports));
	struct port *p;

	for (uint32_t nr = MAX(1u, index * (uint32_t)PAGE_WORDS); nr < end; nr++) {
		p = port_find(d, nr);
		if (!p || !atomic_read(&p->early))
			continue;
		port_take(p);
		/* RESERVED: its early belongs to bind_pirq */
		if (p->state > PORT_RESERVED && atomic_xchg(&p->early, 0))
			port_deliver(d, nr, p);
		port_drop(p);
	}
}

/* EVTCHNOP_expand_array: words for 1024 more ports.  -EOPNOTSUPP not FIFO; -ENOSPC full; -EINVAL;
 * RESTART. */
int evtchn_expand_array(struct vcpu *v, uint64_t array_mfn)
{
	struct evtchn_state *st = v->dom->evtchn;
	unsigned index = 0;
	struct fifo *f;
	void *page;
	int rc;

	if (!atomic_read(&st->fifo))
		return refuse(-EOPNOTSUPP, "expand_array before init_control");
	rc = take_guest_page(v, array_mfn, &page);
	if (rc)
		return rc;
	lock_take(&st->lock);
	f = st->fifo;
	if (!f) {
		rc = refuse(-EOPNOTSUPP, "expand_array after reset");
	} else if (f->nr_pages == MAX_PAGES) {
		rc = refuse(-ENOSPC, "expand_array: d%u has all %lu pages", v->dom->id, MAX_PAGES);
	} else {
		index = f->nr_pages;
		f->page[index] = page;
		atomic_release(&f->nr_pages, index + 1);
		smp_fence();
	}
	lock_drop(&st->lock);
	if (rc)
		drop_guest_page(page);
	else
		raise_early(v->dom, index);
	return rc;
}

/* EVTCHNOP_set_priority.  -ENOSYS when the guest is two-level, -EINVAL. */
int evtchn_set_priority(struct domain *d, uint32_t port, uint32_t priority)
{
	struct port *p = port_find(d, port);
	int rc = 0;

	if (!atomic_read(&d->evtchn->fifo))
		return refuse(-ENOSYS, "set_priority without FIFO");
	if (!p || priority > EVTCHN_FIFO_PRIORITY_MIN)
		return refuse(-EINVAL, "set_priority: port %u priority %u", port, priority);
	port_take(p);
	if (p->state == PORT_FREE)
		rc = refuse(-EINVAL, "set_priority: port %u is closed", port);
	else
		write_once(p->priority, (uint8_t)priority);
	port_drop(p);
	return rc;
}

bool fifo_leave(struct domain *d)
{
	struct evtchn_state *st = d->evtchn;
	struct fifo *f;
	struct fifo_vcpu *fv;
	struct vcpu *v;

	lock_take(&st->lock);
	if (st->nr_used) {
		lock_drop(&st->lock);
		return false;
	}
	f = st->fifo;
	st->fifo = NULL;
	for_each_vcpu(d, v) {
		fv = v->evtchn_fifo;
		v->evtchn_fifo = NULL;
		if (fv)
			drop_guest_page(fv->block);
		kfree(fv);
	}
	lock_drop(&st->lock);
	for (unsigned i = 0; f && i < f->nr_pages; i++)
		drop_guest_page(f->page[i]);
	kfree(f);
	return true;
}

void fifo_audit(struct domain *d, struct audit *a)
{
	struct fifo *f = d->evtchn->fifo;
	struct fifo_vcpu *fv;
	struct vcpu *v;

	for_each_vcpu(d, v) {
		fv = v->evtchn_fifo;
		if (fv)
			audit_use(a, virt_to_mfn(fv->block), KIND_WRITABLE);
	}
	for (unsigned i = 0; f && i < f->nr_pages; i++)
		audit_use(a, virt_to_mfn(f->page[i]), KIND_WRITABLE);
}
