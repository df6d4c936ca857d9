/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FPU and extended state, switched eagerly (a decision: lazy switching leaks and QEMU's XSAVE ignores
 * CR0.TS).  fpu_save and fpu_load leave CR0.TS clear: fpu_set_ts() comes last when switching.
 */
#ifndef CPU_FPU_H
#define CPU_FPU_H

#include "cpu/types.h"

struct fpu {
	void *area;			/* XSAVE image in standard format, or FXSAVE's 512 bytes */
	uint64_t xcr0;			/* the guest's XCR0; 1 at start */
	uint64_t xcr0_accum;		/* all bits it ever enabled, and SSE: what must be saved */
};

/* Bytes to allocate (64-byte aligned) for one area. */
size_t fpu_area_bytes(void);
void fpu_init(struct fpu *f, void *area);	/* initial state, XCR0 = 1 */
void fpu_save(struct fpu *f);
void fpu_load(const struct fpu *f);	/* also sets XCR0 when it differs */
/* XSETBV by the guest: 0, or -EINVAL when XCR0 may not become @value. */
int fpu_set_xcr0(struct fpu *f, uint64_t value);
void fpu_init_boot(void);		/* features_init_bsp: once, CR4 is set */
void fpu_init_cpu(void);		/* on each CPU: XCR0 at its maximum */
void fpu_set_ts(bool on);		/* CR0.TS as the guest wants to see #NM */
/* VCGF_I387 style context: 512-byte legacy area in and out. */
void fpu_get_legacy(const struct fpu *f, void *fxsave512);
void fpu_set_legacy(struct fpu *f, const void *fxsave512);
/* The XSAVE image of a vCPU that does not run is f->area, cpu.xsave_bytes long (0: this CPU has none).
 * One from elsewhere, @bytes long, with its XCR0 values.  -EINVAL: it could not be loaded here. */
int fpu_set_image(struct fpu *f, const void *image, size_t bytes, uint64_t xcr0, uint64_t accum);

#endif
