/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine of dom.c on real devices: grant 1 of a domain is its store page (/dev/xen/gntdev),
 * event channels come from /dev/xen/evtchn, and the hypervisor is asked through /dev/xen/privcmd
 * who still lives.  Domain 0's own page and port are those its kernel shows in /proc/xen.
 * Everything is opened, and what needs rights is done, before the sandbox closes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xencall.h>

#include <mica/domctl.h>

#include "server.h"
#include "xen_dev.h"

#define STORE_GRANT		1
#define PAGE_BYTES		4096
#define PORTS_AT_ONCE		64
#define NR_VIRQ_DOM_EXC		3
#define NR_DOMCTL		36

struct xen {
	struct machine machine;
	xencall_handle *calls;
	struct xen_domctl *domctl;	/* a buffer that the hypervisor may write */
	int virq;			/* port */
	void *dom0_page;
	uint32_t dom0_port;
};

static void *xen_map(struct machine *m, unsigned domid)
{
	struct xen *x = container(m, struct xen, machine);

	if (!domid)
		return x->dom0_page;
	return dev_map(domid, STORE_GRANT);
}

static void xen_unmap(struct machine *m, unsigned domid, void *page)
{
	if (domid)
		dev_unmap(page);
}

static int xen_bind(struct machine *m, unsigned domid, uint32_t port)
{
	int local = dev_bind(domid, port);

	return local < 0 ? -errno : local;
}

static void xen_unbind(struct machine *m, int port)
{
	dev_unbind(port);
}

static void xen_notify(struct machine *m, int port)
{
	dev_notify(port);
}

static enum dom_state xen_state(struct machine *m, unsigned domid)
{
	struct xen *x = container(m, struct xen, machine);
	struct xen_domctl *op = x->domctl;

	memset(op, 0, sizeof(*op));
	op->cmd = XEN_DOMCTL_getdomaininfo;
	op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	op->domain = (domid_t)domid;
	if (xencall1(x->calls, NR_DOMCTL, (uintptr_t)op) < 0) {
		if (errno == ESRCH)
			return DOM_GONE;
		say("cannot ask about domain %u: %s", domid, strerror(errno));
		return DOM_ALIVE;
	}
	/* The answer is about the first domain of this number or a higher one. */
	if (op->u.getdomaininfo.domain != domid)
		return DOM_GONE;
	if (op->u.getdomaininfo.flags & XEN_DOMINF_dying)
		return DOM_DYING;
	return op->u.getdomaininfo.flags & XEN_DOMINF_shutdown ? DOM_SHUTDOWN : DOM_ALIVE;
}

/* Fetch all pending ports with one read and unmask them with one write. */
static void xen_on_events(struct server *srv)
{
	struct xen *x = container(srv->machine, struct xen, machine);
	uint32_t ports[PORTS_AT_ONCE];
	ssize_t n = read(srv->events, ports, sizeof(ports));
	bool deaths = false;

	if (n <= 0)
		return;
	if (write(srv->events, ports, (size_t)n) != n)
		say("cannot unmask event channels: %s", strerror(errno));
	for (size_t i = 0; i < (size_t)n / sizeof(ports[0]); i++) {
		if ((int)ports[i] == x->virq)
			deaths = true;
		else
			domain_event(srv->store, (int)ports[i]);
	}
	if (deaths)
		domain_check_all(srv->store);
}

/* The kernel's page and port.  Without them dom0's kernel has no store, but processes have. */
static void open_dom0(struct xen *x)
{
	FILE *f = fopen("/proc/xen/xsd_port", "re");
	int fd = open("/proc/xen/xsd_kva", O_RDWR | O_CLOEXEC);

	x->dom0_page = MAP_FAILED;
	if (!f || fd < 0 || fscanf(f, "%u", &x->dom0_port) != 1)
		say("no ring for domain 0: mount xenfs at /proc/xen first, if its kernel needs the store");
	else
		x->dom0_page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (x->dom0_page == MAP_FAILED)
		x->dom0_page = NULL;
	if (f)
		fclose(f);
	if (fd >= 0)
		close(fd);
}

struct machine *xen_open(struct server *srv)
{
	struct xen *x = xzalloc(sizeof(*x));
	const char *failed;

	x->machine = (struct machine){ xen_map, xen_unmap, xen_bind, xen_unbind, xen_notify, xen_state };
	failed = dev_open();
	x->calls = xencall_open(NULL, 0);
	if (failed || !x->calls)
		die("cannot open %s: %s; is this domain 0, with xen_gntdev, xen_evtchn and xen_privcmd? "
		    "(--no-hypervisor serves sockets only)", failed ? failed : "/dev/xen/privcmd",
		    strerror(errno));
	x->domctl = xencall_alloc_buffer(x->calls, sizeof(*x->domctl));
	x->virq = dev_bind_virq(NR_VIRQ_DOM_EXC);
	if (!x->domctl || x->virq < 0)
		die("cannot be told of domains that end: %s; does another store daemon run?",
		    strerror(errno));
	open_dom0(x);
	srv->machine = &x->machine;
	srv->events = dev_events_fd();
	srv->on_events = xen_on_events;
	return &x->machine;
}

void xen_introduce_dom0(struct server *srv)
{
	struct xen *x = container(srv->machine, struct xen, machine);

	if (x->dom0_page && !domain_find(srv->store, 0) &&
	    domain_introduce(srv->store, 0, 0, x->dom0_port))
		say("the kernel of domain 0 will have no store");
}
