# SPDX-License-Identifier: BSD-2-Clause
# mica-netd.  Included by the Makefile, whose rule for dom0-tools objects it uses.
NETD     := $(BUILD)/tools/mica-netd
NETD_SRC := $(wildcard dom0-tools/netd/*.c) $(wildcard dom0-tools/back/*.c) \
	$(wildcard dom0-tools/io/*.c) dom0-tools/lib/store.c dom0-tools/lib/store_wire.c \
	dom0-tools/lib/sandbox.c
NETD_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(NETD_SRC))

$(NETD_OBJ): TOOL_CFLAGS += -Iabi -Idom0-tools

# Its own files are optimized as one: a frame passes through six of them.  clang would want lld.
NETD_LTO := $(if $(findstring clang,$(CC)),,-O3 -flto=auto)
$(patsubst %.c,$(BUILD)/%.o,$(wildcard dom0-tools/netd/*.c)): TOOL_CFLAGS += $(NETD_LTO)
$(NETD_OBJ): dom0-tools/netd/netd.mk

$(NETD): $(NETD_OBJ)
	@mkdir -p $(@D)
	@echo "  LD      $@"
	@$(CC) -O2 $(NETD_LTO) $^ -lxengnttab -lxenevtchn -lxentoolcore -o $@

all: $(NETD)
-include $(NETD_OBJ:.o=.d)
