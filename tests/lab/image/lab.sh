# SPDX-License-Identifier: BSD-2-Clause
# What the image's /init and /tests share.

lab_version=$(uname -r)

# Where we run, as a word for the log.
machine()
{
	if [ "$(cat /sys/hypervisor/type 2>/dev/null)" = xen ]; then
		echo "as dom0 of $(cat /sys/hypervisor/version/major).$(
			cat /sys/hypervisor/version/minor)$(cat /sys/hypervisor/version/extra)"
	else
		echo "on the bare machine"
	fi
}

# Modules of the devices that are there: PCI first, then what they brought up.
load_modules()
{
	for bus in pci virtio; do
		for alias in $(cat /sys/bus/$bus/devices/*/modalias 2>/dev/null | sort -u); do
			modprobe -q "$alias" 2>/dev/null
		done
	done
	[ -z "$(ls /sys/class/scsi_host 2>/dev/null)" ] || modprobe -q sd_mod
	if [ -d /proc/xen ]; then
		for module in xen-privcmd xen-evtchn xen-gntdev xen-gntalloc xenfs; do
			modprobe -q $module 2>/dev/null
		done
		mount -t xenfs xenfs /proc/xen 2>/dev/null
	fi
	return 0
}

# After every test: the audit of the hypervisor, if it is ours.
recount()
{
	case $(cat /sys/hypervisor/version/extra 2>/dev/null) in
	*-mica*) audit ;;
	esac
}

# One line to the log; the host looks for these.
say()
{
	echo "LAB: $*"
}

die()
{
	echo "LAB: failed: $*"
	exit 1
}

# Fails if the kernel found something wrong with itself or what is below it.
no_complaints()
{
	if dmesg | grep -iE 'BUG:|Oops|Call Trace|WARNING:'; then
		die "the kernel complained"
	fi
}

# wait_for SECONDS COMMAND...: until it succeeds.  SECONDS is what an idle machine may take; one that
# emulates four of these at a time gets six times as much, at most 1500 s: a hang is told here, with what
# the guest said, before the machine's own limit ends it all.
wait_for()
{
	limit=$((6 * $1 < 1500 ? 6 * $1 : 1500))
	limit=$(($(date +%s) + limit))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -lt "$limit" ] || return 1
		sleep 0.1
	done
}

# Names of whole disks, loop devices and the like left out.
disks()
{
	(cd /sys/block && ls -d vd* sd* nvme* 2>/dev/null) || true
}

nics()
{
	(cd /sys/class/net && ls -d e* 2>/dev/null) || true
}
