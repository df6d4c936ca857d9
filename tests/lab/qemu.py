#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Starts a lab machine in QEMU, watches its console and says whether it did what was expected.

The machine is described by options (CPUs, memory, disks, cards), so is the way it boots: the
hypervisor by Multiboot from QEMU itself, an ISO with GRUB from BIOS or UEFI, Linux on the bare
machine, or another hypervisor for comparison.  `qemu.py --help` lists them.

A run ends when the machine ends or the limit is reached.  Nothing sleeps for a fixed time: lines
are expected in order (--expect), some must never come (--refuse), and the debug-exit status of
the hypervisor is compared with --end.  On failure one line says what was wrong, then comes the
end of the log.  Of a machine that hangs the hypervisor's debug keys are asked first, what it is at.
"""
import argparse
import os
import re
import selectors
import signal
import subprocess
import sys
import time

# What the hypervisor writes to the debug-exit port (option qemu-exit) and QEMU's status for it.
ENDS = {"off": 0x10, "reboot": 0x18, "dom0-crash": 0x20, "panic": 0x30, "config": 0x40}
OVMF = "/usr/share/OVMF/OVMF_CODE.fd"
TAIL_LINES = 40
ASKING_S = 30       # for the answers of a machine that hangs
DEBUG_KEYS = b"\x01\x01\x01dreigm"  # Ctrl-a three times, then one report each


def parse_args():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    add = p.add_argument
    add("--build", default="build", help="directory of the build")
    add("--kernel", default="6.1", help="kernel of the lab: 6.1 or 6.12")
    add("--image", default="initrd", help="dom0's image in the lab: initrd or initrd-guests")
    add("--boot", default="multiboot", choices=["multiboot", "bios", "uefi", "bare"])
    add("--iso", help="image for --boot bios and uefi")
    add("--hypervisor", help="other hypervisor image than BUILD/mica.elf")
    add("--xen", action="store_true", help="--hypervisor is Xen: its options, no debug exit")
    add("--module", action="append", help="replace the module list: 'FILE ARGS' (repeat)")
    add("--no-modules", action="store_true", help="start the hypervisor without any module")
    add("--options", default="", help="more options for the hypervisor")
    add("--cmdline", default="", help="more words for dom0's command line")
    add("--cpus", type=int, default=1)
    add("--memory", type=int, default=1024, help="MiB of the machine")
    add("--dom0-memory", type=int, help="MiB of dom0; 0 leaves dom0_mem out")
    add("--machine", default="pc", help="QEMU machine: pc or q35")
    add("--disk", action="append", default=[], help="virtio|virtio-ro|ahci|nvme:FILE (repeat)")
    add("--nic", action="append", default=[], help="virtio|e1000 (repeat)")
    add("--interactive", action="store_true", help="the console is this terminal")
    add("--gdb", action="store_true", help="wait for gdb, and start it")
    add("--log", help="where the console goes")
    add("--expect", action="append", default=[], help="line (regex) that must come; in order")
    add("--refuse", action="append", default=[], help="line (regex) that must never come")
    add("--say", action="append", default=[], nargs=2, metavar=("AFTER", "TEXT"),
        help="type TEXT once a line or prompt matches AFTER; in order; \\r \\x01 are understood")
    add("--end", help="how it must end: " + ", ".join(ENDS) + ", or a QEMU status")
    add("--limit", type=float, default=1200, help="seconds until it counts as hung")
    add("--quiet", action="store_true", help="do not copy the console to standard output")
    add("--print", action="store_true", help="print QEMU's command line and stop")
    add("extra", nargs="*", help="more arguments for QEMU, after --")
    return p.parse_args()


def default_modules(a):
    lab = f"{a.build}/lab/{a.kernel}"
    words = f"console=hvc0 {a.cmdline}".strip()
    kernel = "vmlinuz" if a.xen else "vmlinux"
    return [f"{lab}/{kernel} {words}", f"{lab}/{a.image}"]


def hypervisor_options(a):
    words = ["console=com1", "com1=115200,8n1"]
    if a.xen:
        words += ["spec-ctrl=eager-fpu", "noreboot=0"]
    elif not (a.interactive or a.gdb):
        words.append("qemu-exit")
    memory = a.dom0_memory if a.dom0_memory is not None else a.memory // 2
    if memory:
        words.append(f"dom0_mem={memory}M")
    return " ".join(words + a.options.split())


def boot_args(a):
    if a.boot == "bare":
        lab = f"{a.build}/lab/{a.kernel}"
        return ["-kernel", f"{lab}/vmlinuz", "-initrd", f"{lab}/{a.image}",
                "-append", f"console=ttyS0 {a.cmdline}".strip()]
    if a.boot == "bios":
        return ["-cdrom", a.iso or f"{a.build}/mica.iso", "-boot", "d"]
    if a.boot == "uefi":
        return ["-drive", f"if=pflash,format=raw,readonly=on,file={OVMF}",
                "-cdrom", a.iso or f"{a.build}/mica.iso"]
    modules = [] if a.no_modules else a.module or default_modules(a)
    args = ["-kernel", a.hypervisor or f"{a.build}/mica.elf", "-append", hypervisor_options(a)]
    if modules:
        args += ["-initrd", ",".join(m.replace(",", ",,") for m in modules)]
    return args


def disk_args(disks, machine):
    args, bus = [], None
    for i, disk in enumerate(disks):
        kind, file = disk.split(":", 1)
        ro = ",readonly=on" if kind == "virtio-ro" else ""
        args += ["-drive", f"if=none,id=d{i},format=raw,file={file}{ro}"]
        if kind in ("virtio", "virtio-ro"):
            args += ["-device", f"virtio-blk-pci,drive=d{i}"]
        elif kind == "nvme":
            args += ["-device", f"nvme,drive=d{i},serial=mica{i}"]
        elif kind == "ahci":
            if machine == "q35":
                bus = "ide"
            elif not bus:
                bus = "ahci"
                args += ["-device", "ahci,id=ahci"]
            args += ["-device", f"ide-hd,drive=d{i},bus={bus}.{i}"]
        else:
            sys.exit(f"qemu.py: disk kind '{kind}' is not virtio, virtio-ro, ahci or nvme")
    return args


def nic_args(nics):
    models = {"virtio": "virtio-net-pci", "e1000": "e1000"}
    args = []
    for i, kind in enumerate(nics):
        args += ["-netdev", f"user,id=n{i}", "-device", f"{models[kind]},netdev=n{i}"]
    return args


def qemu_command(a):
    cmd = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max,-smap,-la57", "-machine", a.machine,
           "-smp", str(a.cpus), "-m", str(a.memory), "-nodefaults", "-vga", "std",
           "-no-reboot", "-display", "none",
           "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
    cmd += boot_args(a) + disk_args(a.disk, a.machine) + nic_args(a.nic)
    if a.interactive:
        # Ctrl-\ leads QEMU's own commands: Ctrl-a is the hypervisor's, Ctrl-] leaves a console.
        cmd += ["-serial", "mon:stdio", "-echr", "28"]
    elif a.gdb:
        cmd += ["-serial", f"file:{a.log or 'debug.log'}", "-s", "-S"]
    else:
        cmd += ["-serial", "stdio", "-monitor", "none"]
    return cmd + a.extra


def run_gdb(a, cmd):
    # A session of its own, so that Ctrl-C reaches gdb and not QEMU.
    qemu = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        return subprocess.call(["gdb", "-q", a.hypervisor or f"{a.build}/mica.elf",
                                "-ex", "target remote localhost:1234"])
    finally:
        qemu.kill()


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


def watch_until_end(a, qemu, watch):
    """Returns QEMU's status, or None if it had to be killed."""
    deadline = time.monotonic() + a.limit
    hung = None
    with selectors.DefaultSelector() as sel:
        sel.register(qemu.stdout, selectors.EVENT_READ)
        while True:
            left = deadline - time.monotonic()
            if left <= 0 and hung:
                watch.wrong = watch.wrong or hung
            elif left <= 0:
                hung = f"no end within {a.limit:.0f} s"
                deadline = time.monotonic() + ASKING_S
                if not a.xen and a.boot != "bare":
                    watch.keyboard.write(DEBUG_KEYS)
                    watch.keyboard.flush()
            elif sel.select(left):
                data = os.read(qemu.stdout.fileno(), 65536)
                if not data:
                    break
                watch.feed(data)
            if watch.wrong:
                qemu.kill()
                return None
    return qemu.wait()


def verdict(a, status, watch):
    if watch.wrong:
        return watch.wrong
    if watch.expected:
        return f"the console never said: {watch.expected[0].pattern}"
    if a.end is not None:
        if a.end == "off" and (a.xen or a.boot == "bare"):
            want = 0
        else:
            want = ENDS[a.end] << 1 | 1 if a.end in ENDS else int(a.end)
        if status != want:
            names = {code << 1 | 1: name for name, code in ENDS.items()}
            return (f"QEMU ended with status {status} ({names.get(status, 'no debug exit')}), "
                    f"not {want} ({a.end})")
    return None


def run_watched(a, cmd):
    watch = Watch(a)
    qemu = subprocess.Popen(cmd, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, start_new_session=True)
    watch.keyboard = qemu.stdin
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        wrong = verdict(a, watch_until_end(a, qemu, watch), watch)
    finally:
        qemu.kill()
        qemu.wait()
    if not wrong:
        return 0
    print(f"\nqemu.py: {wrong}")
    if a.quiet:
        print(f"--- the last lines of the console{' (' + a.log + ')' if a.log else ''}:")
        print("\n".join((watch.lines + [watch.rest.decode('utf-8', 'replace')])[-TAIL_LINES:]))
    return 1


def main():
    a = parse_args()
    cmd = qemu_command(a)
    if a.print:
        print(" ".join(f"'{w}'" if " " in w or "," in w else w for w in cmd))
        return 0
    if a.interactive:
        os.execvp(cmd[0], cmd)
    if a.gdb:
        return run_gdb(a, cmd)
    return run_watched(a, cmd)


if __name__ == "__main__":
    sys.exit(main())
