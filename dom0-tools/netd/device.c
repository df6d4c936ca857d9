/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The TAP device of a network, by ioctls: made with virtio headers and offloads, given dom0's
 * address or put into a bridge, and taken up.  It exists as long as its descriptor is open, so
 * the supervisor keeps one and workers come and go.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "netd/host.h"
#include "netd/offload.h"

static int make(int fd, struct ifreq *r)
{
	unsigned offloads = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
	int header = sizeof(struct vnet_header), little = 1;

	r->ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	if (ioctl(fd, TUNSETIFF, r) || ioctl(fd, TUNSETVNETHDRSZ, &header) ||
	    ioctl(fd, TUNSETOFFLOAD, offloads))
		return -errno;
	return ioctl(fd, TUNSETVNETLE, &little) && errno != EINVAL ? -errno : 0;
}

static int set_address(int s, struct ifreq *r, unsigned long call, uint32_t address)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(address) };

	memcpy(&r->ifr_addr, &in, sizeof(in));
	return ioctl(s, call, r) ? -errno : 0;
}

static int bridge(int s, const char *device, const char *into)
{
	struct ifreq r = { 0 };

	strcpy(r.ifr_name, into);
	r.ifr_ifindex = (int)if_nametoindex(device);
	return ioctl(s, SIOCBRADDIF, &r) && errno != EBUSY ? -errno : 0;
}

static int configure(int s, struct ifreq *r, const struct host_config *c, const char **what)
{
	int rc = 0;

	*what = "set its MTU";
	r->ifr_mtu = (int)c->mtu;
	if (ioctl(s, SIOCSIFMTU, r))
		return -errno;
	if (c->routed) {
		*what = "set its address";
		rc = set_address(s, r, SIOCSIFADDR, c->address);
		rc = rc ? rc : set_address(s, r, SIOCSIFNETMASK, c->mask);
	} else if (c->bridge[0]) {
		*what = "put it into the bridge";
		rc = bridge(s, r->ifr_name, c->bridge);
	}
	if (rc)
		return rc;
	*what = "take it up";
	if (ioctl(s, SIOCGIFFLAGS, r))
		return -errno;
	r->ifr_flags |= IFF_UP;
	return ioctl(s, SIOCSIFFLAGS, r) ? -errno : 0;
}

int device_open(const char *name, const struct host_config *c, const char **what)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK), s, rc;
	struct ifreq r = { 0 };

	*what = "open /dev/net/tun (is the module tun loaded?)";
	if (fd < 0)
		return -errno;
	host_device(r.ifr_name, name);
	*what = "make it";
	rc = make(fd, &r);
	s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (!rc)
		rc = s < 0 ? -errno : configure(s, &r, c, what);
	if (s >= 0)
		close(s);
	if (!rc)
		return fd;
	close(fd);
	return rc;
}
