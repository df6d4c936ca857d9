/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The smallest domain builder that serves: everything in one address range from the kernel's base,
 * virtual = pfn * 4096 + VIRT_BASE, in this order: image, p2m, start_info, page tables, spare
 * frames.  The tables are written through foreign mappings and pinned from outside.
 */
#include "domu.h"
#include "event.h"
#include "hyper.h"
#include "mm.h"
#include "result.h"

#define IMAGE_PFN	256UL

extern char _end[], _bss_start[], cpu_stacks[MAX_VCPUS][STACK_SIZE];

/* in .data: the copy knows it */
static void (*domu_fn)(void) __attribute__((section(".data")));
static unsigned int domu_self __attribute__((section(".data")));

long domctl(struct xen_domctl *op)
{
	op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	return hypercall(__HYPERVISOR_domctl, op);
}

long sysctl(struct xen_sysctl *op)
{
	op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	return hypercall(__HYPERVISOR_sysctl, op);
}

long domctl_simple(unsigned int cmd, unsigned int domid)
{
	struct xen_domctl op = { .cmd = cmd, .domain = (domid_t)domid };

	return domctl(&op);
}

long domu_create(unsigned int vcpus)
{
	struct xen_domctl op = {
		.cmd = XEN_DOMCTL_createdomain,
		.u.createdomain = {
			.max_vcpus = vcpus, .max_evtchn_port = 1023, .max_grant_frames = 64,
			.max_maptrack_frames = 1024, .grant_opts = 2,
		},
	};
	long rc = domctl(&op);

	return rc ? rc : op.domain;
}

long domu_max_vcpus(unsigned int id, unsigned int vcpus)
{
	struct xen_domctl op = {
		.cmd = XEN_DOMCTL_max_vcpus, .domain = (domid_t)id, .u.max_vcpus.max = vcpus,
	};

	return domctl(&op);
}

long domu_max_mem(unsigned int id, uint64_t pages)
{
	struct xen_domctl op = {
		.cmd = XEN_DOMCTL_max_mem, .domain = (domid_t)id, .u.max_mem.max_memkb = pages * 4,
	};

	return domctl(&op);
}

long domu_populate(unsigned int id, uint64_t pfn, unsigned int n, uint64_t *mfn)
{
	struct xen_memory_reservation r = {
		.extent_start = PTR(mfn), .nr_extents = n, .domid = (domid_t)id,
	};

	for (unsigned int i = 0; i < n; i++)
		mfn[i] = pfn + i;
	return hc_memory(XENMEM_populate_physmap, &r);
}

long domu_info(unsigned int id, struct xen_domctl_getdomaininfo *info)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_getdomaininfo, .domain = (domid_t)id };
	long rc = domctl(&op);

	*info = op.u.getdomaininfo;
	return rc ? rc : op.domain == id ? 0 : -ESRCH;
}

uint64_t free_pages(void)
{
	struct xen_sysctl op = { .cmd = XEN_SYSCTL_physinfo };

	must(sysctl(&op));
	return op.u.physinfo.free_pages;
}

void *domu_map(unsigned int id, uint64_t mfn, unsigned int slot, bool writable, long *error)
{
	void *va = window(slot);
	long rc = hc_mmu_update_from(pte_maddr((unsigned long)va, 1),
				     make_pte(mfn, writable ? PTE_RW_PAGE : PTE_RO_PAGE), id);

	if (error)
		*error = rc;
	if (rc)
		return NULL;
	hc_mmuext(MMUEXT_INVLPG_LOCAL, (unsigned long)va, 0);
	return va;
}

void domu_unmap(unsigned int slot)
{
	must(hc_map((unsigned long)window(slot), 0));
}

void *domu_map_va(const struct domu *d, const volatile void *va, unsigned int slot)
{
	void *p = domu_map(d->id, d->mfn[((unsigned long)va - VIRT_BASE) / PAGE_SIZE], slot, true,
			   NULL);

	if (!p)
		test_error("cannot map %lx of domain %u", (unsigned long)va, d->id);
	return (char *)p + (unsigned long)va % PAGE_SIZE;
}

/* page @pfn of the domain, mapped where builder steps work on it */
static void *page_of(const struct domu *d, unsigned int pfn)
{
	void *p = domu_map(d->id, d->mfn[pfn], DOMU_SLOT, true, NULL);

	if (!p)
		test_error("cannot map pfn %x of domain %u", pfn, d->id);
	return p;
}

static void copy_image(const struct domu *d)
{
	unsigned long bss = (unsigned long)_bss_start;

	for (unsigned long va = VIRT_BASE + IMAGE_PFN * PAGE_SIZE; va < bss; va += PAGE_SIZE) {
		char *to = page_of(d, (va - VIRT_BASE) / PAGE_SIZE);

		memcpy(to, (void *)va, PAGE_SIZE);
		if (bss - va < PAGE_SIZE)
			memset(to + (bss - va), 0, PAGE_SIZE - (bss - va));
	}
}

static void write_tables(const struct domu *d, unsigned int l4, unsigned int end)
{
	unsigned int nr_l1 = (end + 511) / 512, l1 = l4 + 3;
	uint64_t *t;

	for (unsigned int i = 0; i < nr_l1; i++) {
		t = page_of(d, l1 + i);
		for (unsigned int k = 0; k < 512; k++) {
			unsigned int pfn = i * 512 + k;

			if (pfn >= IMAGE_PFN && pfn < end)
				t[k] = make_pte(d->mfn[pfn], pfn >= l4 ? PTE_RO_PAGE : PTE_RW_PAGE);
		}
	}
	t = page_of(d, l4 + 2);
	for (unsigned int i = 0; i < nr_l1; i++)
		t[i] = make_pte(d->mfn[l1 + i], PTE_TABLE);
	t = page_of(d, l4 + 1);
	t[510] = make_pte(d->mfn[l4 + 2], PTE_TABLE);
	t = page_of(d, l4);
	t[511] = make_pte(d->mfn[l4 + 1], PTE_TABLE);
}

static void write_p2m(const struct domu *d, unsigned int pfn)
{
	for (unsigned int i = 0; i < d->nr_pfns; i += 512) {
		uint64_t *t = page_of(d, pfn + i / 512);

		memcpy(t, &d->mfn[i], 512 * sizeof(*t));
	}
}

static void set_context(const struct domu *d, unsigned int si, unsigned int l4)
{
	static struct vcpu_guest_context c;
	void domu_entry(void);
	struct xen_domctl op = {
		.cmd = XEN_DOMCTL_setvcpucontext, .domain = (domid_t)d->id, .u.vcpucontext.ctxt = PTR(&c),
	};

	memset(&c, 0, sizeof(c));
	c.flags = VGCF_in_kernel | VGCF_online;
	c.user_regs.rip = (uint64_t)domu_entry;
	c.user_regs.rsp = c.kernel_sp = (uint64_t)cpu_stacks[0] + STACK_SIZE;
	c.user_regs.rsi = VIRT_BASE + si * PAGE_SIZE;
	c.user_regs.cs = FLAT_KERNEL_CS64;
	c.user_regs.ss = c.kernel_ss = FLAT_KERNEL_SS64;
	c.user_regs.rflags = 0x202;
	c.ctrlreg[3] = d->mfn[l4] << 12;
	must(domctl(&op));
}

static void pin_root(const struct domu *d, unsigned int l4)
{
	struct mmuext_op op = { .cmd = MMUEXT_PIN_L4_TABLE, .arg1.mfn = d->mfn[l4] };

	must(hypercall(__HYPERVISOR_mmuext_op, &op, 1, 0, d->id));
}

void domu_build(struct domu *d, void (*main)(void))
{
	unsigned int p2m_pfn = ((unsigned long)_end - VIRT_BASE) / PAGE_SIZE, si, l4, end;
	struct xen_domctl_getdomaininfo info;
	struct start_info *s;
	unsigned int vcpus = d->vcpus ? d->vcpus : 1;
	long rc = domu_create(vcpus);

	must(rc);
	d->id = (unsigned int)rc;
	must(domu_max_vcpus(d->id, vcpus));
	si = p2m_pfn + DOMU_PFNS / 512;
	l4 = si + 1;
	end = l4 + 3 + (l4 + 8 + 511) / 512;
	d->spare = end;
	d->nr_pfns = end + DOMU_SPARE;
	if (d->nr_pfns > DOMU_PFNS)
		test_error("domu: the image is too large");
	for (unsigned int i = 0; i < DOMU_PFNS; i++)
		d->mfn[i] = ~0UL;
	must(domu_max_mem(d->id, d->nr_pfns));
	check_equal(domu_populate(d->id, IMAGE_PFN, d->nr_pfns - IMAGE_PFN, d->mfn + IMAGE_PFN),
		    d->nr_pfns - IMAGE_PFN);
	must(domu_info(d->id, &info));
	domu_fn = main;
	domu_self = d->id;
	copy_image(d);
	write_p2m(d, p2m_pfn);
	s = page_of(d, si);
	s->nr_pages = d->nr_pfns;
	s->shared_info = info.shared_info_frame << 12;
	s->pt_base = VIRT_BASE + l4 * PAGE_SIZE;
	s->nr_pt_frames = end - l4;
	s->mfn_list = VIRT_BASE + p2m_pfn * PAGE_SIZE;
	write_tables(d, l4, end);
	domu_unmap(DOMU_SLOT);
	pin_root(d, l4);
	set_context(d, si, l4);
}

void domu_run(const struct domu *d)
{
	must(domctl_simple(XEN_DOMCTL_unpausedomain, d->id));
}

unsigned int domu_wait_shutdown(const struct domu *d)
{
	uint64_t end = time_now_ns() + 20000000000UL;
	struct xen_domctl_getdomaininfo info;

	do {
		must(domu_info(d->id, &info));
		if (time_now_ns() > end)
			test_error("domain %u does not shut down", d->id);
		hc_sched(SCHEDOP_yield, NULL);
	} while (!(info.flags & XEN_DOMINF_shutdown));
	return info.flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
}

bool domu_destroy(unsigned int id)
{
	struct xen_domctl_getdomaininfo info;

	must(domctl_simple(XEN_DOMCTL_destroydomain, id));
	return domu_info(id, &info) == -ESRCH;
}


unsigned int domu_number(void)
{
	return domu_self;
}

void domu_poweroff(void)
{
	struct sched_shutdown off = { .reason = SHUTDOWN_poweroff };

	for (;;)
		hc_sched(SCHEDOP_shutdown, &off);
}

asm(".pushsection .text; .globl domu_entry\n"
    "domu_entry: lea cpu_stacks + 32768(%rip), %rsp; xor %ebp, %ebp; mov %rsi, %rdi\n"
    "	call domu_boot; ud2; .popsection");
_Static_assert(STACK_SIZE == 32768, "domu_entry has it as a number");

void domu_boot(const struct start_info *si);
void domu_boot(const struct start_info *si)
{
	start_info = si;
	mm_init();
	trap_init();
	hc_vcpu(VCPUOP_stop_periodic_timer, 0, NULL);
	domu_fn();
	domu_poweroff();
}
