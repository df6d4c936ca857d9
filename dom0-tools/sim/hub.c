/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Event channels and grants of the simulated world, as the hypervisor keeps them: what is
 * refused, and who still holds what.  No faults and no scheduling here; see ops.c.
 *
 *	port:	free --offer--> offered --peer binds--> bound --either closes--> free,
 *		and the other end of a channel that was closed is offered again to the same peer
 *	grant:	lent --map--> mapped n times --unmap--> lent --reclaim--> free
 *
 * Shared memory is one memfd.  A mapping is a view of its own, so that a driver which touches a
 * page after unmap() is caught by the processor; with plain_maps it is the lender's memory.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sim/sim_priv.h"

/* --- event channels --- */

static int free_port(struct sim_dom *d)
{
	for (unsigned i = 1; i < SIM_PORTS; i++)
		if (d->port[i].state == SIM_PORT_FREE)
			return (int)i;
	return -ENOSPC;
}

int hub_offer(struct sim_dom *d, domid_t peer, uint32_t *port)
{
	int p = free_port(d);

	if (p < 0)
		return p;
	d->port[p] = (struct sim_port){ .state = SIM_PORT_OFFERED, .peer = peer };
	*port = (uint32_t)p;
	return 0;
}

int hub_bind(struct sim_dom *d, domid_t peer, uint32_t remote, uint32_t *port)
{
	struct sim_dom *other = sim_find(d->world, peer);
	struct sim_port *theirs;
	int p = free_port(d);

	if (p < 0)
		return p;
	if (!other)
		return -ESRCH;
	if (remote == 0 || remote >= SIM_PORTS)
		return -EINVAL;
	theirs = &other->port[remote];
	if (theirs->state != SIM_PORT_OFFERED || theirs->peer != d->id)
		return -EINVAL;
	d->port[p] = (struct sim_port){ .state = SIM_PORT_BOUND, .peer = peer, .remote = remote };
	theirs->state = SIM_PORT_BOUND;
	theirs->remote = (uint32_t)p;
	*port = (uint32_t)p;
	hub_raise(d, (uint32_t)p);	/* what was sent before is not known: look once */
	return 0;
}

void hub_close(struct sim_dom *d, uint32_t port)
{
	struct sim_dom *other;

	if (port == 0 || port >= SIM_PORTS || d->port[port].state == SIM_PORT_FREE)
		return;
	other = sim_find(d->world, d->port[port].peer);
	if (d->port[port].state == SIM_PORT_BOUND && other) {
		other->port[d->port[port].remote].state = SIM_PORT_OFFERED;
		other->port[d->port[port].remote].remote = 0;
	}
	memset(&d->port[port], 0, sizeof(d->port[port]));
}

bool hub_target(struct sim_dom *d, uint32_t port, struct sim_dom **to, uint32_t *to_port)
{
	if (port == 0 || port >= SIM_PORTS || d->port[port].state != SIM_PORT_BOUND)
		return false;
	*to = sim_find(d->world, d->port[port].peer);
	*to_port = d->port[port].remote;
	return *to != NULL;
}

void hub_raise(struct sim_dom *d, uint32_t port)
{
	if (d->port[port].state != SIM_PORT_FREE)
		d->port[port].pending = true;
}

/* --- grants: the lender --- */

static int free_pages(struct sim *w, unsigned n)
{
	unsigned run = 0;

	for (unsigned i = 0; i < SIM_PAGES; i++) {
		run = w->page_users[i] ? 0 : run + 1;
		if (run == n)
			return (int)(i - n + 1);
	}
	return -ENOMEM;
}

int hub_lend(struct sim_dom *d, domid_t peer, unsigned n, bool writable, uint32_t *refs,
	     void **where)
{
	int page = n && n <= 16 ? free_pages(d->world, n) : -EINVAL;
	unsigned found = 0;

	if (page < 0)
		return page;
	for (unsigned i = 0; i < SIM_GRANTS && found < n; i++)
		if (!d->grant[i].used)
			refs[found++] = SIM_FIRST_REF + i;
	if (found < n)
		return -ENOSPC;
	for (unsigned i = 0; i < n; i++) {
		d->grant[refs[i] - SIM_FIRST_REF] = (struct sim_grant){
			.used = true, .writable = writable, .peer = peer,
			.page = (uint16_t)((unsigned)page + i),
		};
		d->world->page_users[(unsigned)page + i] = 1;
	}
	*where = d->world->memory + (unsigned)page * 4096;
	memset(*where, 0, n * 4096);
	return 0;
}

static struct sim_grant *grant_of_page(struct sim_dom *d, unsigned page)
{
	for (unsigned i = 0; i < SIM_GRANTS; i++)
		if (d->grant[i].used && d->grant[i].page == page)
			return &d->grant[i];
	return NULL;
}

int hub_reclaim(struct sim_dom *d, void *where, unsigned n, bool force)
{
	size_t offset = (size_t)((uint8_t *)where - d->world->memory);
	unsigned first = (unsigned)(offset / 4096);

	if (offset % 4096 || first + n > SIM_PAGES)
		return -EINVAL;
	for (unsigned i = 0; i < n; i++) {
		struct sim_grant *g = grant_of_page(d, first + i);

		if (!g)
			return -EINVAL;
		if (g->mapped && !force)
			return -EBUSY;
	}
	for (unsigned i = 0; i < n; i++) {
		memset(grant_of_page(d, first + i), 0, sizeof(struct sim_grant));
		d->world->page_users[first + i]--;
	}
	return 0;
}

/* --- grants: the user --- */

int hub_check(struct sim_dom *d, domid_t owner, uint32_t ref, bool writable,
	      struct sim_grant **grant)
{
	struct sim_dom *other = sim_find(d->world, owner);
	struct sim_grant *g;

	if (!other)
		return -ESRCH;
	if (ref < SIM_FIRST_REF || ref >= SIM_FIRST_REF + SIM_GRANTS)
		return -EINVAL;
	g = &other->grant[ref - SIM_FIRST_REF];
	if (!g->used || g->revoked || g->peer != d->id)
		return -EINVAL;
	if (writable && !g->writable)
		return -EACCES;
	*grant = g;
	return 0;
}

static uint8_t *view_of(struct sim *w, struct sim_map *m, bool writable)
{
	uint8_t *where;
	bool in_a_row = true;

	for (unsigned i = 1; i < m->pages; i++)
		in_a_row = in_a_row && m->page[i] == m->page[0] + i;
	if (w->options.plain_maps && in_a_row)
		return w->memory + m->page[0] * 4096u;
	where = mmap(NULL, m->pages * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (unsigned i = 0; i < m->pages && where != MAP_FAILED; i++)
		if (mmap(where + i * 4096, 4096, writable ? PROT_READ | PROT_WRITE : PROT_READ,
			 MAP_SHARED | MAP_FIXED, w->memory_fd, m->page[i] * 4096l) == MAP_FAILED)
			return NULL;
	return where == MAP_FAILED ? NULL : where;
}

int hub_map(struct sim_dom *d, domid_t peer, const uint32_t *refs, unsigned n, bool writable,
	    void **where)
{
	struct sim_grant *g[16];
	struct sim_map *m = NULL;

	for (unsigned i = 0; i < SIM_MAPS && !m; i++)
		if (!d->map[i].pages)
			m = &d->map[i];
	if (!m)
		return -ENOSPC;
	if (!n || n > 16)
		return -EINVAL;
	for (unsigned i = 0; i < n; i++) {
		int rc = hub_check(d, peer, refs[i], writable, &g[i]);

		if (rc)
			return rc;
		m->refs[i] = refs[i];
		m->page[i] = g[i]->page;
	}
	m->pages = n;
	m->owner = peer;
	m->where = view_of(d->world, m, writable);
	if (!m->where) {
		m->pages = 0;
		return -ENOMEM;
	}
	for (unsigned i = 0; i < n; i++) {
		g[i]->mapped++;
		d->world->page_users[m->page[i]]++;
	}
	*where = m->where;
	return 0;
}

static void drop_map(struct sim_dom *d, struct sim_map *m)
{
	struct sim *w = d->world;
	struct sim_dom *owner = sim_find(w, m->owner);

	for (unsigned i = 0; i < m->pages; i++) {
		struct sim_grant *g = &owner->grant[m->refs[i] - SIM_FIRST_REF];

		if (g->used && g->page == m->page[i] && g->mapped)
			g->mapped--;
		w->page_users[m->page[i]]--;
	}
	if (m->where < w->memory || m->where >= w->memory + SIM_PAGES * 4096)
		munmap(m->where, m->pages * 4096);
	memset(m, 0, sizeof(*m));
}

int hub_unmap(struct sim_dom *d, void *where, unsigned n)
{
	for (unsigned i = 0; i < SIM_MAPS; i++)
		if (d->map[i].pages && d->map[i].where == where) {
			if (d->map[i].pages != n)
				return -EINVAL;
			drop_map(d, &d->map[i]);
			return 0;
		}
	return -EINVAL;
}

static int side_address(struct sim_dom *d, const struct mica_io_side *s, uint32_t bytes,
			bool writable, uint8_t **at)
{
	struct sim_grant *g;
	int rc;

	if (!s->by_ref) {
		*at = s->mem;
		return 0;
	}
	if (s->offset > 4096 || bytes > 4096 - s->offset)
		return -EINVAL;
	rc = hub_check(d, s->domid, s->ref, writable, &g);
	if (!rc)
		*at = d->world->memory + g->page * 4096u + s->offset;
	return rc;
}

int hub_copy_one(struct sim_dom *d, struct mica_io_copy *c)
{
	uint8_t *from, *to;
	int rc = side_address(d, &c->from, c->bytes, false, &from);

	if (!rc)
		rc = side_address(d, &c->to, c->bytes, true, &to);
	if (!rc)
		memmove(to, from, c->bytes);
	return rc;
}

/* --- the end of a domain's hold --- */

void hub_drop_all(struct sim_dom *d, bool grants_too)
{
	for (uint32_t i = 1; i < SIM_PORTS; i++)
		hub_close(d, i);
	for (unsigned i = 0; i < SIM_MAPS; i++)
		if (d->map[i].pages)
			drop_map(d, &d->map[i]);
	for (unsigned i = 0; i < SIM_GRANTS && grants_too; i++)
		if (d->grant[i].used) {
			d->world->page_users[d->grant[i].page]--;
			memset(&d->grant[i], 0, sizeof(d->grant[i]));
		}
}

bool hub_locate(struct sim_dom *d, const void *address, unsigned *page, unsigned *offset)
{
	const uint8_t *at = address;
	struct sim *w = d->world;

	if (at >= w->memory && at < w->memory + SIM_PAGES * 4096) {
		*page = (unsigned)((at - w->memory) / 4096);
		*offset = (unsigned)((at - w->memory) % 4096);
		return true;
	}
	for (unsigned i = 0; i < SIM_MAPS; i++) {
		struct sim_map *m = &d->map[i];

		if (m->pages && at >= m->where && at < m->where + m->pages * 4096) {
			*page = m->page[(at - m->where) / 4096];
			*offset = (unsigned)((at - m->where) % 4096);
			return true;
		}
	}
	return false;
}

struct sim_holds sim_holds(const struct mica_io *io)
{
	const struct sim_dom *d = (const struct sim_dom *)io;
	struct sim_holds holds = { 0 };

	for (unsigned i = 0; i < SIM_PORTS; i++)
		holds.ports += d->port[i].state != SIM_PORT_FREE;
	for (unsigned i = 0; i < SIM_GRANTS; i++)
		holds.lent += d->grant[i].used;
	for (unsigned i = 0; i < SIM_MAPS; i++)
		holds.mapped += d->map[i].pages;
	for (unsigned i = 0; i < SIM_WATCHES; i++)
		holds.watches += d->watch[i].used;
	return holds;
}
