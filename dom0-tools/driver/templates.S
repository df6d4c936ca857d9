/* SPDX-License-Identifier: BSD-2-Clause */
/* The texts drivers are made from, each ended by a zero byte.  Read-only data; no code. */
	.section .rodata

	.macro text name, file
	.globl	driver_text_\name
driver_text_\name:
	.incbin "\file"
	.byte	0
	.endm

	text wire, "wire.h"
	text front_h, "front.h"
	text front, "front.c"
	text back_h, "back.h"
	text back, "back.c"
	text serve, "serve.c"
	text backd, "backd.c"
	text frontd, "frontd.c"
	text sim_test, "sim_test.c"
	text fuzz, "fuzz.c"
	text front_drv, "front_drv.c"
	text back_drv, "back_drv.c"
	text kbuild_front, "Kbuild_front"
	text kbuild_back, "Kbuild_back"
	text makefile, "driver.make"
	text page, "page.md"

	.section .note.GNU-stack, "", @progbits
