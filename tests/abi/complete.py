#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Is every name in abi/mica covered by a line in tests/abi/facts?

Reads the headers and the fact lists as text.  Every structure must have a SIZE line,
every named field a FIELD line, every macro, enumerator and hypercall a line that
mentions it - or a line in ours-only.list, which says why Debian's headers cannot know
it.  Padding (fields called _pad*) needs no line: the size of the structure and the
offsets of its neighbours pin it.  Prints one line per gap and a closing count.

usage: complete.py ABI_DIR FACTS_DIR OURS_ONLY_LIST
"""
import pathlib
import re
import sys

DECLARATOR = re.compile(r"([A-Za-z_]\w*)\s*((?:\[[^\]]*\])*)$")

FUNCTION = re.compile(r"\(\*(\w+)\)\(")


def strip_comments(text):
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.S)


def closing_brace(text, start):
    """Index of the brace that closes the one at start."""
    depth = 0
    for i in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[i], 0)
        if depth == 0:
            return i
    raise ValueError("unbalanced braces")


def members(body, prefix=""):
    """Paths of all fields in a structure body; anonymous inner types are descended into."""
    pos = 0
    while True:
        inner = re.compile(r"\s*(?:struct|union)\s*\{").match(body, pos)
        if inner:
            end = closing_brace(body, inner.end() - 1)
            name = re.compile(r"\s*(\w+)\s*;").match(body, end + 1)
            yield prefix + name.group(1)
            yield from members(body[inner.end():end], prefix + name.group(1) + ".")
            pos = name.end()
            continue
        plain = re.compile(r"\s*([^;{}]+);").match(body, pos)
        if not plain:
            return
        pointer = FUNCTION.search(plain.group(1))
        if pointer:
            yield prefix + pointer.group(1)
            pos = plain.end()
            continue
        for part in plain.group(1).split(","):
            yield prefix + DECLARATOR.search(part.strip()).group(1)
        pos = plain.end()


def names_in_header(path):
    """(kind, name) of everything a header defines that has a value or a place."""
    text = strip_comments(path.read_text())
    for match in re.finditer(r"^((?:struct|union) \w+) \{", text, re.M):
        yield "size", match.group(1)
        body = text[match.end():closing_brace(text, match.end() - 1)]
        for field in members(body):
            if not field.split(".")[-1].startswith("_pad"):
                yield "field", f"{match.group(1)}, {field}"
    for match in re.finditer(r"^enum \w+ \{(.*?)\};", text, re.M | re.S):
        for name in re.findall(r"(\w+)\s*=", match.group(1)):
            yield "name", name
    for match in re.finditer(r"^#define (\w+)(\(|[ \t]+\S)", text, re.M):
        yield "name", match.group(1)
    for match in re.finditer(r"^HYPERCALL\(\d+, (\w+)\)", text, re.M):
        yield "name", "__HYPERVISOR_" + match.group(1)


def main(abi, facts_dir, exempt_list):
    lists = sorted(pathlib.Path(facts_dir).glob("*.def"))
    headers = sorted(p for p in pathlib.Path(abi).rglob("*") if p.suffix in (".h", ".def"))
    text = "\n".join(strip_comments(p.read_text()) for p in lists)
    exempt = {line.split("#")[0].strip() for line in open(exempt_list)} - {""}
    sizes = set(re.findall(r"^SIZE2?\(((?:struct|union) \w+)", text, re.M))
    fields = set(re.findall(r"^FIELD2?\(((?:struct|union) \w+, [\w.]+)", text, re.M))
    words = set(re.findall(r"\w+", text))
    known = {"size": sizes, "field": fields, "name": words}
    found = set()
    passed = failed = 0
    for header in headers:
        for kind, name in names_in_header(header):
            found.add(name)
            if name in known[kind] or name in exempt:
                passed += 1
            else:
                failed += 1
                print(f"FAIL complete {header.name}: no fact for {kind} {name}")
    for name in sorted(exempt - found):
        failed += 1
        print(f"FAIL complete {exempt_list}: {name} no longer exists")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
