/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extended state, saved and loaded whole at every switch of vCPUs.
 *
 * XSAVE saves what XCR0 enables, and a guest may shrink its XCR0 while registers it disabled still
 * hold its data.  So loading always runs with XCR0 at its maximum - components without saved data are
 * reset, nothing of another guest stays behind - and then sets the guest's value; saving raises XCR0
 * again if the guest ever enabled more than it has now.  A guest that enables everything (Linux does)
 * never causes an XSETBV.
 *
 * The area is written only here, in standard format: header bits beyond XSTATE_BV stay zero and MXCSR
 * is masked, so XRSTOR cannot fault.
 */
#include <mica/errno.h>
#include "cpu/asm.h"
#include "cpu/features.h"
#include "cpu/fpu.h"
#include "cpu/percpu.h"
#include "lib/string.h"

#define LEGACY_BYTES		512
#define LEGACY_FCW		0	/* offsets in the legacy area */
#define LEGACY_MXCSR		24
#define LEGACY_MXCSR_MASK	28
#define LEGACY_XMM		160
#define LEGACY_END		416	/* the rest is reserved or software's */
#define XSTATE_BV		512	/* first word of the XSAVE header; the other seven are 0 */
#define IMAGE_MIN		576	/* legacy area and header */

#define FCW_INIT		0x37f
#define MXCSR_INIT		0x1f80
#define X87			1ul
#define SSE			2ul
#define AVX			4ul
#define AVX512			0xe0ul

static bool leaks_pointers;		/* AMD before RSTR_FP_ERR_PTRS: FXRSTOR may leave FIP/FDP alone */

static inline uint16_t *field16(void *area, unsigned at) { return (uint16_t *)((char *)area + at); }
static inline uint32_t *field32(void *area, unsigned at) { return (uint32_t *)((char *)area + at); }
static inline uint64_t *field64(void *area, unsigned at) { return (uint64_t *)((char *)area + at); }

boot_text void fpu_init_boot(void)
{
	char area[LEGACY_BYTES] aligned(16) = { 0 };

	__asm__ volatile("fninit; fxsave64 (%0)" :: "r"(area) : "memory");
	cpu.mxcsr_mask = *field32(area, LEGACY_MXCSR_MASK);
	if (!cpu.mxcsr_mask)
		cpu.mxcsr_mask = 0xffbf;	/* SDM vol. 1, 11.6.6 */
	leaks_pointers = cpu.amd && !(features_host_word(W_88B) & 4);
}

size_t fpu_area_bytes(void)
{
	return cpu.xsave ? ALIGN_UP((size_t)cpu.xsave_bytes, 64) : LEGACY_BYTES;
}

static void set_xcr0(uint64_t value)
{
	struct percpu *me = this_cpu();

	if (cpu.xsave && me->xcr0 != value) {
		xsetbv(0, value);
		me->xcr0 = value;
	}
}

void fpu_init_cpu(void)
{
	clts();
	this_cpu()->xcr0 = 0;			/* whatever it was */
	set_xcr0(cpu.xcr0_max);
	__asm__ volatile("fninit");
}

void fpu_init(struct fpu *f, void *area)
{
	memset(area, 0, fpu_area_bytes());
	*field16(area, LEGACY_FCW) = FCW_INIT;
	*field32(area, LEGACY_MXCSR) = MXCSR_INIT;
	f->area = area;
	f->xcr0 = X87;
	f->xcr0_accum = X87 | SSE;	/* SSE instructions work without their XCR0 bit */
}

void fpu_save(struct fpu *f)
{
	clts();
	if (!cpu.xsave) {
		__asm__ volatile("fxsave64 (%0)" :: "r"(f->area) : "memory");
		return;
	}
	if (f->xcr0_accum & ~this_cpu()->xcr0)
		set_xcr0(cpu.xcr0_max);
	if (cpu.xsaveopt)
		__asm__ volatile("xsaveopt64 (%0)" :: "r"(f->area), "a"(-1), "d"(-1) : "memory");
	else
		__asm__ volatile("xsave64 (%0)" :: "r"(f->area), "a"(-1), "d"(-1) : "memory");
}

void fpu_load(const struct fpu *f)
{
	clts();
	if (leaks_pointers) {			/* overwrite the last guest's by an operation of ours */
		uint32_t zero = 0;

		__asm__ volatile("fnclex; emms; fildl %0" :: "m"(zero));
	}
	if (!cpu.xsave) {
		__asm__ volatile("fxrstor64 (%0)" :: "r"(f->area) : "memory");
		return;
	}
	set_xcr0(cpu.xcr0_max);
	__asm__ volatile("xrstor64 (%0)" :: "r"(f->area), "a"(-1), "d"(-1) : "memory");
	set_xcr0(f->xcr0);
}

static bool xcr0_ok(uint64_t value)
{
	if (!cpu.xsave || !(value & X87) || (value & ~cpu.xcr0_max))
		return false;
	if ((value & AVX) && !(value & SSE))
		return false;
	return !(value & AVX512) || ((value & AVX512) == AVX512 && (value & AVX));
}

int fpu_set_xcr0(struct fpu *f, uint64_t value)
{
	if (!xcr0_ok(value))
		return -EINVAL;
	f->xcr0 = value;
	f->xcr0_accum |= value;
	set_xcr0(value);
	return 0;
}

void fpu_set_ts(bool on)
{
	if (on)
		write_cr0(read_cr0() | CR0_TS);
	else
		clts();
}

/* Components that XSAVE found in their initial state were not written: fill those in.  MXCSR always is. */
void fpu_get_legacy(const struct fpu *f, void *fxsave512)
{
	uint64_t valid = cpu.xsave ? *field64(f->area, XSTATE_BV) : X87 | SSE;

	memcpy(fxsave512, f->area, LEGACY_BYTES);
	memset((char *)fxsave512 + LEGACY_END, 0, LEGACY_BYTES - LEGACY_END);
	if (!(valid & X87)) {
		memset(fxsave512, 0, LEGACY_MXCSR);
		memset((char *)fxsave512 + 32, 0, LEGACY_XMM - 32);
		*field16(fxsave512, LEGACY_FCW) = FCW_INIT;
	}
	if (!(valid & SSE))
		memset((char *)fxsave512 + LEGACY_XMM, 0, LEGACY_END - LEGACY_XMM);
}

void fpu_set_legacy(struct fpu *f, const void *fxsave512)
{
	memcpy(f->area, fxsave512, LEGACY_END);
	*field32(f->area, LEGACY_MXCSR) &= cpu.mxcsr_mask;
	if (cpu.xsave)
		*field64(f->area, XSTATE_BV) |= X87 | SSE;
}

int fpu_set_image(struct fpu *f, const void *image, size_t bytes, uint64_t xcr0, uint64_t accum)
{
	const uint64_t *header = (const uint64_t *)((const char *)image + XSTATE_BV);

	if (!cpu.xsave || bytes < IMAGE_MIN || bytes > cpu.xsave_bytes)
		return -EINVAL;
	if (!xcr0_ok(xcr0) || !xcr0_ok(accum) || (xcr0 & ~accum) || (header[0] & ~(accum | SSE)))
		return -EINVAL;
	for (unsigned i = 1; i < 8; i++)
		if (header[i])
			return -EINVAL;		/* compacted, or of a format to come */
	if (bytes < cpu.xsave_bytes && (header[0] & ~(X87 | SSE)))
		return -EINVAL;
	memset(f->area, 0, fpu_area_bytes());
	memcpy(f->area, image, bytes);
	*field32(f->area, LEGACY_MXCSR) &= cpu.mxcsr_mask;
	f->xcr0 = xcr0;
	f->xcr0_accum = accum | SSE;
	return 0;
}
