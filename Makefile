# SPDX-License-Identifier: BSD-2-Clause
# The one Makefile.  `make help` lists what it does; config.mk holds the switches.
include config.mk

MAKEFLAGS += -j$(shell nproc) --no-builtin-rules
.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := all
# What programs say is read by recipes and tests.
export LC_ALL := C

ELF    := $(BUILD)/mica.elf
UNPACK := $(BUILD)/tools/mica-unpack
LAB    := $(BUILD)/lab
QEMU   := tests/lab/qemu.py --build $(BUILD)
IMAGES := $(LAB)/$(KERNEL)/vmlinux $(LAB)/$(KERNEL)/initrd

## make            build the hypervisor and its tools
all: $(ELF) $(UNPACK)

## make help       this list
help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

# --- hypervisor -----------------------------------------------------------------------------
FLOORS := lib cpu mm dom ipc call boot
SRC    := $(wildcard $(FLOORS:%=hypervisor/%/*.c)) $(wildcard $(FLOORS:%=hypervisor/%/*.S))
LDS    := hypervisor/boot/mica.lds.S
OBJ    := $(patsubst %,$(BUILD)/%.o,$(filter-out $(LDS),$(SRC)))

HV_CPP    := -Ihypervisor -Iabi -MMD -MP
HV_CFLAGS := -std=gnu11 -O2 -g -ffreestanding -fpic -fvisibility=hidden -mno-red-zone \
	-include hypervisor/lib/visibility.h \
	-mgeneral-regs-only -fno-stack-protector -fno-strict-aliasing -fno-asynchronous-unwind-tables \
	-fno-common -fcf-protection=none -fno-delete-null-pointer-checks \
	-Wall -Wextra -Werror -Wno-unused-parameter -Wstrict-prototypes -Wmissing-prototypes
HV_AFLAGS := -D__ASSEMBLY__ -g
HV_LDFLAGS := -nostdlib -static -z max-page-size=4096 -z noexecstack --build-id=none \
	--no-warn-rwx-segments
ifeq ($(DEBUG),1)
HV_CPP    += -DMICA_DEBUG=1
HV_CFLAGS += -fno-omit-frame-pointer
endif

# Rewritten only when compiler or flags change, so that such a change rebuilds everything.
define FLAGS
$(CC)
$(HV_CPP) $(HV_CFLAGS)
$(HV_LDFLAGS)
endef
export FLAGS
$(BUILD)/.flags: FORCE
	@mkdir -p $(@D)
	@echo "$$FLAGS" | cmp -s - $@ || echo "$$FLAGS" >$@

$(BUILD)/hypervisor/%.c.o: hypervisor/%.c $(BUILD)/.flags | $(BUILD)/.setup-build
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(CC) $(HV_CPP) $(HV_CFLAGS) -c $< -o $@

$(BUILD)/hypervisor/%.S.o: hypervisor/%.S $(BUILD)/.flags | $(BUILD)/.setup-build
	@mkdir -p $(@D)
	@echo "  AS      $<"
	@$(CC) $(HV_CPP) $(HV_AFLAGS) -c $< -o $@

$(BUILD)/mica.lds: $(LDS) $(BUILD)/.flags | $(BUILD)/.setup-build
	@$(CC) $(HV_CPP) -MF $@.d -MT $@ $(HV_AFLAGS) -E -P -x assembler-with-cpp $< -o $@

# Linked three times: with an empty symbol table, with one of the right size at addresses that
# may still move, and with the final one; the last link must not have moved anything.
$(ELF): $(OBJ) $(BUILD)/mica.lds hypervisor/boot/symbols.sh
	@echo "  LD      $@"
	@: | hypervisor/boot/symbols.sh >$(BUILD)/symbols.S
	@for pass in 1 2 3; do \
		$(CC) $(HV_AFLAGS) -c $(BUILD)/symbols.S -o $(BUILD)/symbols.o && \
		$(LD) $(HV_LDFLAGS) -T $(BUILD)/mica.lds -Map $(BUILD)/mica.map \
			$(OBJ) $(BUILD)/symbols.o -o $(BUILD)/mica.tmp && \
		mv $(BUILD)/symbols.S $(BUILD)/symbols.old && \
		nm -n $(BUILD)/mica.tmp | hypervisor/boot/symbols.sh >$(BUILD)/symbols.S || exit 1; \
	done
	@cmp $(BUILD)/symbols.S $(BUILD)/symbols.old
	@mv $(BUILD)/mica.tmp $@

# --- tools ----------------------------------------------------------------------------------
TOOL_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror -Wno-unused-parameter \
	-Wstrict-prototypes -Wmissing-prototypes -D_FILE_OFFSET_BITS=64 -D_GNU_SOURCE -MMD -MP
UNPACK_OBJ  := $(patsubst %.c,$(BUILD)/%.o,$(wildcard dom0-tools/unpack/*.c))

$(BUILD)/dom0-tools/%.o: dom0-tools/%.c Makefile | $(BUILD)/.setup-build
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(CC) $(TOOL_CFLAGS) -c $< -o $@

$(UNPACK): $(UNPACK_OBJ)
	@mkdir -p $(@D)
	@echo "  LD      $@"
	@$(CC) $^ -llzma -lzstd -lz -llz4 -o $@

include dom0-tools/lib/lib.mk
include $(filter-out dom0-tools/lib/lib.mk,$(sort $(wildcard dom0-tools/*/*.mk)))

# --- the lab --------------------------------------------------------------------------------
# What a fresh Debian lacks is installed once per checkout; kernels are only unpacked.
$(BUILD)/.setup-%: tests/lab/setup.sh
	@mkdir -p $(@D)
	@tests/lab/setup.sh packages $*
	@touch $@

$(LAB)/%/vmlinuz: | $(BUILD)/.setup-lab
	@tests/lab/setup.sh kernel $* $(@D)

$(LAB)/%/vmlinux: $(LAB)/%/vmlinuz $(UNPACK)
	@$(UNPACK) $< $@

$(LAB)/bin/%: tests/lab/%.c | $(BUILD)/.setup-build
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(CC) $(TOOL_CFLAGS) -Iabi -static -pthread $< -o $@

$(LAB)/%/initrd: $(LAB)/%/vmlinuz $(LAB)/bin/stress $(LAB)/bin/audit tests/lab/mkinitrd.sh \
		$(wildcard tests/lab/image/* tests/lab/image/*/*)
	@tests/lab/mkinitrd.sh $(LAB) $(@D)

include tests/lab/guests.mk

## make iso        build/mica.iso: GRUB, the hypervisor, dom0; boots from BIOS and UEFI
iso: $(BUILD)/mica.iso
$(BUILD)/mica.iso: $(ELF) $(IMAGES) tests/lab/mkiso.sh
	@tests/lab/mkiso.sh $@ $(ELF) $(IMAGES) "dom0_mem=$(DOM0_MEMORY)M" "lab=shell"

## make run        boot dom0 in QEMU with two Debian guests, their disks and network, and end at its
##                 root shell (leave with `poweroff`); GUESTS=0: dom0 alone
run: $(ELF) $(RUN_IMAGES)
	@$(QEMU) --kernel $(KERNEL) --cpus $(CPUS) --memory $(MEMORY) --dom0-memory $(DOM0_MEMORY) \
		--nic e1000 --nic virtio $(RUN_OPTIONS) --interactive

## make demo       the same without a person: dom0's devices; guests' consoles, disks and network with
##                 checksums and killed daemons, pause, balloon, vCPUs, reboot, destroy; ends in `demo: ok`
demo: $(ELF) $(RUN_IMAGES)
	@GUESTS=$(GUESTS) tests/lab/demo.sh $(BUILD) --kernel $(KERNEL)

## make debug      boot with gdb attached to QEMU
debug: $(ELF) $(IMAGES)
	@$(QEMU) --kernel $(KERNEL) --cpus $(CPUS) --memory $(MEMORY) --dom0-memory $(DOM0_MEMORY) \
		--cmdline lab=shell --log $(BUILD)/debug.log --gdb

# --- checks ---------------------------------------------------------------------------------
SUITES := lint abi unit guest system
LAB_ALL := $(foreach k,6.1 6.12,$(LAB)/$k/vmlinux $(LAB)/$k/initrd) $(LAB)/cloud/vmlinux

## make test       every suite: lint, abi, unit, guest, system; ends in one line of totals
test: $(ELF) $(UNPACK) $(LAB_ALL)
	@BUILD=$(BUILD) CC=$(CC) tests/run-all.sh $(BUILD) $(SUITES)

## make test-SUITE one of them: test-abi, test-unit, test-guest, test-system
test-abi test-unit: test-%: $(ELF) $(UNPACK) $(BUILD)/.setup-lab
test-guest: $(ELF) $(BUILD)/.setup-lab
test-system: $(ELF) $(UNPACK) $(LAB_ALL)
test-abi test-unit test-guest test-system: test-%:
	@BUILD=$(BUILD) CC=$(CC) tests/run-all.sh $(BUILD) $*

## make lint       layers, headers alone, file lengths, lock annotations
lint: $(ELF) $(BUILD)/.setup-lab
	@BUILD=$(BUILD) CC=$(CC) tests/run-all.sh $(BUILD) lint

## make size       bytes and lines against their limits
size: $(ELF)
	@tests/lint/size.sh $(ELF)

## make bench-guest instruction counts of the hot paths
bench-guest: $(ELF) $(IMAGES) $(BUILD)/.setup-lab
	@tests/bench/run.sh $(BUILD)
	@tests/bench/boot.sh $(BUILD)

## make tour       the source as a guided walk (SUBJECT=mm for one part)
tour:
	@tests/lint/tour.sh $(SUBJECT)

## make clean      remove what was built; downloaded kernels stay (distclean removes them too)
clean:
	@find $(BUILD) -mindepth 1 -maxdepth 1 ! -name lab -exec rm -rf {} + 2>/dev/null || true
	@rm -rf $(LAB)/bin $(LAB)/*/vmlinux $(LAB)/*/initrd
distclean:
	@rm -rf $(BUILD)

FORCE:
.PHONY: all help iso run demo debug test test-abi test-unit test-guest test-system lint size \
	bench-guest tour clean distclean FORCE
.PRECIOUS: $(LAB)/%/vmlinuz $(LAB)/%/vmlinux $(LAB)/%/initrd $(LAB)/bin/%
-include $(OBJ:.o=.d) $(UNPACK_OBJ:.o=.d) $(BUILD)/mica.lds.d
