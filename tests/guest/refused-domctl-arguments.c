/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: is everything refused that the toolstack asks for wrongly, with the documented error, and is
 * nothing left of it?
 */
#include "domu.h"
#include "guest.h"

static struct xen_domctl create_op(void)
{
	return (struct xen_domctl){
		.cmd = XEN_DOMCTL_createdomain,
		.u.createdomain = {
			.max_vcpus = 1, .max_evtchn_port = 1023, .max_grant_frames = -1,
			.max_maptrack_frames = -1, .grant_opts = 1,
		},
	};
}

#define REFUSED(error, field, value) do {				\
	struct xen_domctl o = create_op();				\
	o.field = (value);						\
	check_equal(domctl(&o), error);					\
} while (0)

static void creation(void)
{
	REFUSED(-EINVAL, u.createdomain.max_vcpus, 0);
	REFUSED(-EINVAL, u.createdomain.max_vcpus, 8193);
	REFUSED(-EINVAL, u.createdomain.flags, XEN_DOMCTL_CDF_hvm);
	REFUSED(-EINVAL, u.createdomain.flags, XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap);
	REFUSED(-EINVAL, u.createdomain.flags, XEN_DOMCTL_CDF_iommu);
	REFUSED(-EINVAL, u.createdomain.flags, XEN_DOMCTL_CDF_vpmu);
	REFUSED(-EINVAL, u.createdomain.flags, 1u << 30);
	REFUSED(-EINVAL, u.createdomain.iommu_opts, 1);
	REFUSED(-EINVAL, u.createdomain.grant_opts, 0);
	REFUSED(-EINVAL, u.createdomain.grant_opts, 3);
	REFUSED(-EINVAL, u.createdomain.grant_opts, 0x12);
	REFUSED(-EINVAL, u.createdomain.max_grant_frames, 0);
	REFUSED(-EINVAL, u.createdomain.max_grant_frames, 1 << 20);
	REFUSED(-EINVAL, u.createdomain.max_maptrack_frames, 1 << 20);
	REFUSED(-EINVAL, u.createdomain.vmtrace_size, 1);
	REFUSED(-EINVAL, u.createdomain.arch.emulation_flags, XEN_X86_EMU_LAPIC);
	REFUSED(-EINVAL, u.createdomain.arch.misc_flags, 2);
	REFUSED(-ENOENT, u.createdomain.cpupool_id, 1);
}

static void names(void)
{
	struct xen_domctl o = create_op();

	o.domain = 77;
	check_ok(domctl(&o));
	check_equal(o.domain, 77);
	o = create_op();
	o.domain = 77;
	check_equal(domctl(&o), -EEXIST);
	check_equal(domu_max_vcpus(77, 2), -EINVAL);
	check_ok(domu_max_vcpus(77, 1));
	check_ok(domu_max_vcpus(77, 1));
	check_equal(domu_populate(77, 0, 1, &(uint64_t){ 0 }), 0);	/* max_mem is 0 */
	o = (struct xen_domctl){ .cmd = XEN_DOMCTL_getvcpucontext, .domain = 77 };
	check_equal(domctl(&o), -ENODATA);
	o.u.vcpucontext.vcpu = 1;
	check_equal(domctl(&o), -EINVAL);
	check_ok(domctl_simple(XEN_DOMCTL_unpausedomain, 77));		/* nothing to run */
	check(domu_destroy(77), "77 is still there");
	o = create_op();
	o.domain = 77;							/* free again */
	check_ok(domctl(&o));
	check(domu_destroy(77), "77 is still there");
}

static long set_context(unsigned int id, struct vcpu_guest_context *c)
{
	struct xen_domctl o = {
		.cmd = XEN_DOMCTL_setvcpucontext, .domain = (domid_t)id, .u.vcpucontext.ctxt = PTR(c),
	};

	return domctl(&o);
}

/* A context with one thing wrong, from what dom0 may not point into to what is no table. */
static void contexts(void)
{
	static struct vcpu_guest_context c;
	static struct domu d;
	uint64_t root;

	domu_build(&d, NULL);
	root = mfn_of((const void *)start_info->pt_base);
	check_ok(set_context(d.id, NULL));				/* reset */
	memset(&c, 0, sizeof(c));
	c.flags = VGCF_in_kernel | VGCF_online;
	c.ctrlreg[3] = root << 12;					/* dom0's */
	check_refused(set_context(d.id, &c));
	c.ctrlreg[3] = d.mfn[d.spare] << 12;				/* empty: a root of nothing */
	check_ok(set_context(d.id, &c));
	check_ok(set_context(d.id, NULL));
	c.user_regs.rip = NONCANONICAL;
	check_equal(set_context(d.id, &c), -EINVAL);
	c.user_regs.rip = 0;
	c.gdt_ents = 1;
	c.gdt_frames[0] = mfn_of(&c);					/* dom0's */
	check_refused(set_context(d.id, &c));
	c.gdt_ents = 0;
	c.debugreg[0] = HOLE_START;
	c.debugreg[7] = 1;
	check_refused(set_context(d.id, &c));
	c.debugreg[0] = c.debugreg[7] = 0;
	c.flags = VGCF_online;						/* user mode without a user root */
	check_equal(set_context(d.id, &c), -EINVAL);
	check_equal(set_context(0, &c), -EINVAL);
	check(domu_destroy(d.id), "still there");
}

static void claims(unsigned int id)
{
	struct xen_memory_reservation r = { .nr_extents = 100, .domid = (domid_t)id };

	must(domu_max_mem(id, 200));
	check_ok(hc_memory(XENMEM_claim_pages, &r));
	r.nr_extents = 300;
	check_equal(hc_memory(XENMEM_claim_pages, &r), -EINVAL);
	must(domu_max_mem(id, 1UL << 30));
	r.nr_extents = 1UL << 29;
	check_equal(hc_memory(XENMEM_claim_pages, &r), -ENOMEM);
	r.extent_order = 1;
	check_equal(hc_memory(XENMEM_claim_pages, &r), -EINVAL);
}

void test_main(void)
{
	struct xen_sysctl info = { .cmd = XEN_SYSCTL_physinfo };
	uint64_t before;
	long id;

	names();
	contexts();
	before = free_pages();
	creation();
	names();
	contexts();
	id = domu_create(1);
	must(id);
	claims((unsigned int)id);
	check(domu_destroy((unsigned int)id), "still there");
	must(sysctl(&info));
	check_equal(info.u.physinfo.outstanding_pages, 0);
	check_equal(free_pages(), before);
}
