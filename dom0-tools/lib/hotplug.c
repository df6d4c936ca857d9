/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See hotplug.h.  A loop device is noted in the store ("loop") before it can be used, so whoever
 * removes the directory finds it; it is not one that vanishes by itself, since between our end and
 * the back end's opening nobody holds it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/hotplug.h"

#define LOOP_TRIES	16
#define VIF_WAIT_MS	30000

extern char **environ;

/* The driver, unless it is built in or loaded already. */
static void load_driver(const char *module, const char *driver)
{
	char path[64];
	char *argv[] = { (char *)"modprobe", (char *)"-q", (char *)module, NULL };
	int status;
	pid_t pid;

	snprintf(path, sizeof(path), "/sys/bus/xen-backend/drivers/%s", driver);
	if (!access(path, F_OK) || posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ))
		return;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
}

static int failed(struct mica_error *e, const char *step, const char *what, int rc)
{
	return mica_fail(e, "MICA-DEV-005", "cannot %s %s: %s", step, what, strerror(rc < 0 ? -rc : rc));
}

/* --- disks --- */

/* Attach the file to a free loop device.  Its file descriptor, and *number. */
static int loop_make(const char *file, bool read_only, int *number)
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int fd = open(file, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC), loop = -1, rc = 0;
	struct loop_config config = { .info.lo_flags = LO_FLAGS_DIRECT_IO };
	char path[32];

	if (control < 0 || fd < 0)
		rc = -errno;
	config.fd = (uint32_t)fd;
	config.info.lo_flags |= read_only ? LO_FLAGS_READ_ONLY : 0;
	snprintf((char *)config.info.lo_file_name, LO_NAME_SIZE, "%.63s", file);
	for (int tries = 0; !rc && tries < LOOP_TRIES; tries++) {
		*number = ioctl(control, LOOP_CTL_GET_FREE);
		if (*number < 0) {
			rc = -errno;
			break;
		}
		snprintf(path, sizeof(path), "/dev/loop%d", *number);
		loop = open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
		if (loop < 0) {
			rc = -errno;
			break;
		}
		if (!ioctl(loop, LOOP_CONFIGURE, &config))
			break;
		/* Somebody was faster: the next one. */
		if (errno != EBUSY)
			rc = -errno;
		close(loop);
		loop = -1;
	}
	if (control >= 0)
		close(control);
	if (fd >= 0)
		close(fd);
	return rc ? rc : loop < 0 ? -EBUSY : loop;
}

static int tell_disk(struct mica_store *s, const char *back, const char *path, dev_t dev)
{
	char node[160];
	int rc;

	snprintf(node, sizeof(node), "%s/physical-device-path", back);
	rc = mica_store_put(s, node, "%s", path);
	snprintf(node, sizeof(node), "%s/hotplug-status", back);
	if (!rc)
		rc = mica_store_put(s, node, "connected");
	/* This is what the driver waits for. */
	snprintf(node, sizeof(node), "%s/physical-device", back);
	return rc ? rc : mica_store_put(s, node, "%x:%x", major(dev), minor(dev));
}

int mica_hotplug_disk(struct mica_store *s, domid_t id, const struct mica_disk *d,
		      struct mica_error *e)
{
	char back[96], node[160], path[1024];
	int loop = -1, number = 0, rc;
	struct stat st;

	if (!d->kernel)
		return 0;
	load_driver("xen-blkback", "vbd");
	snprintf(back, sizeof(back), "/local/domain/0/backend/vbd/%u/%u", id, d->number);
	snprintf(path, sizeof(path), "%s", d->target);
	if (stat(path, &st))
		return failed(e, "look at", path, errno);
	if (!S_ISBLK(st.st_mode)) {
		loop = loop_make(d->target, d->read_only, &number);
		if (loop < 0)
			return failed(e, "make a loop device of", d->target, loop);
		snprintf(path, sizeof(path), "/dev/loop%d", number);
		snprintf(node, sizeof(node), "%s/loop", back);
		rc = mica_store_put(s, node, "%d", number);
		if (rc || fstat(loop, &st)) {
			rc = rc ? rc : -errno;
			ioctl(loop, LOOP_CLR_FD);
			close(loop);
			return failed(e, "note the loop device of", d->target, rc);
		}
	}
	rc = tell_disk(s, back, path, st.st_rdev);
	if (loop >= 0)
		close(loop);
	return rc ? failed(e, "tell the back end of", d->target, rc) : 0;
}

void mica_hotplug_undo(struct mica_store *s, const char *back)
{
	char number[16], path[40];
	int loop;

	if (mica_store_get(s, number, sizeof(number), "%s/loop", back) || !number[0] ||
	    strspn(number, "0123456789") != strlen(number))
		return;
	snprintf(path, sizeof(path), "/dev/loop%s", number);
	loop = open(path, O_RDONLY | O_CLOEXEC);
	if (loop < 0)
		return;
	/* If the driver has it open still, the kernel does so when that is over. */
	ioctl(loop, LOOP_CLR_FD);
	close(loop);
}

/* --- network cards --- */

/* The interface appears when the driver has seen the directory. */
static int await_interface(struct mica_store *s, const char *name, const char *back)
{
	for (int waited = 0; waited < VIF_WAIT_MS; waited += 20) {
		if (if_nametoindex(name))
			return 0;
		usleep(20000);
	}
	return -ETIMEDOUT;
}

static int join_bridge(int fd, const char *name, const struct mica_nic *n)
{
	struct ifreq bridge = { 0 }, port = { 0 };

	snprintf(bridge.ifr_name, IFNAMSIZ, "%s", n->network);
	bridge.ifr_ifindex = (int)if_nametoindex(name);
	snprintf(port.ifr_name, IFNAMSIZ, "%s", name);
	if (n->mtu) {
		port.ifr_mtu = (int)n->mtu;
		if (ioctl(fd, SIOCSIFMTU, &port))
			return -errno;
	}
	if (ioctl(fd, SIOCBRADDIF, &bridge) && errno != EBUSY)
		return -errno;
	if (ioctl(fd, SIOCGIFFLAGS, &port))
		return -errno;
	port.ifr_flags |= IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, &port) ? -errno : 0;
}

static int rename_interface(int fd, const char *from, const char *to)
{
	struct ifreq r = { 0 };

	snprintf(r.ifr_name, IFNAMSIZ, "%s", from);
	snprintf(r.ifr_newname, IFNAMSIZ, "%s", to);
	return ioctl(fd, SIOCSIFNAME, &r) ? -errno : 0;
}

int mica_hotplug_nic(struct mica_store *s, domid_t id, const struct mica_nic *n,
		     struct mica_error *e)
{
	char back[96], node[160], name[IFNAMSIZ];
	int fd, rc;

	if (!n->kernel)
		return 0;
	load_driver("xen-netback", "vif");
	snprintf(back, sizeof(back), "/local/domain/0/backend/vif/%u/%u", id, n->handle);
	snprintf(name, sizeof(name), "vif%u.%u", id, n->handle);
	rc = await_interface(s, name, back);
	if (rc)
		return failed(e, "find the interface", name, rc);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return failed(e, "set up", name, errno);
	if (n->ifname[0]) {
		rc = rename_interface(fd, name, n->ifname);
		if (!rc)
			snprintf(name, sizeof(name), "%s", n->ifname);
	}
	if (!rc)
		rc = join_bridge(fd, name, n);
	close(fd);
	if (rc)
		return failed(e, "put into its bridge", name, rc);
	snprintf(node, sizeof(node), "%s/hotplug-status", back);
	rc = mica_store_put(s, node, "connected");
	return rc ? failed(e, "tell the back end of", name, rc) : 0;
}
