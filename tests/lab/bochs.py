#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Starts a lab machine in Bochs, watches its console and says whether it did what was expected.

Bochs is slower than QEMU's TCG by far, but knows what that does not: PCID and INVPCID, SMAP that does
not get in the way of ring 3, Intel's CPUs by their names (--cpu, `bochs --help cpu`).

Nothing is read through firmware: a small option ROM (bochsrom.S) fetches the hypervisor, its modules
and the Multiboot information, which this script makes, from the first disk, in one piece.

How it ended is found by Bochs's debugger: a breakpoint where the hypervisor would tell QEMU's debug-exit
port shows the code it would write.  With --end, that is compared; the option qemu-exit is not needed.
"""
import argparse
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile

import watch as lab

BIOS = "/usr/share/bochs/BIOS-bochs-latest"
VGA_BIOS = "/usr/share/vgabios/vgabios.bin"
ROM_ADDRESS = 0xd0000
MAP_ADDRESS = 0x8000        # as in bochsrom.S, and what its head says of the next two
ROM_NUMBERS = 8
ROM_SUM = 20
PAGE = 4096
SECTOR = 512
CYLINDER = 16 * 63 * SECTOR     # as Bochs counts them; a disk has whole ones
BASE = 1 << 20              # what is loaded starts here
MB1_MAGIC = 0x1badb002
MB1_FLAGS = 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9   # command line, modules, memory map, loader's name
END_SYMBOL = "begin_end"    # of cpu/panic.c; its argument is the code
MISSING = 77
# Registers every Intel CPU has and Bochs has not: number, type, value, reserved and ignored bits (high and
# low halves).  UCODE_REV; MISC_ENABLE with fast strings on.
MSRS = """\
0x08b 0 00000000 00000001 00000000 00000000 00000000 00000000
0x1a0 0 00000000 00000001 00000000 00000000 00000000 00000000
"""


def parse_args():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    add = p.add_argument
    add("--build", default="build", help="directory of the build")
    add("--kernel", default="6.1", help="kernel of the lab: 6.1 or 6.12")
    add("--image", default="initrd", help="dom0's image in the lab: initrd or initrd-guests")
    add("--hypervisor", help="other hypervisor image than BUILD/mica.elf")
    add("--module", action="append", help="replace the module list: 'FILE ARGS' (repeat)")
    add("--options", default="", help="more options for the hypervisor")
    add("--cmdline", default="", help="more words for dom0's command line")
    add("--cpu", default="broadwell_ult", help="model of the CPU, see: bochs --help cpu")
    add("--cpus", type=int, default=1)
    add("--memory", type=int, default=512, help="MiB of the machine")
    add("--dom0-memory", type=int, help="MiB of dom0; 0 leaves dom0_mem out")
    add("--mips", type=int, default=50, help="million instructions that take a second of its clock")
    lab.add_arguments(add, limit=1200)
    add("--code", action="store_true",
        help="exit with the status QEMU would have had; 124 if it did not end by itself")
    add("--keep", help="directory for what Bochs is given, and its log; kept")
    add("extra", nargs="*", help="more lines of Bochs's configuration, after --")
    return p.parse_args()


def align(n):
    return -(-n // PAGE) * PAGE


def modules(a):
    """Pairs (file, words)."""
    lab_files = f"{a.build}/lab/{a.kernel}"
    words = f"console=hvc0 {a.cmdline}".strip()
    given = a.module or [f"{lab_files}/vmlinux {words}", f"{lab_files}/{a.image}"]
    return [(m.partition(" ")[0], m.partition(" ")[2]) for m in given]


def hypervisor_options(a):
    words = ["console=com1", "com1=115200,8n1"]
    memory = a.dom0_memory if a.dom0_memory is not None else a.memory // 2
    if memory:
        words.append(f"dom0_mem={memory}M")
    return " ".join(words + a.options.split())


class Image:
    """The hypervisor's file, by the addresses in its Multiboot 1 header (0.6.96, section 3.1.3)."""

    def __init__(self, path):
        with open(path, "rb") as f:
            data = f.read()
        at = data.find(struct.pack("<I", MB1_MAGIC), 0, 8192)
        if at < 0 or at % 4:
            sys.exit(f"bochs.py: {path} has no Multiboot 1 header")
        _, _, _, header, self.start, end, self.bss_end, self.entry = \
            struct.unpack_from("<8I", data, at)
        offset = at - (header - self.start)
        self.bytes = data[offset:offset + end - self.start]
        self.bytes += bytes(self.bss_end - end)
        if self.start < BASE:
            sys.exit(f"bochs.py: {path} wants to be below {BASE:#x}")


def make_memory(a, image, out):
    """Writes what is to stand in memory from BASE on.  Returns where the Multiboot information is,
    and how many sectors all is."""
    info_at = align(image.bss_end)
    texts, where = b"", info_at + 1024

    def text(s):
        nonlocal texts
        at = where + len(texts)
        texts += s.encode() + b"\0"
        return at

    listed = modules(a)
    cmdline = text("mica.elf " + hypervisor_options(a))
    loader = text("Bochs")
    strings = [text(f"{os.path.basename(f)} {words}") for f, words in listed]
    at = align(where + len(texts))
    out.seek(image.start - BASE)
    out.write(image.bytes)
    table = b""
    for (file, _), string in zip(listed, strings):
        with open(file, "rb") as f:
            out.seek(at - BASE)
            shutil.copyfileobj(f, out, 1 << 20)
        end = BASE + out.tell()
        table += struct.pack("<4I", at, end, string, 0)
        at = align(end)
    table_at = info_at + 128
    info = struct.pack("<18I", MB1_FLAGS, 0, 0, 0, cmdline, len(listed), table_at, 0, 0, 0, 0,
                       0, MAP_ADDRESS, 0, 0, 0, loader, 0)
    out.seek(info_at - BASE)
    out.write(info.ljust(table_at - info_at, b"\0") + table)
    out.seek(where - BASE)
    out.write(texts)
    if at > (a.memory << 20) - (1 << 20):
        sys.exit(f"bochs.py: the modules do not fit into {a.memory} MiB")
    out.truncate(-(-(at - BASE) // CYLINDER) * CYLINDER)
    return info_at, (at - BASE) // SECTOR


def make_rom(work, *numbers):
    here = os.path.dirname(os.path.abspath(__file__))
    subprocess.run(["gcc", "-m32", "-c", f"-DROM_ADDRESS={ROM_ADDRESS}",
                    f"-DLOAD_ADDRESS={BASE}", f"{here}/bochsrom.S", "-o", f"{work}/rom.o"], check=True)
    subprocess.run(["ld", "-m", "elf_i386", "-Ttext=0", "--oformat", "binary",
                    f"{work}/rom.o", "-o", f"{work}/rom.bin"], check=True)
    with open(f"{work}/rom.bin", "r+b") as f:
        rom = bytearray(f.read())
        struct.pack_into("<3I", rom, ROM_NUMBERS, *numbers)
        rom[ROM_SUM] = -sum(rom) & 0xff
        f.seek(0)
        f.write(rom)


def end_addresses(path):
    """The first two instructions of END_SYMBOL.  With more than one CPU, Bochs does not see a breakpoint
    where a CPU's turn happens to end."""
    code = subprocess.run(["objdump", "-d", "--no-show-raw-insn", f"--disassemble={END_SYMBOL}", path],
                          check=True, capture_output=True, text=True).stdout
    found = re.findall(r"^ *([0-9a-f]+):\t", code, re.M)
    if len(found) < 2:
        sys.exit(f"bochs.py: {path} has no function {END_SYMBOL}, where the machine's end is seen")
    return found[:2]


def make_files(a, work, port):
    path = a.hypervisor or f"{a.build}/mica.elf"
    image = Image(path)
    with open(f"{work}/memory.bin", "wb") as out:
        info_at, sectors = make_memory(a, image, out)
    make_rom(work, image.entry, info_at, sectors)
    lines = [
        'display_library: rfb, options="timeout=0"',
        "plugin_ctrl: unmapped=1, biosdev=1, serial=1, speaker=0, parallel=0, gameport=0",
        f"cpu: model={a.cpu}, count={a.cpus}, ips={a.mips}000000, reset_on_triple_fault=0, "
        f"msrs={work}/msrs.def",
        f"memory: guest={a.memory}, host={a.memory}",
        f"romimage: file={BIOS}, options=fastboot",
        f"vgaromimage: file={VGA_BIOS}",
        f"optromimage1: file={work}/rom.bin, address={ROM_ADDRESS:#x}",
        f"ata0-master: type=disk, mode=flat, path={work}/memory.bin",
        "boot: disk",
        "clock: sync=none, time0=utc",
        f"log: {work}/bochs.log",
        "panic: action=fatal",
        "error: action=report",
        "info: action=report",
        "debug: action=ignore",
        f"com1: enabled=1, mode=socket-client, dev=localhost:{port}",
    ]
    with open(f"{work}/bochsrc", "w") as f:
        f.write("\n".join(lines + a.extra) + "\n")
    with open(f"{work}/msrs.def", "w") as f:
        f.write(MSRS)
    with open(f"{work}/commands", "w") as f:
        f.writelines(f"lb 0x{address}\n" for address in end_addresses(path))
        f.write("c\n")
        f.writelines(f"set $cpu = {cpu}\nr\n" for cpu in range(a.cpus))
        f.write("q\n")


class Machine:
    def __init__(self, a, work):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            make_files(a, work, listener.getsockname()[1])
            self.said = f"{work}/bochs.out"
            with open(self.said, "wb") as out:
                self.bochs = subprocess.Popen(
                    ["bochs-bin", "-q", "-unlock", "-f", f"{work}/bochsrc",
                     "-rc", f"{work}/commands"], stdin=subprocess.DEVNULL, stdout=out,
                    stderr=subprocess.STDOUT, start_new_session=True)
            self.kill = self.bochs.kill
            self.line = self.accept(listener)
        self.console = self.line.fileno()
        self.keyboard = self.line.makefile("wb", buffering=0)

    def accept(self, listener):
        listener.settimeout(1)
        while True:
            try:
                return listener.accept()[0]
            except TimeoutError:
                if self.bochs.poll() is not None:
                    sys.exit(f"bochs.py: Bochs does not start:\n{self.last_words()}")

    def last_words(self):
        with open(self.said, encoding="latin-1") as f:
            return "".join(f.readlines()[-12:])

    def wait(self):
        """The status QEMU would have had; Bochs's own if it ended in another way."""
        status = self.bochs.wait()
        with open(self.said, encoding="latin-1") as f:
            said = f.read()
        stop = re.search(r"\((\d+)\) Breakpoint ", said)
        code = stop and re.search(rf"^CPU{stop[1]}:.*?^rdi: ([0-9a-f_]+)", said[stop.end():], re.M | re.S)
        return lab.exit_status(int(code[1].replace("_", ""), 16) & 0xff) if code else status


def run(a, work):
    watch = lab.Watch(a)
    machine = Machine(a, work)
    watch.keyboard = machine.keyboard
    try:
        status = lab.watch_until_end(machine, watch, a.limit, True)
        want = lab.wanted_status(a.end) if a.end is not None else None
        wrong = lab.verdict(watch, status, want, "Bochs", a.end)
    finally:
        machine.kill()
        machine.bochs.wait()
    if wrong:
        lab.complain(a, "bochs.py", wrong, watch)
        if status == 1:
            print(f"--- Bochs said last:\n{machine.last_words()}")
    if a.code:
        return 124 if status is None else status
    return 1 if wrong else 0


def main():
    a = parse_args()
    if not (shutil.which("bochs-bin") and os.path.exists(BIOS) and os.path.exists(VGA_BIOS)):
        print("no Bochs: tests/lab/setup.sh packages bochs")
        return MISSING
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if a.keep:
        os.makedirs(a.keep, exist_ok=True)
        return run(a, os.path.abspath(a.keep))
    with tempfile.TemporaryDirectory(prefix="bochs.") as work:
        return run(a, work)


if __name__ == "__main__":
    sys.exit(main())
