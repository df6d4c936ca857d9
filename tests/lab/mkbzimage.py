#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""mkbzimage.py METHOD KERNEL OUT: wraps KERNEL as a bzImage, for tests of mica-unpack.

METHOD is xz, zstd, gzip, lz4, bzip2, lzma, or none.  Real-mode code is empty; the header has what
the boot protocol 2.08 says about the payload.
"""
import struct
import subprocess
import sys

METHODS = {
    "xz": ["xz", "--check=crc32", "--x86", "--lzma2=dict=32MiB", "-c"],
    "zstd": ["zstd", "-19", "--long=27", "-qc"],
    "gzip": ["gzip", "-9nc"],
    "lz4": ["lz4", "-l", "-qc"],
    "bzip2": ["bzip2", "-c"],
    "lzma": ["xz", "--format=lzma", "-c"],
    "none": ["cat"],
}
SETUP_SECTS = 4
STUB_BYTES = 300        # protected-mode code before the payload


def main(method, kernel, out):
    with open(kernel, "rb") as f:
        data = f.read()
    payload = subprocess.run(METHODS[method], input=data, stdout=subprocess.PIPE, check=True).stdout
    if method != "gzip":
        payload += struct.pack("<I", len(data))
    image = bytearray((SETUP_SECTS + 1) * 512)
    image[0x1f1] = SETUP_SECTS
    image[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", image, 0x206, 0x20f)
    image[0x211] = 1
    struct.pack_into("<II", image, 0x248, STUB_BYTES, len(payload))
    with open(out, "wb") as f:
        f.write(image + bytes(STUB_BYTES) + payload + b"\xcc" * 64)


if __name__ == "__main__":
    main(*sys.argv[1:])
