/* SPDX-License-Identifier: MIT */
/*
 * Error numbers a hypercall returns, negated.  They are the field's fixed ABI
 * numbers, whatever numbers the caller's own kernel or C library uses (on Linux
 * x86 they are the same).  Each is guarded so that <errno.h> may come first.
 * EINTR and ERESTART travel inside the hypervisor only; no guest ever sees them.
 */
#ifndef MICA_ABI_ERRNO_H
#define MICA_ABI_ERRNO_H

#ifndef EPERM
#define EPERM		1	/* not permitted */
#endif
#ifndef ENOENT
#define ENOENT		2	/* no such thing */
#endif
#ifndef ESRCH
#define ESRCH		3	/* no such domain */
#endif
#ifndef EINTR
#define EINTR		4	/* interrupted; never shown to a guest */
#endif
#ifndef EIO
#define EIO		5	/* device or transfer failed */
#endif
#ifndef ENXIO
#define ENXIO		6	/* no such address */
#endif
#ifndef E2BIG
#define E2BIG		7	/* argument list too long */
#endif
#ifndef ENOEXEC
#define ENOEXEC		8	/* not a loadable image */
#endif
#ifndef EBADF
#define EBADF		9	/* bad descriptor */
#endif
#ifndef ECHILD
#define ECHILD		10	/* no child */
#endif
#ifndef EAGAIN
#define EAGAIN		11	/* try again */
#endif
#ifndef EWOULDBLOCK
#define EWOULDBLOCK	EAGAIN
#endif
#ifndef ENOMEM
#define ENOMEM		12	/* out of memory */
#endif
#ifndef EACCES
#define EACCES		13	/* access denied, or wrong interface version */
#endif
#ifndef EFAULT
#define EFAULT		14	/* bad guest pointer */
#endif
#ifndef EBUSY
#define EBUSY		16	/* in use */
#endif
#ifndef EEXIST
#define EEXIST		17	/* already there */
#endif
#ifndef EXDEV
#define EXDEV		18	/* crosses a boundary */
#endif
#ifndef ENODEV
#define ENODEV		19	/* no such device */
#endif
#ifndef ENOTDIR
#define ENOTDIR		20	/* not a directory */
#endif
#ifndef EISDIR
#define EISDIR		21	/* is a directory */
#endif
#ifndef EINVAL
#define EINVAL		22	/* bad argument */
#endif
#ifndef ENFILE
#define ENFILE		23	/* table full */
#endif
#ifndef EMFILE
#define EMFILE		24	/* too many open */
#endif
#ifndef ENOSPC
#define ENOSPC		28	/* no space */
#endif
#ifndef EROFS
#define EROFS		30	/* read-only */
#endif
#ifndef EMLINK
#define EMLINK		31	/* too many links */
#endif
#ifndef EDOM
#define EDOM		33	/* argument outside the function's domain */
#endif
#ifndef ERANGE
#define ERANGE		34	/* result does not fit */
#endif
#ifndef EDEADLK
#define EDEADLK		35	/* would deadlock */
#endif
#ifndef EDEADLOCK
#define EDEADLOCK	EDEADLK
#endif
#ifndef ENAMETOOLONG
#define ENAMETOOLONG	36	/* name too long */
#endif
#ifndef ENOLCK
#define ENOLCK		37	/* no lock available */
#endif
#ifndef ENOSYS
#define ENOSYS		38	/* call or sub-operation not implemented */
#endif
#ifndef ENOTEMPTY
#define ENOTEMPTY	39	/* directory not empty */
#endif
#ifndef ENODATA
#define ENODATA		61	/* no data */
#endif
#ifndef ETIME
#define ETIME		62	/* the time has passed */
#endif
#ifndef EBADMSG
#define EBADMSG		74	/* malformed message */
#endif
#ifndef EOVERFLOW
#define EOVERFLOW	75	/* value does not fit its type */
#endif
#ifndef EILSEQ
#define EILSEQ		84	/* illegal byte sequence */
#endif
#ifndef ERESTART
#define ERESTART	85	/* call again; never shown to a guest */
#endif
#ifndef ENOTSOCK
#define ENOTSOCK	88	/* not a socket */
#endif
#ifndef EMSGSIZE
#define EMSGSIZE	90	/* message too long */
#endif
#ifndef EOPNOTSUPP
#define EOPNOTSUPP	95	/* not supported here */
#endif
#ifndef EADDRINUSE
#define EADDRINUSE	98	/* address in use */
#endif
#ifndef EADDRNOTAVAIL
#define EADDRNOTAVAIL	99	/* address not available */
#endif
#ifndef ENOBUFS
#define ENOBUFS		105	/* buffer too small */
#endif
#ifndef EISCONN
#define EISCONN		106	/* already connected */
#endif
#ifndef ENOTCONN
#define ENOTCONN	107	/* not connected */
#endif
#ifndef ETIMEDOUT
#define ETIMEDOUT	110	/* timed out */
#endif
#ifndef ECONNREFUSED
#define ECONNREFUSED	111	/* refused */
#endif

#endif /* MICA_ABI_ERRNO_H */
