# SPDX-License-Identifier: BSD-2-Clause
# The host's side of what the image's tests do, for demo.sh and tests/system.

# make_raw_disk FILE: 64 MiB, the first 16 filled with data that dom0 cannot guess.
make_raw_disk()
{
	rm -f "$1"
	truncate -s 64M "$1"
	dd if=/dev/urandom of="$1" bs=1M count=16 conv=notrunc status=none
}

# logged_sum LOG WORD: the checksum that dom0 printed, carriage returns and stamps aside.
logged_sum()
{
	sed -n "s/.*LAB-SUM: $2 \([0-9a-f]\{32\}\).*/\1/p" "$1" | tail -n 1
}

# check_raw_disk FILE LOG: what dom0 read is what stands there, so is what it wrote.
check_raw_disk()
{
	local here

	here=$(dd if="$1" bs=1M count=16 status=none | md5sum | cut -d' ' -f1)
	[ "$here" = "$(logged_sum "$2" read)" ] || {
		echo "dom0 read other data than the disk holds"
		return 1
	}
	here=$(dd if="$1" bs=1M skip=16 count=16 status=none | md5sum | cut -d' ' -f1)
	[ "$here" = "$(logged_sum "$2" written)" ] || {
		echo "the disk holds other data than dom0 wrote"
		return 1
	}
}

# make_ext4_disk FILE: a file system for dom0 to write to.
make_ext4_disk()
{
	rm -f "$1" "$1.d/from-host"
	mkdir -p "$1.d"
	echo "written by the host" >"$1.d/from-host"
	truncate -s 256M "$1"
	mke2fs -q -t ext4 -d "$1.d" "$1"
}

# check_ext4_disk FILE: it is whole, and what dom0 wrote is there.
check_ext4_disk()
{
	e2fsck -fn "$1" >"$1.fsck" 2>&1 || {
		echo "the file system is damaged:"
		cat "$1.fsck"
		return 1
	}
	debugfs -R "dump /dir20/file $1.copy" "$1" 2>/dev/null
	cmp "$1.copy" "$(command -v busybox)"
}
