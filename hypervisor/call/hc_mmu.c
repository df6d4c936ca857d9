/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page-table hypercalls: decode, authorise, delegate to mm/pt.c.
 *
 * "whose" carries two domains: bits 0-15 own the frames being mapped (FD), bits 16-31 minus one own the
 * tables being written (0: the caller).  A list that is preempted comes back with AGAIN set in its count;
 * how far it came is then read back from *done, which is the guest's own business.
 */
#include <mica/mmu.h>
#include "call/handlers.h"
#include "cpu/asm.h"
#include "cpu/tlb.h"
#include "dom/segdesc.h"
#include "lib/string.h"
#include "mm/hvmap.h"
#include "mm/pt.h"

#define AGAIN		0x80000000u	/* in the count: a preempted list goes on */
#define DONE_MASK	0x7fffffffu

struct peers {
	struct domain *tables, *frames;		/* referenced when not the caller; frames NULL: MMIO */
	bool xen;				/* frames of the hypervisor, read-only */
};

static int peer_get(struct vcpu *self, domid_t id, struct domain **out)
{
	int rc;

	if (id == DOMID_SELF || id == self->dom->id) {
		*out = self->dom;
		return 0;
	}
	*out = domain_get_target(self, id, &rc);
	return rc;
}

static void peer_put(struct vcpu *self, struct domain *d)
{
	if (d && d != self->dom)
		domain_put(d);
}

static int peers_get(struct vcpu *self, uint64_t whose, struct peers *p)
{
	uint64_t fd = whose & 0xffff, pfd = whose >> 16 & 0xffff;
	int rc;

	*p = (struct peers){ .tables = self->dom };
	if (whose >> 32)
		return refuse(-ESRCH, "mmu_update: domains %lx", whose);
	if (pfd) {
		rc = peer_get(self, (domid_t)(pfd - 1), &p->tables);
		if (rc)
			return rc;
	}
	if (fd == DOMID_IO || fd == DOMID_XEN) {
		p->xen = fd == DOMID_XEN;
		rc = self->dom->privileged ? 0 : refuse(-EPERM, "mmu_update: frames of domain %lx", fd);
	} else {
		rc = peer_get(self, (domid_t)fd, &p->frames);
	}
	if (rc)
		peer_put(self, p->tables);
	return rc;
}

static void peers_put(struct vcpu *self, struct peers *p)
{
	peer_put(self, p->tables);
	peer_put(self, p->frames);
}

/* A list of requests, which may have been preempted before. */
struct requests {
	gva_t at, done_out;		/* done_out: where to say how many were done, or null */
	uint64_t n;
	uint32_t before;		/* done already when this call began */
};

static always_inline int requests_start(struct requests *l, gva_t at, uint64_t n, gva_t done_out)
{
	*l = (struct requests){ .at = at, .n = n & DONE_MASK, .done_out = done_out };
	if ((n & AGAIN) && !gva_is_null(done_out) &&
	    copy_from_guest(&l->before, done_out, sizeof(l->before)))
		return refuse(-EFAULT, "done count at %lx", done_out.a);
	return 0;
}

static always_inline long requests_end(struct vcpu *self, const struct requests *l, uint64_t done,
					size_t size, int rc)
{
	uint32_t total = l->before + done;

	if (!gva_is_null(l->done_out) && copy_to_guest(l->done_out, &total, sizeof(total)))
		return refuse(-EFAULT, "done count at %lx", l->done_out.a);
	if (rc != RESTART)
		return rc;
	return hypercall_again(self, 2, gva_nth(l->at, done, size).a,
			       (uint64_t)((l->n - done) | AGAIN));
}

static int machphys_update(const struct peers *p, const struct mmu_update *req)
{
	mfn_t m = maddr_mfn(maddr(req->ptr));
	struct frame *f = frame_of(m);

	if ((req->ptr & ~PAGE_MASK) != MMU_MACHPHYS_UPDATE)
		return refuse(-EINVAL, "machphys_update: address %lx", req->ptr);
	if (!p->frames || !frame_valid(m) || !frame_get(f, &p->frames->mem))
		return refuse(-EINVAL, "machphys_update: frame %lx", m.n);
	m2p_set(m, req->val);
	frame_put(f);
	return 0;
}

static int update_one(struct pt_batch *b, const struct peers *p, const struct mmu_update *req)
{
	maddr_t slot = maddr(req->ptr & ~3ul);

	switch (req->ptr & 3) {
	case MMU_NORMAL_PT_UPDATE:
	case MMU_PT_UPDATE_NO_TRANSLATE:
		return pt_write(b, slot, pte(req->val), PT_NORMAL);
	case MMU_PT_UPDATE_PRESERVE_AD: return pt_write(b, slot, pte(req->val), PT_KEEP_AD);
	default: return machphys_update(p, req);
	}
}

/* Write n page-table or M2P entries, each checked first.  tour:mm/1 */
long hc_mmu_update(struct vcpu *self, gva_t list, uint64_t n, gva_t done_out, uint64_t whose)
{
	struct mmu_update req;
	struct pt_batch batch;
	struct peers peers;
	struct requests l;
	uint64_t done;
	int rc = requests_start(&l, list, n, done_out);

	if (!rc)
		rc = peers_get(self, whose, &peers);
	if (rc)
		return rc;
	pt_batch_begin(&batch, &peers.tables->mem, peers.frames ? &peers.frames->mem : NULL, &self->scan);
	batch.readonly_foreign = peers.xen;
	for (done = 0; done < l.n; done++) {
		if ((done & 31) == 31 && preempt_due())
			rc = RESTART;
		else if (copy_from_guest(&req, gva_nth(list, done, sizeof(req)), sizeof(req)))
			rc = refuse(-EFAULT, "mmu_update: request %lu at %lx", done, list.a);
		else
			rc = update_one(&batch, &peers, &req);
		if (rc)
			break;
	}
	pt_batch_end(&batch);
	peers_put(self, &peers);
	return requests_end(self, &l, done, sizeof(req), rc);
}

/* The physical CPUs that hold one of the vCPUs now, or one of those in the guest's bitmap; the others
 * flush when they are switched in. */
static always_inline int cpus_of(struct domain *d, bool all, gva_t bitmap, cpumask_t *mask)
{
	uint8_t byte = 0xff;

	*mask = 0;
	smp_fence();
	for (unsigned i = 0; i < d->max_vcpus; i++) {
		struct vcpu *v = d->vcpu[i];

		if (!all && !(i & 7) && copy_from_guest(&byte, gva_add(bitmap, i / 8), 1))
			return refuse(-EFAULT, "vCPU bitmap at %lx", bitmap.a);
		if (v && (byte >> (i & 7) & 1) && read_once(v->on_cpu))
			*mask |= BIT(read_once(v->cpu));
	}
	return 0;
}

static int clear_page(struct vcpu *self, struct domain *owner, struct frame *f)
{
	int rc = frame_take(f, &owner->mem, KIND_WRITABLE, &self->scan);

	if (rc)
		return rc;
	page_clear(frame_to_virt(f));
	frame_drop(f, KIND_WRITABLE);
	return 0;
}

static int copy_page(struct vcpu *self, struct domain *owner, struct frame *to, mfn_t from)
{
	int rc;

	if (!frame_valid(from) || !frame_get(frame_of(from), &owner->mem))
		return refuse(-EINVAL, "copy_page: source %lx", from.n);
	rc = frame_take(to, &owner->mem, KIND_WRITABLE, &self->scan);
	if (!rc) {
		page_copy(frame_to_virt(to), mfn_to_virt(from));
		frame_drop(to, KIND_WRITABLE);
	}
	frame_put(frame_of(from));
	return rc;
}

/* What is done to frames of @owner. */
static int frame_op(struct vcpu *self, struct domain *owner, const struct mmuext_op *op)
{
	mfn_t m = mfn(op->arg1.mfn);

	if (!frame_valid(m))
		return refuse(-EINVAL, "mmuext_op %u: frame %lx is not RAM", op->cmd, m.n);
	switch (op->cmd) {
	case MMUEXT_UNPIN_TABLE: return pt_unpin(&owner->mem, frame_of(m));
	case MMUEXT_CLEAR_PAGE: return clear_page(self, owner, frame_of(m));
	case MMUEXT_COPY_PAGE: return copy_page(self, owner, frame_of(m), mfn(op->arg2.src_mfn));
	default:
		return pt_pin(&owner->mem, frame_of(m), KIND_L1 + op->cmd - MMUEXT_PIN_L1_TABLE, &self->scan);
	}
}

static void flush(cpumask_t mask, bool one, uint64_t va)
{
	if (one)
		tlb_invlpg_mask(mask, va);
	else
		tlb_flush_mask(mask);
}

/* What is done to the caller's own state. */
static int own_op(struct vcpu *self, const struct mmuext_op *op)
{
	uint64_t va = op->arg1.linear_addr;
	cpumask_t mask;
	int rc;

	switch (op->cmd) {
	case MMUEXT_NEW_BASEPTR:
	case MMUEXT_NEW_USER_BASEPTR:
		return vcpu_set_root(self, mfn(op->arg1.mfn), op->cmd == MMUEXT_NEW_USER_BASEPTR);
	case MMUEXT_SET_LDT: return segdesc_set_ldt(self, va, op->arg2.nr_ents);
	case MMUEXT_TLB_FLUSH_LOCAL:
		tlb_flush_local();
		return 0;
	case MMUEXT_INVLPG_LOCAL:
		tlb_invlpg_local(va);
		return 0;
	case MMUEXT_TLB_FLUSH_ALL:
	case MMUEXT_INVLPG_ALL:
		rc = cpus_of(self->dom, true, gva(0), &mask);
		break;
	default:
		rc = cpus_of(self->dom, false, gva(op->arg2.vcpumask), &mask);
	}
	if (!rc)
		flush(mask, op->cmd == MMUEXT_INVLPG_ALL || op->cmd == MMUEXT_INVLPG_MULTI, va);
	return rc;
}

static int ext_one(struct vcpu *self, struct domain *owner, const struct mmuext_op *op)
{
	switch (op->cmd) {
	case MMUEXT_PIN_L1_TABLE ... MMUEXT_UNPIN_TABLE:
	case MMUEXT_CLEAR_PAGE:
	case MMUEXT_COPY_PAGE:
		return frame_op(self, owner, op);
	case MMUEXT_NEW_BASEPTR ... MMUEXT_INVLPG_ALL:
	case MMUEXT_SET_LDT:
	case MMUEXT_NEW_USER_BASEPTR:
		if (owner != self->dom)
			return refuse(-EPERM, "mmuext_op %u for another domain", op->cmd);
		return own_op(self, op);
	case MMUEXT_FLUSH_CACHE:
		if (!self->dom->mem.cache_attrs)
			return refuse(-EACCES, "cache flush");
		wbinvd();
		return 0;
	case MMUEXT_FLUSH_CACHE_GLOBAL: return refuse(-EINVAL, "global cache flush");
	case MMUEXT_MARK_SUPER:
	case MMUEXT_UNMARK_SUPER:
		return refuse(-EOPNOTSUPP, "superpages");
	default: return refuse(-ENOSYS, "mmuext_op %u", op->cmd);
	}
}

long hc_mmuext_op(struct vcpu *self, gva_t list, uint64_t n, gva_t done_out, uint64_t whose)
{
	struct domain *owner;
	struct mmuext_op op;
	struct requests l;
	uint64_t done;
	int rc = requests_start(&l, list, n, done_out);

	if (!rc)
		rc = peer_get(self, (domid_t)whose, &owner);
	if (rc)
		return rc;
	for (done = 0; done < l.n; done++) {
		if (done && preempt_due())
			rc = RESTART;
		else if (copy_from_guest(&op, gva_nth(list, done, sizeof(op)), sizeof(op)))
			rc = refuse(-EFAULT, "mmuext_op: request %lu at %lx", done, list.a);
		else
			rc = ext_one(self, owner, &op);
		if (rc)
			break;
	}
	peer_put(self, owner);
	return requests_end(self, &l, done, sizeof(op), rc);
}

static int flush_after(struct vcpu *self, uint64_t va, uint64_t flags)
{
	uint64_t scope = flags & ~(uint64_t)UVMF_FLUSHTYPE_MASK;
	cpumask_t mask = BIT(cpu_id());
	int rc = 0;

	if ((flags & UVMF_FLUSHTYPE_MASK) == UVMF_NONE)
		return 0;
	if (scope != UVMF_LOCAL)
		rc = cpus_of(self->dom, scope == UVMF_ALL, gva(scope), &mask);
	if (!rc)
		flush(mask, (flags & UVMF_FLUSHTYPE_MASK) == UVMF_INVLPG, va);
	return rc;
}

static long update_va(struct vcpu *self, uint64_t va, uint64_t val, uint64_t flags, struct memspace *frames)
{
	struct pt_batch batch;
	maddr_t slot;
	int rc = pt_find_slot(frame_mfn(self->kernel_root), va, &slot);

	if (rc)
		return rc;
	pt_batch_begin(&batch, &self->dom->mem, frames, &self->scan);
	rc = pt_write(&batch, slot, pte(val), PT_NORMAL);
	pt_batch_end(&batch);
	return rc ? rc : flush_after(self, va, flags);
}

long hc_update_va_mapping(struct vcpu *self, uint64_t va, uint64_t val, uint64_t flags)
{
	long rc = update_va(self, va, val, flags, &self->dom->mem);

	return rc == RESTART ? hypercall_again(self, 0) : rc;
}

long hc_update_va_mapping_otherdomain(struct vcpu *self, uint64_t va, uint64_t val, uint64_t flags,
				      uint64_t domid)
{
	struct peers peers;
	long rc = peers_get(self, domid & 0xffff, &peers);

	if (rc)
		return rc;
	rc = update_va(self, va, val, flags, peers.frames ? &peers.frames->mem : NULL);
	peers_put(self, &peers);
	return rc == RESTART ? hypercall_again(self, 0) : rc;
}
