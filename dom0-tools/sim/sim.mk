# SPDX-License-Identifier: BSD-2-Clause
# The page about the handshake is made from the table that the code follows.

HANDSHAKE_PAGE := $(BUILD)/tools/handshake-page

$(HANDSHAKE_PAGE): dom0-tools/sim/handshake_page.c dom0-tools/sim/bus_page.c abi/mica/bus.h \
		abi/mica/bus.def | $(BUILD)/.setup-build
	@mkdir -p $(@D)
	@echo "  CC      $@"
	@$(CC) $(filter-out -MMD -MP,$(TOOL_CFLAGS)) -Iabi -Idom0-tools $(filter %.c,$^) -o $@

## make handshake-page docs/handshake.md from abi/mica/bus.def
handshake-page: $(HANDSHAKE_PAGE)
	@$(HANDSHAKE_PAGE) >docs/handshake.md

.PHONY: handshake-page
