#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
#   tour.sh [SUBJECT]      the source as a guided walk: comments tagged tour:SUBJECT/N, in order
#
# Each stop is the comment that carries the tag and the code after it, up to the first empty line.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec python3 - "$@" <<'PY'
import glob, re, sys

MOST = 45		# lines of code shown at one stop
stops = []
for name in sorted(glob.glob("hypervisor/*/*.[chS]") + glob.glob("dom0-tools/*/*.[ch]")):
    text = open(name).read()
    for comment in re.finditer(r"/\*.*?\*/", text, re.S):
        for subject, number in re.findall(r"tour:([a-z0-9_-]+)/([0-9]+)", comment.group()):
            code = text[comment.end():].lstrip("\n").split("\n\n", 1)[0].split("\n")[:MOST]
            shown = re.sub(r"[ \t]*tour:[a-z0-9_-]+/[0-9]+", "", comment.group())
            line = text.count("\n", 0, comment.start()) + 1
            stops.append((subject, int(number), name, line, shown + "\n" + "\n".join(code)))
wanted = sys.argv[1:]
for subject, number, name, line, body in sorted(stops):
    if not wanted or subject in wanted:
        print(f"\n=== {subject} {number}: {name}:{line}\n\n{body}")
PY
