# SPDX-License-Identifier: BSD-2-Clause
# mica-stored.  Linked statically where Debian's libxen-dev has archives, so that it runs in an
# initramfs that has nothing else.
STORED     := $(BUILD)/tools/mica-stored
STORED_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(wildcard dom0-tools/stored/*.c) dom0-tools/lib/confine.c \
	dom0-tools/lib/daemon.c)
STORED_LIB := -lxengnttab -lxenevtchn -lxencall -lxentoolcore -lxentoollog

$(STORED_OBJ): TOOL_CFLAGS += -Iabi -Idom0-tools

$(STORED): $(STORED_OBJ)
	@mkdir -p $(@D)
	@echo "  LD      $@"
	@$(CC) -static $^ $(STORED_LIB) -o $@ 2>/dev/null || $(CC) $^ $(STORED_LIB) -o $@

## make bench-store operations a second of the store, from 1 to 100 clients
bench-store: $(STORED)
	@tests/bench/store.sh $(BUILD)

all: $(STORED)
test test-unit: $(STORED)
.PHONY: bench-store
-include $(STORED_OBJ:.o=.d)
