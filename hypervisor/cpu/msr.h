/* SPDX-License-Identifier: BSD-2-Clause */
/* Model-specific registers by number (SDM vol. 4; AMD APM vol. 2 app. A): ours and those guests ask for. */
#ifndef CPU_MSR_H
#define CPU_MSR_H

#define MSR_P5_MC_ADDR			0x00000000
#define MSR_P5_MC_TYPE			0x00000001
#define MSR_TSC				0x00000010
#define MSR_PLATFORM_ID			0x00000017
#define MSR_APIC_BASE			0x0000001b
#define APIC_BASE_BSP			(1u << 8)
#define APIC_BASE_X2			(1u << 10)
#define APIC_BASE_ENABLE		(1u << 11)
#define APIC_BASE_ADDR			0x000ffffffffff000ul
#define MSR_TSC_ADJUST			0x0000003b
#define MSR_SPEC_CTRL			0x00000048
#define MSR_PRED_CMD			0x00000049
#define MSR_UCODE_WRITE			0x00000079
#define MSR_UCODE_REV			0x0000008b
#define MSR_PLATFORM_INFO		0x000000ce
#define MSR_MTRR_CAP			0x000000fe
#define MSR_ARCH_CAPABILITIES		0x0000010a
#define ARCH_CAPS_RDCL_NO		1	/* not open to Meltdown */
#define MSR_FLUSH_CMD			0x0000010b
#define MSR_MISC_FEATURES		0x00000140
#define MSR_SYSENTER_CS			0x00000174
#define MSR_SYSENTER_ESP		0x00000175
#define MSR_SYSENTER_EIP		0x00000176
#define MSR_MCG_CAP			0x00000179
#define MSR_MCG_STATUS			0x0000017a
#define MSR_MCG_CTL			0x0000017b
#define MSR_PERF_STATUS			0x00000198
#define MSR_PERF_CTL			0x00000199
#define MSR_THERM_INTERRUPT		0x0000019b
#define MSR_THERM_STATUS		0x0000019c
#define MSR_MISC_ENABLE			0x000001a0
#define MSR_DEBUGCTL			0x000001d9
#define MSR_PAT				0x00000277
#define MSR_MC0_CTL2			0x00000280
#define MSR_PERF_CAPABILITIES		0x00000345
#define MSR_MC0_CTL			0x00000400	/* four per bank: CTL STATUS ADDR MISC */
#define MSR_TSC_DEADLINE		0x000006e0
#define MSR_X2APIC_FIRST		0x00000800	/* + xAPIC register offset / 16 */
#define MSR_X2APIC_LAST			0x000008ff
#define MSR_XSS				0x00000da0
#define MSR_HYPERCALL_PAGE		0x40000000

#define MSR_EFER			0xc0000080
#define EFER_SCE			(1u << 0)
#define EFER_LME			(1u << 8)
#define EFER_LMA			(1u << 10)
#define EFER_NXE			(1u << 11)
#define MSR_STAR			0xc0000081
#define MSR_LSTAR			0xc0000082
#define MSR_CSTAR			0xc0000083
#define MSR_FMASK			0xc0000084
#define MSR_FS_BASE			0xc0000100
#define MSR_GS_BASE			0xc0000101
#define MSR_KERNEL_GS_BASE		0xc0000102
#define MSR_TSC_AUX			0xc0000103
#define MSR_AMD_SYSCFG			0xc0010010
#define MSR_AMD_HWCR			0xc0010015
#define MSR_AMD_TOP_MEM			0xc001001a
#define MSR_AMD_TOP_MEM2		0xc001001d
#define MSR_AMD_NB_CFG			0xc001001f
#define MSR_AMD_PATCH_LOADER		0xc0010020
#define MSR_AMD_PSTATE_LIMIT		0xc0010061
#define MSR_AMD_FAM10H_MMIO_CONF	0xc0010058
#define MSR_AMD_DE_CFG			0xc0011029

/* What PAT holds on every CPU, and what the ABI promises: WB WT UC- UC WC WP UC UC. */
#define PAT_VALUE			0x0000050100070406ul

#endif
