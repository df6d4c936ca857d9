/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPU policies in the form the toolstack reads and writes them (abi-inventory 5.4): lists of CPUID
 * leaves and of MSRs, and sets of feature words.
 *
 * All policies come from cpu/cpuid.c.  A domain that was given one of its own keeps only its feature
 * words (domain.cpuid_words), written before the domain first runs and never after; what a policy says
 * beyond features (caches, names, sizes) is the host's and not changed.  The two MSRs of the form
 * say nothing here: both read as 0.
 */
#include <mica/cpuid.h>
#include "call/toolstack.h"
#include "cpu/features.h"
#include "lib/string.h"
#include "mm/heap.h"

#define MAX_LEAVES	120
#define MSR_INDEX_PLATFORM_INFO	0xceu
#define MSR_INDEX_ARCH_CAPS	0x10au

_Static_assert(sizeof(struct cpuid_leaf_entry) == sizeof(struct xen_cpuid_leaf), "CPUID leaf");

static const struct xen_msr_entry msrs_shown[] = {
	{ .idx = MSR_INDEX_PLATFORM_INFO }, { .idx = MSR_INDEX_ARCH_CAPS },
};
#define MAX_MSRS	ARRAY_SIZE(msrs_shown)

/* The list of policy @which (features_policy_leaves), cut down to @words if there are any. */
static void fill_leaves(struct cpuid_leaf_entry list[MAX_LEAVES], int which, const uint32_t *words)
{
	unsigned n = features_policy_leaves(which, list, MAX_LEAVES);

	for (struct cpuid_leaf_entry *e = list; words && e < list + n; e++) {
		struct cpuid_leaf l = { e->a, e->b, e->c, e->d };

		features_words_apply(words, e->leaf, e->sub == ~0u ? 0 : e->sub, &l);
		*e = (struct cpuid_leaf_entry){ e->leaf, e->sub, l.a, l.b, l.c, l.d };
	}
	/* libxc serialises what it made of the policy into a buffer of as many leaves as we gave, and has
	 * leaves of its own (gaps, hypervisor leaves): the list is always full, with leaf 0 repeated. */
	while (n < MAX_LEAVES)
		list[n++] = list[0];
}

/*
 * A policy in the form domctl and sysctl share: two lists, as far as there is room.  -ENOBUFS: there is
 * not, and the counts say how much is needed.  A null pointer asks for that alone.
 */
static long give_policy(int which, const uint32_t *words, gva_t leaves, uint32_t *nr_leaves,
			gva_t msrs, uint32_t *nr_msrs)
{
	bool want_leaves = !gva_is_null(leaves), want_msrs = !gva_is_null(msrs);
	bool small = (want_leaves && *nr_leaves < MAX_LEAVES) || (want_msrs && *nr_msrs < MAX_MSRS);
	struct cpuid_leaf_entry *list = kmalloc(MAX_LEAVES * sizeof(*list));
	long rc = small ? -ENOBUFS : 0;

	if (!list)
		return -ENOMEM;
	*nr_leaves = MAX_LEAVES;
	*nr_msrs = MAX_MSRS;
	fill_leaves(list, which, words);
	if (!rc && want_leaves)
		rc = copy_to_guest(leaves, list, MAX_LEAVES * sizeof(*list));
	if (!rc && want_msrs)
		rc = copy_to_guest(msrs, msrs_shown, sizeof(msrs_shown));
	kfree(list);
	return rc;
}

static long take_leaves(uint32_t *words, struct xen_domctl_cpu_policy *p)
{
	struct cpuid_leaf_entry l;

	for (uint32_t i = 0; i < p->nr_leaves; i++) {
		if (copy_from_guest(&l, gva_nth(gva(p->leaves), i, sizeof(l)), sizeof(l)))
			return -EFAULT;
		if (!features_words_set(words, &l))
			continue;
		p->err_leaf = l.leaf;
		p->err_subleaf = l.sub;
		return refuse(-EINVAL, "cpu policy: leaf %x/%x has more than a guest can have", l.leaf, l.sub);
	}
	return 0;
}

static long take_msrs(struct xen_domctl_cpu_policy *p)
{
	struct xen_msr_entry m;

	for (uint32_t i = 0; i < p->nr_msrs; i++) {
		if (copy_from_guest(&m, gva_nth(gva(p->msrs), i, sizeof(m)), sizeof(m)))
			return -EFAULT;
		if (!m.flags && !m.val && (m.idx == MSR_INDEX_PLATFORM_INFO || m.idx == MSR_INDEX_ARCH_CAPS))
			continue;
		p->err_msr = m.idx;
		return refuse(-EINVAL, "cpu policy: MSR %x is %lx", m.idx, m.val);
	}
	return 0;
}

long domctl_set_policy(struct vcpu *self, struct domain *d, struct xen_domctl *op)
{
	struct xen_domctl_cpu_policy *p = &op->u.cpu_policy;
	uint32_t words[FEATURE_WORDS], *own, *old;
	long rc;

	p->err_leaf = p->err_subleaf = p->err_msr = ~0u;
	if (p->nr_leaves > MAX_LEAVES || p->nr_msrs > MAX_MSRS)
		return -E2BIG;
	features_words(2, words, FEATURE_WORDS);
	if (d->cpuid_words)
		memcpy(words, d->cpuid_words, sizeof(words));
	rc = take_leaves(words, p);
	if (!rc)
		rc = take_msrs(p);
	own = rc ? NULL : kmalloc(sizeof(words));
	if (!own)
		return rc ? rc : -ENOMEM;
	memcpy(own, words, sizeof(words));
	lock_take(&d->life_lock);
	old = own;
	if (d->life == DOM_NEW) {
		old = d->cpuid_words;
		d->cpuid_words = own;
	} else {
		rc = refuse(-EEXIST, "cpu policy: d%u has run already", d->id);
	}
	lock_drop(&d->life_lock);
	kfree(old);
	return rc;
}

long domctl_get_policy(struct vcpu *self, struct domain *d, struct xen_domctl *op)
{
	struct xen_domctl_cpu_policy *p = &op->u.cpu_policy;

	return give_policy(2, d->cpuid_words, gva(p->leaves), &p->nr_leaves, gva(p->msrs), &p->nr_msrs);
}

/* Which policy (features_words) number @index of sysctl's two lists means; HVM's are not to be had. */
static int policy_of(const char *what, uint32_t index)
{
	static const int8_t which[] = {
		[XEN_SYSCTL_cpu_policy_raw] = 0,	[XEN_SYSCTL_cpu_policy_host] = 1,
		[XEN_SYSCTL_cpu_policy_pv_max] = 2,	[XEN_SYSCTL_cpu_policy_hvm_max] = -1,
		[XEN_SYSCTL_cpu_policy_pv_default] = 2, [XEN_SYSCTL_cpu_policy_hvm_default] = -1,
	};

	_Static_assert(XEN_SYSCTL_cpu_featureset_hvm == XEN_SYSCTL_cpu_policy_hvm_max &&
		       XEN_SYSCTL_cpu_featureset_hvm_max == XEN_SYSCTL_cpu_policy_hvm_default,
		       "policies and feature sets are numbered alike");
	if (index >= ARRAY_SIZE(which))
		return refuse(-EINVAL, "%s %u", what, index);
	return which[index] >= 0 ? which[index] :
				   refuse(-EOPNOTSUPP, "%s %u is for HVM guests", what, index);
}

long sysctl_cpu_policy(struct xen_sysctl_cpu_policy *p)
{
	int which = p->_rsvd ? -EINVAL : policy_of("cpu policy", p->index);

	return which < 0 ? which : give_policy(which, NULL, gva(p->leaves), &p->nr_leaves, gva(p->msrs),
					       &p->nr_msrs);
}

long sysctl_cpu_featureset(struct xen_sysctl_cpu_featureset *f)
{
	uint32_t words[FEATURE_WORDS], n = MIN(f->nr_features, (uint32_t)FEATURE_WORDS);
	int which = policy_of("featureset", f->index);

	if (!f->features) {
		f->nr_features = FEATURE_WORDS;
		return 0;
	}
	if (which < 0)
		return which;
	features_words(which, words, n);
	if (copy_to_guest(gva(f->features), words, n * sizeof(words[0])))
		return -EFAULT;
	f->nr_features = n;
	return n < FEATURE_WORDS ? -ENOBUFS : 0;
}
