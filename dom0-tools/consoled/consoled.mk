# SPDX-License-Identifier: BSD-2-Clause
# mica-consoled.  Included by the Makefile, whose rule for dom0-tools objects it uses.
CONSOLED     := $(BUILD)/tools/mica-consoled
CONSOLED_SRC := $(wildcard dom0-tools/consoled/*.c) dom0-tools/lib/store.c dom0-tools/lib/store_wire.c \
	dom0-tools/lib/confine.c dom0-tools/lib/daemon.c
CONSOLED_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(CONSOLED_SRC))

$(CONSOLED_OBJ): TOOL_CFLAGS += -Iabi -Idom0-tools

$(CONSOLED): $(CONSOLED_OBJ)
	@mkdir -p $(@D)
	@echo "  LD      $@"
	@$(CC) $^ -lxengnttab -lxenevtchn -lxenforeignmemory -o $@

all: $(CONSOLED)
-include $(CONSOLED_OBJ:.o=.d)
