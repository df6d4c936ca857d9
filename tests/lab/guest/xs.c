/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store ring of a lab guest.  One vCPU uses it; while it waits for an answer it blocks.
 */
#include "xs.h"
#include "con.h"
#include "event.h"
#include "hyper.h"
#include "mm.h"
#include "print.h"

#define PATH_MAX	200

static volatile struct xenstore_domain_interface *store;
static bool fired;

static void barrier(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void xs_start(void)
{
	store = va_of_mfn(start_info->store_mfn);
	event_unmask(start_info->store_evtchn);
}

bool xs_waiting(void)
{
	return store->rsp_prod != store->rsp_cons;
}

void xs_put(const void *data, size_t len)
{
	const char *p = data;

	while (len--) {
		while (store->req_prod - store->req_cons >= XENSTORE_RING_SIZE)
			hc_sched(SCHEDOP_yield, NULL);
		store->req[MASK_XENSTORE_IDX(store->req_prod)] = *p++;
		barrier();
		store->req_prod++;
	}
}

/* Sleep until the store's daemon has written something. */
static void xs_await(void)
{
	for (;;) {
		event_disable();
		if (xs_waiting())
			break;
		hc_sched(SCHEDOP_block, NULL);
		event_enable();
	}
	event_enable();
}

/* The daemon is told, as Linux does it, when its ring was full before. */
static void xs_get(void *data, size_t len)
{
	char *p = data;

	while (len--) {
		uint32_t cons = store->rsp_cons;

		if (store->rsp_prod == cons)
			xs_await();
		barrier();
		*p++ = store->rsp[MASK_XENSTORE_IDX(cons)];
		barrier();
		store->rsp_cons = cons + 1;
		barrier();
		if (store->rsp_prod - cons >= XENSTORE_RING_SIZE)
			event_send(start_info->store_evtchn);
	}
}

unsigned int xs_message(char *text, size_t size, uint32_t *len)
{
	struct xsd_sockmsg head;
	char byte;

	xs_get(&head, sizeof(head));
	*len = 0;
	for (uint32_t i = 0; i < head.len; i++) {
		xs_get(&byte, 1);
		if (*len < size - 1)
			text[(*len)++] = byte;
	}
	text[*len] = '\0';
	return head.type;
}

unsigned int xs_ask(unsigned int type, const char *a, const char *b, bool raw, char *reply,
		    size_t size)
{
	size_t a_len = strlen(a) + 1, b_len = b ? strlen(b) + !raw : 0;
	struct xsd_sockmsg head = { .type = type, .req_id = 1, .len = (uint32_t)(a_len + b_len) };
	unsigned int answer;
	uint32_t len;

	xs_put(&head, sizeof(head));
	xs_put(a, a_len);
	if (b_len)
		xs_put(b, b_len);
	event_send(start_info->store_evtchn);
	do {
		answer = xs_message(reply, size, &len);
		if (answer == XS_WATCH_EVENT)
			fired = true;
	} while (answer == XS_WATCH_EVENT);
	return answer;
}

bool xs_fired(void)
{
	char text[64];
	uint32_t len;
	bool was;

	while (xs_waiting())
		if (xs_message(text, sizeof(text), &len) == XS_WATCH_EVENT)
			fired = true;
	was = fired;
	fired = false;
	return was;
}

static int ask_at(unsigned int type, const char *dir, const char *key, const char *value,
		  char *reply, size_t size)
{
	char path[PATH_MAX];

	text_print(path, sizeof(path), "%s/%s", dir, key);
	return xs_ask(type, path, value, true, reply, size) == XS_ERROR ? -ENOENT : 0;
}

int xs_read(const char *dir, const char *key, char *value, size_t size)
{
	int rc = ask_at(XS_READ, dir, key, NULL, value, size);

	if (rc)
		value[0] = '\0';
	return rc;
}

int xs_write(const char *dir, const char *key, const char *value)
{
	char reply[32];

	return ask_at(XS_WRITE, dir, key, value, reply, sizeof(reply));
}

int xs_write_number(const char *dir, const char *key, uint64_t value)
{
	char text[24];

	text_print(text, sizeof(text), "%lu", value);
	return xs_write(dir, key, text);
}

int xs_remove(const char *dir, const char *key)
{
	char reply[32];

	return ask_at(XS_RM, dir, key, NULL, reply, sizeof(reply));
}

int xs_watch(const char *dir, const char *key)
{
	char path[PATH_MAX], reply[32];

	text_print(path, sizeof(path), "%s/%s", dir, key);
	return xs_ask(XS_WATCH, path, "w", false, reply, sizeof(reply)) == XS_ERROR ? -ENOENT : 0;
}

uint64_t xs_read_number(const char *dir, const char *key, uint64_t otherwise)
{
	char text[24];
	uint64_t value = 0;

	if (xs_read(dir, key, text, sizeof(text)) || !text[0])
		return otherwise;
	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '9')
			return otherwise;
		value = value * 10 + (uint64_t)(*p - '0');
	}
	return value;
}
