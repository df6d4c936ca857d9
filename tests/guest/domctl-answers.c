/* SPDX-License-Identifier: BSD-2-Clause */
/* Question: does a toolstack get the answers it builds on, for a domain, its vCPU and the host? */
#include <mica/cpuid.h>
#include "domu.h"
#include "guest.h"

static struct domu d;

static struct xen_domctl *op(unsigned int cmd)
{
	static struct xen_domctl o;

	memset(&o, 0, sizeof(o));
	o.cmd = cmd;
	o.domain = (domid_t)d.id;
	return &o;
}

static struct xen_sysctl *sop(unsigned int cmd)
{
	static struct xen_sysctl o;

	memset(&o, 0, sizeof(o));
	o.cmd = cmd;
	return &o;
}

static void payload(void)
{
	for (;;)
		hc_sched(SCHEDOP_yield, NULL);
}

static void properties(void)
{
	struct xen_domctl_getdomaininfo info;
	struct xen_domctl *o = op(XEN_DOMCTL_get_address_size);

	check_ok(domctl(o));
	check_equal(o->u.address_size.size, 64);
	o->cmd = XEN_DOMCTL_set_address_size;
	check_ok(domctl(o));
	o->u.address_size.size = 32;
	check_equal(domctl(o), -EINVAL);
	o = op(XEN_DOMCTL_setdomainhandle);
	o->u.setdomainhandle.handle[3] = 7;
	check_ok(domctl(o));
	must(domu_info(d.id, &info));
	check_equal(info.handle[3], 7);
	check_equal(info.max_vcpu_id, 0);
	check_equal(info.nr_online_vcpus, 1);
	o = op(XEN_DOMCTL_settimeoffset);
	o->u.settimeoffset.time_offset_seconds = 100;
	check_ok(domctl(o));
	check_ok(domctl(op(XEN_DOMCTL_setdebugging)));
	o = op(XEN_DOMCTL_gettscinfo);
	check_ok(domctl(o));
	check(o->u.tsc_info.gtsc_khz > 1000 && !o->u.tsc_info.tsc_mode, "tsc info");
	o->cmd = XEN_DOMCTL_settscinfo;
	o->u.tsc_info.incarnation = 3;
	check_ok(domctl(o));
	o->cmd = XEN_DOMCTL_gettscinfo;
	check_ok(domctl(o));
	check_equal(o->u.tsc_info.incarnation, 3);
}

static void hypercall_page(void)
{
	struct xen_domctl *o = op(XEN_DOMCTL_hypercall_init);
	const uint8_t *page;

	o->u.hypercall_init.gmfn = d.mfn[d.spare];
	check_ok(domctl(o));
	page = domu_map(d.id, d.mfn[d.spare], 5, false, NULL);
	check(page && page[32 * 17] == 0x51 && page[32 * 17 + 4] == 17, "no hypercall page");
	domu_unmap(5);
	o->u.hypercall_init.gmfn = mfn_of(&d);		/* not its */
	check_refused(domctl(o));
}

static void frame_kinds(void)
{
	uint64_t list[4] = { d.mfn[d.spare], 0, mfn_of(&d), 1UL << 40 };
	struct xen_domctl *o = op(XEN_DOMCTL_getpageframeinfo3);
	struct xen_domctl_getdomaininfo info;
	static struct vcpu_guest_context c;
	struct xen_domctl get = {
		.cmd = XEN_DOMCTL_getvcpucontext, .domain = (domid_t)d.id, .u.vcpucontext.ctxt = PTR(&c),
	};
	uint64_t shared;

	must(domctl(&get));
	must(domu_info(d.id, &info));
	list[1] = c.ctrlreg[3] >> 12;
	o->u.getpageframeinfo3.num = 4;
	o->u.getpageframeinfo3.array = PTR(list);
	check_ok(domctl(o));
	check_equal(list[0], XEN_DOMCTL_PFINFO_NOTAB);
	check_equal(list[1], XEN_DOMCTL_PFINFO_L4TAB | XEN_DOMCTL_PFINFO_LPINTAB);
	check_equal(list[2], XEN_DOMCTL_PFINFO_XTAB);
	check_equal(list[3], XEN_DOMCTL_PFINFO_XTAB);
	shared = info.shared_info_frame;
	o->u.getpageframeinfo3.num = 1;
	o->u.getpageframeinfo3.array = PTR(&shared);
	check_ok(domctl(o));
	check_equal(shared, XEN_DOMCTL_PFINFO_XTAB);
	o->u.getpageframeinfo3.num = 1025;
	check_equal(domctl(o), -E2BIG);
}

static void placement(void)
{
	struct xen_domctl *o = op(XEN_DOMCTL_setvcpuaffinity);
	uint64_t hard = 1, soft = 0;

	o->u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
	o->u.vcpuaffinity.cpumap_hard = (struct xenctl_bitmap){ PTR(&hard), 64, 0 };
	o->u.vcpuaffinity.cpumap_soft = (struct xenctl_bitmap){ PTR(&soft), 64, 0 };
	check_ok(domctl(o));
	hard = 0;
	check_equal(domctl(o), -EINVAL);
	o->cmd = XEN_DOMCTL_getvcpuaffinity;
	o->u.vcpuaffinity.flags |= XEN_VCPUAFFINITY_SOFT;
	check_ok(domctl(o));
	check_equal(hard, 1);
	check(soft & 1, "soft affinity %lx", soft);
	o = op(XEN_DOMCTL_getnodeaffinity);
	o->u.nodeaffinity.nodemap = (struct xenctl_bitmap){ PTR(&hard), 64, 0 };
	hard = 0;
	check_ok(domctl(o));
	check_equal(hard, 1);
	o->cmd = XEN_DOMCTL_setnodeaffinity;
	check_ok(domctl(o));
	hard = 2;
	check_equal(domctl(o), -EINVAL);
	o = op(XEN_DOMCTL_getvcpuinfo);
	check_ok(domctl(o));
	check(o->u.getvcpuinfo.online, "not online");
	o->u.getvcpuinfo.vcpu = 1;
	check_equal(domctl(o), -EINVAL);
}

static void weights(void)
{
	struct xen_domctl *o = op(XEN_DOMCTL_scheduler_op);

	o->u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT;
	o->u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_getinfo;
	check_equal(domctl(o), -EINVAL);
	o->u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2;
	check_ok(domctl(o));
	check_equal(o->u.scheduler_op.u.credit2.weight, 256);
	check_equal(o->u.scheduler_op.u.credit2.cap, 0);
	o->u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_putinfo;
	o->u.scheduler_op.u.credit2.weight = 512;
	o->u.scheduler_op.u.credit2.cap = 50;
	check_ok(domctl(o));
	o->u.scheduler_op.u.credit2.weight = 0;		/* keep */
	check_ok(domctl(o));
	o->u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_getinfo;
	check_ok(domctl(o));
	check_equal(o->u.scheduler_op.u.credit2.weight, 512);
	check_equal(o->u.scheduler_op.u.credit2.cap, 50);
}

/* Of what a guest is told. */
static bool has(uint32_t leaf, uint32_t want_c, uint32_t want_d)
{
	uint32_t a = leaf, b, c = 0, d;

	asm volatile("ud2; .ascii \"xen\"; cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return (c & want_c) == want_c && (d & want_d) == want_d;
}

/* Extended state: none at all on a CPU without XSAVE. */
static void extended_state(void)
{
	static char image[8192];
	struct xen_domctl *o = op(XEN_DOMCTL_getvcpuextstate);

	check_ok(domctl(o));
	if (!has(1, 1u << 26, 0)) {
		check_equal(o->u.vcpuextstate.size, 0);
		return;
	}
	check(o->u.vcpuextstate.size > 16 && o->u.vcpuextstate.size < sizeof(image), "size %lu",
	      o->u.vcpuextstate.size);
	o->u.vcpuextstate.buffer = PTR(image);
	check_ok(domctl(o));
	o->cmd = XEN_DOMCTL_setvcpuextstate;
	check_ok(domctl(o));
	image[16 + 520] = 1;				/* XCOMP_BV */
	check_equal(domctl(o), -EINVAL);
	image[16 + 520] = 0;
	image[7] = 1;					/* XCR0 */
	check_equal(domctl(o), -EINVAL);
}

static void vcpu_state(void)
{
	struct xen_domctl_vcpu_msr msr = { .index = 0xc0000103, .value = 5 };
	struct xen_domctl *o = op(XEN_DOMCTL_get_ext_vcpucontext);

	check_ok(domctl(o));
	check_equal(o->u.ext_vcpucontext.size, 64);
	o->cmd = XEN_DOMCTL_set_ext_vcpucontext;
	o->u.ext_vcpucontext.syscall32_callback_eip = 0x1000;
	check_ok(domctl(o));
	o->u.ext_vcpucontext.sysenter_callback_eip = NONCANONICAL;
	check_equal(domctl(o), -EINVAL);
	o = op(XEN_DOMCTL_get_vcpu_msrs);
	check_ok(domctl(o));
	check(o->u.vcpu_msrs.msr_count <= 1, "%u MSRs", o->u.vcpu_msrs.msr_count);
	o->cmd = XEN_DOMCTL_set_vcpu_msrs;
	o->u.vcpu_msrs.msr_count = 1;
	o->u.vcpu_msrs.msrs = PTR(&msr);
	check_equal(domctl(o), has(0x80000001, 0, 1u << 27) ? 0 : -EINVAL);	/* RDTSCP */
	o->u.vcpu_msrs.msr_count = 1;
	msr.index = 0x1b;
	check_equal(domctl(o), -EINVAL);
	check_equal(o->u.vcpu_msrs.msr_count, 0);
	o = op(XEN_DOMCTL_sendtrigger);
	o->u.sendtrigger.trigger = XEN_DOMCTL_SENDTRIGGER_POWER;
	check_equal(domctl(o), -EINVAL);
	o->u.sendtrigger.vcpu = 9;
	check_equal(domctl(o), -ESRCH);
}

static void cpu_policy(void)
{
	static struct xen_cpuid_leaf leaves[120];
	static struct xen_msr_entry msrs[2];
	struct xen_domctl *o = op(XEN_DOMCTL_get_cpu_policy);

	o->u.cpu_policy.nr_leaves = 1;
	o->u.cpu_policy.leaves = PTR(leaves);
	check_equal(domctl(o), -ENOBUFS);
	o->u.cpu_policy.nr_leaves = 120;
	o->u.cpu_policy.nr_msrs = 2;
	o->u.cpu_policy.msrs = PTR(msrs);
	check_ok(domctl(o));
	check(o->u.cpu_policy.nr_leaves > 5 && leaves[1].leaf == 1, "%u leaves", o->u.cpu_policy.nr_leaves);
	o->cmd = XEN_DOMCTL_set_cpu_policy;
	leaves[1].c &= ~(1u << 25);			/* AES */
	check_ok(domctl(o));
	leaves[1].c |= 1u << 5;				/* VMX */
	check_equal(domctl(o), -EINVAL);
	check_equal(o->u.cpu_policy.err_leaf, 1);
	check_equal(o->u.cpu_policy.err_msr, ~0u);
	o->cmd = XEN_DOMCTL_get_cpu_policy;
	check_ok(domctl(o));
	check(!(leaves[1].c & (1u << 25)), "AES is still there: %x", leaves[1].c);
}

static void late(void)
{
	struct xen_domctl *o = op(XEN_DOMCTL_set_cpu_policy);

	domu_run(&d);
	check_equal(domctl(o), -EEXIST);
	check_ok(domctl_simple(XEN_DOMCTL_pausedomain, d.id));
	check_ok(domctl_simple(XEN_DOMCTL_resumedomain, d.id));
	check_equal(domctl_simple(XEN_DOMCTL_gethvmcontext, d.id), -EINVAL);
	check_equal(domctl_simple(XEN_DOMCTL_test_assign_device, d.id), -ENODEV);
	check_equal(domctl_simple(XEN_DOMCTL_get_paging_mempool_size, d.id), -EOPNOTSUPP);
	check_equal(domctl_simple(XEN_DOMCTL_set_virq_handler, d.id), -ENOSYS);
	check_equal(domctl_simple(2000, d.id), -ENOSYS);
	check_equal(domctl_simple(XEN_DOMCTL_pausedomain, 999), -ESRCH);
	check_ok(domctl(op(XEN_DOMCTL_shadow_op)));
	o = op(XEN_DOMCTL_shadow_op);
	o->u.shadow_op.op = XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY;
	check_equal(domctl(o), -EOPNOTSUPP);
	o = op(XEN_DOMCTL_iomem_permission);
	o->u.iomem_permission.first_mfn = 0xfee00;
	o->u.iomem_permission.nr_mfns = 1;
	check_ok(domctl(o));
	o->u.iomem_permission.allow_access = 1;
	check_equal(domctl(o), -EPERM);
}

static void host_lists(void)
{
	static struct xen_domctl_getdomaininfo list[4];
	struct xen_sysctl *s = sop(XEN_SYSCTL_getdomaininfolist);
	struct xen_sysctl_cputopo topo[4];
	struct xen_sysctl_meminfo mem;
	uint32_t distance = 0;

	s->u.getdomaininfolist.max_domains = 4;
	s->u.getdomaininfolist.buffer = PTR(list);
	check_ok(sysctl(s));
	check_equal(s->u.getdomaininfolist.num_domains, 2);
	check(!list[0].domain && list[1].domain == d.id, "domains %u %u", list[0].domain, list[1].domain);
	s = sop(XEN_SYSCTL_cputopoinfo);
	check_ok(sysctl(s));
	check_equal(s->u.cputopoinfo.num_cpus, 1);
	s->u.cputopoinfo.cputopo = PTR(topo);
	check_ok(sysctl(s));
	s = sop(XEN_SYSCTL_numainfo);
	check_ok(sysctl(s));
	check_equal(s->u.numainfo.num_nodes, 1);
	s->u.numainfo.meminfo = PTR(&mem);
	s->u.numainfo.distance = PTR(&distance);
	check_ok(sysctl(s));
	check(mem.memsize > 64UL << 20 && mem.memfree < mem.memsize && distance == 10, "numa info");
}

static void host(void)
{
	struct xen_sysctl_cpuinfo cpu[2];
	uint32_t words[19];
	struct xen_sysctl *s = sop(XEN_SYSCTL_sched_id);

	check_ok(sysctl(s));
	check_equal(s->u.sched_id.sched_id, XEN_SCHEDULER_CREDIT2);
	s = sop(XEN_SYSCTL_get_cpu_featureset);
	check_ok(sysctl(s));
	check_equal(s->u.cpu_featureset.nr_features, 19);
	s->u.cpu_featureset.features = PTR(words);
	s->u.cpu_featureset.index = XEN_SYSCTL_cpu_featureset_pv;
	check_ok(sysctl(s));
	check(words[1] >> 31, "no HYPERVISOR bit");
	s->u.cpu_featureset.nr_features = 3;
	check_equal(sysctl(s), -ENOBUFS);
	s->u.cpu_featureset.index = XEN_SYSCTL_cpu_featureset_hvm;
	check_equal(sysctl(s), -EOPNOTSUPP);
	s = sop(XEN_SYSCTL_get_cpu_policy);
	check_ok(sysctl(s));
	check_equal(s->u.cpu_policy.nr_leaves, 120);
	check_equal(s->u.cpu_policy.nr_msrs, 2);
	s->u.cpu_policy.index = 9;
	check_equal(sysctl(s), -EINVAL);
	s = sop(XEN_SYSCTL_getcpuinfo);
	s->u.getcpuinfo.max_cpus = 2;
	s->u.getcpuinfo.info = PTR(cpu);
	check_ok(sysctl(s));
	check_equal(s->u.getcpuinfo.nr_cpus, 1);
	s = sop(XEN_SYSCTL_availheap);
	s->u.availheap.node = -1;
	check_ok(sysctl(s));
	check_equal(s->u.availheap.avail_bytes / 4096, free_pages());
	check_ok(sysctl(sop(XEN_SYSCTL_get_cpu_levelling_caps)));
	s = sop(XEN_SYSCTL_scheduler_op);
	s->u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2;
	s->u.scheduler_op.cmd = XEN_SYSCTL_SCHEDOP_getinfo;
	check_ok(sysctl(s));
	s = sop(XEN_SYSCTL_cpupool_op);
	s->u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_INFO;
	check_ok(sysctl(s));
	check_equal(s->u.cpupool_op.n_dom, 2);
	s->u.cpupool_op.cpupool_id = 1;
	check_equal(sysctl(s), -ENOENT);
	check_equal(sysctl(sop(XEN_SYSCTL_livepatch_op)), -EOPNOTSUPP);
	check_equal(sysctl(sop(XEN_SYSCTL_tbuf_op)), -ENOSYS);
}

void test_main(void)
{
	domu_build(&d, payload);
	properties();
	hypercall_page();
	frame_kinds();
	placement();
	weights();
	extended_state();
	vcpu_state();
	cpu_policy();
	host_lists();
	host();
	late();
	check(domu_destroy(d.id), "the domain is still there");
}
