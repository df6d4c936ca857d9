# SPDX-License-Identifier: BSD-2-Clause
# mica-blkd.  Included by the Makefile, whose rule for dom0-tools objects it uses.
BLKD      := $(BUILD)/tools/mica-blkd
BLKD_NBD  := $(BUILD)/tools/mica-blkd-nbd
BLKD_DISK := process sandbox disk queue job request pages bounce journal engine engine_error
BLKD_DISK_SRC := $(BLKD_DISK:%=dom0-tools/blkd/%.c) $(wildcard dom0-tools/io/*.c) \
	dom0-tools/lib/store.c dom0-tools/lib/store_wire.c
BLKD_SRC  := $(filter-out %/nbd_main.c %/engine_nbd.c,$(wildcard dom0-tools/blkd/*.c)) \
	$(wildcard dom0-tools/back/*.c) $(wildcard dom0-tools/io/*.c) \
	dom0-tools/lib/store.c dom0-tools/lib/store_wire.c dom0-tools/lib/daemon.c
BLKD_NBD_SRC := $(BLKD_DISK_SRC) dom0-tools/blkd/nbd_main.c dom0-tools/blkd/engine_nbd.c
BLKD_OBJ  := $(patsubst %.c,$(BUILD)/%.o,$(BLKD_SRC))
BLKD_NBD_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(BLKD_NBD_SRC))

$(sort $(BLKD_OBJ) $(BLKD_NBD_OBJ)): TOOL_CFLAGS += -Iabi -Idom0-tools

$(BLKD): $(BLKD_OBJ)
	@mkdir -p $(@D)
	@echo "  LD      $@"
	@$(CC) $^ -l:liburing.a -lxengnttab -lxenevtchn -pthread -o $@

$(BLKD_NBD): $(BLKD_NBD_OBJ)
	@mkdir -p $(@D)
	@echo "  LD      $@"
	@$(CC) $^ -lnbd -lxengnttab -lxenevtchn -pthread -o $@

all: $(BLKD) $(BLKD_NBD)
-include $(BLKD_OBJ:.o=.d) $(BLKD_NBD_OBJ:.o=.d)
