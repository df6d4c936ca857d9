# SPDX-License-Identifier: BSD-2-Clause
# dom0's daemons: Debian's or Mica's, chosen by lab-store= and lab-console= (debian or mica;
# the console follows the store unless it is named).

export PATH=/bin:/usr/lib/xen-4.17/bin:/usr/bin TERMINFO=/lib/terminfo

chosen_store=
chosen_console=
for w in $(cat /proc/cmdline); do
	case $w in
	lab-store=*) chosen_store=${w#lab-store=} ;;
	lab-console=*) chosen_console=${w#lab-console=} ;;
	esac
done
chosen_store=${chosen_store:-debian}
chosen_console=${chosen_console:-$chosen_store}

start_store()
{
	case $chosen_store in
	debian) XENSTORED_ROOTDIR=/run/xenstored xenstored --pid-file /run/xenstore.pid ;;
	mica) mica-stored --daemon --pid-file /run/mica/stored.pid \
		--log-file /var/log/mica/stored.log ;;
	esac || die "no store daemon ($chosen_store)"
	wait_for 30 xenstore-ls / || die "the store does not answer"
}

start_console()
{
	case $chosen_console in
	debian) xenconsoled --log=guest --log-dir=/var/log/xen/console \
		--pid-file=/run/xenconsoled.pid ;;
	mica) mica-consoled --daemon ${consoled_options:-} ;;
	esac || die "no console daemon ($chosen_console)"
}

start_toolstack()
{
	mkdir -p /run/xenstored /run/xen /run/mica /var/lib/xenstored /var/lib/xen \
		/var/log/xen/console /var/log/mica/console /var/lock /run/lock
	start_store
	xen-init-dom0 >/dev/null || die "xen-init-dom0"
	start_console
	say "toolstack: $chosen_store store, $chosen_console console"
}

# guest_log NAME: the file that has NAME's console from its first byte
guest_log()
{
	case $chosen_console in
	debian) echo "/var/log/xen/console/guest-$1.log" ;;
	mica) echo "/var/log/mica/console/guest-$1.log" ;;
	esac
}

# begun REGEX: the same, but where it wants the beginning of a line, a message of the guest's kernel may
# stand before it: that one writes when it likes, in the middle of what others write, too
begun()
{
	case $1 in
	^*) printf '%s\n' "(^|\\[ *[0-9]+\\.[0-9]+\\] .*)${1#^}" ;;
	*) printf '%s\n' "$1" ;;
	esac
}

# guest_said SECONDS NAME REGEX: wait until the console of NAME has such a line
guest_said()
{
	wait_for "$1" grep -qE "$(begun "$3")" "$(guest_log "$2")" || {
		tail -n 20 "$(guest_log "$2")"
		die "guest $2 did not say '$3' within $1 s"
	}
}

# guest_clear NAME: forget what it said so far (the daemons append)
guest_clear()
{
	: >"$(guest_log "$1")"
}

# tty_of NAME: its terminal is in $tty, once the console daemon has made it
tty_of()
{
	tty=$(xenstore-read "/local/domain/$(xl domid "$1")/console/tty")
	[ -n "$tty" ]
}

# guest_type NAME TEXT...: type lines on its console
guest_type()
{
	wait_for 60 tty_of "$1" || die "guest $1 has no terminal"
	shift
	for text in "$@"; do
		printf '%s\r' "$text" >"$tty"
	done
}

# kill_whole PID: SIGKILL, and wait until it has let go of all that it had: locks, sockets, pages
kill_whole()
{
	kill -9 "$1"
	wait_for 60 is_dead "$1" || die "process $1 does not die"
}

# A process nobody waits for stays as a name.
is_dead()
{
	! grep -qE '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$1/status"
}

# state_of NAME: xl's letters, as in r-----
state_of()
{
	xl list "$1" | awk 'NR == 2 { print $5 }'
}

# free_pages: what the hypervisor has left, MiB
free_memory()
{
	xl info | sed -n 's/^free_memory *: *//p'
}

# must COMMAND...: shown and checked
must()
{
	echo "LAB: $ $*"
	"$@" || die "status $? from: $*"
}

# must_fail COMMAND...
must_fail()
{
	echo "LAB: $ $* (must fail)"
	! "$@" || die "this should have failed: $*"
}

# equal WHAT GOT WANT
equal()
{
	[ "$2" = "$3" ] || die "$1 is '$2', not '$3'"
}
