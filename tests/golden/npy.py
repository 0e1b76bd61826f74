#!/usr/bin/env python3
"""Writes tests/golden/npy/: small arrays as NumPy 1.24 writes them. Element k of n, in row-major order,
is (7 k + n) mod 11 - 3, as a bool whether that is above 0, unsigned modulo 256.

Run in tests/golden; the files are kept, so that the specs need no NumPy."""
import os
import numpy as np

os.makedirs("npy", exist_ok=True)
names = []
ours = {"f2": "float32", "f4": "float32", "f8": "float64", "u1": "uint8", "b1": "uint8"}


def values(shape, descr):
    n = int(np.prod(shape))
    v = (np.arange(n) * 7 + n) % 11 - 3
    if descr[1] == "b":
        v = v > 0
    elif descr[1] == "u":
        v = v % 256
    return v.reshape(shape).astype(descr)


def note(name, descr, shape):
    names.append("%s %s %s" % (name, ours.get(descr[1:], "int64"), "x".join(map(str, shape))))


for descr in ["<f2", "<f4", "<f8", "|b1", "|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4", "<u8", ">f4",
              ">f8", ">i4"]:
    kind = {"b": "bool", "u": "_u"}.get(descr[1], descr[1])
    name = "%s%s_%s.npy" % (kind, descr[2:], "big" if descr[0] == ">" else "le")
    np.save("npy/" + name, values((3, 4), descr))
    note(name, descr, (3, 4))
for shape in [(), (1,), (0,), (5,), (2, 0, 3), (2, 3, 4), (2, 1, 3, 1, 2)]:
    for order in "CF":
        name = "shape_%s_%s.npy" % ("x".join(map(str, shape)), order)
        np.save("npy/" + name, np.asarray(values(shape, "<f4"), order=order))
        note(name, "<f4", shape)
for version in [(1, 0), (2, 0), (3, 0)]:
    name = "version_%d.npy" % version[0]
    with open("npy/" + name, "wb") as f:
        np.lib.format.write_array(f, np.asfortranarray(values((4, 3), "<f8")), version=version)
    note(name, "<f8", (4, 3))
np.savez("npy/stored.npz", x=values((3, 4), "<f4"))
note("stored.npz", "<f4", (3, 4))
np.savez_compressed("npy/deflated.npz", x=values((30, 40), "<i8"))
note("deflated.npz", "<i8", (30, 40))
with open("npy/list.txt", "w") as f:
    f.write("\n".join(names) + "\n")
