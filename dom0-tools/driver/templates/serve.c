/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What @name@ does with a request.  `mica driver new` wrote this file once, as a device that gives
 * everything back; from here on it is yours.
 */
#include "@name@_back.h"

void @name@_serve(struct back_device *dev, const struct @name@_request *req@serve_params@)
{
	rsp->status = 0;
}
