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
import signal
import subprocess
import sys

import watch as lab

OVMF = "/usr/share/OVMF/OVMF_CODE.fd"


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
    lab.add_arguments(add, limit=1200)
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


class Machine:
    def __init__(self, cmd):
        self.qemu = subprocess.Popen(cmd, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT, start_new_session=True)
        self.console = self.qemu.stdout.fileno()
        self.keyboard = self.qemu.stdin
        self.kill = self.qemu.kill
        self.wait = self.qemu.wait


def wanted_status(a):
    if a.end is None:
        return None
    return 0 if a.end == "off" and (a.xen or a.boot == "bare") else lab.wanted_status(a.end)


def run_watched(a, cmd):
    watch = lab.Watch(a)
    machine = Machine(cmd)
    watch.keyboard = machine.keyboard
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        has_debug_keys = not a.xen and a.boot != "bare"
        status = lab.watch_until_end(machine, watch, a.limit, has_debug_keys)
        wrong = lab.verdict(watch, status, wanted_status(a), "QEMU", a.end)
    finally:
        machine.kill()
        machine.wait()
    if not wrong:
        return 0
    lab.complain(a, "qemu.py", wrong, watch)
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
