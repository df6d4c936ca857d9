/* SPDX-License-Identifier: BSD-2-Clause */
/* Begin and end of a store; see store.h. */
#include "state.h"

void store_init(struct store *s)
{
	memset(s, 0, sizeof(*s));
	tree_init(&s->tree);
	quota_init(&s->quotas);
	list_init(&s->conns);
	list_init(&s->touched);
	list_init(&s->busy);
	list_init(&s->bells);
	s->domains = xzalloc(DOMIDS * sizeof(*s->domains));
}

void store_free(struct store *s)
{
	for (unsigned id = 0; id < DOMIDS; id++)
		if (s->domains[id])
			domain_free(s, s->domains[id]);
	free(s->domains);
	free(s->ports);
	watches_free(&s->watches);
	tree_free(&s->tree);
	quota_free(&s->quotas);
}
