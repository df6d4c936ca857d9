/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hypervisor's address layout, moved to where a host process can map memory.  The distances
 * are the real ones (512 GiB a slot), so slot arithmetic holds.
 */
#ifndef FAKE_LAYOUT_H
#define FAKE_LAYOUT_H

#include "../../../../hypervisor/cpu/layout.h"

#undef HV_START
#undef HV_END
#undef M2P_RO_BASE
#undef IMAGE_BASE
#undef FRAME_TABLE_BASE
#undef M2P_RW_BASE
#undef CPU_AREA_BASE
#undef DEVICE_BASE
#undef DIRECT_MAP_BASE
#undef DIRECT_MAP_END

#define HV_START		0x200000000000
#define HV_END			0x280000000000
#define M2P_RO_BASE		0x200000000000
#define IMAGE_BASE		0x208000000000
#define FRAME_TABLE_BASE	0x210000000000
#define M2P_RW_BASE		0x218000000000
#define CPU_AREA_BASE		0x220000000000
#define DEVICE_BASE		0x228000000000
#define DIRECT_MAP_BASE		0x230000000000
#define DIRECT_MAP_END		0x280000000000

#endif
