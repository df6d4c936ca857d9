/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading a guest's instruction and stepping past it: what the emulators share (call/emulate.c). */
#ifndef CALL_FETCH_H
#define CALL_FETCH_H

#include "call/decode.h"
#include "dom/vcpu.h"

/* Bytes at RIP, once; returns how many, 0 when there are none or the guest is not in 64-bit code. */
unsigned fetch_instruction(const struct regs *r, uint8_t bytes[INSN_MAX]);
/* The instruction of @length bytes was carried out. */
void finish_instruction(struct vcpu *v, struct regs *r, unsigned length);

#endif
