/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Grant tables with oneself as the peer.
 *
 * The table's frames are mapped at the end of the window; the status array behind them.
 */
#include "grant.h"
#include "hyper.h"
#include "mm.h"
#include "result.h"

#define TABLE_PAGE	(WINDOW_PAGES - 2)
#define STATUS_PAGE	(WINDOW_PAGES - 1)

static unsigned int table_version;
static volatile uint16_t *status_array;

static void map_table(unsigned int page, uint64_t mfn)
{
	must(hc_map((uint64_t)window(page), make_pte(mfn, PTE_RW_PAGE)));
}

static void map_status(void)
{
	uint64_t mfn = 0;
	struct gnttab_get_status_frames get = {
		.nr_frames = 1, .dom = DOMID_SELF, .frame_list = PTR(&mfn),
	};

	must(hc_gnttab(GNTTABOP_get_status_frames, &get, 1));
	if (get.status)
		test_error("get_status_frames: status %d", get.status);
	map_table(STATUS_PAGE, mfn);
	status_array = window(STATUS_PAGE);
}

void grant_init(unsigned int version)
{
	uint64_t mfn = 0;
	struct gnttab_set_version set = { .version = version };
	struct gnttab_setup_table setup = {
		.dom = DOMID_SELF, .nr_frames = 1, .frame_list = PTR(&mfn),
	};

	if (hc_gnttab(GNTTABOP_set_version, &set, 1) || set.version != version)
		test_skip("grant table version %u is not offered", version);
	must(hc_gnttab(GNTTABOP_setup_table, &setup, 1));
	if (setup.status)
		test_error("setup_table: status %d", setup.status);
	map_table(TABLE_PAGE, mfn);
	table_version = version;
	if (version == 2)
		map_status();
}

void grant_grow(void)
{
	uint64_t mfn[2] = { 0, 0 };
	struct gnttab_setup_table setup = {
		.dom = DOMID_SELF, .nr_frames = 2, .frame_list = PTR(mfn),
	};

	must(hc_gnttab(GNTTABOP_setup_table, &setup, 1));
	if (table_version != 1 || setup.status)
		test_error("setup_table: status %d", setup.status);
	map_table(STATUS_PAGE, mfn[1]);		/* behind the first; version 1 has no status */
}

struct grant_entry_v1 *grant_v1(unsigned int ref)
{
	return (struct grant_entry_v1 *)window(TABLE_PAGE) + ref;
}

union grant_entry_v2 *grant_v2(unsigned int ref)
{
	return (union grant_entry_v2 *)window(TABLE_PAGE) + ref;
}

void grant_give(unsigned int ref, uint64_t mfn, unsigned int flags)
{
	uint16_t word = (uint16_t)(GTF_permit_access | flags);

	if (table_version == 1) {
		grant_v1(ref)->frame = (uint32_t)mfn;
		grant_v1(ref)->domid = 0;
		__atomic_store_n(&grant_v1(ref)->flags, word, __ATOMIC_SEQ_CST);
	} else {
		grant_v2(ref)->full_page.frame = mfn;
		grant_v2(ref)->hdr.domid = 0;
		__atomic_store_n(&grant_v2(ref)->hdr.flags, word, __ATOMIC_SEQ_CST);
	}
}

unsigned int grant_in_use(unsigned int ref)
{
	unsigned int word = table_version == 1 ? *(volatile uint16_t *)&grant_v1(ref)->flags :
						 status_array[ref];

	return word & (GTF_reading | GTF_writing);
}

bool grant_take(unsigned int ref)
{
	if (table_version == 2)
		__atomic_store_n(&grant_v2(ref)->hdr.flags, 0, __ATOMIC_SEQ_CST);
	if (grant_in_use(ref))
		return false;
	if (table_version == 1)
		__atomic_store_n(&grant_v1(ref)->flags, 0, __ATOMIC_SEQ_CST);
	return true;
}

int grant_map(unsigned int ref, uint64_t host_addr, unsigned int flags, uint32_t *handle)
{
	struct gnttab_map_grant_ref op = {
		.host_addr = host_addr, .flags = flags, .ref = ref, .dom = 0,
	};

	must(hc_gnttab(GNTTABOP_map_grant_ref, &op, 1));
	*handle = op.handle;
	return op.status;
}

int grant_unmap(uint64_t host_addr, uint32_t handle)
{
	struct gnttab_unmap_grant_ref op = { .host_addr = host_addr, .handle = handle };

	must(hc_gnttab(GNTTABOP_unmap_grant_ref, &op, 1));
	return op.status;
}

static int copy(struct gnttab_copy *op, unsigned int len, unsigned int flags)
{
	op->len = (uint16_t)len;
	op->flags = (uint16_t)flags;
	must(hc_gnttab(GNTTABOP_copy, op, 1));
	return op->status;
}

int grant_copy_from(unsigned int ref, unsigned int offset, uint64_t to_mfn,
		    unsigned int to_offset, unsigned int len)
{
	struct gnttab_copy op = {
		.source = { .u.ref = ref, .domid = 0, .offset = (uint16_t)offset },
		.dest = { .u.gmfn = to_mfn, .domid = DOMID_SELF, .offset = (uint16_t)to_offset },
	};

	return copy(&op, len, GNTCOPY_source_gref);
}

int grant_copy_to(unsigned int ref, unsigned int offset, uint64_t from_mfn,
		  unsigned int from_offset, unsigned int len)
{
	struct gnttab_copy op = {
		.source = { .u.gmfn = from_mfn, .domid = DOMID_SELF,
			    .offset = (uint16_t)from_offset },
		.dest = { .u.ref = ref, .domid = 0, .offset = (uint16_t)offset },
	};

	return copy(&op, len, GNTCOPY_dest_gref);
}
