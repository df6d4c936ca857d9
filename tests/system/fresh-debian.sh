#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The README's promise: on a Debian 12 that has nothing but apt, as root, `apt-get install -y make && make GOAL`
# does the whole set-up.  GOAL is demo, or what the environment says (GOAL=test: every test, and none is
# skipped).  No terminal, no TERM, no locale.  Needs root, mmdebstrap (apt-get install mmdebstrap) and a
# mirror.  What is tried is the last commit; all mounts live and die with the processes.
# by hand
# seconds: 900
. tests/system/lib.sh
command -v mmdebstrap >/dev/null || skip "no mmdebstrap: apt-get install mmdebstrap"
[ "$(id -u)" = 0 ] || skip "not root, so no new system can be made"
export ROOT=$(realpath "$WORK")/root GOAL=${GOAL:-demo}
mmdebstrap --quiet --variant=minbase --skip=cleanup/apt --include=ca-certificates bookworm "$ROOT"
cp /etc/resolv.conf /etc/hosts "$ROOT/etc/"
mkdir "$ROOT/mica"
git archive HEAD | tar -x -C "$ROOT/mica"

unshare --mount --pid --fork --kill-child --propagation private sh -eu <<'END' || broken=1
mount --bind "$ROOT" "$ROOT"
mount -t proc proc "$ROOT/proc"
mount --rbind /sys "$ROOT/sys"
mount -t tmpfs tmpfs "$ROOT/dev/shm"
mount -t devpts devpts "$ROOT/dev/pts" -o newinstance,ptmxmode=666
exec chroot "$ROOT" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin \
	sh -ec "cd /mica && apt-get install -y make && make $GOAL 2>&1" </dev/null >"$ROOT/../make.log"
END
mv "$WORK/make.log" "$LOG"
tail -n 1 "$LOG"
[ -z "${broken:-}" ] || fail "make $GOAL does not do it: see $LOG"
[ "$GOAL" != test ] || tail -n 1 "$LOG" | grep -q ', 0 skipped$' || fail "tests were skipped"
rm -rf --one-file-system "$ROOT"
