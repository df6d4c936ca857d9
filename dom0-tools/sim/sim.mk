# SPDX-License-Identifier: BSD-2-Clause
# The simulator: libmicasim.a, mica-sim (the echo pair under fault plans), mica-sim-bench, and the
# page about the handshake, which is made from the table that the code follows.

LIBSIM      := $(BUILD)/libmicasim.a
LIBSIM_SRC  := $(filter-out %_main.c,$(wildcard dom0-tools/sim/*.c))
LIBSIM_OBJ  := $(patsubst %.c,$(BUILD)/%.o,$(LIBSIM_SRC))
SIM_MAINS   := $(wildcard dom0-tools/sim/*_main.c)
SIM_OBJ     := $(LIBSIM_OBJ) $(patsubst %.c,$(BUILD)/%.o,$(SIM_MAINS))
SIM         := $(BUILD)/tools/mica-sim
SIM_BENCH   := $(BUILD)/tools/mica-sim-bench
SIM_TOOLS   := $(SIM) $(SIM_BENCH) $(BUILD)/tools/handshake-page

# Rings go through the simulator's hooks in the checking build only.
$(SIM_OBJ): TOOL_CFLAGS += -Iabi -Idom0-tools -DMICA_RING_CHECK

$(LIBSIM): $(LIBSIM_OBJ)
	@echo "  AR      $@"
	@rm -f $@
	@$(AR) rcs $@ $^

$(SIM): $(BUILD)/dom0-tools/sim/sim_main.o
$(SIM_BENCH): $(BUILD)/dom0-tools/sim/bench_main.o
$(BUILD)/tools/handshake-page: $(BUILD)/dom0-tools/sim/page_main.o
$(SIM_TOOLS): $(LIBSIM)
	@mkdir -p $(@D)
	@echo "  LD      $@"
	@$(CC) $(filter %.o,$^) $(LIBSIM) -ljansson -o $@

## make handshake-page docs/handshake.md from abi/mica/bus.def
handshake-page: $(BUILD)/tools/handshake-page
	@$< >docs/handshake.md

## make bench-sim  handshakes and ring operations a minute in the simulator
bench-sim: $(SIM_BENCH)
	@$(SIM_BENCH)

all: $(SIM)
test test-unit: $(SIM)
.PHONY: handshake-page bench-sim
-include $(SIM_OBJ:.o=.d)
