#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Which functions cost more in the last ten rounds of a bench than in the first ten.

    tests/bench/profile.py BUILD LOG BLOCKS

BLOCKS is what the plugin tests/bench/count.c wrote, LOG the console, with dom0's /proc/kallsyms between
KALLSYMS-BEGIN and KALLSYMS-END (gzip, base64).  A block belongs to the hypervisor by its address, to
dom0's kernel by its symbols, and to a program of dom0 or of the lab by its bytes at its place in a page:
programs and libraries lie at other addresses each time, but whole pages apart.

Prints medians of ten rounds each: a round in which something else happens does not show.
"""
import base64
import bisect
import collections
import gzip
import pathlib
import statistics
import struct
import subprocess
import sys

TEN = 10
ROWS = 30
PAGE = 4096
LIBRARIES = ("libc.so", "libxen", "ld-linux")


class Program:
    """An ELF file: its code by address, its functions in order of addresses."""

    def __init__(self, path):
        self.name = pathlib.Path(path).name
        self.data = pathlib.Path(path).read_bytes()
        self.code = []
        at, size, n = (*struct.unpack_from("<Q", self.data, 32), *struct.unpack_from("<HH", self.data, 54))
        for i in range(n):
            kind, flags, offset, address, _, bytes_ = struct.unpack_from("<IIQQQQ", self.data, at + i * size)
            if kind == 1 and flags & 1:
                self.code.append((address, offset, bytes_))
        found = set()
        for option in ("-n", "-nD"):
            listed = subprocess.run(["nm", option, "--defined-only", path], capture_output=True, text=True)
            for line in listed.stdout.splitlines():
                words = line.split()
                if len(words) == 3 and words[1] in "tTwWi":
                    found.add((int(words[0], 16), words[2].split("@")[0]))
        self.functions = sorted(found)
        self.starts = [start for start, _ in self.functions]

    def function(self, address):
        i = bisect.bisect_right(self.starts, address) - 1
        return f"{self.name}: {self.functions[i][1] if i >= 0 else '?'}"

    def has(self, address, code):
        """Exactly there."""
        return any(start <= address < start + n and self.data.startswith(code, address - start + offset)
                   for start, offset, n in self.code)

    def places(self, address, code):
        """Wherever the same place of a page has these bytes."""
        for start, offset, n in self.code:
            for at in range(offset + (address - start) % PAGE, offset + n, PAGE):
                if self.data.startswith(code, at):
                    yield at - offset + start


class Names:
    def __init__(self, build, log):
        self.hypervisor = Program(build / "mica.elf")
        self.guest = Program(build / "lab/tiny.elf")
        tools = [p for p in (build / "tools").iterdir() if p.name in
                 ("mica", "mica-stored", "mica-consoled")]
        libraries = [p for p in (build / "lab/xen-tools/root").rglob("*.so*")
                     if p.name.startswith(LIBRARIES) and not p.is_symlink() and p.is_file()]
        self.programs = [Program(p) for p in tools + libraries if p.read_bytes()[:4] == b"\x7fELF"]
        text = log.read_text(errors="replace").split("KALLSYMS-BEGIN")[1].split("KALLSYMS-END")[0]
        lines = gzip.decompress(base64.b64decode("".join(text.split()))).decode().splitlines()
        self.kernel = sorted((int(w[0], 16), "".join(w[2:])) for w in map(str.split, lines))
        self.starts = [start for start, _ in self.kernel]

    def of(self, owner, address, code):
        if owner == "hypervisor":
            return "hypervisor", self.hypervisor.function(address)
        if address >> 63:
            if self.guest.has(address, code):
                return "guests", self.guest.function(address)
            i = bisect.bisect_right(self.starts, address) - 1
            return "dom0's kernel", f"kernel: {self.kernel[i][1]}"
        for program in self.programs:
            if program.has(address, code):
                return program.name, program.function(address)
        found = [(p, at) for p in self.programs for at in p.places(address, code)]
        if len(found) == 1:
            return found[0][0].name, found[0][0].function(found[0][1])
        return "other programs", "other programs"


def read_rounds(path, names):
    """For each round two counters of instructions: by part, and by function."""
    rounds, known = {}, {}
    with open(path, encoding="ascii") as lines:
        for line in lines:
            number, owner, address, n, times, *code = line.split()
            key = (owner, address, *code)
            if key not in known:
                known[key] = names.of(owner, int(address, 16), bytes.fromhex("".join(code)))
            parts, functions = rounds.setdefault(int(number), (collections.Counter(), collections.Counter()))
            parts[known[key][0]] += int(n) * int(times)
            functions[known[key][1]] += int(n) * int(times)
    return [rounds[number] for number in sorted(rounds)]


def table(title, first, last, guests, rows):
    found = []
    for key in set().union(*first, *last):
        early = statistics.median(r[key] for r in first)
        late = statistics.median(r[key] for r in last)
        found.append((late - early, early, late, key))
    found.sort(key=lambda row: -abs(row[0]))
    print(f"{'first ten':>12} {'last ten':>12} {'growth':>10} {'per guest':>10}  {title}")
    for growth, early, late, key in found[:rows]:
        print(f"{early:12.0f} {late:12.0f} {growth:10.0f} {growth / guests:10.1f}  {key}")
    early, late, growth = (sum(row[i] for row in found) for i in (1, 2, 0))
    print(f"{early:12.0f} {late:12.0f} {growth:10.0f} {growth / guests:10.1f}  all\n")


def main():
    build, log, blocks = map(pathlib.Path, sys.argv[1:4])
    rounds = read_rounds(blocks, Names(build, log))
    if len(rounds) < 2 * TEN:
        sys.exit(f"profile: {len(rounds)} rounds, at least {2 * TEN} are needed")
    for i, title in enumerate(("part", "function")):
        first, last = ([r[i] for r in ten] for ten in (rounds[:TEN], rounds[-TEN:]))
        table(title, first, last, len(rounds) - TEN, ROWS)


if __name__ == "__main__":
    main()
