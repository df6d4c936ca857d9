# SPDX-License-Identifier: BSD-2-Clause
# Builds the test kernels: make -f tests/guest/guest.mk OUT=DIR [CC=gcc] [DIR/NAME.elf ...]
# Run from the top of the tree; every tests/guest/*.c and tests/bench/*.c is one kernel.

OUT ?= build/test/guest
CC ?= gcc
GUEST := tests/guest
SOURCES := $(wildcard $(GUEST)/*.c) $(wildcard tests/bench/*.c)
NAMES := $(notdir $(SOURCES:.c=))
LIB := $(patsubst $(GUEST)/lib/%,$(OUT)/lib/%.o,$(wildcard $(GUEST)/lib/*.c $(GUEST)/lib/*.S))
HEADERS := $(wildcard $(GUEST)/lib/*.h abi/mica/*.h)

CFLAGS := -O2 -g -std=gnu11 -ffreestanding -fno-pic -fno-pie -mcmodel=kernel -mno-red-zone \
	-mgeneral-regs-only -fno-stack-protector -fcf-protection=none -fno-strict-aliasing \
	-fno-asynchronous-unwind-tables -fno-builtin -fno-delete-null-pointer-checks -Wall -Wextra -Werror -Wno-unused-parameter -Wno-clobbered \
	-Iabi -I$(GUEST)/lib
LDFLAGS := -nostdlib -static -no-pie -Wl,-T,$(GUEST)/lib/guest.lds -Wl,--build-id=none \
	-Wl,-z,noexecstack -Wl,-z,max-page-size=4096 -Wl,--no-warn-rwx-segments

vpath %.c $(GUEST) tests/bench

all: $(NAMES:%=$(OUT)/%.elf)

$(OUT)/lib/%.c.o: $(GUEST)/lib/%.c $(HEADERS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c $< -o $@

$(OUT)/lib/%.S.o: $(GUEST)/lib/%.S $(GUEST)/lib/layout.h
	@mkdir -p $(@D)
	$(CC) -I$(GUEST)/lib -c $< -o $@

$(OUT)/%.elf: %.c $(LIB) $(HEADERS) $(GUEST)/lib/guest.lds $(GUEST)/guest.mk
	$(CC) $(CFLAGS) $(LDFLAGS) -DTEST_NAME=\"$*\" $< $(LIB) -o $@

.PHONY: all
.SECONDARY:
