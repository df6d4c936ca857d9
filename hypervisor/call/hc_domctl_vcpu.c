/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * domctl: the state of one vCPU as a whole, for building, saving and restoring a domain: registers and
 * tables (vcpucontext), what that structure has no room for (ext_vcpucontext), extended registers
 * (vcpuextstate), MSRs, and triggers.
 *
 * All but get_ext are called while the vCPU is stopped, whatever it does; two toolstack vCPUs that write the
 * same one are serialised by its domain's life_lock.
 */
#include "call/toolstack.h"
#include "call/trap.h"
#include "cpu/features.h"
#include "cpu/msr.h"
#include "dom/event.h"
#include "dom/sched.h"
#include "lib/string.h"
#include "mm/heap.h"

/* As vcpuextstate's buffer begins. */
struct extstate { uint64_t xcr0, xcr0_accum; };

#define EXT_MIN_BYTES	32			/* ext_vcpucontext without the machine-check part */
#define MSR_INDEX_MISC_FEATURES	0x140u

static int set_debugregs(struct vcpu *v, const struct vcpu_guest_context *c)
{
	int rc = 0;

	v->dr7 = 0x400;
	for (unsigned i = 0; i < 8 && !rc; i++)
		if (i < 4 || (i > 5 && c->debugreg[i]))		/* 4 and 5 are no registers */
			rc = (int)debugreg_set(v, i, c->debugreg[i]);
	return rc;
}

static long set_locked(struct vcpu *v, const struct vcpu_guest_context *c)
{
	int rc;

	if (v->dom->life >= DOM_DYING)
		return refuse(-EINVAL, "d%u is dying", v->dom->id);
	rc = vcpu_set_context(v, c);
	if (!rc)
		rc = set_debugregs(v, c);
	if (!rc)
		v->offline = !(c->flags & VGCF_online);
	return rc;
}

long domctl_set_context(struct vcpu *self, struct vcpu *v, struct xen_domctl *op)
{
	gva_t from = gva(op->u.vcpucontext.ctxt);
	struct vcpu_guest_context *c = gva_is_null(from) ? NULL : kmalloc(sizeof(*c));
	long rc = c ? copy_from_guest(c, from, sizeof(*c)) : gva_is_null(from) ? 0 : -ENOMEM;

	lock_take(&v->dom->life_lock);
	if (c && !rc) {
		rc = set_locked(v, c);
	} else if (!rc) {
		v->offline = true;
		scan_abort(&v->scan);
		vcpu_reset(v);
	}
	lock_drop(&v->dom->life_lock);
	kfree(c);
	return rc;
}

long domctl_get_context(struct vcpu *self, struct vcpu *v, struct xen_domctl *op)
{
	struct vcpu_guest_context *c;
	long rc;

	if (!v->initialised)
		return refuse(-ENODATA, "d%uv%u has no context", v->dom->id, v->id);
	c = kmalloc(sizeof(*c));
	if (!c)
		return -ENOMEM;
	vcpu_get_context(v, c);
	rc = copy_to_guest(gva(op->u.vcpucontext.ctxt), c, sizeof(*c));
	kfree(c);
	return rc;
}

long domctl_get_ext(struct vcpu *self, struct vcpu *v, struct xen_domctl *op)
{
	op->u.ext_vcpucontext = (struct xen_domctl_ext_vcpucontext){
		.vcpu = v->id, .size = sizeof(op->u.ext_vcpucontext),
		.syscall32_callback_eip = v->cb_syscall32.address,
		.sysenter_callback_eip = v->cb_sysenter.address,
		.syscall32_disables_events = v->cb_syscall32.masks_events,
		.sysenter_disables_events = v->cb_sysenter.masks_events,
	};
	return 0;
}

long domctl_set_ext(struct vcpu *self, struct vcpu *v, struct xen_domctl *op)
{
	const struct xen_domctl_ext_vcpucontext *e = &op->u.ext_vcpucontext;

	if (e->size < EXT_MIN_BYTES || !va_canonical(e->syscall32_callback_eip) ||
	    !va_canonical(e->sysenter_callback_eip))
		return refuse(-EINVAL, "set_ext_vcpucontext: %u bytes, entries at %lx and %lx", e->size,
			      e->syscall32_callback_eip, e->sysenter_callback_eip);
	v->cb_syscall32 = (struct callback){ e->syscall32_callback_eip, e->syscall32_disables_events };
	v->cb_sysenter = (struct callback){ e->sysenter_callback_eip, e->sysenter_disables_events };
	return 0;
}

long domctl_get_extstate(struct vcpu *self, struct vcpu *v, struct xen_domctl *op)
{
	struct xen_domctl_vcpuextstate *x = &op->u.vcpuextstate;
	uint64_t bytes = cpu.xsave_bytes ? sizeof(struct extstate) + cpu.xsave_bytes : 0;
	struct extstate head;
	long rc;

	if (!x->buffer || (!x->size && !x->xfeature_mask)) {
		x->xfeature_mask = cpu.xsave ? cpu.xcr0_max : 0;
		x->size = bytes;
		return 0;
	}
	if (x->size != bytes || x->xfeature_mask != cpu.xcr0_max)
		return refuse(-EINVAL, "getvcpuextstate: %lu bytes, features %lx", x->size, x->xfeature_mask);
	head = (struct extstate){ v->fpu.xcr0, v->fpu.xcr0_accum };
	rc = copy_to_guest(gva(x->buffer), &head, sizeof(head));
	if (!rc)
		rc = copy_to_guest(gva(x->buffer + sizeof(head)), v->fpu.area, bytes - sizeof(head));
	return rc;
}

long domctl_set_extstate(struct vcpu *self, struct vcpu *v, struct xen_domctl *op)
{
	const struct xen_domctl_vcpuextstate *x = &op->u.vcpuextstate;
	uint64_t most = sizeof(struct extstate) + cpu.xsave_bytes;
	struct extstate *image;
	long rc;

	if (!cpu.xsave_bytes || x->size < sizeof(*image) || x->size > most)
		return refuse(-EINVAL, "setvcpuextstate: %lu bytes of %lu", x->size, most);
	image = kmalloc(most);
	if (!image)
		return -ENOMEM;
	rc = copy_from_guest(image, gva(x->buffer), x->size);
	if (!rc)
		rc = fpu_set_image(&v->fpu, image + 1, x->size - sizeof(*image), image->xcr0,
				   image->xcr0_accum);
	kfree(image);
	return rc;
}

/* The one MSR of ours that a guest sets and no other structure has. */
long domctl_get_msrs(struct vcpu *self, struct vcpu *v, struct xen_domctl *op)
{
	struct xen_domctl_vcpu_msrs *m = &op->u.vcpu_msrs;
	struct xen_domctl_vcpu_msr aux = { .index = MSR_TSC_AUX, .value = v->tsc_aux };
	uint32_t room = m->msr_count;

	m->msr_count = cpu.rdtscp && (!m->msrs || aux.value);
	if (!m->msrs || !m->msr_count)
		return 0;
	if (!room)
		return -ENOBUFS;
	return copy_to_guest(gva(m->msrs), &aux, sizeof(aux));
}

static bool set_msr(struct vcpu *v, const struct xen_domctl_vcpu_msr *msr)
{
	if (msr->reserved)
		return false;
	switch (msr->index) {
	case MSR_TSC_AUX:
		if (!cpu.rdtscp || msr->value >> 32)
			return false;
		v->tsc_aux = (uint32_t)msr->value;
		return true;
	case MSR_SPEC_CTRL:
	case MSR_INDEX_MISC_FEATURES:
		return !msr->value;		/* others save them at their reset value */
	default: return false;
	}
}

/* msr_count goes back: on failure it is the index of the one that was refused. */
long domctl_set_msrs(struct vcpu *self, struct vcpu *v, struct xen_domctl *op)
{
	struct xen_domctl_vcpu_msrs *m = &op->u.vcpu_msrs;
	struct xen_domctl_vcpu_msr msr;
	uint32_t nr = m->msr_count;
	long rc = 0;

	if (nr > 16)
		return refuse(-EINVAL, "set_vcpu_msrs: %u of d%u", nr, v->dom->id);
	for (m->msr_count = 0; m->msr_count < nr && !rc; ) {
		rc = copy_from_guest(&msr, gva_nth(gva(m->msrs), m->msr_count, sizeof(msr)), sizeof(msr));
		if (!rc && !set_msr(v, &msr))
			rc = refuse(-EINVAL, "set_vcpu_msrs: MSR %x = %lx", msr.index, msr.value);
		if (!rc)
			m->msr_count++;
	}
	return rc;
}

long domctl_send_trigger(struct vcpu *self, struct domain *d, struct xen_domctl *op)
{
	const struct xen_domctl_sendtrigger *t = &op->u.sendtrigger;
	struct vcpu *v = toolstack_vcpu(d, t->vcpu);

	if (!v)
		return refuse(-ESRCH, "sendtrigger: d%u has no vCPU %u", d->id, t->vcpu);
	switch (t->trigger) {
	case XEN_DOMCTL_SENDTRIGGER_NMI:
		atomic_or(&v->work, VWORK_NMI);
		event_kick(v);
		return 0;
	case XEN_DOMCTL_SENDTRIGGER_POWER:
	case XEN_DOMCTL_SENDTRIGGER_SLEEP:
		return refuse(-EINVAL, "sendtrigger: d%u has no such button", d->id);
	default: return refuse(-ENOSYS, "sendtrigger %u", t->trigger);
	}
}
