#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""formats.py DIR: what `mica` printed, read by real parsers.

For each NAME in DIR there are NAME.json, NAME.jsonl and NAME.csv of the same question.  JSON says its
schema; all three have the same rows with the same keys in the same order; numbers are numbers in
JSON and the same digits in CSV.  Values that change with time (CPU time, uptime) may differ.
"""
import csv
import json
import pathlib
import sys

CHANGING = ("cpu_ns", "uptime_s", "cpu_percent", "free_kib", "state", "cpu", "cpu_khz")
EXPECT = {
    "list": ["dom0", "tiny"], "cpu-show": ["dom0", "tiny"], "memory-show": ["dom0", "tiny"],
    "top": ["dom0", "tiny"], "info-domain": ["tiny"], "cpu-weight": ["tiny"],
}


def fail(text):
    sys.exit(f"formats: {text}")


def load(path):
    try:
        return json.loads(path.read_text())
    except ValueError as e:
        fail(f"{path.name}: {e}")


def rows_of(document):
    """The rows of a list, or the record itself."""
    lists = [v for v in document.values() if isinstance(v, list)]
    return lists[0] if lists else [{k: v for k, v in document.items() if k != "schema"}]


def as_text(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def same(name, a, b, kind):
    if list(a) != list(b):
        fail(f"{name}: keys of json {list(a)} and {kind} {list(b)} differ")
    for key in a:
        if key not in CHANGING and as_text(a[key]) != as_text(b[key]):
            fail(f"{name}: {key} is {a[key]!r} in json and {b[key]!r} in {kind}")


def check(directory, name):
    document = load(directory / f"{name}.json")
    schema = document.get("schema", "")
    if not schema.startswith("mica/") or not schema.split("/")[-1].isdigit():
        fail(f"{name}.json: schema '{schema}' is not mica/NAME/VERSION")
    rows = rows_of(document)
    with open(directory / f"{name}.csv", newline="", encoding="utf-8") as f:
        table = list(csv.DictReader(f, strict=True))
    lines = []
    for line in (directory / f"{name}.jsonl").read_text().splitlines():
        row = json.loads(line)
        if row.pop("schema", None) != schema:
            fail(f"{name}.jsonl: a line of another schema than {schema}")
        lines.append(row)
    if not rows or not len(rows) == len(table) == len(lines):
        fail(f"{name}: {len(rows)} rows in json, {len(lines)} in jsonl, {len(table)} in csv")
    if name == "top":       # sorted by use, which changes
        rows, lines, table = (sorted(r, key=lambda row: row["name"]) for r in (rows, lines, table))
    for row, line, cells in zip(rows, lines, table):
        same(name, row, line, "jsonl")
        same(name, row, cells, "csv")
        for key, value in row.items():
            if key.endswith(("_kib", "_ns", "_s", "_percent")) and isinstance(value, str):
                fail(f"{name}.json: {key} is a string")
    if name in EXPECT and sorted({row["name"] for row in rows}) != EXPECT[name]:
        fail(f"{name}: is about {[row['name'] for row in rows]}")
    print(f"{name}: {schema}, {len(rows)} rows")


def main(directory):
    directory = pathlib.Path(directory)
    names = sorted(p.stem for p in directory.glob("*.csv"))
    if len(names) != 11:
        fail(f"only {names}")
    for name in names:
        check(directory, name)
    error = load(directory / "error.json")
    if (error["schema"], error["code"], error["exit"]) != ("mica/error/1", "MICA-DOM-001", 3):
        fail(f"error.json: {error}")
    plan = load(directory / "plan.json")
    if (plan["schema"], plan["action"], plan["subject"]) != ("mica/plan/1", "destroy", "tiny"):
        fail(f"plan.json: {plan}")


if __name__ == "__main__":
    main(sys.argv[1])
