/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every fuzzer has: the entry libFuzzer and the unit tests call, and the input as a stream that
 * ends in zeroes.  FUZZ_NAME is what must() says before its words.
 */
#ifndef MICA_FUZZ_H
#define MICA_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *input;
static size_t left;

__attribute__((unused)) static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, FUZZ_NAME ": %s\n", what);
	abort();
}

__attribute__((unused)) static void input_from(const uint8_t *data, size_t size)
{
	input = data;
	left = size;
}

__attribute__((unused)) static uint8_t byte(void)
{
	if (!left)
		return 0;
	left--;
	return *input++;
}

__attribute__((unused)) static uint32_t word(void)
{
	uint32_t w = byte();

	w |= (uint32_t)byte() << 8;
	w |= (uint32_t)byte() << 16;
	return w | (uint32_t)byte() << 24;
}

#endif
