/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a card's front end must not do on its control ring.  Every request that is wrong is
 * refused and changes nothing; frames go on meanwhile.  Only a ring that cannot be is the end.
 */
#include "attack.h"
#include "../guest/con.h"
#include "event.h"
#include "grant.h"
#include "hyper.h"
#include "mm.h"
#include "print.h"

#define OK		XEN_NETIF_CTRL_STATUS_SUCCESS
#define LIST_MOST	512u		/* entries of a page */
#define NO_REF		480u		/* never granted */

static struct card *const card = &cards[0];

static struct xen_netif_gref *list(void)
{
	ref_give(card->list_ref, card->list_page, 0);
	return (struct xen_netif_gref *)card->list_page;
}

/* --- indices --- */

static bool index_jumps(uint32_t by)
{
	((struct ring_header *)card->ctl_page)->req_prod += by;
	event_send((unsigned)card->ctl_port);
	return true;
}

static bool index_ahead(void)
{
	return index_jumps(5000);
}

static bool index_behind(void)
{
	return index_jumps(-3u);
}

/* --- requests: each is refused --- */

static bool refused(unsigned type, uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t status = control_ask(card, type, a, b, c, NULL);

	return status != OK && status != ~0u ? true :
		bad("control request %u (%x %x %x) is answered %u", type, a, b, c, status);
}

static bool sizes(void)
{
	static const uint32_t size[] = { 129, 513, 4096, 4097, 65536, 0x7fffffff, 0x80000000, ~0u };

	list();
	if (CONTROL_ASK(card, SET_HASH_MAPPING_SIZE, 100, 0, 0) != OK)
		return bad("no table for hashes");
	for (unsigned i = 0; i < sizeof(size) / sizeof(size[0]); i++)
		if (!refused(XEN_NETIF_CTRL_TYPE_SET_HASH_KEY, card->list_ref, size[i], 0) ||
		    !refused(XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE, size[i], 0, 0) ||
		    !refused(XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING, card->list_ref, size[i], 0) ||
		    !refused(XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING, card->list_ref, 1, size[i]) ||
		    !refused(XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING, card->list_ref, -size[i] + 1,
			     size[i]) ||
		    !refused(XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM, size[i], 0, 0) ||
		    !refused(XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE, size[i], 0, 0) ||
		    !refused(XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING, size[i], card->list_ref, 1) ||
		    !refused(XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING, size[i], card->list_ref, 1) ||
		    (size[i] > LIST_MOST &&
		     (!refused(XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING, 0, card->list_ref, size[i]) ||
		      !refused(XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING, 0, card->list_ref, size[i]))) ||
		    !refused(size[i] | 1 << 12, 1, 2, 3))
			return false;
	return true;
}

static bool bad_refs(void)
{
	static const uint32_t ref[] = { NO_REF, 511, 512, 100000, 0x7fffffff, 0xffffffff };
	uint32_t *table = (uint32_t *)list();

	if (CONTROL_ASK(card, SET_HASH_MAPPING_SIZE, 8, 0, 0) != OK)
		return bad("no table for hashes");
	for (unsigned i = 0; i < sizeof(ref) / sizeof(ref[0]); i++) {
		struct xen_netif_gref *l = list();

		l[0] = (struct xen_netif_gref){ .ref = ref[i] };
		if (!refused(XEN_NETIF_CTRL_TYPE_SET_HASH_KEY, ref[i], 40, 0) ||
		    !refused(XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING, ref[i], 8, 0) ||
		    !refused(XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING, 0, ref[i], 1) ||
		    !refused(XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING, 0, ref[i], 1) ||
		    !refused(XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING, 0, card->list_ref, 1))
			return false;
	}
	/* A queue that is none, a page that cannot be written, a flag nobody knows. */
	for (unsigned i = 0; i < 8; i++)
		table[i] = i < 7 ? 0 : 4711;
	if (!refused(XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING, card->list_ref, 8, 0))
		return false;
	list()[0] = (struct xen_netif_gref){ .ref = card->tx_grant[0] };
	ref_give(card->tx_grant[0], card->tx_data[0], GTF_readonly);
	if (!refused(XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING, 0, card->list_ref, 1))
		return false;
	list()[0].flags = 0xfffe;
	if (!refused(XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING, 0, card->list_ref, 1))
		return false;
	ref_give(card->list_ref, card->list_page, GTF_readonly);
	return refused(XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING, 0, card->list_ref, 1);
}

/* More pages than the table has room for: one page, by many references, again and again. */
static bool overflow(void)
{
	struct xen_netif_gref *l = list();
	uint32_t size = 0, done = 0;

	control_ask(card, XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE, 0, 0, 0, &size);
	if (!size || size > LIST_MOST)
		return bad("%u staging grants", size);
	for (unsigned i = 0; i < LIST_MOST; i++)
		l[i] = (struct xen_netif_gref){ .ref = card->in[0].grant[i % CARD_RX] };
	/* Twice the same in one list, then more than ever, then what is there already. */
	if (!refused(XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING, 0, card->list_ref, LIST_MOST) ||
	    !refused(XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING, 0, card->list_ref, CARD_RX + 1) ||
	    CONTROL_ASK(card, ADD_GREF_MAPPING, 0, card->list_ref, CARD_RX) != OK)
		return bad("a list that names a page twice");
	for (unsigned i = 0; i < CARD_RX; i++)
		if (!refused(XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING, 0, card->list_ref, 1 + i))
			return false;
	/* Each once, though named eight times. */
	if (control_ask(card, XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING, 0, card->list_ref, LIST_MOST,
			&done) != OK || done != CARD_RX)
		return bad("%u pages unmapped, not %u", done, CARD_RX);
	return true;
}

/* --- with frames --- */

static void spoil_list(unsigned round)
{
	volatile struct xen_netif_gref *l = (struct xen_netif_gref *)card->list_page;

	l[round % CARD_TX].ref = round & 64 ? card->tx_grant[round % CARD_TX] : round * 2654435761u;
	l[round % CARD_TX].flags = (uint16_t)(round & 128 ? 1 : round);
	if (round % 512 == 0)
		__atomic_store_n(&grant_v1(card->tx_grant[round / 512 % CARD_TX])->flags, 0,
				 __ATOMIC_SEQ_CST);
}

/* Lists that change while they are read, pages that are taken back while they are mapped. */
static bool rewritten(void)
{
	list();
	race_begin(spoil_list);
	for (unsigned i = 0; i < 100 && !is_cut_off(&card->dev); i++) {
		for (unsigned j = 0; j < CARD_TX; j++)
			ref_give(card->tx_grant[j], card->tx_data[j], GTF_readonly);
		if (CONTROL_ASK(card, ADD_GREF_MAPPING, 0, card->list_ref, 1 + i % CARD_TX) == ~0u ||
		    CONTROL_ASK(card, SET_HASH_KEY, card->list_ref, i % 41, 0) == ~0u ||
		    CONTROL_ASK(card, DEL_GREF_MAPPING, 0, card->list_ref, CARD_TX) == ~0u)
			break;
	}
	race_end();
	return !is_cut_off(&card->dev);
}

/* The ring is full all the time and its answers are never looked at. */
static bool full(void)
{
	struct xen_netif_ctrl_request r = { .type = XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM };
	struct xen_netif_ctrl_response rsp;

	for (unsigned i = 0; i < 20; i++) {
		while (ctl_front_room(&card->ctl))
			ctl_front_put(&card->ctl, &r);
		ctl_front_push(&card->ctl);
		event_send((unsigned)card->ctl_port);
		wait_ms(5);
		while (ctl_front_take(&card->ctl, &rsp) == 1)
			;
	}
	return true;
}

const struct attack control_attacks[] = {
	{ "control-index-ahead", the_card, index_ahead, CUT_OFF },
	{ "control-index-behind", the_card, index_behind, CUT_OFF },
	{ "control-sizes", the_card, sizes, SERVED_ON },
	{ "control-bad-refs", the_card, bad_refs, SERVED_ON },
	{ "control-overflow", the_card, overflow, SERVED_ON },
	{ "control-rewritten", the_card, rewritten, SERVED_ON },
	{ "control-full", the_card, full, SERVED_ON },
	{ NULL, NULL, NULL, SERVED_ON },
};
