/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does xen_version answer every sub-operation, with strings padded by NULs to their
 * full length (a leak otherwise) and the features a PV kernel depends on?
 */
#include "guest.h"

static char buffer[1024 + 16];

/* Call with a poisoned buffer; everything behind the string must be zero, then poison again. */
static void check_string(unsigned int cmd, size_t size, const char *what)
{
	size_t len;

	memset(buffer, 0x5a, sizeof(buffer));
	check_equal(hc_version(cmd, buffer) < 0, 0);
	len = strlen(buffer);
	check(len < size, "%s is not terminated", what);
	for (size_t i = len; i < size; i++)
		if (buffer[i])
			test_fail("%s: byte %lu is %x", what, i, (unsigned char)buffer[i]);
	check(buffer[size] == 0x5a, "%s: written beyond %lu bytes", what, size);
}

static void check_compile_info(void)
{
	static const uint8_t start[] = { 0, 64, 80, 112 }, end[] = { 64, 80, 112, 144 };
	size_t i;

	memset(buffer, 0x5a, sizeof(buffer));
	check_ok(hc_version(XENVER_compile_info, buffer));
	for (int f = 0; f < 4; f++) {
		for (i = start[f]; i < end[f] && buffer[i]; i++)
			;
		for (; i < end[f]; i++)
			if (buffer[i])
				test_fail("compile_info: byte %lu is not zero", i);
	}
}

static void check_features(void)
{
	struct xen_feature_info info = { .submap_idx = 0 };
	uint32_t must_be_zero = 1 << XENFEAT_writable_page_tables |
				1 << XENFEAT_writable_descriptor_tables |
				1 << XENFEAT_auto_translated_physmap |
				1 << XENFEAT_supervisor_mode_kernel;
	uint32_t must_be_one = 1 << XENFEAT_mmu_pt_update_preserve_ad |
			       1 << XENFEAT_highmem_assist | 1 << XENFEAT_gnttab_map_avail_bits |
			       1 << XENFEAT_dom0;

	check_ok(hc_version(XENVER_get_features, &info));
	check_equal(info.submap & must_be_zero, 0);
	check_equal(info.submap & must_be_one, must_be_one);
	info.submap_idx = 1;
	check_refused(hc_version(XENVER_get_features, &info));
}

static void check_numbers(void)
{
	struct xen_platform_parameters params = { 0 };
	uint8_t handle[17];

	check_equal(hc_version(XENVER_version, NULL), 0x40011);
	check_ok(hc_version(XENVER_platform_parameters, &params));
	check_equal(params.virt_start, HYPERVISOR_VIRT_START);
	check_equal(hc_version(XENVER_pagesize, NULL), 4096);
	check_equal(hc_version(XENVER_pagesize, &params), -EINVAL);
	memset(handle, 0x5a, sizeof(handle));
	check_ok(hc_version(XENVER_guest_handle, handle));
	check_equal(handle[16], 0x5a);
}

void test_main(void)
{
	check_numbers();
	check_string(XENVER_extraversion, XEN_EXTRAVERSION_LEN, "extraversion");
	check_string(XENVER_capabilities, XEN_CAPABILITIES_INFO_LEN, "capabilities");
	check(!strncmp(buffer, "xen-3.0-x86_64 ", 15), "capabilities '%s'", buffer);
	check_string(XENVER_changeset, XEN_CHANGESET_INFO_LEN, "changeset");
	check_string(XENVER_commandline, XEN_COMMANDLINE_LEN, "commandline");
	check_compile_info();
	check_features();
	check_equal(hc_version(XENVER_extraversion, (void *)0xdead000), -EFAULT);
	check_equal(hc_version(0x1234, buffer), -ENOSYS);
}
