#!/usr/bin/env python3
"""Reads a TensorBoard event file, every byte of it, from the descriptions of its formats, and prints
what it holds as lines of Lua; for spec/tensorboard_spec.lua. Plain Python; shares no code with the
writer.

    python3 tests/golden/events.py FILE

TFRecord framing: tensorflow/core/lib/io/record_writer.h. Wire format:
protobuf.dev/programming-guides/encoding. Messages: tensorflow/core/util/event.proto,
tensorflow/core/framework/summary.proto.
"""
import struct
import sys


def crc32c(data):
    """Bit by bit, by the polynomial 0x1EDC6F41 with bits mirrored."""
    crc = 0xFFFFFFFF
    for byte in data:
        for bit in range(8):
            low = (crc ^ byte >> bit) & 1
            crc >>= 1
            if low:
                crc ^= int("{:032b}".format(0x1EDC6F41)[::-1], 2)
    return crc ^ 0xFFFFFFFF


assert crc32c(b"123456789") == 0xE3069283  # the check value of the catalogue of CRCs


def unmasked(crc):
    rotated = (crc - 0xA282EAD8) & 0xFFFFFFFF
    return (rotated >> 17 | rotated << 15) & 0xFFFFFFFF


def records(data):
    at = 0
    while at < len(data):
        length, crc = struct.unpack_from("<QI", data, at)
        assert crc32c(data[at:at + 8]) == unmasked(crc), "checksum of the length at byte %d" % at
        body = data[at + 12:at + 12 + length]
        assert len(body) == length, "record cut off at byte %d" % at
        (crc,) = struct.unpack_from("<I", data, at + 12 + length)
        assert crc32c(body) == unmasked(crc), "checksum of the data at byte %d" % at
        yield body
        at += 16 + length


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if not data[at - 1] & 0x80:
            return value, at


def fields(data):
    """(field number, wire type, value) of a message."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = varint(data, at)
        elif wire in (1, 5):
            value, at = data[at:at + (8 if wire == 1 else 4)], at + (8 if wire == 1 else 4)
        else:
            assert wire == 2, "wire type %d" % wire
            length, at = varint(data, at)
            value, at = data[at:at + length], at + length
            assert len(value) == length
        yield number, wire, value


def one(kind, value):
    return struct.unpack("<" + kind, value)[0]


def lua(v):
    if isinstance(v, (list, tuple)):
        return "{" + ",".join(map(lua, v)) + "}"
    if isinstance(v, dict):
        return "{" + ",".join("%s=%s" % (k, lua(x)) for k, x in v.items()) + "}"
    if isinstance(v, float):
        return "0/0" if v != v else repr(v) if abs(v) != float("inf") else "1/0" if v > 0 else "-1/0"
    return '"%s"' % v if isinstance(v, str) else str(v)


def histogram(data):
    names = {1: "min", 2: "max", 3: "num", 4: "sum", 5: "sum_squares"}
    h = {}
    for number, wire, value in fields(data):
        if number in names:
            assert wire == 1
            h[names[number]] = one("d", value)
        else:
            assert number in (6, 7) and wire == 2
            h["limits" if number == 6 else "counts"] = list(struct.unpack("<%dd" % (len(value) // 8), value))
    return h


def summary(data):
    values = []
    for number, wire, value in fields(data):
        assert (number, wire) == (1, 2)
        entry = {}
        for number, wire, part in fields(value):
            if (number, wire) == (1, 2):
                entry["tag"] = part.decode("utf-8")
            elif (number, wire) == (2, 5):
                entry["value"] = one("f", part)
            else:
                assert (number, wire) == (5, 2), (number, wire)
                entry["histogram"] = histogram(part)
        values.append(entry)
    return values


def event(data):
    e = {}
    for number, wire, value in fields(data):
        if (number, wire) == (1, 1):
            e["time"] = one("d", value)
        elif (number, wire) == (2, 0):
            e["step"] = value
        elif (number, wire) == (3, 2):
            e["version"] = value.decode("ascii")
        elif (number, wire) == (5, 2):
            e["values"] = summary(value)
        else:
            assert (number, wire) == (7, 2), (number, wire)
            e["session"] = [v for n, w, v in fields(value) if (n, w) == (1, 0)][0]
    return e


with open(sys.argv[1], "rb") as file:
    for body in records(file.read()):
        print(lua(event(body)))
