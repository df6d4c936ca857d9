/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The order of building a domain:
 *
 *	plan -> createdomain -> limits -> claim, populate -> ports -> contents -> tables
 *	     -> grants -> shared_info -> hypercall page -> pin -> registers
 *
 * Up to createdomain nothing exists; after it the whole undo is to destroy the domain, which is
 * why the steps need none of their own.  Nothing of the domain may stay mapped here when its
 * tables are pinned, or the hypervisor would see a writable page table.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <mica/grant.h>
#include <mica/regs.h>
#include <mica/shared_info.h>
#include <mica/start_info.h>

#include "lib/build_priv.h"

#define SLACK_KIB		1024	/* a domain may own this much more than it was given */
#define LEGACY_VCPUS		32	/* vcpu_info slots in shared_info */
#define RFLAGS_IF		0x200
#define DR6_INITIAL		0xffff0ff0
#define DR7_INITIAL		0x400
#define GRANT_VERSION_MAX	2
#define UNDO_TIMEOUT_MS		30000

static int check_request(const struct mica_build_request *r, struct mica_error *e)
{
	if (r->cmdline && strlen(r->cmdline) >= MAX_GUEST_CMDLINE)
		return mica_fail(e, "MICA-KRN-005", "kernel command line has %zu bytes, 1023 fit",
				 strlen(r->cmdline));
	if (!r->vcpus || r->vcpus > MICA_MAX_VCPUS)
		return mica_fail(e, "MICA-CFG-003", "vcpus is %u, must be 1 to %u", r->vcpus,
				 MICA_MAX_VCPUS);
	return 0;
}

static int make_domain(struct build *b)
{
	const struct mica_build_request *r = b->r;
	struct xen_domctl_createdomain how = {
		.max_vcpus = r->vcpus,
		.max_evtchn_port = r->max_ports ? r->max_ports : MICA_DEFAULT_PORTS,
		.max_grant_frames = r->grant_frames,
		.max_maptrack_frames = r->maptrack_frames,
		.grant_opts = XEN_DOMCTL_GRANT_version(GRANT_VERSION_MAX),
	};
	int rc;

	memcpy(how.handle, r->uuid, sizeof(how.handle));
	b->b->id = r->want_id;
	rc = mica_domain_create(b->m, &how, &b->b->id);
	return rc ? build_refused(b, rc, "create a domain") : 0;
}

static int set_limits(struct build *b)
{
	uint64_t kib = b->r->pages * KIB_PER_PAGE, max = b->r->max_kib > kib ? b->r->max_kib : kib;
	domid_t id = b->b->id;
	mica_dominfo info;
	int rc = mica_domain_max_vcpus(b->m, id, b->r->vcpus);

	if (rc)
		return build_refused(b, rc, "give the domain its vCPUs");
	rc = mica_domain_max_mem(b->m, id, kib + SLACK_KIB);
	if (rc)
		return build_refused(b, rc, "set the domain's memory limit");
	rc = mica_set_memory_limit_map(b->m, id, max << 10);
	if (rc && rc != -ENOSYS)
		return build_refused(b, rc, "set the domain's memory map");
	rc = mica_domain_info(b->m, id, &info);
	if (rc)
		return build_refused(b, rc, "look at the domain");
	b->shared_info = info.shared_info_frame;
	return 0;
}

static int make_ports(struct build *b)
{
	int rc = mica_alloc_port(b->m, b->b->id, &b->b->store_port);

	if (!rc)
		rc = mica_alloc_port(b->m, b->b->id, &b->b->console_port);
	b->b->store_mfn = b->mfn[b->b->layout.store.pfn];
	b->b->console_mfn = b->mfn[b->b->layout.console.pfn];
	return rc ? build_refused(b, rc, "make the domain's event channels") : 0;
}

/* The two grants by which the daemons reach the rings without any other privilege. */
static int seed_grants(struct build *b)
{
	void *cookie = NULL;
	struct grant_entry_v1 *table = b->m->hv->map_grants(b->m->ctx, b->b->id, &cookie);

	if (!table)
		return build_refused(b, errno ? -errno : -ENOMEM, "map the domain's grant table");
	table[MICA_GRANT_CONSOLE].domid = 0;
	table[MICA_GRANT_CONSOLE].frame = (uint32_t)b->b->console_mfn;
	table[MICA_GRANT_STORE].domid = 0;
	table[MICA_GRANT_STORE].frame = (uint32_t)b->b->store_mfn;
	__atomic_store_n(&table[MICA_GRANT_CONSOLE].flags, GTF_permit_access, __ATOMIC_RELEASE);
	__atomic_store_n(&table[MICA_GRANT_STORE].flags, GTF_permit_access, __ATOMIC_RELEASE);
	b->m->hv->unmap_grants(b->m->ctx, cookie);
	return 0;
}

/* A kernel counts on starting with event delivery off. */
static int mask_events(struct build *b)
{
	struct shared_info *s;
	int rc = mica_map(b->m, b->b->id, 1, &b->shared_info, (void **)&s);

	if (rc)
		return build_refused(b, rc, "map the domain's shared page");
	for (unsigned i = 0; i < LEGACY_VCPUS; i++)
		s->vcpu_info[i].evtchn_upcall_mask = 1;
	mica_unmap(b->m, s, 1);
	return 0;
}

static int fill_hypercall_page(struct build *b)
{
	const struct mica_kernel *k = b->r->kernel;
	uint64_t pfn;
	int rc;

	if (!k->has_hypercall_page)
		return 0;
	pfn = (k->hypercall_page - k->virt_base) / MICA_PAGE_BYTES;
	rc = mica_domain_hypercall_page(b->m, b->b->id, b->mfn[pfn]);
	return rc ? build_refused(b, rc, "fill the hypercall page") : 0;
}

static int pin_tables(struct build *b)
{
	struct mmuext_op op = {
		.cmd = MMUEXT_PIN_L4_TABLE,
		.arg1.mfn = b->mfn[b->b->layout.tables.pfn],
	};
	int rc = mica_mmuext(b->m, b->b->id, &op, 1);

	return rc < 0 ? build_refused(b, rc, "have the page tables accepted") : 0;
}

static int set_registers(struct build *b)
{
	const struct mica_kernel *k = b->r->kernel;
	const struct mica_layout *l = &b->b->layout;
	struct vcpu_guest_context *c = calloc(1, sizeof(*c));
	uint64_t stack_end = k->virt_base + (l->stack.pfn + l->stack.nr) * MICA_PAGE_BYTES;
	int rc;

	if (!c)
		return build_refused(b, -ENOMEM, "set the first vCPU's registers");
	c->flags = VGCF_in_kernel | VGCF_online;
	c->user_regs.rip = k->entry;
	c->user_regs.rsi = k->virt_base + l->start_info.pfn * MICA_PAGE_BYTES;
	c->user_regs.rsp = stack_end;
	c->user_regs.rflags = RFLAGS_IF;
	c->user_regs.cs = FLAT_KERNEL_CS;
	c->user_regs.ss = FLAT_KERNEL_SS;
	c->kernel_ss = FLAT_KERNEL_SS;
	c->kernel_sp = stack_end;
	c->ctrlreg[3] = xen_pfn_to_cr3(b->mfn[l->tables.pfn]);
	c->debugreg[6] = DR6_INITIAL;
	c->debugreg[7] = DR7_INITIAL;
	rc = mica_domain_set_context(b->m, b->b->id, 0, c, sizeof(*c));
	free(c);
	return rc ? build_refused(b, rc, "set the first vCPU's registers") : 0;
}

int mica_domain_end(struct mica *m, domid_t id, unsigned timeout_ms)
{
	const struct timespec tick = { .tv_nsec = 10 * 1000 * 1000 };
	mica_dominfo info;
	int rc = mica_domain_destroy(m, id);

	if (rc)
		return rc == -ESRCH ? 0 : rc;
	for (unsigned waited = 0;; waited += 10) {
		rc = mica_domain_info(m, id, &info);
		if (rc)
			return rc == -ESRCH ? 0 : rc;
		if (waited >= timeout_ms)
			return -ETIMEDOUT;
		nanosleep(&tick, NULL);
	}
}

static void undo(struct build *b)
{
	int rc = mica_domain_end(b->m, b->b->id, UNDO_TIMEOUT_MS);

	if (!rc)
		mica_undone(b->e, "memory released, domain id %u freed; nothing left behind",
			    b->b->id);
	else
		mica_undone(b->e, "domain id %u could not be freed (%s); see: mica list", b->b->id,
			    strerror(-rc));
}

int mica_build(struct mica *m, const struct mica_build_request *r, struct mica_built *built,
	       struct mica_error *e)
{
	static int (*const steps[])(struct build *b) = {
		set_limits, build_populate, make_ports, build_contents, build_tables,
		seed_grants, mask_events, fill_hypercall_page, pin_tables, set_registers,
	};
	struct build b = { .m = m, .r = r, .b = built, .e = e };
	int rc = check_request(r, e);

	memset(built, 0, sizeof(*built));
	if (!rc)
		rc = mica_layout_plan(r->kernel, r->pages, r->initrd ? r->initrd->bytes : 0,
				      &built->layout, e);
	if (rc)
		return rc;
	b.mfn = malloc(r->pages * sizeof(*b.mfn));
	if (!b.mfn)
		return mica_fail(e, "MICA-MEM-001", "no memory for the list of %llu pages",
				 (unsigned long long)r->pages);
	rc = make_domain(&b);
	if (!rc) {
		for (size_t i = 0; !rc && i < sizeof(steps) / sizeof(steps[0]); i++)
			rc = steps[i](&b);
		if (rc)
			undo(&b);
	}
	free(b.mfn);
	return rc;
}
