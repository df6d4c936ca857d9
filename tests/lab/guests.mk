# SPDX-License-Identifier: BSD-2-Clause
# The lab with guests: Debian's tools and Mica's in dom0's image, and kernels for domUs.
# Included by the Makefile.
GUEST_IMAGES := $(LAB)/$(KERNEL)/vmlinux $(LAB)/$(KERNEL)/initrd-guests $(LAB)/storage.img
RUN_IMAGES   := $(if $(filter 0,$(GUESTS)),$(IMAGES),$(GUEST_IMAGES))
RUN_OPTIONS  := $(if $(filter 0,$(GUESTS)),--cmdline lab=shell,--image initrd-guests \
	--disk virtio-ro:$(LAB)/storage.img --cmdline "lab=guests lab-store=$(STORE)")
GUEST_TOOLS  := $(UNPACK) $(STORED) $(CONSOLED) $(NETD) $(BLKD) $(CLI)

# A disk for dom0 with what serves other formats than raw, and images of a root file system.
$(LAB)/storage-tools/root: tests/lab/setup.sh | $(BUILD)/.setup-lab
	@tests/lab/setup.sh storage-tools $(LAB)/storage-tools
	@touch $@

$(LAB)/storage.img: $(BLKD_NBD) tests/lab/mkstorage.sh tests/lab/guest/init | $(LAB)/storage-tools/root
	@tests/lab/mkstorage.sh $(LAB) $(BLKD_NBD)

# The lab's own guests: the test kernels' library, a console, the store; tiny, and front ends.
LAB_GUEST := $(wildcard tests/lab/guest/*.h tests/lab/front/*.h tests/guest/lib/* abi/mica/*.h \
	abi/mica/*.def abi/mica/io/*.h) tests/lab/guests.mk
LAB_GUEST_SRC := $(filter-out tests/lab/guest/tiny.c,$(wildcard tests/lab/guest/*.c)) \
	$(wildcard tests/guest/lib/*.c tests/guest/lib/*.S)
TINY_SRC := tests/lab/guest/tiny.c $(LAB_GUEST_SRC)
FRONT_SRC := $(wildcard tests/lab/front/*.c) $(LAB_GUEST_SRC)
TINY_CFLAGS := -O2 -g -std=gnu11 -ffreestanding -fno-pic -fno-pie -mcmodel=kernel -mno-red-zone \
	-mgeneral-regs-only -fno-stack-protector -fcf-protection=none -fno-strict-aliasing \
	-fno-asynchronous-unwind-tables -fno-builtin -fno-delete-null-pointer-checks \
	-Wall -Wextra -Werror -Wno-unused-parameter -Wno-clobbered -Iabi -Itests/guest/lib \
	-nostdlib -static -no-pie -Wl,-T,tests/guest/lib/guest.lds -Wl,--build-id=none \
	-Wl,-z,noexecstack -Wl,-z,max-page-size=4096 -Wl,--no-warn-rwx-segments

$(LAB)/tiny.elf: $(TINY_SRC) $(LAB_GUEST) | $(BUILD)/.setup-build
	@mkdir -p $(@D)
	@echo "  CC      $@"
	@$(CC) $(TINY_CFLAGS) $(TINY_SRC) -o $@

$(LAB)/front.elf: $(FRONT_SRC) $(LAB_GUEST) | $(BUILD)/.setup-build
	@mkdir -p $(@D)
	@echo "  CC      $@"
	@$(CC) $(TINY_CFLAGS) $(FRONT_SRC) -o $@

$(LAB)/xen-tools/root: tests/lab/setup.sh | $(BUILD)/.setup-lab
	@tests/lab/setup.sh xen-tools $(LAB)/xen-tools
	@touch $@

$(LAB)/bin/netload $(LAB)/bin/blkread: $(LAB)/bin/%: tests/bench/%.c | $(BUILD)/.setup-build
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(CC) $(TOOL_CFLAGS) -static $< -o $@

$(LAB)/%/initrd-guests: $(LAB)/%/vmlinuz $(LAB)/bin/netload $(LAB)/bin/blkread $(LAB)/bin/blkload $(LAB)/bin/stress $(LAB)/bin/audit \
		$(LAB)/tiny.elf $(LAB)/front.elf \
		tests/lab/mkinitrd.sh $(GUEST_TOOLS) \
		$(wildcard tests/lab/image/* tests/lab/image/*/* tests/lab/guest/* docs/examples/* dom0-tools/systemd/*.service) \
		| $(LAB)/xen-tools/root
	@tests/lab/mkinitrd.sh --guests $(LAB) $(@D)

## make guest-images dom0's image with Debian's tools, Mica's, and guests
guest-images: $(GUEST_IMAGES)

## make bench-guests guests by the dozen: 100 idle ones, weights and caps, the store over their rings
##                 (bench-density, bench-shares, bench-rings: one of them)
BENCHES := density shares rings
bench-guests: $(BENCHES:%=bench-%)
$(BENCHES:%=bench-%): bench-%: $(ELF) $(GUEST_IMAGES)
	@tests/bench/$*.sh $(BUILD)

## make bench-blk  instructions of a 4 KiB read from a guest's disk: mica-blkd, the kernel's back end on Mica, on Xen
bench-blk: $(ELF) $(GUEST_IMAGES)
	@tests/bench/blk.sh $(BUILD)
	@HYPERVISOR=xen tests/bench/blk.sh $(BUILD)

test test-system: $(LAB)/6.1/initrd-guests $(LAB)/storage.img
.PHONY: guest-images bench-guests bench-blk $(BENCHES:%=bench-%)
.PRECIOUS: $(LAB)/%/initrd-guests
