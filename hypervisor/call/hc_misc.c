/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small calls: xen_version, vm_assist, hvm_op (refused: guests are PV), and mica_op, our own.
 *
 * Strings go out padded with zeroes to the end of their buffer: a guest may look for leaks there.
 */
#include <mica/cpuid.h>
#include <mica/mica_op.h>
#include <mica/mmu.h>
#include <mica/version.h>
#include <mica/vm_assist.h>
#include "call/handlers.h"
#include "call/version.h"
#include "cpu/percpu.h"
#include "ipc/evtchn.h"
#include "lib/string.h"
#include "mm/audit.h"

#define VERSION_MAJOR	4
#define VERSION_MINOR	17

#define HVMOP_set_param	0
#define HVMOP_get_param	1

static xen_commandline_t cmdline;	/* written at boot */
static uint32_t auditing;		/* one at a time: each stops all others */

void version_set_cmdline(const char *s)
{
	str_copy(cmdline, sizeof(cmdline), s);
}

/* @size bytes at @arg, of which the text is the beginning. */
static long give_text(gva_t arg, size_t size, const char *text)
{
	size_t len = MIN(strlen(text), size - 1);

	if (copy_to_guest(arg, text, len))
		return -EFAULT;
	return clear_guest(gva_add(arg, len), size - len);
}

#ifdef __clang__
#define COMPILER	"clang " __clang_version__
#else
#define COMPILER	"gcc " __VERSION__
#endif

static uint32_t feature_bits(const struct domain *d)
{
	uint32_t f = 1u << XENFEAT_mmu_pt_update_preserve_ad | 1u << XENFEAT_highmem_assist |
		     1u << XENFEAT_gnttab_map_avail_bits | 1u << XENFEAT_memory_op_vnode_supported |
		     1u << XENFEAT_direct_mapped;

	if (d->pae_note || (d->vm_assist & 1u << VMASST_TYPE_pae_extended_cr3))
		f |= 1u << XENFEAT_pae_pgdir_above_4gb;
	if (d->hardware)
		f |= 1u << XENFEAT_dom0;
	return f;
}

static long get_features(struct vcpu *self, gva_t arg)
{
	struct xen_feature_info info;

	if (copy_from_guest(&info, arg, sizeof(info)))
		return -EFAULT;
	if (info.submap_idx >= XENFEAT_NR_SUBMAPS)
		return refuse(-EINVAL, "get_features: submap %u", info.submap_idx);
	info.submap = feature_bits(self->dom);
	return copy_to_guest(arg, &info, sizeof(info));
}

long hc_xen_version(struct vcpu *self, uint64_t cmd, gva_t arg)
{
	static const struct xen_compile_info compile_info = { .compiler = COMPILER, .compile_by = "mica" };
	static const struct xen_platform_parameters params = { HYPERVISOR_VIRT_START };

	switch (cmd) {
	case XENVER_version: return VERSION_MAJOR << 16 | VERSION_MINOR;
	case XENVER_extraversion: return give_text(arg, XEN_EXTRAVERSION_LEN, "-mica");
	case XENVER_compile_info: return copy_to_guest(arg, &compile_info, sizeof(compile_info));
	case XENVER_capabilities:
		return give_text(arg, XEN_CAPABILITIES_INFO_LEN, "xen-3.0-x86_64 ");
	case XENVER_changeset: return give_text(arg, XEN_CHANGESET_INFO_LEN, "mica");
	case XENVER_platform_parameters: return copy_to_guest(arg, &params, sizeof(params));
	case XENVER_get_features: return get_features(self, arg);
	case XENVER_pagesize:
		return gva_is_null(arg) ? (long)PAGE_SIZE
					: refuse(-EINVAL, "pagesize takes no argument");
	case XENVER_guest_handle:
		return copy_to_guest(arg, self->dom->handle, sizeof(self->dom->handle));
	case XENVER_commandline:
		require_privilege(self, "xen_version(commandline)");
		return copy_to_guest(arg, cmdline, sizeof(cmdline));
	case XENVER_build_id:
		require_privilege(self, "xen_version(build_id)");
		return -ENODATA; /* the image carries none: builds are reproducible */
	default: return refuse(-ENOSYS, "xen_version %lu", cmd);
	}
}

long hc_vm_assist(struct vcpu *self, uint64_t cmd, uint64_t type)
{
	if (cmd != VMASST_CMD_enable && cmd != VMASST_CMD_disable)
		return refuse(-ENOSYS, "vm_assist: command %lu", cmd);
	if (type > 31 || !(VM_ASSIST_OFFERED >> type & 1))
		return refuse(-EINVAL, "vm_assist: type %lu", type);
	if (cmd == VMASST_CMD_enable)
		atomic_or(&self->dom->vm_assist, 1u << type);
	else
		atomic_and(&self->dom->vm_assist, ~(1u << type));
	/* Others notice when they next enter their kernel; kernels set this before that. */
	vcpu_update_fast(self);
	return 0;
}

long hc_hvm_op(struct vcpu *self, uint64_t cmd, gva_t arg)
{
	if (cmd == HVMOP_set_param || cmd == HVMOP_get_param)
		return refuse(-EINVAL, "hvm_op: PV guests have no HVM parameters");
	return refuse(-ENOSYS, "hvm_op %lu", cmd);
}

/* Stops, or lets go, every vCPU of the system but @self. */
static void pause_others(struct vcpu *self, bool pause)
{
	struct domain *d;
	struct vcpu *v;

	for (unsigned id = 0; (d = domain_next(id)) != NULL; id = d->id + 1u, domain_put(d)) {
		for_each_vcpu(d, v)
			if (v != self)
				(pause ? vcpu_pause : vcpu_unpause)(v);
	}
}

static long audit(struct vcpu *self)
{
	long rc;

	require_privilege(self, "audit");
	if (atomic_xchg(&auditing, 1))
		return refuse(-EBUSY, "an audit is under way");
	pause_others(self, true);
	rc = frame_audit();
	pause_others(self, false);
	atomic_release(&auditing, 0);
	return rc;
}

static long port(struct vcpu *self, struct domain *d, unsigned cmd, void *arg, gva_t at)
{
	struct mica_port *op = arg;

	return evtchn_bits(d, op->port, op->flags & MICA_PORT_RAISE);
}

static const struct command commands[] = {
	COMMAND_OF(MICA_OP_port, port, struct mica_port, dom, CMD_CONTROL),
};

long hc_mica_op(struct vcpu *self, uint64_t cmd, gva_t arg)
{
	switch (cmd) {
	case MICA_OP_features: return MICA_FEATURE_audit | MICA_FEATURE_port;
	case MICA_OP_audit: return audit(self);
	default: return command_run(commands, ARRAY_SIZE(commands), "mica_op", self, cmd, arg);
	}
}
