# SPDX-License-Identifier: BSD-2-Clause
"""What qemu.py and bochs.py share: the console of a machine, and the verdict on a run.

A machine is an object with
  console     the file descriptor its serial line is read from; end of file: the machine ended
  keyboard    a binary file, what is written there is typed on the serial line
  kill()      end it at once
  wait()      its exit status once it has ended

Nothing sleeps for a fixed time: lines are expected in order, some must never come.  A machine that
hangs is asked by the hypervisor's debug keys what it is at, then killed.
"""
import os
import re
import selectors
import sys
import time

# What the hypervisor writes to the debug-exit port of QEMU (option qemu-exit).
ENDS = {"off": 0x10, "reboot": 0x18, "dom0-crash": 0x20, "panic": 0x30, "config": 0x40}
TAIL_LINES = 40
ASKING_S = 30       # for the answers of a machine that hangs
DEBUG_KEYS = b"\x01\x01\x01dreigm"  # Ctrl-a three times, then one report each


def add_arguments(add, limit):
    add("--log", help="where the console goes")
    add("--expect", action="append", default=[], help="line (regex) that must come; in order")
    add("--refuse", action="append", default=[], help="line (regex) that must never come")
    add("--say", action="append", default=[], nargs=2, metavar=("AFTER", "TEXT"),
        help="type TEXT once a line or prompt matches AFTER; in order; \\r \\x01 are understood")
    add("--end", help="how it must end: " + ", ".join(ENDS) + ", or the emulator's status")
    add("--limit", type=float, default=limit, help="seconds until it counts as hung")
    add("--quiet", action="store_true", help="do not copy the console to standard output")


def exit_status(code):
    """QEMU's status after CODE was written to its debug-exit port."""
    return code << 1 | 1


def wanted_status(end):
    return exit_status(ENDS[end]) if end in ENDS else int(end)


class Watch:
    """The console: splits it into lines, logs them, ticks off what was expected, types."""

    def __init__(self, a):
        self.keyboard = None
        self.log = open(a.log, "wb") if a.log else None
        self.quiet = a.quiet
        self.expected = [re.compile(e) for e in a.expect]
        self.refused = [re.compile(r) for r in a.refuse]
        if a.end != "dom0-crash":
            self.refused.append(re.compile("Kernel panic - not syncing"))
        self.says = [(re.compile(after), text.encode().decode("unicode_escape").encode("latin-1"))
                     for after, text in a.say]
        self.lines = []
        self.rest = b""
        self.wrong = None

    def feed(self, data):
        if self.log:
            self.log.write(data)
            self.log.flush()
        if not self.quiet:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        *whole, self.rest = (self.rest + data).split(b"\n")
        for raw in whole:
            self.line(raw.decode("utf-8", "replace").rstrip("\r"))
        self.maybe_say(self.rest.decode("utf-8", "replace"))

    def finish(self):
        """The machine ended: what it said last is a line, even if the line's end was lost."""
        if self.rest:
            self.feed(b"\n")

    def line(self, text):
        self.lines.append(text)
        if self.expected and self.expected[0].search(text):
            self.expected.pop(0)
        self.maybe_say(text)
        for r in self.refused:
            if r.search(text) and not self.wrong:
                self.wrong = f"the console said: {text}"

    def maybe_say(self, text):
        if self.says and self.says[0][0].search(text):
            self.keyboard.write(self.says.pop(0)[1])
            self.keyboard.flush()


def watch_until_end(machine, watch, limit, has_debug_keys):
    """Returns the machine's status, or None if it had to be killed."""
    deadline = time.monotonic() + limit
    hung = None
    with selectors.DefaultSelector() as sel:
        sel.register(machine.console, selectors.EVENT_READ)
        while True:
            left = deadline - time.monotonic()
            if left <= 0 and hung:
                watch.wrong = watch.wrong or hung
            elif left <= 0:
                hung = f"no end within {limit:.0f} s"
                deadline = time.monotonic() + ASKING_S
                if has_debug_keys:
                    watch.keyboard.write(DEBUG_KEYS)
                    watch.keyboard.flush()
            elif sel.select(left):
                data = os.read(machine.console, 65536)
                if not data:
                    watch.finish()
                    break
                watch.feed(data)
            if watch.wrong:
                machine.kill()
                return None
    return machine.wait()


def verdict(watch, status, want, emulator, end):
    """What was wrong with the run in a sentence, or None.  WANT is None: any status will do."""
    if watch.wrong:
        return watch.wrong
    if watch.expected:
        return f"the console never said: {watch.expected[0].pattern}"
    if want is not None and status != want:
        names = {exit_status(code): name for name, code in ENDS.items()}
        return (f"{emulator} ended with status {status} ({names.get(status, 'no debug exit')}), "
                f"not {want} ({end})")
    return None


def complain(a, program, wrong, watch):
    print(f"\n{program}: {wrong}")
    if a.quiet:
        print(f"--- the last lines of the console{' (' + a.log + ')' if a.log else ''}:")
        print("\n".join((watch.lines + [watch.rest.decode('utf-8', 'replace')])[-TAIL_LINES:]))
