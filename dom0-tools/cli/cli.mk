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
	@$(CC) -static $^ $(LIBMICA_LIBS) -o $@

all: $(CLI)
test test-unit: $(CLI)
-include $(MICA_OBJ:.o=.d)
