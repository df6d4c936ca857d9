# SPDX-License-Identifier: BSD-2-Clause
# The generator of `mica driver new`.
DRIVER_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(wildcard dom0-tools/driver/*.c)) \
	$(BUILD)/dom0-tools/driver/templates.o

$(DRIVER_OBJ): TOOL_CFLAGS += -Idom0-tools -Iabi -Ihypervisor

$(BUILD)/dom0-tools/driver/templates.o: dom0-tools/driver/templates.S \
		$(wildcard dom0-tools/driver/templates/*) | $(BUILD)/.setup-build
	@mkdir -p $(@D)
	@$(CC) -c -Wa,-Idom0-tools/driver/templates $< -o $@

$(CLI): $(DRIVER_OBJ)
$(CLI): LIBMICA_LIBS += -ljansson
-include $(patsubst %.o,%.d,$(DRIVER_OBJ))
