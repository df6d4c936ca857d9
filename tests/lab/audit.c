/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * audit: asks the hypervisor, from dom0, to recount every frame reference from scratch
 * (mica_op, number 55, sub-operation 1).  Prints the answer; status 0 if it was clean, 1 if it
 * found differences (the hypervisor's console names them), 2 if the question could not be put,
 * for instance because the hypervisor is another one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <mica/mica_op.h>

#define HYPERCALL_MICA_OP	55

/* The kernel's interface for a hypercall from user space. */
struct privcmd_hypercall {
	uint64_t op;
	uint64_t arg[5];
};
#define IOCTL_PRIVCMD_HYPERCALL	_IOC(_IOC_NONE, 'P', 0, sizeof(struct privcmd_hypercall))

int main(void)
{
	struct privcmd_hypercall call = { .op = HYPERCALL_MICA_OP, .arg = { MICA_OP_audit } };
	int fd = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
	int rc;

	if (fd < 0) {
		printf("audit: cannot open /dev/xen/privcmd: %s\n", strerror(errno));
		return 2;
	}
	rc = ioctl(fd, IOCTL_PRIVCMD_HYPERCALL, &call);
	if (rc < 0) {
		printf("audit: the hypervisor refused: %s\n", strerror(errno));
		return 2;
	}
	printf("audit: %d differences\n", rc);
	close(fd);
	return rc != 0;
}
