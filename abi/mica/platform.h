/* SPDX-License-Identifier: MIT */
/*
 * platform_op(op): what dom0 does for the machine: wall clock, firmware data, ACPI
 * sleep, processor power data, CPU hotplug.  op is a guest pointer to xen_platform_op,
 * whose interface_version must be XENPF_INTERFACE_VERSION (else -EACCES).  The caller
 * must be dom0 (else -EPERM).  Commands not offered answer -ENOSYS.
 */
#ifndef MICA_ABI_PLATFORM_H
#define MICA_ABI_PLATFORM_H

#include <mica/types.h>
#include <mica/platform_power.h>

#define XENPF_INTERFACE_VERSION		0x03000001

#define XENPF_settime32			17	/* settime32 */
#define XENPF_add_memtype		31	/* add_memtype */
#define XENPF_del_memtype		32	/* del_memtype */
#define XENPF_read_memtype		33	/* read_memtype */
#define XENPF_microcode_update		35	/* microcode */
#define XENPF_platform_quirk		39	/* platform_quirk */
#define XENPF_get_cpu_version		48	/* pcpu_version */
#define XENPF_efi_runtime_call		49	/* efi_runtime_call */
#define XENPF_firmware_info		50	/* firmware_info */
#define XENPF_enter_acpi_sleep		51	/* enter_acpi_sleep */
#define XENPF_change_freq		52	/* change_freq */
#define XENPF_getidletime		53	/* getidletime */
#define XENPF_set_processor_pminfo	54	/* set_pminfo */
#define XENPF_get_cpuinfo		55	/* pcpu_info */
#define XENPF_cpu_online		56	/* cpu_ol */
#define XENPF_cpu_offline		57	/* cpu_ol */
#define XENPF_cpu_hotadd		58	/* cpu_add */
#define XENPF_mem_hotadd		59	/* mem_add */
#define XENPF_core_parking		60	/* core_parking */
#define XENPF_resource_op		61	/* resource_op */
#define XENPF_settime64			62	/* settime64 */
#define XENPF_get_symbol		63	/* symdata */
#define XENPF_settime			XENPF_settime64

/* Wall clock of every domain: Unix time secs.nsecs at system_time. */
struct xenpf_settime32 {
	uint32_t secs;
	uint32_t nsecs;
	uint64_t system_time;		/* ns */
};
ABI_SIZE(struct xenpf_settime32, 16);

struct xenpf_settime64 {
	uint64_t secs;
	uint32_t nsecs;
	uint32_t mbz;			/* zero */
	uint64_t system_time;		/* ns */
};
ABI_SIZE(struct xenpf_settime64, 24);

/* Memory type ranges (MTRR). */
struct xenpf_add_memtype {
	xen_pfn_t mfn;			/* in */
	uint64_t nr_mfns;		/* in */
	uint32_t type;			/* in: MTRR type */
	uint32_t handle;		/* out */
	uint32_t reg;			/* out */
	uint32_t _pad;
};
ABI_SIZE(struct xenpf_add_memtype, 32);

struct xenpf_del_memtype {
	uint32_t handle;		/* in */
	uint32_t reg;			/* in */
};
ABI_SIZE(struct xenpf_del_memtype, 8);

struct xenpf_read_memtype {
	uint32_t reg;			/* in; -EINVAL past the last */
	uint32_t _pad0;
	xen_pfn_t mfn;			/* out */
	uint64_t nr_mfns;		/* out */
	uint32_t type;			/* out */
	uint32_t _pad1;
};
ABI_SIZE(struct xenpf_read_memtype, 32);

struct xenpf_microcode_update {
	uint64_t data;			/* in: guest pointer */
	uint32_t length;		/* in: bytes */
	uint32_t _pad;
};
ABI_SIZE(struct xenpf_microcode_update, 16);

#define QUIRK_NOIRQBALANCING		1
#define QUIRK_IOAPIC_BAD_REGSEL		2
#define QUIRK_IOAPIC_GOOD_REGSEL	3

struct xenpf_platform_quirk {
	uint32_t quirk_id;		/* in: QUIRK_* */
};
ABI_SIZE(struct xenpf_platform_quirk, 4);

/* EFI runtime services, called by the hypervisor on dom0's behalf. */
#define XEN_EFI_get_time			1
#define XEN_EFI_set_time			2
#define XEN_EFI_get_wakeup_time			3
#define XEN_EFI_set_wakeup_time			4
#define XEN_EFI_get_next_high_monotonic_count	5
#define XEN_EFI_get_variable			6
#define XEN_EFI_set_variable			7
#define XEN_EFI_get_next_variable_name		8
#define XEN_EFI_query_variable_info		9
#define XEN_EFI_query_capsule_capabilities	10
#define XEN_EFI_update_capsule			11

/* misc, by function */
#define XEN_EFI_GET_TIME_SET_CLEARS_NS		0x00000001
#define XEN_EFI_GET_WAKEUP_TIME_ENABLED		0x00000001
#define XEN_EFI_GET_WAKEUP_TIME_PENDING		0x00000002
#define XEN_EFI_SET_WAKEUP_TIME_ENABLE		0x00000001
#define XEN_EFI_SET_WAKEUP_TIME_ENABLE_ONLY	0x00000002
#define XEN_EFI_VARIABLE_NON_VOLATILE		0x00000001
#define XEN_EFI_VARIABLE_BOOTSERVICE_ACCESS	0x00000002
#define XEN_EFI_VARIABLE_RUNTIME_ACCESS		0x00000004
#define XEN_EFI_VARINFO_BOOT_SNAPSHOT		0x00000001

struct xenpf_efi_time {
	uint16_t year;
	uint8_t month;
	uint8_t day;
	uint8_t hour;
	uint8_t min;
	uint8_t sec;
	uint8_t _pad0;
	uint32_t ns;
	int16_t tz;			/* minutes from UTC */
	uint8_t daylight;
	uint8_t _pad1;
};
ABI_SIZE(struct xenpf_efi_time, 16);

struct xenpf_efi_guid {
	uint32_t data1;
	uint16_t data2;
	uint16_t data3;
	uint8_t data4[8];
};
ABI_SIZE(struct xenpf_efi_guid, 16);

struct xenpf_efi_variable {
	uint64_t name;			/* guest pointer to a UTF-16 string */
	uint64_t size;			/* bytes of data; get: in room, out length */
	uint64_t data;			/* guest pointer */
	struct xenpf_efi_guid vendor_guid;
};
ABI_SIZE(struct xenpf_efi_variable, 40);

struct xenpf_efi_runtime_call {
	uint32_t function;		/* in: XEN_EFI_* in lower case */
	uint32_t misc;			/* flags, or the low half of a monotonic count */
	uint64_t status;		/* out: EFI status */
	union {
		struct {
			struct xenpf_efi_time time;	/* out */
			uint32_t resolution;		/* out */
			uint32_t accuracy;		/* out */
		} get_time;
		struct xenpf_efi_time set_time;
		struct xenpf_efi_time get_wakeup_time;
		struct xenpf_efi_time set_wakeup_time;
		struct xenpf_efi_variable get_variable;
		struct xenpf_efi_variable set_variable;
		struct {
			uint64_t size;		/* in: room, out: length, bytes */
			uint64_t name;		/* guest pointer to a UTF-16 string */
			struct xenpf_efi_guid vendor_guid;
		} get_next_variable_name;
		struct {
			uint32_t attr;
			uint32_t _pad;
			uint64_t max_store_size;	/* out, bytes */
			uint64_t remain_store_size;	/* out, bytes */
			uint64_t max_size;		/* out, bytes */
		} query_variable_info;
		struct {
			uint64_t capsule_header_array;	/* guest pointer */
			uint64_t capsule_count;
			uint64_t max_capsule_size;	/* out, bytes */
			uint32_t reset_type;		/* out */
			uint32_t _pad;
		} query_capsule_capabilities;
		struct {
			uint64_t capsule_header_array;	/* guest pointer */
			uint64_t capsule_count;
			uint64_t sg_list;		/* machine address */
		} update_capsule;
	} u;
};
ABI_SIZE(struct xenpf_efi_runtime_call, 56);

/* What firmware told the boot loader.  type, index in; the rest out unless said. */
#define XEN_FW_DISK_INFO		1	/* EDD; index counts up to -ESRCH */
#define XEN_FW_DISK_MBR_SIGNATURE	2	/* index counts up to -ESRCH */
#define XEN_FW_VBEDDC_INFO		3
#define XEN_FW_EFI_INFO			4	/* index is XEN_FW_EFI_* */
#define XEN_FW_KBD_SHIFT_FLAGS		5

#define XEN_FW_EFI_VERSION		0
#define XEN_FW_EFI_CONFIG_TABLE		1
#define XEN_FW_EFI_VENDOR		2
#define XEN_FW_EFI_MEM_INFO		3
#define XEN_FW_EFI_RT_VERSION		4
#define XEN_FW_EFI_PCI_ROM		5
#define XEN_FW_EFI_APPLE_PROPERTIES	6

union xenpf_efi_info {
	uint32_t version;
	struct {
		uint64_t addr;			/* machine address of the table array */
		uint32_t nent;			/* its entries */
		uint32_t _pad;
	} cfg;
	struct {
		uint32_t revision;
		uint32_t bufsz;			/* in: bytes of room at name */
		uint64_t name;			/* in: guest pointer, UTF-16 */
	} vendor;
	struct {
		uint64_t addr;			/* in; out: first byte of the region */
		uint64_t size;			/* in; bytes */
		uint64_t attr;			/* EFI memory attributes */
		uint32_t type;			/* EFI memory type */
		uint32_t _pad;
	} mem;
	struct {
		uint16_t segment;		/* in */
		uint8_t bus;			/* in */
		uint8_t devfn;			/* in */
		uint16_t vendor;		/* in */
		uint16_t devid;			/* in */
		uint64_t address;		/* machine address of the ROM image */
		uint64_t size;			/* bytes */
	} pci_rom;
	struct {
		uint64_t address;		/* machine address */
		uint64_t size;			/* bytes */
	} apple_properties;
};
ABI_SIZE(union xenpf_efi_info, 32);

struct xenpf_firmware_info {
	uint32_t type;				/* XEN_FW_* */
	uint32_t index;
	union {
		struct {
			uint8_t device;			/* BIOS number of the disk */
			uint8_t version;		/* of the EDD extension */
			uint16_t interface_support;	/* bitmap */
			uint16_t legacy_max_cylinder;
			uint8_t legacy_max_head;
			uint8_t legacy_sectors_per_track;
			uint64_t edd_params;		/* in: guest pointer, first u16 its size */
		} disk_info;
		struct {
			uint8_t device;			/* BIOS number of the disk */
			uint8_t _pad[3];
			uint32_t mbr_signature;		/* at byte 0x1b8 of the first sector */
		} disk_mbr_signature;
		struct {
			uint8_t capabilities;
			uint8_t edid_transfer_time;	/* seconds per block */
			uint8_t _pad[6];
			uint64_t edid;			/* in: guest pointer to 128 bytes */
		} vbeddc_info;
		union xenpf_efi_info efi_info;
		uint8_t kbd_shift_flags;
	} u;
};
ABI_SIZE(struct xenpf_firmware_info, 40);

#define XENPF_ACPI_SLEEP_EXTENDED	0x1	/* val_* go to the sleep control register */

struct xenpf_enter_acpi_sleep {
	uint16_t val_a;			/* in: what to write to PM1a control */
	uint16_t val_b;			/* in: and to PM1b control */
	uint32_t sleep_state;		/* in: n of Sn */
	uint32_t flags;			/* in: XENPF_ACPI_SLEEP_* */
};
ABI_SIZE(struct xenpf_enter_acpi_sleep, 12);

struct xenpf_change_freq {
	uint32_t flags;			/* zero */
	uint32_t cpu;			/* in: physical CPU */
	uint64_t freq;			/* in: Hz */
};
ABI_SIZE(struct xenpf_change_freq, 16);

struct xenpf_getidletime {
	uint64_t cpumap_bitmap;		/* guest pointer; in: CPUs asked for, out: present */
	uint32_t cpumap_nr_cpus;	/* in: bits in it */
	uint32_t _pad;
	uint64_t idletime;		/* guest pointer to u64, out: ns idle per CPU */
	uint64_t now;			/* out: system time */
};
ABI_SIZE(struct xenpf_getidletime, 32);

#define XEN_PCPU_FLAGS_ONLINE	1
#define XEN_PCPU_FLAGS_INVALID	2	/* no such CPU */

struct xenpf_pcpuinfo {
	uint32_t xen_cpuid;		/* in: physical CPU */
	uint32_t max_present;		/* out: highest one that exists */
	uint32_t flags;			/* out: XEN_PCPU_FLAGS_* */
	uint32_t apic_id;		/* out */
	uint32_t acpi_id;		/* out */
};
ABI_SIZE(struct xenpf_pcpuinfo, 20);

struct xenpf_pcpu_version {
	uint32_t xen_cpuid;		/* in: physical CPU */
	uint32_t max_present;		/* out */
	char vendor_id[12];		/* out: as CPUID leaf 0 */
	uint32_t family;		/* out */
	uint32_t model;			/* out */
	uint32_t stepping;		/* out */
};
ABI_SIZE(struct xenpf_pcpu_version, 32);

struct xenpf_cpu_ol {
	uint32_t cpuid;			/* in: physical CPU */
};
ABI_SIZE(struct xenpf_cpu_ol, 4);

struct xenpf_cpu_hotadd {
	uint32_t apic_id;		/* in */
	uint32_t acpi_id;		/* in */
	uint32_t pxm;			/* in: proximity domain */
};
ABI_SIZE(struct xenpf_cpu_hotadd, 12);

struct xenpf_mem_hotadd {
	uint64_t spfn;			/* in: first machine frame */
	uint64_t epfn;			/* in: one past the last */
	uint32_t pxm;			/* in: proximity domain */
	uint32_t flags;
};
ABI_SIZE(struct xenpf_mem_hotadd, 24);

#define XEN_CORE_PARKING_SET	1
#define XEN_CORE_PARKING_GET	2

struct xenpf_core_parking {
	uint32_t type;			/* in: XEN_CORE_PARKING_* */
	uint32_t idle_nums;		/* CPUs to keep idle, or that are */
};
ABI_SIZE(struct xenpf_core_parking, 8);

#define XEN_RESOURCE_OP_MSR_READ	0
#define XEN_RESOURCE_OP_MSR_WRITE	1

struct xenpf_resource_entry {
	union {
		uint32_t cmd;		/* in: XEN_RESOURCE_OP_* */
		int32_t ret;		/* out */
	} u;
	uint32_t rsvd;			/* zero */
	uint64_t idx;			/* in: number of the MSR */
	uint64_t val;
};
ABI_SIZE(struct xenpf_resource_entry, 24);

struct xenpf_resource_op {
	uint32_t nr_entries;		/* in */
	uint32_t cpu;			/* in: where to do it */
	uint64_t entries;		/* guest pointer to struct xenpf_resource_entry */
};
ABI_SIZE(struct xenpf_resource_op, 16);

/* One symbol of the hypervisor. */
struct xenpf_symdata {
	uint32_t namelen;		/* in: room, out: length */
	uint32_t symnum;		/* in: which, out: the next; unchanged at the end */
	uint64_t name;			/* guest pointer */
	uint64_t address;		/* out */
	char type;			/* out: as nm prints it */
	uint8_t _pad[7];
};
ABI_SIZE(struct xenpf_symdata, 32);

struct xen_platform_op {
	uint32_t cmd;			/* XENPF_* */
	uint32_t interface_version;	/* XENPF_INTERFACE_VERSION */
	union {
		struct xenpf_settime64 settime;
		struct xenpf_settime32 settime32;
		struct xenpf_settime64 settime64;
		struct xenpf_add_memtype add_memtype;
		struct xenpf_del_memtype del_memtype;
		struct xenpf_read_memtype read_memtype;
		struct xenpf_microcode_update microcode;
		struct xenpf_platform_quirk platform_quirk;
		struct xenpf_efi_runtime_call efi_runtime_call;
		struct xenpf_firmware_info firmware_info;
		struct xenpf_enter_acpi_sleep enter_acpi_sleep;
		struct xenpf_change_freq change_freq;
		struct xenpf_getidletime getidletime;
		struct xenpf_set_processor_pminfo set_pminfo;
		struct xenpf_pcpuinfo pcpu_info;
		struct xenpf_pcpu_version pcpu_version;
		struct xenpf_cpu_ol cpu_ol;
		struct xenpf_cpu_hotadd cpu_add;
		struct xenpf_mem_hotadd mem_add;
		struct xenpf_core_parking core_parking;
		struct xenpf_resource_op resource_op;
		struct xenpf_symdata symdata;
		uint8_t pad[128];
	} u;
};
ABI_SIZE(struct xen_platform_op, 136);
ABI_OFFSET(struct xen_platform_op, u, 8);

#endif /* MICA_ABI_PLATFORM_H */
