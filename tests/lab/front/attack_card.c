/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a card's front end must not do.  The second card is on the same network and honest but
 * where it is said, so that what the first sends has somewhere to go; the frames of the scenario's
 * other guest must never come to either, nor theirs to it.
 */
#include "attack.h"
#include "../guest/con.h"
#include "event.h"
#include "grant.h"
#include "hyper.h"
#include "mm.h"
#include "print.h"

#define VICTIM_VLAN	10u	/* of the scenario's other guest */

static struct card *const card = &cards[0], *const other = &cards[1];

struct dev *the_card(void)
{
	return &card->dev;
}

static struct dev *the_other_card(void)
{
	return &other->dev;
}

static const uint8_t everybody[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

/* --- raw slots --- */

static void slot(uint32_t gref, unsigned offset, unsigned size, unsigned flags)
{
	union tx_request r = { .req = { .gref = gref, .offset = (uint16_t)offset,
					.size = (uint16_t)size, .flags = (uint16_t)flags } };

	tx_front_put(&card->tx, &r);
}

static void extra(unsigned type, unsigned flags, unsigned gso_size, unsigned gso_type)
{
	union tx_request r = { .extra = { .type = (uint8_t)type, .flags = (uint8_t)flags,
					  .u.gso = { .size = (uint16_t)gso_size,
						     .type = (uint8_t)gso_type } } };

	tx_front_put(&card->tx, &r);
}

static uint32_t page_of_frame(void)
{
	memset(card->tx_data[0], 0x42, PAGE_BYTES);
	memcpy(card->tx_data[0], other->mac, 6);
	memcpy(card->tx_data[0] + 6, card->mac, 6);
	ref_give(card->tx_grant[0], card->tx_data[0], GTF_readonly);
	return card->tx_grant[0];
}

static bool sent(void)
{
	tx_front_push(&card->tx);
	return true;
}

/* --- indices --- */

static bool tx_ahead(void)
{
	((struct ring_header *)card->tx_page)->req_prod += 5000;
	event_send((unsigned)card->port);
	return true;
}

static bool tx_behind(void)
{
	((struct ring_header *)card->tx_page)->req_prod -= 3;
	event_send((unsigned)card->port);
	return true;
}

/* --- chains --- */

static bool endless_chain(void)
{
	uint32_t ref = page_of_frame();

	for (unsigned i = 0; i < 100; i++)
		slot(ref, 0, i ? 10 : 60000, NETTXF_more_data);
	return sent();
}

static bool empty_piece(void)
{
	uint32_t ref = page_of_frame();

	slot(ref, 0, 200, NETTXF_more_data);
	slot(ref, 0, 0, 0);
	return sent();
}

static bool crossing_piece(void)
{
	uint32_t ref = page_of_frame();

	slot(ref, 0, 3000, NETTXF_more_data);
	slot(ref, 4000, 200, 0);
	return sent();
}

static bool crossing_first(void)
{
	slot(page_of_frame(), 65535, 65535, 0);
	return sent();
}

static bool smaller_than_pieces(void)
{
	uint32_t ref = page_of_frame();

	slot(ref, 0, 100, NETTXF_more_data);
	slot(ref, 0, 1000, 0);
	return sent();
}

static bool unknown_extra(void)
{
	slot(page_of_frame(), 0, 100, NETTXF_extra_info);
	extra(77, 0, 0, 0);
	return sent();
}

static bool endless_extras(void)
{
	slot(page_of_frame(), 0, 100, NETTXF_extra_info);
	for (unsigned i = 0; i < 20; i++)
		extra(XEN_NETIF_EXTRA_TYPE_HASH, XEN_NETIF_EXTRA_FLAG_MORE, 0, 0);
	return sent();
}

static bool gso_of_nothing(void)
{
	slot(page_of_frame(), 0, 100, NETTXF_extra_info);
	extra(XEN_NETIF_EXTRA_TYPE_GSO, 0, 0, XEN_NETIF_GSO_TYPE_TCPV4);
	return sent();
}

/* --- frames that are nothing: each is answered, and the card goes on --- */

static bool all_answered(void *ctx)
{
	struct netif_tx_response rsp;

	while (tx_front_take(&card->tx, &rsp) == 1)
		;
	return !tx_front_open(&card->tx);
}

static bool sent_and_answered(const char *what)
{
	tx_front_push(&card->tx);
	return wait_until(all_answered, NULL, LONG_S) ? true :
		bad("%s: %u slots are not answered", what, tx_front_open(&card->tx));
}

static bool short_frames(void)
{
	uint32_t ref = page_of_frame();

	for (unsigned i = 1; i < 14; i++)
		slot(ref, 0, i, 0);
	return sent_and_answered("short frames");
}

static bool bad_refs(void)
{
	static const uint32_t ref[] = { 480, 511, 512, 100000, 0x7fffffff, 0xffffffff };

	for (unsigned i = 0; i < sizeof(ref) / sizeof(ref[0]); i++) {
		slot(ref[i], 0, 300, NETTXF_more_data);
		slot(ref[i], 0, 100, 0);
	}
	return sent_and_answered("frames in pages that are not granted");
}

/* Headers that promise what the frame does not hold. */
static bool lies(void)
{
	static const uint16_t types[] = { 0x0800, 0x86dd, 0x8100, 0x88a8, 0x0806, 0x0000 };
	uint32_t ref = page_of_frame();

	for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		uint16_t type = __builtin_bswap16(types[i]);

		memcpy(card->tx_data[0] + 12, &type, 2);
		card->tx_data[0][14] = (char)(i & 1 ? 0x4f : 0x60);
		slot(ref, 0, 14 + i, NETTXF_csum_blank);
		slot(ref, 0, 40, NETTXF_csum_blank | NETTXF_extra_info);
		extra(XEN_NETIF_EXTRA_TYPE_GSO, 0, 1, XEN_NETIF_GSO_TYPE_TCPV4 + (i & 1));
		slot(ref, 0, 1500, NETTXF_csum_blank | NETTXF_extra_info);
		extra(XEN_NETIF_EXTRA_TYPE_GSO, 0, 65535, XEN_NETIF_GSO_TYPE_TCPV6);
		if (!sent_and_answered("frames that lie"))
			return false;
	}
	return true;
}

/* Into the other guest's VLAN and with its address, tagged once, twice, and with priority. */
static bool foreign_vlan(void)
{
	static const uint16_t tags[][2] = {
		{ 0x8100, VICTIM_VLAN }, { 0x88a8, VICTIM_VLAN }, { 0x8100, 0 }, { 0x8100, 0xfff },
	};
	uint32_t ref = page_of_frame();
	char *frame = card->tx_data[0];

	for (unsigned i = 0; i < 16; i++) {
		uint16_t outer = __builtin_bswap16(tags[i % 4][0]);
		uint16_t vlan = __builtin_bswap16(tags[i % 4][1]);
		uint16_t inner = __builtin_bswap16(0x8100);
		uint16_t inner_vlan = __builtin_bswap16(VICTIM_VLAN);
		uint16_t type = __builtin_bswap16(CARD_TYPE);
		unsigned at = 12;

		memcpy(frame, i & 4 ? card->victim : everybody, 6);
		memcpy(frame + 6, i & 8 ? card->victim : card->mac, 6);
		memcpy(frame + at, &outer, 2);
		memcpy(frame + at + 2, &vlan, 2);
		at += 4;
		if (i % 4 == 2) {
			memcpy(frame + at, &inner, 2);
			memcpy(frame + at + 2, &inner_vlan, 2);
			at += 4;
		}
		memcpy(frame + at, &type, 2);
		memset(frame + at + 2, 0x66, 60);
		slot(ref, 0, 100, 0);
		if (!sent_and_answered("frames for another VLAN"))
			return false;
	}
	/* No tag at all, from the other guest's address to itself and to everybody. */
	for (unsigned i = 0; i < 8; i++) {
		uint16_t type = __builtin_bswap16(CARD_TYPE);

		memcpy(frame, i & 1 ? card->victim : everybody, 6);
		memcpy(frame + 6, card->victim, 6);
		memcpy(frame + 12, &type, 2);
		slot(ref, 0, 100, 0);
		if (!sent_and_answered("frames with another's address"))
			return false;
	}
	return true;
}

/* --- pages, races --- */

/* From the first card to the other, each answered before the next. */
static bool send_some(unsigned n, unsigned bytes)
{
	card->dev.raw = true;
	for (unsigned i = 0; i < n; i++) {
		memset(card->tx_used, 0, sizeof(card->tx_used));
		card_send(card, other->mac, i, bytes);
		if (!sent_and_answered("frames to the other card"))
			return false;
	}
	return true;
}

/* The back end looks at the index again when it has used what it knows of. */
static bool rx_ahead(void)
{
	((struct ring_header *)other->in[0].page)->req_prod += 5000;
	event_send((unsigned)other->port);
	return send_some(CARD_RX + 8, 100);
}

/* The other card lends pages that cannot be written: its frames are lost, and no other's. */
static bool rx_pages(void (*spoil)(unsigned page))
{
	for (unsigned i = 0; i < CARD_RX; i++)
		spoil(i);
	return send_some(20, 400);
}

static void make_readonly(unsigned page)
{
	memset(other->in[0].data[page], 0x77, PAGE_BYTES);
	ref_give(other->in[0].grant[page], other->in[0].data[page], GTF_readonly);
}

static void make_none(unsigned page)
{
	ref_take(other->in[0].grant[page]);
}

static bool rx_none(void)
{
	return rx_pages(make_none);
}

static bool rx_readonly(void)
{
	if (!rx_pages(make_readonly))
		return false;
	for (unsigned i = 0; i < CARD_RX; i++)
		for (unsigned j = 0; j < PAGE_BYTES; j++)
			if (other->in[0].data[i][j] != 0x77)
				return bad("a page lent for reading was written");
	return true;
}

/* Its answers are never taken, and it lends no more pages: who sends to it is not held up. */
static bool rx_never_consumes(void)
{
	return send_some(4 * CARD_RX, 300);
}

static void spoil_grants(unsigned round)
{
	__atomic_store_n(&grant_v1(card->tx_grant[round % 8])->flags,
			 round & 8 ? 0 : GTF_permit_access, __ATOMIC_SEQ_CST);
}

static void spoil_slots(unsigned round)
{
	volatile struct netif_tx_request *r = (volatile struct netif_tx_request *)
		(card->tx_page + RING_HEADER_BYTES) + round % 256;
	volatile char *frame = card->tx_data[round % 8];

	r->size = (uint16_t)(round & 16 ? 65535 : 100);
	r->offset = (uint16_t)(round & 32 ? 65535 : 0);
	r->gref = round & 64 ? 0xffff : card->tx_grant[round % 8];
	frame[12] = (char)(round & 128 ? 0x81 : 0x88);
	frame[13] = (char)(round & 128 ? 0x00 : 0xb5);
	frame[15] = VICTIM_VLAN;
	frame[5] = (char)(round & 256 ? card->victim[5] : other->mac[5]);
}

static bool race_frames(void (*spoil)(unsigned round))
{
	uint32_t ref;

	page_of_frame();
	race_begin(spoil);
	for (unsigned round = 0; round < 60 && !is_cut_off(&card->dev); round++) {
		for (unsigned i = 0; i < 64; i++) {
			ref = card->tx_grant[i % 8];
			ref_give(ref, card->tx_data[i % 8], GTF_readonly);
			slot(ref, 0, 100, 0);
		}
		tx_front_push(&card->tx);
		for (unsigned i = 0; i < 1000 && !all_answered(NULL); i++)
			if (i % 100 == 99 && is_cut_off(&card->dev))
				break;
			else
				wait_ms(1);
	}
	race_end();
	return true;
}

static bool revoked(void)
{
	return race_frames(spoil_grants);
}

static bool rewritten(void)
{
	return race_frames(spoil_slots);
}

/* --- notifications --- */

/* Until somebody types. */
static bool storm(void)
{
	while (!con_typed()) {
		event_send((unsigned)card->port);
		hc_sched(SCHEDOP_yield, NULL);
	}
	return true;
}

/* Never ends: for a domain that is destroyed in the middle. */
static bool flood(void)
{
	for (;;) {
		memset(card->tx_used, 0, sizeof(card->tx_used));
		while (card_send(card, other->mac, 1, 1000))
			;
		if (!sent_and_answered("a flood of frames"))
			return false;
	}
}

const struct attack card_attacks[] = {
	{ "card-index-ahead", the_card, tx_ahead, CUT_OFF },
	{ "card-index-behind", the_card, tx_behind, CUT_OFF },
	{ "card-rx-index", the_other_card, rx_ahead, CUT_OFF },
	{ "card-endless-chain", the_card, endless_chain, CUT_OFF },
	{ "card-empty-piece", the_card, empty_piece, CUT_OFF },
	{ "card-crossing-piece", the_card, crossing_piece, CUT_OFF },
	{ "card-crossing-first", the_card, crossing_first, CUT_OFF },
	{ "card-pieces", the_card, smaller_than_pieces, CUT_OFF },
	{ "card-unknown-extra", the_card, unknown_extra, CUT_OFF },
	{ "card-endless-extras", the_card, endless_extras, CUT_OFF },
	{ "card-gso", the_card, gso_of_nothing, CUT_OFF },
	{ "card-short", the_card, short_frames, SERVED_ON },
	{ "card-bad-refs", the_card, bad_refs, SERVED_ON },
	{ "card-lies", the_card, lies, SERVED_ON },
	{ "card-vlan", the_card, foreign_vlan, SERVED_ON },
	{ "card-rx-none", the_other_card, rx_none, SERVED_ON },
	{ "card-rx-readonly", the_other_card, rx_readonly, SERVED_ON },
	{ "card-rx-never-consumes", the_other_card, rx_never_consumes, SERVED_ON },
	{ "card-revoked", the_card, revoked, EITHER },
	{ "card-rewritten", the_card, rewritten, EITHER },
	{ "card-storm", the_card, storm, EITHER },
	{ "card-flood", the_card, flood, SERVED_ON },
	{ NULL, NULL, NULL, SERVED_ON },
};
