/* SPDX-License-Identifier: BSD-2-Clause */
/* Everything of the framework.  Included once per test, by the test itself: it defines the name. */
#ifndef GUEST_GUEST_H
#define GUEST_GUEST_H
#include "abi.h"
#include "hyper.h"
#include "print.h"
#include "trap.h"
#include "result.h"
#include "mm.h"
#include "event.h"
#include "grant.h"
#include "smp.h"

const char test_name[] = TEST_NAME;

#endif
