"""Tables as Seaworthy keeps them: src/data/batch_codec.cc says how."""

import collections
import struct

import numpy as np

from .builder import TEXT, is_missing

VERSION, READER_MIN = 0, 0
TYPES = {"bool": 0, "int64": 1, "float64": 2, "string": 3}
NULLABLE, HAS_NULLS = 1, 2

Column = collections.namedtuple("Column", "name type cells")  # None is null; NaN is a number


def column_of(name, kind, values):
    """A column of the exporter's (rows.py), in which what is missing is null."""
    if kind == TEXT:
        return Column(name, "string", [None if is_missing(value) else str(value) for value in values])
    make = {"bool": bool, "int64": int, "float64": float}[kind]
    return Column(name, kind, [None if is_missing(value) else make(value) for value in values])


def encode(columns):
    """The one form that these columns have. All are of one length."""
    rows = len(columns[0].cells) if columns else 0
    parts = [b"SWBT", bytes([VERSION, READER_MIN]), _varint(len(columns)), _varint(rows)]
    for column in columns:
        nulls = [cell is None for cell in column.cells]
        flags = NULLABLE | (HAS_NULLS if any(nulls) else 0)
        parts += [_text(column.name), bytes([TYPES[column.type], flags]), _bits(nulls) if any(nulls) else b""]
        parts.append(_values(column.type, [cell for cell in column.cells if cell is not None]))
    return b"".join(parts)


def _values(kind, cells):
    if kind == "bool":
        return _bits(cells)
    if kind == "float64":
        return struct.pack(f"<{len(cells)}d", *cells)
    if kind == "int64":
        return b"".join(_varint(((cell << 1) ^ (cell >> 63)) & (2**64 - 1)) for cell in cells)
    return b"".join(map(_text, cells))


def _bits(cells):
    return np.packbits(np.array(cells, dtype=bool), bitorder="little").tobytes()


def _text(text):
    encoded = text.encode("utf-8")
    return _varint(len(encoded)) + encoded


def _varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
