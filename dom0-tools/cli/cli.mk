# SPDX-License-Identifier: BSD-2-Clause
# mica, the operator's command.

CLI      := $(BUILD)/tools/mica
MICA_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(wildcard dom0-tools/cli/*.c))

$(BUILD)/dom0-tools/cli/%.o: dom0-tools/cli/%.c Makefile | $(BUILD)/.setup-build
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(CC) $(TOOL_CFLAGS) $(MICA_CPP) -c $< -o $@

$(CLI): $(MICA_OBJ) $(LIBMICA)
	@mkdir -p $(@D)
	@echo "  LD      $@"
	@$(CC) -static $^ $(LIBMICA_LIBS) -lxengnttab -lncursesw -ltinfo -o $@

## make bench-create instructions of mica create and xl create, and of the 50th guest
bench-create: $(ELF) $(CLI) $(LAB)/6.1/vmlinux $(LAB)/6.1/initrd-guests
	@tests/bench/create.sh $(BUILD)

all: $(CLI)
test test-unit: $(CLI)
-include $(MICA_OBJ:.o=.d)
.PHONY: bench-create
