/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What echo does with a request.  `mica driver new` wrote this file once, as a device that gives
 * everything back; from here on it is yours.
 */
#include "echo_back.h"

void echo_serve(struct back_device *dev, const struct echo_request *req, uint8_t *data,
		uint32_t *bytes, struct echo_response *rsp)
{
	rsp->status = 0;
}
