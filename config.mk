# SPDX-License-Identifier: BSD-2-Clause
# The switches of a build.  Each can be given on the command line too: make DEBUG=1 CC=clang

# gcc or clang
ifeq ($(origin CC),default)
CC := gcc
endif

# 1 adds lock rank checks, poison, frame pointers and the auditor's debug hooks
DEBUG ?= 0

# where everything that is built or downloaded goes
BUILD ?= build

# which of Debian's kernels `make run` and `make demo` boot: 6.1 or 6.12
KERNEL ?= 6.1

# the machine of `make run`: CPUs, its memory and dom0's share, both in MiB
CPUS ?= 2
MEMORY ?= 2048
DOM0_MEMORY ?= 640

# 0: `make run` and `make demo` start no guests; mica or debian: whose store and console daemons
# `make run` starts
GUESTS ?= 2
STORE ?= mica
