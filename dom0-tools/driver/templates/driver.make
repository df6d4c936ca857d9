# SPDX-License-Identifier: BSD-2-Clause
# @name@: make (both programs and the tests), make test, make fuzz, make modules.
# MICA is a checkout of Mica, KDIR the kernel's build directory, OUT where results go.
MICA ?= ../../..
OUT  ?= build
KDIR ?= /lib/modules/$(shell uname -r)/build
CC   ?= gcc

ifeq ($(wildcard $(MICA)/abi/mica/ring.h),)
$(error '$(MICA)' is no checkout of Mica: make MICA=/path/to/mica)
endif

CFLAGS += -std=gnu11 -O2 -g -D_GNU_SOURCE -Wall -Wextra -Werror -Wno-unused-parameter
CPP_MICA := -I. -I$(MICA)/dom0-tools -I$(MICA)/abi
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined -DMICA_RING_CHECK
DEPS := $(wildcard *.h) Makefile

BACK  := @name@_back.c @name@_serve.c $(wildcard $(MICA)/dom0-tools/back/*.c)
FRONT := @name@_front.c $(MICA)/dom0-tools/front/front.c
XEN   := $(wildcard $(MICA)/dom0-tools/io/*.c) $(addprefix $(MICA)/dom0-tools/lib/,store.c \
	store_wire.c)
SIM   := $(filter-out %_main.c %_page.c $(MICA)/dom0-tools/sim/echo_%,$(wildcard \
	$(MICA)/dom0-tools/sim/*.c))
XENLIBS := -lxengnttab -lxenevtchn -lxentoolcore -lxentoollog -lxencall -ldl

all: $(OUT)/@name@-backd $(OUT)/@name@-frontd

$(OUT)/@name@-backd: @name@_backd.c $(BACK) $(XEN) $(DEPS)
	@mkdir -p $(OUT)
	$(CC) $(CFLAGS) $(CPP_MICA) $(filter %.c,$^) -static $(XENLIBS) -o $@

$(OUT)/@name@-frontd: @name@_frontd.c $(FRONT) $(XEN) $(DEPS)
	@mkdir -p $(OUT)
	$(CC) $(CFLAGS) $(CPP_MICA) $(filter %.c,$^) -static $(XENLIBS) -o $@

# In the simulator: no hypervisor, no root.
$(OUT)/@name@-sim-test: @name@_sim_test.c $(BACK) $(FRONT) $(SIM) $(DEPS)
	@mkdir -p $(OUT)
	$(CC) $(CFLAGS) $(SANITIZE) $(CPP_MICA) $(filter %.c,$^) -ljansson -pthread -o $@

$(OUT)/@name@-fuzz: @name@_fuzz.c $(BACK) $(SIM) $(DEPS)
	@mkdir -p $(OUT)
	$(CC) $(CFLAGS) $(SANITIZE) $(CPP_MICA) $(filter %.c,$^) -ljansson -pthread -o $@

test: $(OUT)/@name@-sim-test $(OUT)/@name@-fuzz
	$(OUT)/@name@-sim-test
	$(OUT)/@name@-fuzz 2000

fuzz: $(OUT)/@name@-fuzz
	$(OUT)/@name@-fuzz 1000000

MICA_ABS := $(abspath $(MICA))
modules: $(OUT)/linux/front/@name@_front_mod.ko $(OUT)/linux/back/@name@_back_mod.ko

$(OUT)/linux/front/@name@_front_mod.ko: linux/@name@_front_drv.c linux/Kbuild.front $(FRONT) $(DEPS)
	@mkdir -p $(@D)
	@cp linux/Kbuild.front $(@D)/Kbuild
	@ln -sf $(abspath $(wildcard *.h) linux/@name@_front_drv.c $(FRONT)) \
		$(wildcard $(MICA_ABS)/guest-patches/mica-io/*.c) $(@D)
	$(MAKE) -C $(KDIR) M=$(abspath $(@D)) MICA=$(MICA_ABS) modules

$(OUT)/linux/back/@name@_back_mod.ko: linux/@name@_back_drv.c linux/Kbuild.back $(BACK) $(DEPS)
	@mkdir -p $(@D)
	@cp linux/Kbuild.back $(@D)/Kbuild
	@ln -sf $(abspath $(wildcard *.h) linux/@name@_back_drv.c $(BACK)) \
		$(wildcard $(MICA_ABS)/guest-patches/mica-io/*.c) $(@D)
	$(MAKE) -C $(KDIR) M=$(abspath $(@D)) MICA=$(MICA_ABS) modules

clean:
	rm -rf $(OUT)

.PHONY: all test fuzz modules clean
