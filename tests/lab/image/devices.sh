# SPDX-License-Identifier: BSD-2-Clause
# What `make demo` shows of disks and network: web has a raw disk, db one in qcow2, both a card on
# the network lan.  After blk.sh, net.sh and services.sh.

# runs PROGRAM: the process that runs this file; each disk's process is called mica-blkd-disk
runs()
{
	for pid in $(pidof mica-blkd-disk qemu-storage-daemon); do
		[ "$(readlink "/proc/$pid/exe")" != "$1" ] || echo "$pid"
	done
}

# another_runs PROGRAM PID
another_runs()
{
	now=$(runs "$1")
	[ -n "$now" ] && [ "$now" != "$2" ]
}

# killed PROGRAM: its process dies, and there is another
killed()
{
	victim=$(runs "$1")
	[ -n "$victim" ] || die "nothing runs $1"
	say "killing $1"
	kill -9 "$victim" || die "kill $victim"
	wait_for 60 another_runs "$1" "$victim" || die "nothing runs $1 any more"
}

# writes_on GUEST: its disk answers writes, now
writes_on()
{
	in_guest 60 "$1" 'now() { awk "{ print \$5 }" /sys/block/xvda/stat; }; w=$(now); until [ $(now) -gt $((w + 20)) ]; do sleep 0.1; done'
}

# kill_under_load GUEST PROGRAM...: the guest writes to its disk all the time while they die, one
# by one, and in the end checks every block
kill_under_load()
{
	guest=$1
	shift
	in_guest 20 "$guest" 'mkfifo /run/end && (blkload /dev/xvda 4 100000 4 <>/run/end & true)'
	for program in "$@"; do
		writes_on "$guest"
		killed "$program"
	done
	writes_on "$guest"
	in_guest 20 "$guest" 'echo >/run/end'
	guest_said 200 "$guest" 'BLKLOAD: '
	say "$guest: $(sed -n 's/.*\(BLKLOAD: [^\r]*\).*/\1/p' "$(guest_log "$guest")")"
	grep -qa 'BLKLOAD: ok' "$(guest_log "$guest")" || die "data lost"
	! grep -a 'I/O error' "$(guest_log "$guest")" || die "$guest saw an error"
}

# make_files GUEST: a file system with a tree of files and their checksums, read again from the disk
make_files()
{
	in_guest 120 "$1" '/sbin/mke2fs -q -t ext4 /dev/xvda && mount -t ext4 /dev/xvda /mnt'
	in_guest 120 "$1" 'cp -r /lib /mnt/tree && dd if=/dev/urandom of=/mnt/random bs=64k count=16 2>/dev/null'
	in_guest 120 "$1" 'cd /mnt && find tree random -type f | xargs sha256sum >sums && cp sums / && cd / && umount /mnt'
	in_guest 120 "$1" 'mount -t ext4 /dev/xvda /mnt && cmp /sums /mnt/sums'
	files_are_whole "$1" /mnt
}

# files_are_whole GUEST DIRECTORY
files_are_whole()
{
	in_guest 120 "$1" "cd $2 && sha256sum -c sums >/run/checked && ! grep -v ': OK' /run/checked"
	say "$1: all files in $2 have their checksums"
}

show_disks()
{
	must mica disk list
	kill_under_load web /bin/mica-blkd
	kill_under_load db $storage/bin/mica-blkd-nbd
	make_files web
	make_files db

	in_guest 60 web 'df -k /mnt | awk "END { print \$2 }" >/run/before'
	must mica disk resize web xvda 40m
	in_guest 60 web 'until [ $(cat /sys/block/xvda/size) = 81920 ]; do sleep 0.2; done; /sbin/resize2fs /dev/xvda'
	in_guest 60 web '[ $(df -k /mnt | awk "END { print \$2 }") -gt $(($(cat /run/before) + 7000)) ]'
	files_are_whole web /mnt

	in_guest 60 db 'umount /mnt'
	must mica disk detach db xvda
	must mica disk attach web /srv/db.qcow2,qcow2,xvdb,ro
	gives 4 mica disk attach db /srv/db.qcow2,qcow2,xvda,w
	in_guest 60 web 'mkdir -p /run/db && mount -t ext4 -o ro /dev/xvdb /run/db'
	files_are_whole web /run/db
	in_guest 60 web 'umount /run/db'
	must mica disk detach web xvdb
	must mica disk list
}

# another_worker PID: not this one
another_worker()
{
	now=$(worker_of lan)
	[ -n "$now" ] && [ "$now" != "$1" ]
}

# A transfer at 64 KB a second is under way when its worker dies; then it may be fast.
kill_switch()
{
	guest_does db 120 "until [ -s /got ]; do sleep 0.1; done" || net_fails "nothing arrives"
	victim=$(worker_of lan)
	[ -n "$victim" ] || net_fails "no worker"
	must kill -9 "$victim"
	wait_for 60 another_worker "$victim" || net_fails "no new worker"
	guest_does db 60 "! [ -e /done ]" || net_fails "the file was there before the kill"
	must mica nic limit web eth0 none
}

show_network()
{
	must mica nic list
	web=$(guest_address web) db=$(guest_address db)
	say "web is $web, db is $db"
	pings web "$db" || net_fails "web does not reach db"
	pings db "$web" || net_fails "db does not reach web"
	guest_does web 120 "ping -c 2 -W 10 10.0.2.2" || net_fails "web does not reach QEMU's gateway"
	bulk db web "$web" 2
	must mica nic limit web eth0 64KB/s
	bulk web db "$db" 4 kill_switch
	must mica net show lan
}
