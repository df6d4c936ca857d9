# SPDX-License-Identifier: BSD-2-Clause
# libmica: what the programs of the control domain share.  Everything is linked statically where
# an archive exists, so that the programs run in any dom0, the lab's initramfs included.

LIBMICA      := $(BUILD)/libmica.a
LIBMICA_SRC  := $(wildcard dom0-tools/lib/*.c) dom0-tools/unpack/bzimage.c \
	dom0-tools/unpack/decompress.c
LIBMICA_OBJ  := $(patsubst %.c,$(BUILD)/%.o,$(LIBMICA_SRC)) $(BUILD)/dom0-tools/hypervisor-elf.o
LIBMICA_LIBS := -lxencall -lxenforeignmemory -lxentoolcore -lxentoollog \
	-llzma -lzstd -lz -llz4 -ldl -pthread
MICA_CPP     := -Idom0-tools -Ihypervisor -Iabi

$(BUILD)/dom0-tools/lib/%.o: dom0-tools/lib/%.c Makefile | $(BUILD)/.setup-build
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(CC) $(TOOL_CFLAGS) $(MICA_CPP) -c $< -o $@

# The reader of ELF files is the hypervisor's.
$(BUILD)/dom0-tools/hypervisor-elf.o: hypervisor/lib/elf.c Makefile | $(BUILD)/.setup-build
	@mkdir -p $(@D)
	@echo "  CC      $< (for libmica)"
	@$(CC) $(TOOL_CFLAGS) $(MICA_CPP) -fno-builtin -c $< -o $@

$(LIBMICA): $(LIBMICA_OBJ)
	@echo "  AR      $@"
	@rm -f $@
	@$(AR) rcs $@ $^

-include $(LIBMICA_OBJ:.o=.d)
